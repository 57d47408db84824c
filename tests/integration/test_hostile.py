"""Any request is answered and logged, and reads the items of its own enterprise only."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handlers.signing import lambda_handler
from tests.support.calls import ACME, ask, event_for, logged
from tests.support.dynamodb import ITEMS, dynamodb_answering, read
from tools.world import TABLE_NAME, lambda_context

type Requests = list[dict[str, Any]]

pytestmark = pytest.mark.usefixtures("world")

text = st.text(st.characters())  # lone surrogates too
tricky = st.sampled_from("#/%\0\n aA.:-_~é日\u0661\uff11\u2028\N{KELVIN SIGN}")
ids = st.text(tricky | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
uuids = st.uuids().map(str)
tokens = st.text("sampletokenr-._~+/", min_size=1)


@pytest.fixture(scope="module")
def requests() -> Iterator[Requests]:
    """The requests to a DynamoDB that always answers with acme-capital's three records."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        dynamodb_answering([read(ITEMS, [])], monkeypatch) as requests,
    ):
        yield requests


def assert_answered_and_logged(event: Any) -> None:
    with logged() as lines:
        answer = lambda_handler(event, lambda_context())
    json.dumps(answer, ensure_ascii=False).encode()  # Lambda's runtime does the same
    assert answer["statusCode"] in {200, 400, 401, 403, 404, 405, 422, 500}
    (line,) = lines()
    assert line["status"] == answer["statusCode"]


@given(text | st.text(tricky), text | st.text(tricky))
@example("a\u2028b", ACME["connection_id"])
def test_a_request_with_any_ids_in_its_path_is_answered_and_logged(
    enterprise_id: str, connection_id: str
) -> None:
    assert_answered_and_logged(event_for(enterprise_id=enterprise_id, connection_id=connection_id))


@given(text)
def test_a_request_with_any_path_is_answered_and_logged(path: str) -> None:
    assert_answered_and_logged(event_for() | {"path": path})


@st.composite
def segments(draw: st.DrawFn, decoded: str) -> str:
    """A random percent-encoding of a path segment, in which plain characters may be encoded too."""
    return "".join(
        character
        if re.fullmatch(r"[A-Za-z0-9._~-]", character) and draw(st.booleans())
        else "".join(f"%{byte:02{draw(st.sampled_from('xX'))}}" for byte in character.encode())
        for character in decoded
    )


@settings(max_examples=300)
@given(
    st.data(),
    st.just(ACME["enterprise_id"]) | ids,
    st.just(ACME["connection_id"]) | uuids,
    st.just(ACME["token"]) | tokens,
)
def test_a_request_reads_its_own_keys_and_only_their_items_count(
    requests: Requests, data: st.DataObject, enterprise_id: str, connection_id: str, token: str
) -> None:
    requests.clear()
    answer = ask(
        enterprise_id=data.draw(segments(enterprise_id)),
        connection_id=data.draw(segments(connection_id)),
        token=token,
    )
    own = {"enterprise_id": enterprise_id, "connection_id": connection_id, "token": token} == ACME
    assert (answer.status == 200) == own
    (request,) = requests
    keys = request["RequestItems"][TABLE_NAME]["Keys"]
    assert {key["pk"]["S"] for key in keys} == {f"ENTERPRISE#{enterprise_id}"}
    credential, *others = [key["sk"]["S"] for key in keys]
    assert re.fullmatch("CREDENTIAL#[0-9a-f]{64}", credential, re.ASCII)
    assert others == ["LICENSE#OES", f"CONNECTION#{connection_id}"]


@settings(max_examples=300)
@given(text | st.text(tricky), text | st.text(tricky), text)
def test_no_path_or_token_reaches_more_than_one_enterprise(
    requests: Requests, enterprise_id: str, connection_id: str, token: str
) -> None:
    requests.clear()
    ask(enterprise_id=enterprise_id, connection_id=connection_id, token=token)
    for request in requests:
        ((table, wanted),) = request["RequestItems"].items()
        assert table == TABLE_NAME
        assert len({key["pk"]["S"] for key in wanted["Keys"]}) == 1
        for key in wanted["Keys"]:
            assert re.fullmatch(
                "LICENSE#OES|CREDENTIAL#[0-9a-f]{64}"
                "|CONNECTION#[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                key["sk"]["S"],
                re.ASCII,
            )
