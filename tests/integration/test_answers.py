"""The shape of every answer, whatever the event."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.calls import call, event_for, sample_event
from tools.replay import sample_events

pytestmark = pytest.mark.usefixtures("world")

NAMES = [sample.name for sample in sample_events()]


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_event_gets_the_status_in_its_name(name: str) -> None:
    assert call(sample_event(name)).status == int(name[:3])


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_has_the_common_headers(name: str) -> None:
    event = sample_event(name)
    headers = call(event).headers
    assert headers["Request-Id"] == event["requestContext"]["requestId"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("200")])
def test_every_error_has_the_same_shape(name: str) -> None:
    event = sample_event(name)
    answer = call(event)
    expected = {"error", "name", "requestId"} | ({"details"} if answer.status == 400 else set())
    assert answer.body.keys() == expected
    assert answer.body["error"].endswith(".")
    assert answer.body["requestId"] == event["requestContext"]["requestId"]


@pytest.mark.parametrize("name", NAMES)
def test_only_a_401_asks_for_a_bearer_token(name: str) -> None:
    answer = call(sample_event(name))
    assert answer.headers.get("WWW-Authenticate") == ("Bearer" if answer.status == 401 else None)


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS", "PATCH", "PUT"])
def test_any_method_but_get_and_post_is_a_405_before_any_read(
    method: str, reads: list[Any]
) -> None:
    answer = call(event_for() | {"httpMethod": method})
    assert (answer.status, answer.name) == (405, "MethodNotAllowed")
    assert answer.headers["Allow"] == "GET, POST"
    assert reads == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/api/network/v1/enterprises/acme-capital",
        "//",
        "{path}/more",
        "{path}/more/",
        "x{path}",
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_any_other_path_is_a_404_for_every_method(method: str, path: str) -> None:
    event = event_for() | {"httpMethod": method}
    event["path"] = path.format(path=urlsplit(event["path"]).path)
    answer = call(event)
    assert (answer.status, answer.name) == (404, "RouteNotFound")


@pytest.mark.parametrize("slashes", ["/", "//"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_slashes_after_the_path_are_ignored(method: str, slashes: str) -> None:
    event = event_for() | {"httpMethod": method}
    with_slashes = event | {"path": event["path"] + slashes}
    assert call(with_slashes) == call(event)
