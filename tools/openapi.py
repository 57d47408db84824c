"""openapi.yaml, made of the code: its routes, request model, answers and scopes.

Powertools describes only the routes here: it would learn bodies and answers by validating them,
which the handler does itself. So the routes are Powertools', and the rest is put together below.
"""

import json
import re
import tomllib
from collections import defaultdict
from http import HTTPStatus
from itertools import takewhile
from typing import Any, override

import yaml
from aws_lambda_powertools.event_handler.api_gateway import Response
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema

from domain.errors import Detail, InvalidRequest
from domain.payload import signing_payload
from domain.request import DETAILS_LIMIT, SigningBody, SigningRequest, parse_signing_request
from handlers.answers import ANSWERS, RouteNotFound, payload_answer, refusal
from handlers.signing import REQUIRED_SCOPES, SIGNING_PATH, app
from tools.world import BODY, CONNECTION_ID, ENTERPRISE_ID, ROOT, template

OPENAPI = ROOT / "openapi.yaml"
REQUEST_ID = "6513270e-269e-4d37-b2a7-4de452e6b438"
TAG = "Signing"
RESOURCE = re.sub(r"<(\w+)>", lambda name: f"{{{to_camel(name[1])}}}", SIGNING_PATH)
"""The path, as OpenAPI and API Gateway write it."""

_CHECKS = "\n".join(
    f"| {status} | `{kind.__name__}` | {sentence.format('what is off')} |"
    for kind, (status, sentence) in takewhile(
        lambda row: row[0] is not RouteNotFound, ANSWERS.items()
    )
)
DESCRIPTION = f"""\
An institution that keeps assets at a custodian and has allocated some of them to a trading partner
(off-exchange settlement, OES) takes them back with a *deallocation*: a request that carries a
payload and a signature over it. This API is the step before. It says whether such a deallocation
may be asked for, and returns **the exact string to sign**.

Nothing is written and no nonce is used up: the same question always gets the same bytes.

The checks run in this order, and the first that fails answers:

| status | name | sentence |
|---|---|---|
{_CHECKS}

API Gateway answers some requests before they get here, in the same shape: `Throttled` with a 429,
any other 4xx as `RequestRefused`, such as that of a body of over 10 MB.
"""
METHODS = {
    "GET": (
        "Get the payload to sign",
        """\
The request is in the body. A client that cannot send one with GET, as no browser can (the Fetch
standard forbids it), asks by POST.""",
    ),
    "POST": (
        "Get the payload to sign, for clients that cannot send a body with GET",
        "The same question as by GET, and the same answer. It needs one more scope.",
    ),
}
PAYLOAD = """\
The string to sign: the properties of body and path, and no others, by
[RFC 8785](https://www.rfc-editor.org/rfc/rfc8785) (sorted keys, no white space). Check that it says
what you meant, then sign its UTF-8 bytes as they are: never parse and write it again."""
BODIES = {
    "WithoutNotes": ("Without notes", BODY),
    "WithNotes": ("With notes", BODY | {"notes": "Quarterly rebalancing"}),
    "NotesInManyScripts": (
        "Notes in many scripts, which are signed as they came",
        BODY | {"notes": "Größe расчёт 清算 🏦"},
    ),
    "UnsupportedCurrency": (
        "A currency that the connection does not support, which gets a 422",
        BODY | {"amount": {"currency": "DOGE", "quantity": "150000000"}},
    ),
}
TEXT = {"type": "string"}
HEADERS = {
    "Request-Id": {
        "description": "The id of the request, in the service's log too.",
        "required": True,
        "schema": TEXT,
        "example": REQUEST_ID,
    },
    "Cache-Control": {
        "description": "No answer may be cached: the question is in the body, not in the URL.",
        "required": True,
        "schema": TEXT | {"const": "no-store"},
    },
    "WWW-Authenticate": {
        "description": "API Gateway's REST APIs rename it to `x-amzn-Remapped-WWW-Authenticate`.",
        "schema": TEXT | {"const": "Bearer"},
    },
    "Retry-After": {
        "description": "When to ask again, in seconds.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Allow": {
        "description": "The methods that there are.",
        "required": True,
        "schema": TEXT | {"const": "GET, POST"},
    },
}
ERROR = {
    "error": TEXT | {"description": "One sentence for people. It may be reworded."},
    "name": TEXT
    | {
        "description": "The error's name for programs. It stays.",
        "enum": [
            *(kind.__name__ for kind in ANSWERS if kind is not InvalidRequest),
            "Throttled",
            "RequestRefused",
        ],
    },
    "requestId": TEXT | {"description": "The id of the request, as in the header `Request-Id`."},
}
INVALID_REQUEST = ERROR | {
    "name": TEXT | {"description": "The error's name.", "const": InvalidRequest.__name__},
    "details": {
        "description": "What is off. It never repeats a value that was sent.",
        "type": "array",
        "minItems": 1,
        "maxItems": DETAILS_LIMIT,
        "items": {"$ref": "#/components/schemas/Detail"},
    },
}
DETAIL = {
    "field": TEXT | {"description": "A field, with dots between its levels; or `body`, for all."},
    "message": TEXT | {"description": "What is asked of the field."},
}


def openapi_yaml() -> str:
    """The text of openapi.yaml."""
    return "# Made from the code by `make openapi`: change the code.\n" + yaml.dump(
        openapi(), Dumper=_Yaml, sort_keys=False, allow_unicode=True, width=100
    )


def openapi() -> dict[str, Any]:
    """The contract, as an OpenAPI 3.1 document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    request, body = _schema(SigningRequest), _schema(SigningBody)
    of_path = {name: request["properties"][name] for name in re.findall(r"{(\w+)}", RESOURCE)}
    (routes,) = app.get_openapi_schema().model_dump()["paths"].values()
    answers = sorted(_answers().items())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Deallocation signing",
            "version": project["version"],
            "summary": project["description"],
            "description": DESCRIPTION,
        },
        "servers": [{"url": "/", "description": "The host that this document comes from"}],
        "tags": [{"name": TAG, "description": "Two methods, the same question, the same answer."}],
        "paths": {
            RESOURCE: {
                "parameters": [_parameter(name, field) for name, field in of_path.items()],
                **{
                    method.lower(): {
                        "operationId": routes[method.lower()]["operationId"],
                        "tags": [TAG],
                        "summary": summary,
                        "description": description,
                        "security": [{"accessToken": sorted(REQUIRED_SCOPES[method])}],
                        "requestBody": {"$ref": "#/components/requestBodies/SigningBody"},
                        "responses": {
                            str(status.value): {"$ref": f"#/components/responses/{status.name}"}
                            for status, _ in answers
                        },
                    }
                    for method, (summary, description) in METHODS.items()
                },
            }
        },
        "components": {
            "securitySchemes": {
                "accessToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of a member of the enterprise in the path.",
                }
            },
            "requestBodies": {
                "SigningBody": {
                    "description": body["description"],
                    "required": True,
                    "content": _json(
                        "SigningBody",
                        {
                            name: {"summary": summary, "value": value}
                            for name, (summary, value) in BODIES.items()
                        },
                    ),
                }
            },
            "responses": {status.name: _response(status, same) for status, same in answers},
            "headers": HEADERS,
            "schemas": {
                **body.pop("$defs"),
                "SigningBody": body,
                "Payload": _object({"payload": TEXT | {"description": PAYLOAD}}),
                "Error": _object(ERROR),
                "InvalidRequest": _object(INVALID_REQUEST),
                "Detail": _object(DETAIL),
            },
        },
    }


class _Yaml(yaml.SafeDumper):
    """Text of several lines as such, and nothing as a reference to what is the same elsewhere."""

    @override
    def ignore_aliases(self, data: object) -> bool:
        return True

    @override
    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = "|" if "\n" in data else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


_Yaml.add_representer(str, _Yaml.represent_str)


class _Untitled(GenerateJsonSchema):
    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(
        ref_template="#/components/schemas/{model}", schema_generator=_Untitled
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _json(schema: str, examples: dict[str, Any]) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": examples}
    return {"application/json": content}


def _parameter(name: str, field: dict[str, Any]) -> dict[str, Any]:
    described = {"description": field.pop("description"), "example": field.pop("examples")[0]}
    return {"name": name, "in": "path", "required": True, **described, "schema": field}


def _answers() -> dict[HTTPStatus, dict[str, Response[str]]]:
    """The answers that there are: for each status by name, as handler and API Gateway give them."""
    request = parse_signing_request(ENTERPRISE_ID, CONNECTION_ID, json.dumps(BODY).encode())
    payload = payload_answer(signing_payload(request), REQUEST_ID)
    answers = defaultdict(dict, {HTTPStatus.OK: {"Payload": payload}})
    for kind, (status, _) in ANSWERS.items():
        details = [Detail("amount.quantity", "must be a string")] if kind is InvalidRequest else []
        answers[status][kind.__name__] = refusal(kind(*details), REQUEST_ID)
    answers[HTTPStatus.TOO_MANY_REQUESTS]["Throttled"] = _throttled()
    return answers


def _throttled() -> Response[str]:
    answer = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]["THROTTLED"]
    body = answer["ResponseTemplates"]["application/json"]
    return Response(
        answer["StatusCode"],
        body=body.replace("$context.requestId", REQUEST_ID),
        headers=answer["ResponseParameters"]["Headers"],
    )


def _response(status: HTTPStatus, same: dict[str, Response[str]]) -> dict[str, Any]:
    bodies = {name: json.loads(answer.body or "") for name, answer in same.items()}
    (headers, *_) = [answer.headers for answer in same.values()]
    return {
        "description": f"{status.phrase}: {', '.join(f'`{name}`' for name in same)}",
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS if name in headers
        },
        "content": _json(
            {HTTPStatus.OK: "Payload", HTTPStatus.BAD_REQUEST: "InvalidRequest"}.get(
                status, "Error"
            ),
            {
                name: {"summary": body.get("error", "The payload to sign"), "value": body}
                for name, body in bodies.items()
            },
        ),
    }
