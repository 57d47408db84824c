"""The answers of the contract, and the one table from exception to HTTP."""

import json
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from domain.errors import (
    ConnectionInactive,
    ConnectionNotFound,
    CurrencyNotSupported,
    InsufficientScope,
    InvalidRequest,
    NotAMember,
    OesLicenseRequired,
    Unauthenticated,
)


class RouteNotFound(Exception):
    """The API has no such path."""


class MethodNotAllowed(Exception):
    """The method is neither GET nor POST. `Allow` names the two."""


# Never raised: it stands for every error without a row in the table below.
class InternalError(Exception):
    """The state cannot be read, or a record is invalid. The log says why, the answer does not."""


ANSWERS: dict[type[Exception], tuple[HTTPStatus, str]] = {
    Unauthenticated: (
        HTTPStatus.UNAUTHORIZED,
        "An Authorization header with a bearer token is required.",
    ),
    InvalidRequest: (HTTPStatus.BAD_REQUEST, "The request is invalid: {}."),
    NotAMember: (
        HTTPStatus.UNAUTHORIZED,
        "The access token is not valid for this enterprise.",
    ),
    InsufficientScope: (
        HTTPStatus.FORBIDDEN,
        "The access token lacks a scope that this operation needs.",
    ),
    OesLicenseRequired: (
        HTTPStatus.FORBIDDEN,
        "The enterprise has no active off-exchange settlement licence.",
    ),
    ConnectionNotFound: (
        HTTPStatus.NOT_FOUND,
        "The enterprise has no such connection.",
    ),
    ConnectionInactive: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The connection is not active.",
    ),
    CurrencyNotSupported: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The connection does not support the currency.",
    ),
    RouteNotFound: (HTTPStatus.NOT_FOUND, "There is nothing at this path."),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "The method must be GET or POST."),
    InternalError: (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The request could not be completed. Try again later.",
    ),
}
"""Status and sentence of each error. The class's name is the error's name in the contract.

The braces stand for the error's own text, which only `InvalidRequest` has.
"""

_OWN_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "GET, POST"},
}


def answer_errors(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[str]:
    """The middleware that turns an exception into its answer, and keeps it as `error` for the log."""
    try:
        return next_middleware(app)
    except Exception as error:  # noqa: BLE001 -- whatever fails, the client gets the contract's 500
        app.append_context(error=error)
        return error_answer(error, app.current_event.request_context.request_id)


def error_name(error: Exception) -> str:
    """The error's name in the contract."""
    return (type(error) if type(error) in ANSWERS else InternalError).__name__


def payload_answer(payload: str, request_id: str) -> Response[str]:
    """The 200 with the payload to sign."""
    return _answer(HTTPStatus.OK, {"payload": payload}, request_id)


def error_answer(error: Exception, request_id: str) -> Response[str]:
    """The contract's answer to an error. An error without a row gets that of `InternalError`."""
    status, sentence = ANSWERS.get(type(error)) or ANSWERS[InternalError]
    body: dict[str, object] = {
        "error": sentence.format(error),
        "name": error_name(error),
        "requestId": request_id,
    }
    if isinstance(error, InvalidRequest):
        body["details"] = [detail._asdict() for detail in error.details]
    return _answer(status, body, request_id)


def _answer(status: HTTPStatus, body: dict[str, object], request_id: str) -> Response[str]:
    return Response(
        status_code=status.value,
        content_type="application/json",
        headers={
            "Request-Id": request_id,
            "Cache-Control": "no-store",
            **_OWN_HEADERS.get(status, {}),
        },
        body=json.dumps(body),
    )
