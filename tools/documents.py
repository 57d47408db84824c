"""Writes the documents' tables from the facts in the code, by cog: `make docs`.

A document names a function of this module between its markers. `make check` fails if what stands
there is not what the function returns.
"""

import ast
import html
import json
import logging
from collections.abc import Iterator, Mapping
from decimal import Decimal
from inspect import cleandoc, getsource
from itertools import pairwise
from textwrap import indent
from types import ModuleType
from typing import Any
from urllib.parse import quote

import yaml
from pydantic import BaseModel

import domain
from domain import deallocation, errors, request
from domain.errors import Detail, InvalidRequest
from domain.records import Connection, Credential, License
from domain.request import Amount, SigningBody, SigningRequest
from handlers import log, state
from handlers.answers import ANSWERS, error_answer
from handlers.signing import lambda_handler
from tools import sample
from tools.serve import api_gateway_event
from tools.template import template
from tools.world import sample_world

REQUEST_ID = "6513270e-269e-4d37-b2a7-4de452e6b438"
"""The id in the examples of openapi.yaml."""
GATEWAY = {
    "THROTTLED": ("429", "From AWS WAF it comes without Request-Id, and its requestId is empty."),
    "DEFAULT_4XX": ("4XX", "API Gateway refused the request, and the function did not see it."),
    "DEFAULT_5XX": ("5XX", "API Gateway got no answer from the function."),
}
"""API Gateway's own errors: the status in openapi.yaml, and what to know about them."""

type Rows = Iterator[tuple[object, ...]]


def errors_table() -> str:
    """Every error of the function, in the order of the checks."""

    def rows() -> Rows:
        for number, (kind, (status, _)) in enumerate(ANSWERS.items(), start=1):
            check = number if kind.__module__ == errors.__name__ else "-"
            yield check, status.value, f"`{kind.__name__}`", _text(kind.__doc__)

    return _table("check | status | name | when", rows())


def package_exports() -> str:
    """What the package for the deallocation endpoint exports."""

    def rows() -> Rows:
        for name in domain.__all__:
            exported = getattr(domain, name)
            kind = "error: " if isinstance(exported, type) else ""
            yield f"`{name}`", kind + _paragraph(exported.__doc__)

    return _table("the package exports | what it is", rows())


def request_fields() -> str:
    """What a request consists of."""

    def rows() -> Rows:
        for where, name, rule, meaning in _fields():
            yield where, f"`{name}`", rule, meaning
        yield "header", "`Authorization`", "`Bearer <access token>`, once", "Who asks"

    return _table("where | field | rule | meaning", rows())


def request_limits() -> str:
    """The limits of a request's size and shape."""
    names = ("BODY_LIMIT", "NAMES_LIMIT", "DEPTH_LIMIT", "OBJECTS_LIMIT", "DETAILS_LIMIT")
    return _limits(request, *names)


def deallocation_limits() -> str:
    """The limit of the body of a deallocation."""
    return _limits(deallocation, "DEALLOCATION_BODY_LIMIT")


def read_limits() -> str:
    """What ends a read of the state."""
    return _limits(state, "TIMEOUT", "ATTEMPTS", "WAITS", "LAST_START")


def data_model() -> str:
    """The attributes of each kind of record."""
    keys: dict[type[BaseModel], str] = {
        License: state.LICENSE_KEY,
        Credential: state.hashed_credential_key("<sha256 of the access token, lower-case hex>"),
        Connection: state.connection_key("<uuid, lower case>"),
    }

    def rows() -> Rows:
        for model, key in keys.items():
            meanings, first = docstrings(model), f"`{key}`"
            for name, field in model.model_fields.items():
                kind = _TYPES[field.annotation]
                optional = "" if field.is_required() else ", optional"
                meaning = _text(meanings[name])
                yield first, f"`{field.alias}`", kind + optional, meaning
                first = ""

    return _table("`sk` | attribute | type | meaning", rows())


def log_fields() -> str:
    """The fields of a log line that are not Powertools' own."""
    meanings = docstrings(log.Fields)
    return _table(
        "field | meaning", ((f"`{name}`", _text(text)) for name, text in meanings.items())
    )


def parameters() -> str:
    """The parameters of the main stack."""

    def rows() -> Rows:
        for name, parameter in template()["Parameters"].items():
            default = parameter.get("Default")
            shown = {None: "required", "": "empty"}.get(default, f"`{default}`")
            yield f"`{name}`", shown, parameter["Description"]

    return _table("parameter | default | meaning", rows())


def alarms() -> str:
    """The alarms, and what each of them says."""

    def rows() -> Rows:
        for name, resource in template()["Resources"].items():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                yield f"`{name}`", resource["Properties"]["AlarmDescription"]

    return _table("alarm | what it says", rows())


def what_stays() -> str:
    """The resources that outlive the stack."""
    names: dict[tuple[str, str], list[str]] = {}
    for name, resource in template()["Resources"].items():
        if resource.get("DeletionPolicy", "Delete") != "Delete":
            stays = resource["Metadata"]["Stays"]
            names.setdefault((stays["Because"], stays["Removal"]), []).append(f"`{name}`")
    rows = ((", ".join(alike), *stays) for stays, alike in names.items())
    return _table("what stays | why | to remove it", rows)


def sample_tokens() -> str:
    """The tokens of the sample world, as rows of HTML: what each gets, by GET and by POST."""
    records = json.loads((sample.EVENTS / "state.json").read_bytes())
    connections = {r["enterprise"]: r["connection"] for r in reversed(records) if "connection" in r}

    def rows() -> Iterator[str]:
        logging.disable()
        with sample_world():
            for record in records:
                if "credential" in record:
                    answers = [
                        _answer(method, record, connections[record["enterprise"]])
                        for method in ("GET", "POST")
                    ]
                    cells = map(html.escape, [record["credential"], record["enterprise"], *answers])
                    yield f"<tr><td>{'</td><td>'.join(cells)}</td></tr>"

    return indent("\n".join(rows()), 6 * " ")


def checks() -> str:
    """The description of openapi.yaml's one tag: the checks and their sentences."""
    rows = [
        f"| {status.value} | `{kind.__name__}` | {sentence.format('each field and its rule')} |"
        for kind, (status, sentence) in ANSWERS.items()
        if kind.__module__ == errors.__name__
    ]
    lines = [
        "Two methods, with the same request and the same answer. The checks run in this order, and",
        "the first that fails answers:",
        "",
        "| status | name | sentence |",
        "|---|---|---|",
        *rows,
    ]
    return "    description: |\n" + indent("\n".join(lines), 6 * " ")


def path_parameters() -> str:
    """The parameters in the path, for openapi.yaml."""
    schema = SigningRequest.model_json_schema()["properties"]
    examples = {"enterpriseId": sample.ENTERPRISE_ID, "connectionId": sample.CONNECTION_ID}
    meanings = {name: meaning for where, name, _, meaning in _fields() if where == "path"}
    return _yaml(
        [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": f"{meanings[name]}.",
                "example": example,
                "schema": _rules(schema[name]),
            }
            for name, example in examples.items()
        ],
        6,
    )


def error_responses() -> str:
    """The answers that are not 200, for openapi.yaml: the function's and API Gateway's own."""
    gateway = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
    responses: dict[str, Any] = {}
    for kind in ANSWERS:
        error = InvalidRequest(_EXAMPLE) if kind is InvalidRequest else kind()
        answer = error_answer(error, REQUEST_ID)
        _add(responses, str(answer.status_code), json.loads(str(answer.body)), answer.headers)
    _add(responses, "403", _gateway_body(gateway["DEFAULT_4XX"]), {})
    for name, (status, remark) in GATEWAY.items():
        headers = gateway[name]["ResponseParameters"]["Headers"]
        _add(responses, status, _gateway_body(gateway[name]), headers)
        responses[status]["description"] += f". {remark}"
    return _yaml({status: responses[status] for status in sorted(responses)}, 8)


def error_names() -> str:
    """The names of all errors except `InvalidRequest`, which has a separate schema in openapi.yaml."""
    gateway = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
    names = [kind.__name__ for kind in ANSWERS if kind is not InvalidRequest]
    names += [_gateway_body(gateway[kind])["name"] for kind in GATEWAY]
    return _yaml({"enum": list(dict.fromkeys(names))}, 10)


def body_description() -> str:
    """What openapi.yaml says of the body of a request as a whole."""
    text = f"A JSON object in UTF-8, of at most {request.BODY_LIMIT:,} bytes, whatever its Content-Type."
    return _yaml({"description": text}, 6)


def most_details() -> str:
    """The most details of a 400, for openapi.yaml."""
    return _yaml({"maxItems": request.DETAILS_LIMIT}, 10)


def body_schemas() -> str:
    """The schemas of the body and the amount, for openapi.yaml."""
    examples = sample.BODY | sample.BODY["amount"] | {"notes": "Quarterly rebalancing"}
    schemas = {}
    for model in (SigningBody, Amount):
        meanings, written = docstrings(model), model.model_json_schema()
        properties: dict[str, Any] = {}
        for name, field in model.model_fields.items():
            alias = str(field.alias)
            rules = _rules(written["properties"][alias])
            if "$ref" in rules:
                properties[alias] = {"$ref": f"#/components/schemas/{Amount.__name__}"}
            else:
                properties[alias] = {
                    **rules,
                    "description": f"{_text(meanings[name])}.",
                    "examples": [examples[alias]],
                }
        schemas[model.__name__] = {
            "type": "object",
            "description": cleandoc(str(model.__doc__)),
            "additionalProperties": False,
            "required": written["required"],
            "properties": properties,
        }
    return _yaml(schemas, 4)


def docstrings(described: type | ModuleType) -> dict[str, str]:
    """The text below each attribute of a class, or each constant of a module, by its name."""
    body = ast.parse(getsource(described)).body
    match body:
        case [ast.ClassDef() as only]:
            body = only.body
    texts = {}
    for attribute, text in pairwise(body):
        match attribute, text:
            case (
                ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)),
                ast.Expr(ast.Constant(str(value))),
            ):
                texts[name] = value
    return texts


_TYPES: dict[Any, str] = {
    str: "S",
    License.model_fields["status"].annotation: "S",
    Decimal: "N",
    bool: "BOOL",
    Connection.model_fields["currencies"].annotation: "SS",
}
"""DynamoDB's type for each type of an attribute."""
_EXAMPLE = Detail("amount.quantity", "must be a string")


def _fields() -> Iterator[tuple[str, str, str, str]]:
    """Where each field of a request is, its name, its rule and its meaning."""
    models: list[tuple[str, str, type[BaseModel]]] = [
        ("path", "", SigningRequest),
        ("body", "amount.", Amount),
        ("body", "", SigningBody),
    ]
    for where, prefix, model in models:
        schema, meanings = model.model_json_schema()["properties"], docstrings(model)
        for name in (name for name in model.model_fields if name in meanings):
            alias = str(model.model_fields[name].alias)
            optional = "" if model.model_fields[name].is_required() else "optional "
            rule = f"{optional}string: {_length_or_format(schema[alias])}"
            yield where, prefix + alias, rule, _text(meanings[name])


def _length_or_format(rules: dict[str, Any]) -> str:
    """What a text must be, from its JSON schema."""
    if "pattern" in rules:
        return request.FORMATS[rules["pattern"]].removeprefix("must be ")
    if "maxLength" in rules:
        return f"{rules['minLength']} to {rules['maxLength']} characters"
    return f"{rules['minLength']} or more characters"


def _limits(module: ModuleType, *names: str) -> str:
    meanings = docstrings(module)

    def rows() -> Rows:
        for name in names:
            value = getattr(module, name)
            values = value if isinstance(value, tuple) else (value,)
            yield (
                _paragraph(meanings[name]),
                ", ".join(f"{value:,}".removesuffix(".0") for value in values),
            )

    return _table("limit | value", rows())


def _add(
    responses: dict[str, Any], status: str, body: dict[str, Any], headers: Mapping[str, Any]
) -> None:
    """Adds an error's name and example to the answers of its status."""
    schema = "InvalidRequest" if "details" in body else "ErrorBody"
    response = responses.setdefault(
        status,
        {
            "description": "",
            "headers": {
                name: {"$ref": f"#/components/headers/{name}"}
                for name in headers
                if name != "Content-Type"
            },
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{schema}"},
                    "examples": {},
                }
            },
        },
    )
    response["description"] += (", " if response["description"] else "") + f"`{body['name']}`"
    response["content"]["application/json"]["examples"][body["name"]] = {"value": body}


def _gateway_body(response: Any) -> Any:
    written = response["ResponseTemplates"]["application/json"]
    return json.loads(written.replace("$context.requestId", REQUEST_ID))


def _answer(method: str, credential: dict[str, Any], connection: str) -> str:
    """The status and the error's name that a credential gets for a valid request."""
    enterprise = quote(credential["enterprise"], safe="")
    path = sample.RESOURCE.format(enterpriseId=enterprise, connectionId=connection)
    headers = [("Authorization", f"Bearer {credential['credential']}")]
    event = api_gateway_event(method, path, headers, json.dumps(sample.BODY).encode())
    answer = lambda_handler(event, sample.lambda_context())
    return f"{answer['statusCode']} {json.loads(answer['body']).get('name', '')}".rstrip()


def _rules(schema: dict[str, Any]) -> dict[str, Any]:
    """What a schema demands, without what it tells people."""
    return {name: value for name, value in schema.items() if name not in ("default", "title")}


def _paragraph(docstring: str | None) -> str:
    """The first paragraph."""
    return _text(cleandoc(docstring or "").partition("\n\n")[0])


def _text(docstring: str | None) -> str:
    return " ".join(cleandoc(docstring or "").split()).removesuffix(".")


def _table(headings: str, rows: Iterator[tuple[object, ...]]) -> str:
    cells = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([f"| {headings} |", "|---" * len(headings.split(" | ")) + "|", *cells])


def _yaml(value: object, spaces: int) -> str:
    written = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100)
    return indent(written.rstrip(), spaces * " ")
