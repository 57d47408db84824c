"""The answers to events: the contract's checks, a row each, and what of an event does not matter."""

import json
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from tests.support.calls import ACME, METHODS, ask, call, event_for, sample_event
from tools.replay import sample_events
from tools.sample import BODY

type Reads = list[dict[str, Any]]

pytestmark = pytest.mark.usefixtures("world")

NAMES = {
    "401-no-token": "Unauthenticated",
    "401-stranger": "NotAMember",
    "401-expired-credential": "NotAMember",
    "403-no-read-scope": "InsufficientScope",
    "403-no-write-scope": "InsufficientScope",
    "403-no-oes-license": "OesLicenseRequired",
    "403-expired-oes-license": "OesLicenseRequired",
    "404-unknown-connection": "ConnectionNotFound",
    "404-foreign-connection": "ConnectionNotFound",
    "404-unknown-route": "RouteNotFound",
    "405-wrong-method": "MethodNotAllowed",
    "422-inactive-connection": "ConnectionInactive",
    "422-unsupported-currency": "CurrencyNotSupported",
    "500-corrupt-record": "InternalError",
}
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 405: {"Allow": "GET, POST"}}
WITHOUT_A_READ = {"Unauthenticated", "InvalidRequest", "RouteNotFound", "MethodNotAllowed"}


@pytest.mark.parametrize("sample", sample_events(), ids=lambda sample: sample.name)
def test_each_sample_event_gets_the_contracts_answer_after_at_most_one_read(
    sample: Any, reads: Reads
) -> None:
    answer = call(sample.event)
    request_id = sample.event["requestContext"]["requestId"]
    assert answer.status == sample.status
    assert answer.headers == {
        "Request-Id": request_id,
        "Cache-Control": "no-store",
        "Content-Type": "application/json",
        **HEADERS.get(answer.status, {}),
    }
    if answer.status == 200:
        assert answer.body.keys() == {"payload"}
    else:
        details = {"details"} if answer.status == 400 else set()
        assert answer.body.keys() == {"error", "name", "requestId"} | details
        assert answer.name == NAMES.get(sample.name, "InvalidRequest")
        assert answer.body["error"].endswith(".")
        assert answer.body["requestId"] == request_id
    assert len(reads) == (0 if answer.name in WITHOUT_A_READ else 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"token": None, "body": "{"}, "Unauthenticated"),
        ({"token": None, "enterprise_id": "%"}, "Unauthenticated"),
        ({"token": "sample-token-nobody", "body": "{"}, "InvalidRequest"),
        ({"token": "sample-token-nobody", "connection_id": "1"}, "InvalidRequest"),
        ({"token": "sample-token-expired", "body": BODY | {"nonce": ""}}, "InvalidRequest"),
    ],
    ids=[
        "no token, broken JSON",
        "no token, bad enterprise id",
        "unknown token, broken JSON",
        "unknown token, bad connection id",
        "expired token, empty nonce",
    ],
)
def test_the_token_is_read_before_the_request_and_the_request_before_the_state(
    method: str, parts: dict[str, Any], name: str, reads: Reads
) -> None:
    assert ask(method, **parts).name == name
    assert reads == []


def test_post_needs_the_read_scope_beside_the_write_scope() -> None:
    # Otherwise a member who may not read gets the payload by another method.
    answer = call(sample_event("403-no-read-scope") | {"httpMethod": "POST"})
    assert (answer.status, answer.name) == (403, "InsufficientScope")


def test_get_and_post_give_the_same_bytes() -> None:
    get, post = ask("GET"), ask("POST")
    assert get.status == 200
    assert get.text == post.text


@pytest.mark.parametrize(
    ("part", "elsewhere", "nowhere"),
    [
        ("connection_id", "b3a90d44-71f2-4e0c-8c15-5e6f00d1ab01", str(UUID(int=1))),
        ("token", "sample-token-borealis", "sample-token-nobody"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_record_of_another_enterprise_is_answered_like_a_missing_one(
    reads: Reads, method: str, part: str, elsewhere: str, nowhere: str
) -> None:
    def result(value: str) -> object:
        reads.clear()
        answer = ask(method, **{part: value})
        body, headers = answer.body | {"requestId": ""}, answer.headers | {"Request-Id": ""}
        return answer.status, body, headers, len(reads)

    assert result(elsewhere) == result(nowhere)


def test_a_request_makes_one_consistent_read_of_its_three_items(reads: Reads) -> None:
    assert ask().status == 200
    (read,) = reads
    (wanted,) = read["RequestItems"].values()
    assert wanted["ConsistentRead"] is True
    assert {key["pk"]["S"] for key in wanted["Keys"]} == {"ENTERPRISE#acme-capital"}
    assert [key["sk"]["S"] for key in wanted["Keys"]] == [
        # printf %s sample-token-trader | sha256sum
        "CREDENTIAL#f58397d4c31b62cfeb431ba3272e8f4a30b686a59c8c24cbba7c06fbae77d09e",
        "LICENSE#OES",
        "CONNECTION#6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01",
    ]


@pytest.mark.parametrize("token", [*(f"{c}a{c}" for c in "-._~+/"), "A", "a=", "a==", 300 * "a"])
def test_every_character_of_a_token_counts(token: str, reads: Reads) -> None:
    ask(token=token)
    (read,) = reads
    (wanted,) = read["RequestItems"].values()
    digest = sha256(token.encode()).hexdigest()
    assert wanted["Keys"][0]["sk"]["S"] == f"CREDENTIAL#{digest}"


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
        ({"enterprise_id": "%FF"}, "enterpriseId"),
        ({"connection_id": "%FF"}, "connectionId"),
        ({"body": '{"notes": "\ud800"}'}, "body"),
    ],
    ids=["enterprise id", "connection id", "body"],
)
def test_a_bad_part_of_the_request_is_a_400_that_names_it(
    parts: dict[str, Any], field: str
) -> None:
    answer = ask(**parts)
    assert answer.status == 400
    assert [detail["field"] for detail in answer.body["details"]] == [field]


def test_a_base64_body_gives_the_same_bytes_as_a_text_body() -> None:
    body = BODY | {"notes": " Größe 清算 🏦 e\u0301 \u2028\0"}
    as_text = ask(body=json.dumps(body, ensure_ascii=False))
    assert json.loads(as_text.body["payload"])["notes"] == body["notes"]
    assert ask(body=json.dumps(body, ensure_ascii=False).encode()).text == as_text.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_the_content_type_does_not_matter(content_type: str) -> None:
    headers = {"Authorization": [f"Bearer {ACME['token']}"], "Content-Type": [content_type]}
    assert ask(headers=headers).status == 200
