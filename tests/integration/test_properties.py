"""Properties that hold for every input."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.payload import signing_payload
from domain.request import parse_signing_request
from handlers.signing import lambda_handler
from tests.support.calls import ACME, METHODS, ask, event_for
from tools.world import BODY, lambda_context

pytestmark = pytest.mark.usefixtures("world")

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
quantities = st.from_regex(
    r"[1-9][0-9]{0,77}", fullmatch=True, alphabet=st.characters(codec="ascii")
)
amounts = st.fixed_dictionaries({"currency": text, "quantity": quantities})
bodies = st.fixed_dictionaries(
    {
        "amount": amounts,
        "clientExternalId": text,
        "nonce": text,
    },
    optional={"notes": text},
)
enterprise_ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)
connection_ids = st.uuids().map(str)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """A random way to write a value as JSON: it varies key order, white space and escapes."""
    space = st.text(" \t\n\r", max_size=2)
    if isinstance(value, dict):
        members = [
            f"{draw(space)}{draw(written(name))}{draw(space)}:{draw(written(member))}"
            for name, member in draw(st.permutations(list(value.items())))
        ]
        return f"{draw(space)}{{{','.join(members)}}}{draw(space)}"
    escaped = json.dumps(value, ensure_ascii=draw(st.booleans()))
    return f"{draw(space)}{escaped}{draw(space)}"


def payload(enterprise_id: str, connection_id: str, body: str) -> str:
    return signing_payload(parse_signing_request(enterprise_id, connection_id, body.encode()))


@given(enterprise_ids, connection_ids, bodies)
def test_the_parsed_payload_equals_the_request(
    enterprise_id: str, connection_id: str, body: dict[str, Any]
) -> None:
    ids = {"enterpriseId": enterprise_id, "connectionId": connection_id}
    assert json.loads(payload(enterprise_id, connection_id, json.dumps(body))) == body | ids


@given(st.data(), bodies)
def test_equal_requests_give_equal_bytes_however_the_body_is_written(
    data: st.DataObject, body: dict[str, Any]
) -> None:
    one, other = data.draw(written(body)), data.draw(written(body))
    connection_id = "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01"
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


@given(st.sampled_from(METHODS), st.binary())
def test_any_bytes_as_a_body_give_200_or_400(method: str, body: bytes) -> None:
    assert ask(method, body=body).status in {200, 400}


@given(st.sampled_from(METHODS), st.text(st.characters()))
def test_any_text_as_a_body_gives_200_or_400(method: str, body: str) -> None:
    assert ask(method, body=body).status in {200, 400}


@given(any_json)
def test_any_json_as_a_body_gives_200_or_400(body: Any) -> None:
    assert ask(body=json.dumps(body)).status in {200, 400}


@given(st.sampled_from([*BODY, "notes", "enterpriseId", "extra"]), any_json)
def test_any_json_in_a_field_gives_200_or_400(name: str, value: Any) -> None:
    assert ask(body=json.dumps(BODY | {name: value})).status in {200, 400}


names = st.sampled_from(
    ["Authorization", "authorization", "AUTHORIZATION", "aUTHORIZATION", "X-Auth"]
)
valid = f"Bearer {ACME['token']}"
header_values = st.sampled_from(
    [
        valid,
        valid.upper(),
        f"Basic {ACME['token']}",
        f"{valid}, {valid}",
        "Bearer other",
        "",
        valid + "\n",
    ]
)


@settings(max_examples=300)
@given(
    st.sampled_from(["headers", "multiValueHeaders"]),
    st.dictionaries(names, st.lists(header_values, max_size=2), max_size=3),
)
def test_only_a_single_valid_bearer_token_is_accepted(
    form: str, headers: dict[str, list[str]]
) -> None:
    event = event_for()
    event["multiValueHeaders"] = event["headers"] = None
    if form == "headers":
        headers = {name: values[:1] for name, values in headers.items() if values}
        event["headers"] = {name: values[0] for name, values in headers.items()}
    else:
        event["multiValueHeaders"] = headers
    sent = [each for name, values in headers.items() if name != "X-Auth" for each in values]
    answer = lambda_handler(event, lambda_context())
    if sent == [valid]:
        assert answer["statusCode"] == 200
    else:
        assert answer["statusCode"] == 401
