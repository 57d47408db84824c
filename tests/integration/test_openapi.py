"""openapi.yaml, which is written by hand: what the code says, and what the handler does."""

import re
import tomllib
from itertools import takewhile
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from domain.errors import Detail, InvalidRequest
from domain.request import BODY_LIMIT, DETAILS_LIMIT, SigningBody, SigningRequest
from handlers.answers import ANSWERS, RouteNotFound, error_answer
from handlers.signing import app
from tests.support.calls import Answer, ask, call, sample_event
from tools.replay import sample_events
from tools.serve import OPENAPI
from tools.world import BODY, CONNECTION_ID, ENTERPRISE_ID, RESOURCE, ROOT, template

CONTRACT: dict[str, Any] = yaml.safe_load(OPENAPI.read_text())
INFO = CONTRACT["info"]
COMPONENTS = CONTRACT["components"]
SCHEMAS = COMPONENTS["schemas"]
PATH = CONTRACT["paths"][RESOURCE]
GATEWAY: dict[str, Any] = template()["Resources"]["Api"]["Properties"]
ERRORS = {kind.__name__: kind for kind in ANSWERS}
METHODS = ["get", "post"]
SCOPES = {
    "get": {"settlement_network_read"},
    "post": {"settlement_network_read", "settlement_network_write"},
}


def component(reference: dict[str, str]) -> Any:
    _, _, kind, name = reference["$ref"].split("/")
    return COMPONENTS[kind][name]


def response(method: str, status: str) -> Any:
    """The documented answer, with its one media type's content in place of all of them."""
    documented = component(PATH[method]["responses"][status])
    (media_type,) = documented["content"]
    assert media_type == "application/json"
    return documented | {"content": documented["content"][media_type]}


def error_examples(method: str) -> list[tuple[int, str, Any]]:
    """The status, the name and the body of each error that a method is documented to answer."""
    return [
        (int(status), name, example["value"])
        for status in PATH[method]["responses"]
        for name, example in response(method, status)["content"].get("examples", {}).items()
    ]


def constraints(schema: Any, definitions: dict[str, Any]) -> Any:
    """What a schema asks, without what it tells people; references are resolved."""
    if isinstance(schema, list):
        return sorted(schema)
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return constraints(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {
        name: {field: constraints(each, definitions) for field, each in value.items()}
        if name == "properties"
        else constraints(value, definitions)
        for name, value in schema.items()
        if name not in ("$defs", "default", "description", "examples", "title")
    }


def of_model(model: type[BaseModel]) -> Any:
    schema = model.model_json_schema()
    return constraints(schema, schema["$defs"])


def gateway_body(kind: str) -> Any:
    """What API Gateway answers by itself, with a request's id in it."""
    written = GATEWAY["GatewayResponses"][kind]["ResponseTemplates"]["application/json"]
    return yaml.safe_load(written.replace("$context.requestId", request_id()))


def request_id() -> str:
    return str(COMPONENTS["headers"]["Request-Id"]["example"])


def assert_documented(answer: Answer, method: str) -> None:
    """The answer has the documented headers, with the documented values, and the documented body."""
    documented = response(method, str(answer.status))
    headers = {name: component(each) for name, each in documented["headers"].items()}
    assert answer.headers.keys() == headers.keys() | {"Content-Type"}
    for name, header in headers.items():
        assert header.get("required", False) is (name != "WWW-Authenticate")
        Draft202012Validator(header["schema"]).validate(answer.headers[name])
    schema = component(documented["content"]["schema"])
    assert answer.body.keys() == schema["properties"].keys() == set(schema["required"])
    Draft202012Validator(schema | {"components": COMPONENTS}).validate(answer.body)


def test_it_has_the_project_s_version_and_description() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (INFO["version"], INFO["summary"]) == (project["version"], project["description"])


def test_its_one_path_is_the_template_s() -> None:
    events = template()["Resources"]["SigningFunction"]["Properties"]["Events"]
    for method in ("Get", "Post"):
        assert [events[method]["Properties"]["Path"]] == list(CONTRACT["paths"])
    assert CONTRACT["servers"][0]["url"] == "/"


def test_its_operations_are_the_routes() -> None:
    (routes,) = app.get_openapi_schema().model_dump()["paths"].values()
    assert PATH.keys() == {*METHODS, "parameters"}
    told = {method: PATH[method]["operationId"] for method in METHODS}
    assert told == {
        "get": "V1ClientDeallocationsSigningGetRoute",
        "post": "V1ClientDeallocationsSigningPostRoute",
    }
    assert told == {method: routes[method]["operationId"] for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_an_operation_has_the_scopes_and_the_body_of_the_code(method: str) -> None:
    (requirement,) = PATH[method]["security"]
    ((scheme, scopes),) = requirement.items()
    assert set(scopes) == SCOPES[method]
    told = COMPONENTS["securitySchemes"][scheme]
    assert (told["type"], told["scheme"]) == ("http", "bearer")
    body = component(PATH[method]["requestBody"])
    assert body["required"]
    assert component(body["content"]["application/json"]["schema"]) is SCHEMAS["SigningBody"]
    assert f"at most {BODY_LIMIT // 1024} KiB" in body["description"]


def test_the_body_is_the_request_model_s() -> None:
    assert constraints(SCHEMAS["SigningBody"], SCHEMAS) == of_model(SigningBody)


def test_the_path_s_parameters_are_the_request_model_s() -> None:
    fields = of_model(SigningRequest)["properties"]
    told = {each["name"]: each for each in PATH["parameters"]}
    assert told.keys() == set(re.findall(r"{(\w+)}", RESOURCE))
    for name, parameter in told.items():
        assert (parameter["in"], parameter["required"]) == ("path", True)
        assert parameter["schema"] == fields[name]
    examples = [told[name]["example"] for name in ("enterpriseId", "connectionId")]
    assert examples == [ENTERPRISE_ID, CONNECTION_ID]


def test_each_field_of_the_body_has_a_description_and_an_example() -> None:
    for schema in (SCHEMAS["SigningBody"], SCHEMAS["Amount"]):
        for field in schema["properties"].values():
            if "$ref" not in field:
                assert field["description"].endswith(".")
                Draft202012Validator(field).validate(*field["examples"])


def test_the_table_of_checks_is_the_one_in_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", INFO["description"], re.MULTILINE)
    checks = list(takewhile(lambda kind: kind is not RouteNotFound, ANSWERS))
    assert [(int(status), name) for status, name, _ in rows] == [
        (ANSWERS[kind][0], kind.__name__) for kind in checks
    ]
    for kind, (_, _, sentence) in zip(checks, rows, strict=True):
        assert sentence.startswith(ANSWERS[kind][1].removesuffix(": {}."))


@pytest.mark.parametrize("method", METHODS)
def test_each_error_has_an_example_at_its_status(method: str) -> None:
    told = {(name, status) for status, name, _ in error_examples(method)}
    own = {(name, ANSWERS[kind][0].value) for name, kind in ERRORS.items()}
    throttled = GATEWAY["GatewayResponses"]["THROTTLED"]["StatusCode"]
    assert told == own | {("Throttled", throttled)}


@pytest.mark.parametrize(
    ("status", "name", "body"), [pytest.param(*each, id=each[1]) for each in error_examples("get")]
)
def test_the_example_of_an_error_is_what_is_answered(status: int, name: str, body: Any) -> None:
    if name == "Throttled":
        assert body == gateway_body("THROTTLED")
        return
    details = [Detail(**detail) for detail in body.get("details", [])]
    answer = error_answer(ERRORS[name](*details), request_id())
    headers = {key: str(value) for key, value in answer.headers.items()}
    real = Answer(
        answer.status_code, headers | {"Content-Type": "application/json"}, str(answer.body)
    )
    assert (real.status, real.body) == (status, body)
    assert_documented(real, "get")


def test_the_description_of_an_error_lists_its_names() -> None:
    for status in PATH["get"]["responses"]:
        told = response("get", status)
        names = re.findall(r"`(\w+)`", told["description"])
        assert names == list(told["content"].get("examples", {}))


def test_a_throttled_request_gets_the_documented_headers() -> None:
    throttled = GATEWAY["GatewayResponses"]["THROTTLED"]
    told = response("get", str(throttled["StatusCode"]))["headers"]
    sent = throttled["ResponseParameters"]["Headers"]
    assert sent.keys() == told.keys()
    wait = int(sent["Retry-After"].strip("'"))
    Draft202012Validator(component(told["Retry-After"])["schema"]).validate(wait)


def test_the_names_of_errors_are_all_that_there_are() -> None:
    gateway = {gateway_body(kind)["name"] for kind in GATEWAY["GatewayResponses"]}
    told = SCHEMAS["Error"]["properties"]["name"]["enum"]
    assert set(told) == (ERRORS.keys() | gateway) - {InvalidRequest.__name__}
    assert SCHEMAS["InvalidRequest"]["properties"]["name"]["const"] == InvalidRequest.__name__
    for name in gateway - ERRORS.keys():
        assert f"`{name}`" in INFO["description"]


def test_a_400_has_as_many_details_as_the_code_allows() -> None:
    details = SCHEMAS["InvalidRequest"]["properties"]["details"]
    assert (details["minItems"], details["maxItems"]) == (1, DETAILS_LIMIT)
    assert SCHEMAS["Detail"]["required"] == list(Detail._fields)
    assert SCHEMAS["Detail"]["properties"].keys() == set(Detail._fields)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("method", METHODS)
def test_the_examples_of_the_body_get_a_payload_but_for_the_one_that_says_otherwise(
    method: str,
) -> None:
    examples = COMPONENTS["requestBodies"]["SigningBody"]["content"]["application/json"]["examples"]
    answers = {name: ask(method.upper(), body=each["value"]) for name, each in examples.items()}
    statuses = {name: answer.status for name, answer in answers.items()}
    assert statuses.pop("UnsupportedCurrency") == 422
    assert set(statuses.values()) == {200}
    assert examples["WithoutNotes"]["value"] == BODY
    assert response(method, "200")["content"]["example"] == answers["WithoutNotes"].body


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("name", [sample.name for sample in sample_events()])
def test_the_handler_answers_as_it_says(name: str) -> None:
    for method in METHODS:
        assert_documented(call(sample_event(name)), method)
