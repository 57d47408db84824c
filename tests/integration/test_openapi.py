"""openapi.yaml, which is written by hand: what the code says, and what the handler does."""

import re
import tomllib
from copy import deepcopy
from itertools import takewhile
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from schemathesis import HookContext

from domain.access import READ_SCOPE, WRITE_SCOPE
from domain.errors import Detail, InvalidRequest
from domain.request import BODY_LIMIT, DETAILS_LIMIT, SigningBody, SigningRequest
from handlers.answers import ANSWERS, RouteNotFound
from handlers.signing import app
from tests.support.calls import ask, call, sample_event
from tests.support.fuzz import before_load_schema
from tools.replay import sample_events
from tools.serve import OPENAPI
from tools.world import BODY, CONNECTION_ID, ENTERPRISE_ID, RESOURCE, ROOT, template

CONTRACT: dict[str, Any] = yaml.safe_load(OPENAPI.read_text())
INFO = CONTRACT["info"]
COMPONENTS = CONTRACT["components"]
SCHEMAS = COMPONENTS["schemas"]
PATH = CONTRACT["paths"][RESOURCE]
RESPONSES = PATH["get"]["responses"]
GATEWAY: dict[str, Any] = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
ERRORS = {kind.__name__: kind for kind in ANSWERS}
SCOPES = {"get": [READ_SCOPE], "post": [READ_SCOPE, WRITE_SCOPE]}


def component(reference: dict[str, str]) -> Any:
    _, _, kind, name = reference["$ref"].split("/")
    return COMPONENTS[kind][name]


def content(status: str) -> Any:
    """The documented schema and examples of an answer."""
    (media_type,) = RESPONSES[status]["content"].values()
    assert RESPONSES[status]["content"].keys() == {"application/json"}
    return media_type


def validate(instance: object, schema: Any) -> None:
    Draft202012Validator(schema | {"components": COMPONENTS}).validate(instance)


def error_examples() -> list[tuple[str, str, Any]]:
    """The status, the name and the body of each error that is documented."""
    return [
        (status, name, example["value"])
        for status in RESPONSES
        for name, example in content(status).get("examples", {}).items()
    ]


def constraints(schema: Any, definitions: dict[str, Any]) -> Any:
    """What a schema demands, without what it tells people; references are resolved."""
    if isinstance(schema, list):
        return sorted(schema)
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return constraints(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {
        name: {field: constraints(inner, definitions) for field, inner in value.items()}
        if name == "properties"
        else constraints(value, definitions)
        for name, value in schema.items()
        if name not in ("$defs", "default", "description", "examples", "title")
    }


def gateway_body(kind: str) -> Any:
    """What API Gateway answers by itself, with the id of the examples in it."""
    written = GATEWAY[kind]["ResponseTemplates"]["application/json"]
    request_id = COMPONENTS["headers"]["Request-Id"]["example"]
    return yaml.safe_load(written.replace("$context.requestId", request_id))


def test_it_has_the_project_s_version_and_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert INFO["version"] == project["version"]
    assert (ROOT / "LICENSE").read_text().startswith(f"{INFO['license']['name']} License")


def test_requests_go_only_to_the_host_that_the_document_comes_from() -> None:
    # A generated client sends its token to these servers.
    assert [server["url"] for server in CONTRACT["servers"]] == ["/"]
    assert OPENAPI.read_text().count("servers:") == 1  # a path or an operation may name others


def test_its_operations_are_the_routes_of_the_template_and_the_code() -> None:
    events = template()["Resources"]["SigningFunction"]["Properties"]["Events"]
    paths = {events[method]["Properties"]["Path"] for method in ("Get", "Post")}
    assert paths == CONTRACT["paths"].keys()
    (routes,) = app.get_openapi_schema().model_dump()["paths"].values()
    operations = {method: PATH[method]["operationId"] for method in PATH.keys() - {"parameters"}}
    assert operations == {
        "get": "V1ClientDeallocationsSigningGetRoute",
        "post": "V1ClientDeallocationsSigningPostRoute",
    }
    assert operations == {method: routes[method]["operationId"] for method in operations}


@pytest.mark.parametrize("method", SCOPES)
def test_an_operation_has_the_scopes_and_the_body_of_the_code(method: str) -> None:
    assert PATH[method]["security"] == [{"accessToken": SCOPES[method]}]
    scopes = re.findall(r"`(settlement_\w+)`", PATH[method]["description"])
    assert scopes == SCOPES[method]
    scheme = COMPONENTS["securitySchemes"]["accessToken"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    body = component(PATH[method]["requestBody"])
    assert body["required"]
    assert component(body["content"]["application/json"]["schema"]) is SCHEMAS["SigningBody"]
    assert f"at most {BODY_LIMIT // 1024} KiB" in body["description"]


def test_the_body_and_the_parameters_are_those_of_the_code() -> None:
    model = SigningRequest.model_json_schema()
    code = constraints(model, model["$defs"])["properties"]
    *path, header = PATH["parameters"]
    assert [(parameter["name"], parameter["example"]) for parameter in path] == [
        ("enterpriseId", ENTERPRISE_ID),
        ("connectionId", CONNECTION_ID),
    ]
    for parameter in path:
        assert (parameter["in"], parameter["required"]) == ("path", True)
        assert parameter["schema"] == code.pop(parameter["name"])
    required = {field.alias for field in SigningBody.model_fields.values() if field.is_required()}
    body = constraints(SCHEMAS["SigningBody"], SCHEMAS)
    assert body["properties"] == code
    assert (set(body["required"]), body["additionalProperties"]) == (required, False)
    assert (header["in"], header["name"]) == ("header", "Request-Id")
    assert "must not be a nonce, a token" in header["description"]


def test_each_field_of_the_body_has_a_description_and_an_example() -> None:
    for schema in (SCHEMAS["SigningBody"], SCHEMAS["Amount"]):
        for field in schema["properties"].values():
            if "$ref" not in field:
                assert field["description"].endswith(".")
                validate(field["examples"][0], field)


def test_the_table_of_checks_is_the_one_in_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", INFO["description"], re.MULTILINE)
    checks = list(takewhile(lambda kind: kind is not RouteNotFound, ANSWERS))
    assert [(int(status), name) for status, name, _ in rows] == [
        (ANSWERS[kind][0], kind.__name__) for kind in checks
    ]
    for kind, (_, _, sentence) in zip(checks, rows, strict=True):
        assert sentence.startswith(ANSWERS[kind][1].removesuffix(": {}."))


def test_each_error_is_named_with_an_example_at_its_own_status() -> None:
    function = {(str(ANSWERS[kind][0].value), name) for name, kind in ERRORS.items()}
    gateway = {("403", "RequestRefused"), ("4XX", "RequestRefused"), ("5XX", "InternalError")}
    throttled = {(str(GATEWAY["THROTTLED"]["StatusCode"]), "Throttled")}
    examples = [(status, name) for status, name, _ in error_examples()]
    assert set(examples) == function | gateway | throttled
    assert examples == [
        (status, name)
        for status, response in RESPONSES.items()
        for name in re.findall(r"`(\w+)`", response["description"])
    ]
    assert PATH["post"]["responses"] == RESPONSES


@pytest.mark.parametrize(("status", "name", "body"), error_examples())
def test_the_example_of_an_error_is_what_is_answered(status: str, name: str, body: Any) -> None:
    gateway = {gateway_body(kind)["name"]: gateway_body(kind) for kind in GATEWAY}
    if name not in ERRORS or status == "5XX":
        assert body == gateway[name]
        return
    details = [": ".join(detail.values()).replace(": ", " ") for detail in body.get("details", [])]
    assert body["error"] == ANSWERS[ERRORS[name]][1].format(*details)
    assert body["error"] == gateway.get(name, body)["error"]
    assert (body["name"], body["requestId"]) == (name, gateway["InternalError"]["requestId"])
    validate(body, component(content(status)["schema"]))


def test_a_gateway_s_answer_has_the_documented_headers() -> None:
    for kind, status in {"THROTTLED": "429", "DEFAULT_4XX": "4XX", "DEFAULT_5XX": "5XX"}.items():
        sent = GATEWAY[kind]["ResponseParameters"]["Headers"]
        assert sent.keys() == RESPONSES[status]["headers"].keys()
        wait = int(sent.get("Retry-After", "'1'").strip("'"))
        validate(wait, COMPONENTS["headers"]["Retry-After"]["schema"])


def test_the_names_of_errors_are_complete() -> None:
    gateway = {gateway_body(kind)["name"] for kind in GATEWAY}
    documented = SCHEMAS["ErrorBody"]["properties"]["name"]["enum"]
    assert set(documented) == (ERRORS.keys() | gateway) - {InvalidRequest.__name__}
    assert SCHEMAS["InvalidRequest"]["properties"]["name"]["const"] == InvalidRequest.__name__
    for name in gateway - ERRORS.keys():
        assert f"`{name}`" in INFO["description"]


def test_a_400_has_as_many_details_as_the_code_allows() -> None:
    details = SCHEMAS["InvalidRequest"]["properties"]["details"]
    assert (details["minItems"], details["maxItems"]) == (1, DETAILS_LIMIT)
    assert SCHEMAS["Detail"]["required"] == list(Detail._fields)
    assert SCHEMAS["Detail"]["properties"].keys() == set(Detail._fields)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("method", SCOPES)
def test_each_example_of_the_body_but_the_unsupported_currency_gets_a_payload(method: str) -> None:
    examples = COMPONENTS["requestBodies"]["SigningBody"]["content"]["application/json"]["examples"]
    answers = {
        name: ask(method.upper(), body=example["value"]) for name, example in examples.items()
    }
    statuses = {name: answer.status for name, answer in answers.items()}
    assert statuses.pop("UnsupportedCurrency") == 422
    assert set(statuses.values()) == {200}
    assert examples["WithoutNotes"]["value"] == BODY
    assert content("200")["example"] == answers["WithoutNotes"].body


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("name", [sample.name for sample in sample_events()])
def test_the_handler_answers_as_documented(name: str) -> None:
    answer = call(sample_event(name))
    documented = RESPONSES[str(answer.status)]["headers"]
    assert answer.headers.keys() == documented.keys() | {"Content-Type"}
    for header, reference in documented.items():
        assert component(reference).get("required", False) is (header != "WWW-Authenticate")
        validate(answer.headers[header], component(reference)["schema"])
    schema = component(content(str(answer.status))["schema"])
    assert answer.body.keys() == schema["properties"].keys() == set(schema["required"])
    validate(answer.body, schema)


def test_the_fuzzer_counts_only_the_statuses_named_one_by_one() -> None:
    schema = deepcopy(CONTRACT)
    before_load_schema(HookContext(), schema)
    for method in SCOPES:
        responses = schema["paths"][RESOURCE][method]["responses"]
        assert responses.keys() == RESPONSES.keys() - {"4XX", "5XX"}
