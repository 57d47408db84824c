"""The parts of a request, read directly from an event."""

from base64 import b64encode
from typing import Any

import pytest

from domain.errors import InvalidRequest, Unauthenticated
from handlers.event import bearer_token, body_bytes, path_parameter

TOKEN = "sample-token-trader"  # noqa: S105 -- of the sample world


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", f"Bearer {TOKEN}"),
        ("authorization", f"bearer {TOKEN}"),
        ("AUTHORIZATION", f"BEARER   {TOKEN}"),
        ("Authorization", f" Bearer {TOKEN}\t"),
    ],
)
def test_a_bearer_token_is_read_with_its_scheme_and_header_name_in_any_case(
    name: str, value: str
) -> None:
    assert bearer_token({"multiValueHeaders": {name: [value]}}) == TOKEN


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer =",
        "Bearer s\u00e4mple",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer{TOKEN}",
        f"XBearer {TOKEN}",
        f"Bearer\t{TOKEN}",
        f"Bearer\N{NO-BREAK SPACE}{TOKEN}",
        f"Bearer {TOKEN} more",
        f"Bearer {TOKEN}\n",
        f"Bearer {TOKEN}, Bearer sample-token-viewer",
        "Bearer \N{KELVIN SIGN}",  # its lower case is an ASCII letter
    ],
)
def test_anything_but_a_bearer_token_is_unauthenticated(value: str) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token({"multiValueHeaders": {"Authorization": [value]}})


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"headers": None, "multiValueHeaders": None},
        {"multiValueHeaders": {"Authorization": [f"Bearer {TOKEN}", f"Bearer {TOKEN}"]}},
        {"multiValueHeaders": {"Authorization": [f"Bearer {TOKEN}"], "authorization": ["x"]}},
        {"multiValueHeaders": {"X-Authorization": [f"Bearer {TOKEN}"]}},
        {"multiValueHeaders": {"Accept": ["*/*"]}, "headers": {"Authorization": f"Bearer {TOKEN}"}},
    ],
    ids=[
        "no headers",
        "null in place of headers",
        "one name twice",
        "two spellings of the name",
        "another name",
        "only in the map of single values",
    ],
)
def test_an_event_without_exactly_one_authorization_header_is_unauthenticated(
    event: dict[str, Any],
) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(event)


@pytest.mark.parametrize("many", [None, {}], ids=repr)
def test_the_map_of_single_header_values_is_enough(many: object) -> None:
    event = {"headers": {"Authorization": f"Bearer {TOKEN}"}, "multiValueHeaders": many}
    assert bearer_token(event) == TOKEN


@pytest.mark.parametrize(
    ("segment", "value"),
    [
        ("acme%2Dcapital", "acme-capital"),
        ("acme%252Dcapital", "acme%2Dcapital"),
        ("a%2Fb", "a/b"),
        ("a+b", "a+b"),
        ("%E6%97%A5", "日"),
    ],
)
def test_a_path_segment_is_decoded_once(segment: str, value: str) -> None:
    assert path_parameter("enterpriseId", segment) == value


@pytest.mark.parametrize("segment", ["%FF", "%ED%A0%80", "%C0%AF", "100%", "%zz", "%2"])
def test_a_path_segment_that_is_not_percent_encoded_utf_8_is_refused(segment: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^enterpriseId must be percent-encoded UTF-8$"):
        path_parameter("enterpriseId", segment)


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\x00"])
def test_a_base64_body_is_decoded(body: bytes) -> None:
    assert body_bytes({"body": b64encode(body).decode(), "isBase64Encoded": True}) == body


@pytest.mark.parametrize(
    "event", [{}, {"body": None}, {"body": None, "isBase64Encoded": True}], ids=repr
)
def test_a_missing_body_is_read_as_empty(event: dict[str, Any]) -> None:
    assert body_bytes(event) == b""


@pytest.mark.parametrize("broken", ["eyJhIjoxfQ=", "eyJh\nIjoxfQ==", "eyJhIjoxfQ==eA==", "é", "="])
def test_broken_base64_is_refused(broken: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^body must be valid base64$"):
        body_bytes({"body": broken, "isBase64Encoded": True})


def test_a_body_with_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"^body must be UTF-8$"):
        body_bytes({"body": "\ud800"})
