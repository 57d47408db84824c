"""The shape of every answer, whatever the event."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from handlers.signing import lambda_handler
from tests.support.calls import Answer, call, event_for, sample_event
from tools.replay import sample_events
from tools.world import lambda_context

pytestmark = pytest.mark.usefixtures("world")

NAMES = [sample.name for sample in sample_events()]
OTHER_EVENTS: list[Any] = [
    None,
    "",
    0,
    [],
    {},
    {"Records": []},
    {"httpMethod": None, "path": None},
    {"httpMethod": "GET"},
    {"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method": "GET"}}},
]


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


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS", "QUERY", "FOO", "get", "Post", ""])
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
        "{path}/",
        "{path}//",
        "{path}/more",
        "x{path}",
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "post", "FOO"])
def test_any_other_path_is_a_404_for_every_method(method: str, path: str) -> None:
    event = event_for() | {"httpMethod": method}
    event["path"] = path.format(path=urlsplit(event["path"]).path)
    answer = call(event)
    assert (answer.status, answer.name) == (404, "RouteNotFound")


def answer_to(event: Any, context_id: str) -> Answer:
    raw = lambda_handler(event, lambda_context(context_id))
    headers = {name: values[0] for name, values in raw["multiValueHeaders"].items()}
    return Answer(raw["statusCode"], headers, raw["body"])


@pytest.mark.parametrize("event", OTHER_EVENTS, ids=repr)
def test_an_event_not_from_api_gateway_is_a_500_with_lambdas_request_id(event: Any) -> None:
    answer = answer_to(event, "id-of-lambda")
    assert (answer.status, answer.name) == (500, "InternalError")
    assert answer.body["requestId"] == answer.headers["Request-Id"] == "id-of-lambda"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("event", OTHER_EVENTS, ids=repr)
def test_an_event_not_from_api_gateway_is_logged(event: Any, log_lines: Any) -> None:
    call(event)
    (line,) = log_lines()
    assert line["outcome"] == "InternalError"
    assert "Traceback" in line["exception"]
