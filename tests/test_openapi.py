"""openapi.yaml: what the code says, and what the handler does."""

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from handlers.answers import ANSWERS
from handlers.signing import REQUIRED_SCOPES
from tests.asking import call, sample_event
from tools.openapi import OPENAPI, openapi_yaml
from tools.replay import sample_events

CONTRACT: dict[str, Any] = yaml.safe_load(OPENAPI.read_text())
COMPONENTS = CONTRACT["components"]
(ROUTES,) = CONTRACT["paths"].values()


def component(reference: dict[str, str]) -> Any:
    _, _, kind, name = reference["$ref"].split("/")
    return COMPONENTS[kind][name]


def test_it_is_what_the_code_says() -> None:
    assert OPENAPI.read_text() == openapi_yaml(), "run `make openapi`"


def test_the_operations_have_their_ids_and_scopes() -> None:
    told = {
        method.upper(): (route["operationId"], set(route["security"][0]["accessToken"]))
        for method, route in ROUTES.items()
        if method != "parameters"
    }
    assert told == {
        "GET": ("V1ClientDeallocationsSigningGetRoute", REQUIRED_SCOPES["GET"]),
        "POST": ("V1ClientDeallocationsSigningPostRoute", REQUIRED_SCOPES["POST"]),
    }


@pytest.mark.parametrize("method", ["get", "post"])
def test_each_error_name_has_an_example_at_its_status(method: str) -> None:
    examples = {
        (example["value"]["name"], int(status))
        for status, reference in ROUTES[method]["responses"].items()
        for example in component(reference)["content"]["application/json"]["examples"].values()
        if status != "200"
    }
    own = {(kind.__name__, status) for kind, (status, _) in ANSWERS.items()}
    assert examples == own | {("Throttled", 429)}  # API Gateway's


def test_each_field_has_a_description_and_an_example() -> None:
    fields = [
        *COMPONENTS["schemas"]["SigningBody"]["properties"].values(),
        *COMPONENTS["schemas"]["Amount"]["properties"].values(),
    ]
    for field in fields:
        described = component(field) if "$ref" in field else field
        assert described["description"].endswith(".")
        assert described.get("examples") or described["type"] == "object"
    for parameter in ROUTES["parameters"]:
        assert parameter["description"].endswith(".")
        assert parameter["example"]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("name", [sample.name for sample in sample_events()])
def test_the_handler_answers_as_it_says(name: str) -> None:
    answer = call(sample_event(name))
    told = component(ROUTES["get"]["responses"][str(answer.status)])
    schema = told["content"]["application/json"]["schema"]
    Draft202012Validator(schema | {"components": COMPONENTS}).validate(answer.body)
    assert answer.headers.keys() == told["headers"].keys() | {"Content-Type"}
