"""The contract's table of fields, tested through the handler."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.calls import ACME, METHODS, ask, call, event_for, sample_event
from tests.unit.test_event import NO_USABLE_TOKEN
from tests.unit.test_request import BAD_CONNECTION_IDS, MESSAGES, REFUSED, SECRET
from tools.world import BODY

pytestmark = pytest.mark.usefixtures("world")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("body", "field"), [pytest.param(b, f, id=i) for i, b, f in REFUSED])
def test_a_bad_body_is_a_400_that_names_the_field(method: str, body: object, field: str) -> None:
    answer = ask(method, body=body)
    assert (answer.status, answer.name) == (400, "InvalidRequest")
    assert field in answer.fields


@pytest.mark.parametrize("connection_id", BAD_CONNECTION_IDS[1:])
def test_a_connection_id_that_is_not_a_uuid_is_a_400(connection_id: str) -> None:
    answer = ask(connection_id=quote(connection_id, safe=""))
    assert (answer.status, answer.fields) == (400, ["connectionId"])


@pytest.mark.parametrize(
    "enterprise_id",
    [
        "a" * 257,
        "a" * 5000,
        "%E6%97%A5" * 257,
        "%FF",  # not UTF-8
        "%ED%A0%80",  # a surrogate
        "%C0%AF",  # an overlong slash
        "100%",
        "%zz",
        "%2",
    ],
)
def test_an_enterprise_id_that_is_too_long_or_not_text_is_a_400(enterprise_id: str) -> None:
    answer = ask(enterprise_id=enterprise_id)
    assert (answer.status, answer.fields) == (400, ["enterpriseId"])


@pytest.mark.parametrize(
    ("segment", "enterprise_id"),
    [
        ("acme%2Dcapital", "acme-capital"),
        ("acme%252Dcapital", "acme%2Dcapital"),
        ("a%2Fb", "a/b"),
        ("a%23b", "a#b"),
        ("a%00b", "a\0b"),
        ("a+b", "a+b"),
        ("%E6%97%A5" * 256, "日" * 256),
    ],
)
def test_the_enterprise_id_is_decoded_once(
    reads: list[dict[str, Any]], segment: str, enterprise_id: str
) -> None:
    ask(enterprise_id=segment)
    (wanted,) = reads[0]["RequestItems"].values()
    assert {key["pk"]["S"] for key in wanted["Keys"]} == {f"ENTERPRISE#{enterprise_id}"}


def test_the_error_holds_the_details_in_one_sentence() -> None:
    answer = ask(body=BODY | {"amount": {"currency": "BTC", "quantity": 1}, "nonce": ""})
    assert answer.body["error"] == (
        "The request is invalid: amount.quantity must be a string; nonce must not be empty."
    )


@pytest.mark.parametrize(("parts", "field", "message"), MESSAGES)
def test_a_refusal_says_what_the_field_must_be(
    parts: dict[str, Any], field: str, message: str
) -> None:
    assert ask(**parts).body["details"] == [{"field": field, "message": message}]


@pytest.mark.parametrize("connection_id", [SECRET, f"%FF{SECRET}"])
def test_a_refusal_never_repeats_the_path(connection_id: str) -> None:
    assert SECRET not in ask(connection_id=connection_id, enterprise_id=f"%{SECRET}").text


@pytest.mark.parametrize("broken", ["eyJhIjoxfQ=", "é", "="])
def test_broken_base64_is_a_400(broken: str) -> None:
    event = event_for(body=b"")
    event["body"] = broken
    detail = {"field": "body", "message": "must be valid base64"}
    assert call(event).body["details"] == [detail]


def test_a_lone_surrogate_in_a_text_body_is_a_400() -> None:
    assert ask(body='{"notes": "\ud800"}').fields == ["body"]


def test_a_base64_body_gives_the_same_bytes_as_a_text_body() -> None:
    body = BODY | {"notes": "Größe 清算 🏦"}
    as_text = ask(body=json.dumps(body, ensure_ascii=False))
    assert as_text.status == 200
    assert ask(body=json.dumps(body, ensure_ascii=False).encode()).text == as_text.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_the_content_type_does_not_matter(content_type: str) -> None:
    headers = {
        "Authorization": [f"Bearer {ACME['token']}"],
        "Content-Type": [content_type],
    }
    assert ask(headers=headers).status == 200


def test_a_body_of_the_largest_size_is_accepted() -> None:
    assert ask(body=json.dumps(BODY).ljust(64 * 1024)).status == 200


@pytest.mark.parametrize(
    "text", [" trimmed? ", "e\u0301 is not é", "\u2028", "\0", "🏦", "\ufeff", '"\\/']
)
def test_text_is_signed_unchanged(text: str) -> None:
    body = {"notes": text, "nonce": text, "clientExternalId": text}
    payload = json.loads(ask(body=BODY | body).body["payload"])
    assert {name: payload[name] for name in body} == body


@pytest.mark.parametrize("headers", NO_USABLE_TOKEN)
def test_anything_but_one_bearer_token_is_unauthenticated(headers: dict[str, Any]) -> None:
    event = event_for()
    event["headers"], event["multiValueHeaders"] = None, headers
    assert call(event).name == "Unauthenticated"


def test_an_event_without_headers_is_unauthenticated() -> None:
    event = sample_event("200-post") | {"headers": None, "multiValueHeaders": None}
    assert call(event).name == "Unauthenticated"


@pytest.mark.parametrize("missing", ["headers", "multiValueHeaders"])
def test_either_map_of_headers_is_enough(missing: str) -> None:
    event = event_for()
    event[missing] = None
    assert call(event).status == 200
