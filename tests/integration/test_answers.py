"""How the handler reads an event."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.calls import ACME, ask, call, event_for
from tools.world import BODY

type Reads = list[dict[str, Any]]

pytestmark = pytest.mark.usefixtures("world")

SECRET = "never-to-be-repeated"  # noqa: S105 -- a value that no answer may hold


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS", "PATCH", "PUT"])
def test_any_method_but_get_and_post_is_a_405_before_any_read(method: str, reads: Reads) -> None:
    answer = call(event_for() | {"httpMethod": method})
    assert (answer.status, answer.name) == (405, "MethodNotAllowed")
    assert reads == []


@pytest.mark.parametrize(
    "path",
    ["/", "", "//", "/api/network/v1/enterprises/a", "{path}/more", "{path}/more/", "x{path}"],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_any_other_path_is_a_404_for_every_method(method: str, path: str) -> None:
    event = event_for() | {"httpMethod": method}
    answer = call(event | {"path": path.format(path=event["path"])})
    assert (answer.status, answer.name) == (404, "RouteNotFound")


@pytest.mark.parametrize("slashes", ["/", "//"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_slashes_after_the_path_are_ignored(method: str, slashes: str) -> None:
    event = event_for() | {"httpMethod": method}
    assert call(event | {"path": event["path"] + slashes}) == call(event)


def test_a_refusal_names_each_field_in_its_details_and_in_one_sentence() -> None:
    answer = ask(body=BODY | {"amount": {"currency": "BTC", "quantity": 1}, "nonce": ""})
    assert answer.body["error"] == (
        "The request is invalid: amount.quantity must be a string; nonce must not be empty."
    )
    assert answer.body["details"] == [
        {"field": "amount.quantity", "message": "must be a string"},
        {"field": "nonce", "message": "must not be empty"},
    ]


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"enterprise_id": "a" * 5000}, "enterpriseId"),
        ({"enterprise_id": "%FF"}, "enterpriseId"),
        ({"connection_id": "%FF"}, "connectionId"),
        ({"connection_id": quote(ACME["connection_id"] + "\n")}, "connectionId"),
        ({"body": ""}, "body"),
        ({"body": b"\xff"}, "body"),
        ({"body": '{"notes": "\ud800"}'}, "body"),
        ({"body": "[" * 64_000}, "body"),
    ],
)
def test_a_bad_part_of_the_request_is_a_400_that_names_it(
    parts: dict[str, Any], field: str
) -> None:
    answer = ask(**parts)
    assert answer.status == 400
    assert [detail["field"] for detail in answer.body["details"]] == [field]


@pytest.mark.parametrize(
    "parts",
    [
        {"connection_id": SECRET, "enterprise_id": f"%{SECRET}"},
        {"connection_id": f"%FF{SECRET}"},
        {"body": f'{{"{SECRET} ": "{SECRET}"}}'},
    ],
)
def test_a_refusal_never_repeats_the_path_or_the_body(parts: dict[str, str]) -> None:
    answer = ask(**parts)
    assert answer.status == 400
    assert SECRET not in answer.text


def test_a_base64_body_gives_the_same_bytes_as_a_text_body() -> None:
    body = BODY | {"notes": " Größe 清算 🏦 e\u0301 \u2028\0"}
    as_text = ask(body=json.dumps(body, ensure_ascii=False))
    assert json.loads(as_text.body["payload"])["notes"] == body["notes"]
    assert ask(body=json.dumps(body, ensure_ascii=False).encode()).text == as_text.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_the_content_type_does_not_matter(content_type: str) -> None:
    headers = {"Authorization": [f"Bearer {ACME['token']}"], "Content-Type": [content_type]}
    assert ask(headers=headers).status == 200
