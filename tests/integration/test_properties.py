"""Properties that hold for every input."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from domain.payload import signing_payload
from domain.request import parse_signing_request
from handlers.signing import lambda_handler
from tests.support.calls import ACME, METHODS, ask, call, event_for, logged
from tests.support.dynamodb import ITEMS, Reply, dynamodb_answering, items_reply
from tools.sample import BODY, TABLE_NAME, lambda_context

pytestmark = pytest.mark.usefixtures("world")

characters = st.characters(exclude_categories=["Cs"])
surrogates_too = st.text(st.characters())
tricky = st.sampled_from("#/%\0\n aA.:-_~é日\u0661\uff11\u2028\N{KELVIN SIGN}")
text = st.text(characters, min_size=1, max_size=50)
quantities = st.from_regex(
    r"[1-9][0-9]{0,77}", fullmatch=True, alphabet=st.characters(codec="ascii")
)
amounts = st.fixed_dictionaries({"currency": text, "quantity": quantities})
bodies = st.fixed_dictionaries(
    {"amount": amounts, "clientExternalId": text, "nonce": text}, optional={"notes": text}
)
enterprise_ids = st.text(tricky | characters, min_size=1, max_size=256)
connection_ids = st.uuids().map(str)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | surrogates_too,
    lambda inner: st.lists(inner) | st.dictionaries(surrogates_too, inner),
)


@st.composite
def json_texts(draw: st.DrawFn, value: Any) -> str:
    """A random way to write a value as JSON: it varies key order, white space and escapes."""
    space = st.text(" \t\n\r", max_size=2)
    if isinstance(value, dict):
        members = [
            f"{draw(space)}{draw(json_texts(name))}{draw(space)}:{draw(json_texts(member))}"
            for name, member in draw(st.permutations(list(value.items())))
        ]
        return f"{draw(space)}{{{','.join(members)}}}{draw(space)}"
    escaped = json.dumps(value, ensure_ascii=draw(st.booleans()))
    return f"{draw(space)}{escaped}{draw(space)}"


def payload(enterprise_id: str, connection_id: str, body: str) -> str:
    return signing_payload(parse_signing_request(enterprise_id, connection_id, body.encode()))


# What trimming, cleaning, decoding, normalising or another case would change.
CHANGEABLE = [
    *" \t\n\r\v\f\0\x1b\x1e\x7f\x85\xa0\xad\u200b\u200d\u2028\u202e\u3000\ufeff\ufffd",
    *"\uff21\uff12\ufb01\N{KELVIN SIGN}éẞİ🏦\U000e0001\"'\\<>/#%+",
    "\r\n",
    "  ",
    "e\u0301",
    "aA",
    "\\n",
    "\\u0041",
    "%41",
    "&amp;",
    "..",
    "=?",
    "null",
]


@pytest.mark.parametrize("edge", CHANGEABLE, ids=ascii)
def test_what_was_sent_is_what_is_signed(edge: str) -> None:
    edged = text.map(lambda value: f"{edge}{value}{edge}")
    amounts = st.fixed_dictionaries({"currency": edged, "quantity": quantities})
    body = st.fixed_dictionaries(
        {"amount": amounts, "clientExternalId": edged, "nonce": edged, "notes": edged}
    )
    script: list[Reply] = []

    @given(st.sampled_from(METHODS), edged, connection_ids, body)
    @settings(max_examples=5, phases=[Phase.generate])  # shrinking would take minutes
    def check(method: str, enterprise_id: str, connection_id: str, body: dict[str, Any]) -> None:
        script[:] = [
            items_reply(allowing(enterprise_id, connection_id, body["amount"]["currency"]))
        ]
        segment = quote(enterprise_id, safe="")
        answer = ask(method, enterprise_id=segment, connection_id=connection_id, body=body)
        ids = {"enterpriseId": enterprise_id, "connectionId": connection_id}
        assert json.loads(answer.body["payload"]) == body | ids

    with dynamodb_answering(script):
        check()


def allowing(enterprise_id: str, connection_id: str, currency: str) -> list[dict[str, Any]]:
    """The records that allow a request of the sample token."""
    connection = {
        "sk": {"S": f"CONNECTION#{connection_id}"},
        "currencies": {"SS": [currency]},
    }
    of_enterprise = [item | {"pk": {"S": f"ENTERPRISE#{enterprise_id}"}} for item in ITEMS]
    return [item | connection if "currencies" in item else item for item in of_enterprise]


@given(st.data(), bodies)
def test_equal_requests_give_equal_bytes_however_the_body_is_written(
    data: st.DataObject, body: dict[str, Any]
) -> None:
    one, other = data.draw(json_texts(body)), data.draw(json_texts(body))
    connection_id = ACME["connection_id"]
    assert payload("acme", connection_id, one) == payload("acme", connection_id.upper(), other)


@given(st.data(), enterprise_ids, connection_ids, bodies)
def test_requests_that_differ_in_one_property_give_different_payloads(
    data: st.DataObject, enterprise_id: str, connection_id: str, body: dict[str, Any]
) -> None:
    request = {"enterpriseId": enterprise_id, "connectionId": connection_id, **body}
    name = data.draw(st.sampled_from([*request, "notes"]))
    other = {"enterpriseId": enterprise_ids, "connectionId": connection_ids, "amount": amounts}
    value = data.draw(other.get(name, text).filter(lambda value: value != request.get(name)))

    def payload_of(enterpriseId: str, connectionId: str, **members: Any) -> str:  # noqa: N803 -- the contract's names
        return payload(enterpriseId, connectionId, json.dumps(members))

    assert payload_of(**request) != payload_of(**request | {name: value})


@given(
    st.sampled_from(METHODS),
    st.binary()
    | surrogates_too
    | any_json.map(json.dumps)
    | st.builds(
        lambda name, value: json.dumps(BODY | {name: value}),
        st.sampled_from([*BODY, "notes", "enterpriseId", "extra"]),
        any_json,
    ),
)
@settings(max_examples=200)
def test_any_body_gives_200_or_400(method: str, body: bytes | str) -> None:
    assert ask(method, body=body).status in {200, 400}


valid = f"Bearer {ACME['token']}"
header_names = st.sampled_from(["Authorization", "authorization", "aUTHORIZATION", "X-Auth"])
header_values = st.sampled_from(
    [
        valid,
        valid.upper(),
        f"{valid}, {valid}",
        f"{valid}\n",
        f"Basic {ACME['token']}",
        "Bearer other",
        "",
    ]
)


@given(
    st.sampled_from(["headers", "multiValueHeaders"]),
    st.dictionaries(header_names, st.lists(header_values, max_size=2), max_size=3),
)
@settings(max_examples=200)
def test_only_a_single_valid_bearer_token_is_accepted(
    form: str, headers: dict[str, list[str]]
) -> None:
    event = event_for() | {"headers": None, "multiValueHeaders": None}
    if form == "headers":
        headers = {name: values[:1] for name, values in headers.items() if values}
        event["headers"] = {name: values[0] for name, values in headers.items()}
    else:
        event["multiValueHeaders"] = headers
    tokens = [value for name, values in headers.items() if name != "X-Auth" for value in values]
    expected = 200 if tokens == [valid] else 401
    assert lambda_handler(event, lambda_context())["statusCode"] == expected


def test_any_path_and_token_are_answered_and_logged_and_reach_at_most_one_enterprise() -> None:
    @given(
        surrogates_too | st.text(tricky),
        connection_ids | surrogates_too | st.text(tricky),
        surrogates_too | st.none(),
    )
    @example("a\u2028b", ACME["connection_id"], ACME["token"])
    def check(enterprise_id: str, connection_id: str, token: str | None) -> None:
        requests.clear()
        event = event_for(enterprise_id=enterprise_id, connection_id=connection_id, token=token)
        with logged() as lines:
            answer = lambda_handler(event, lambda_context())
        json.dumps(answer, ensure_ascii=False).encode()  # Lambda's runtime does the same
        (line,) = lines()
        assert line["status"] == answer["statusCode"] in {200, 400, 401, 404}
        for request in requests:
            keys = request["RequestItems"][TABLE_NAME]["Keys"]
            assert len({key["pk"]["S"] for key in keys}) == 1

    with dynamodb_answering([items_reply(ITEMS)]) as requests:
        check()


@given(surrogates_too)
def test_any_path_is_answered_and_logged(path: str) -> None:
    with logged() as lines:
        answer = call(event_for() | {"path": path})
    assert answer.status == 404
    (line,) = lines()
    assert line["status"] == 404


@st.composite
def segments(draw: st.DrawFn, decoded: str) -> str:
    """A random percent-encoding of a path segment, in which plain characters may be encoded too."""
    return "".join(
        character
        if re.fullmatch(r"[A-Za-z0-9._~-]", character) and draw(st.booleans())
        else "".join(f"%{byte:02{draw(st.sampled_from('xX'))}}" for byte in character.encode())
        for character in decoded
    )


def test_a_request_reads_only_its_own_keys() -> None:
    @given(
        st.data(),
        st.just(ACME["enterprise_id"]) | st.text(tricky | characters, min_size=1, max_size=20),
        st.just(ACME["connection_id"]) | connection_ids,
        st.just(ACME["token"]) | st.text("sampletokenr-._~+/", min_size=1),
    )
    def check(data: st.DataObject, enterprise_id: str, connection_id: str, token: str) -> None:
        requests.clear()
        ask(
            enterprise_id=data.draw(segments(enterprise_id)),
            connection_id=data.draw(segments(connection_id)),
            token=token,
        )
        (request,) = requests
        assert request["RequestItems"].keys() == {TABLE_NAME}
        keys = request["RequestItems"][TABLE_NAME]["Keys"]
        assert {key["pk"]["S"] for key in keys} == {f"ENTERPRISE#{enterprise_id}"}
        credential, *others = [key["sk"]["S"] for key in keys]
        assert re.fullmatch("CREDENTIAL#[0-9a-f]{64}", credential, re.ASCII)
        assert others == ["LICENSE#OES", f"CONNECTION#{connection_id}"]

    with dynamodb_answering([items_reply([])]) as requests:
        check()
