"""openapi.yaml. tools/documents.py writes its tables and some of its schemas."""

import json
import re
import tomllib
from copy import deepcopy
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from schemathesis import HookContext

from domain.access import READ_SCOPE, WRITE_SCOPE
from domain.errors import Detail
from handlers.answers import ANSWERS
from handlers.signing import app
from tests.support.calls import ask, call, sample_event
from tests.support.schemathesis_hook import before_load_schema
from tools.replay import sample_events
from tools.sample import BODY, RESOURCE, ROOT
from tools.serve import OPENAPI
from tools.template import template

CONTRACT: dict[str, Any] = yaml.safe_load(OPENAPI.read_text())
INFO = CONTRACT["info"]
COMPONENTS = CONTRACT["components"]
SCHEMAS = COMPONENTS["schemas"]
PATH = CONTRACT["paths"][RESOURCE]
RESPONSES = PATH["get"]["responses"]
GATEWAY_RESPONSES = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
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


def test_it_has_the_project_s_version_and_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert INFO["version"] == project["version"]
    assert (ROOT / "LICENSE").read_text().startswith(f"{INFO['license']['name']} License")


def test_the_changelog_and_the_install_command_have_the_project_s_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\n## [{version}] - " in (ROOT / "CHANGELOG.md").read_text()
    assert f"@v{version}" in (ROOT / "docs/signing.md").read_text()


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


def test_a_detail_has_the_fields_of_the_code() -> None:
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
    documented_names = content(str(answer.status)).get("examples", {"": None})
    assert answer.name in documented_names
    schema = component(content(str(answer.status))["schema"])
    assert answer.body.keys() == schema["properties"].keys() == set(schema["required"])
    validate(answer.body, schema)


def test_api_gateway_answers_in_the_words_of_the_function() -> None:
    sentences = {kind.__name__: sentence for kind, (_, sentence) in ANSWERS.items()}
    for response in GATEWAY_RESPONSES.values():
        body = json.loads(response["ResponseTemplates"]["application/json"])
        assert body["error"] == sentences.get(body["name"], body["error"])


@pytest.mark.parametrize("kind", GATEWAY_RESPONSES)
def test_an_answer_of_api_gateway_has_the_shape_and_headers_of_the_contract(kind: str) -> None:
    response = GATEWAY_RESPONSES[kind]
    (content,) = response["ResponseTemplates"].values()
    assert json.loads(content).keys() == {"error", "name", "requestId"}
    headers = response["ResponseParameters"]["Headers"]
    assert headers["Cache-Control"] == "'no-store'"
    assert headers["Request-Id"] == "context.requestId"


def test_the_fuzzer_counts_only_the_statuses_named_one_by_one() -> None:
    schema = deepcopy(CONTRACT)
    before_load_schema(HookContext(), schema)
    for method in SCOPES:
        responses = schema["paths"][RESOURCE][method]["responses"]
        assert responses.keys() == RESPONSES.keys() - {"4XX", "5XX"}
