"""One log line for each request, by Powertools' Logger, with a metric by Powertools' Metrics.

The line is a document of CloudWatch's embedded metric format
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html):
CloudWatch reads the metric `duration` from it, for all requests and for each `outcome`.
"""

import json
import logging
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from time import perf_counter
from traceback import format_exception
from typing import TypedDict

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from domain.request import SigningRequest
from handlers.answers import error_name
from handlers.event import client_request_id

SERVICE = "deallocation-signing"
METRICS_NAMESPACE = "DeallocationSigning"
PAYLOAD = "Payload"
"""The outcome of a request that got its payload. Every other outcome is the error's name."""
EXCEPTION_LIMIT = 8 * 1024
"""The most characters of an exception's text in a line. CloudWatch accepts a line of 256 KB."""

logger = Logger(
    service=SERVICE,
    level="INFO",  # set here, because a higher one from the environment would drop lines and metrics
    location=None,  # it would be the same in every line
    # One line of ASCII, whatever POWERTOOLS_DEV says.
    json_serializer=partial(json.dumps, default=str),
)
# At DEBUG, botocore logs requests, with the token's hash.
logging.getLogger("botocore").setLevel(logging.WARNING)


class Fields(TypedDict):
    """What a line says of its request, beside Powertools' standard keys. A field of None is left out."""

    outcome: str
    """`Payload`, or the error's name"""
    status: int
    """The HTTP status"""
    duration: float
    """Milliseconds from the event to the answer"""
    requestId: str
    """API Gateway's id of the request, which is the answer's `Request-Id`"""
    extendedRequestId: str | None
    """API Gateway's other id of the request. A client can choose `requestId`, but not this one"""
    clientRequestId: str | None
    """The client's own `Request-Id` header, if it has at most 128 characters from `A-Za-z0-9-_.`.

    It must not be a nonce or a token, because it is logged as sent.
    """
    enterpriseId: str | None
    """The enterprise in the path, if the request is valid"""
    connectionId: str | None
    """The connection in the path, if the request is valid"""
    memberId: str | None
    """Who asked, if the access token is valid"""
    payloadSha256: str | None
    """Of a 200: the SHA-256 of the payload's UTF-8 bytes, in hex"""
    functionVersion: str
    """Which version answered; a deployment runs two for a while"""
    exception: str | None
    """Of a 500: the traceback, at most 8 KB of it"""
    exception_name: str | None
    """Of a 500: the class of the exception"""


def log_request(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[str]:
    """The middleware that writes a request's line. A 5xx is an error, with the exception's text.

    `request`, `member_id`, `payload` and `error` come from the context, as far as the request got.
    The line has no field for a secret.
    """
    started = perf_counter()
    response = next_middleware(app)
    duration = round((perf_counter() - started) * 1000, 3)

    event, context = app.current_event, app.lambda_context
    request: SigningRequest | None = app.context.get("request")
    payload: str | None = app.context.get("payload")
    error: Exception | None = app.context.get("error")
    outcome = error_name(error) if error else PAYLOAD
    failed = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    fields: Fields = {
        "outcome": outcome,
        "status": response.status_code,
        "duration": duration,
        "requestId": event.request_context.request_id,
        "extendedRequestId": event.request_context.extended_request_id,
        "clientRequestId": client_request_id(event),
        "enterpriseId": request.enterprise_id if request else None,
        "connectionId": request.connection_id if request else None,
        "memberId": app.context.get("member_id"),
        "payloadSha256": sha256(payload.encode()).hexdigest() if payload else None,
        "functionVersion": context.function_version,
        "exception": _text(error) if failed and error else None,
        "exception_name": type(error).__name__ if failed and error else None,
    }
    # The metrics hold `duration` as a list. The line's number replaces it.
    extra = {**_metrics(context.function_name, outcome, duration), **fields}
    write = logger.error if failed else logger.info
    write(f"{response.status_code} {outcome}", extra=extra)
    return response


def _metrics(function_name: str, outcome: str, duration: float) -> dict[str, object]:
    metrics = EphemeralMetrics(
        namespace=METRICS_NAMESPACE,
        default_dimensions={"service": SERVICE, "function_name": function_name},
    )
    metrics.add_metric("duration", MetricUnit.Milliseconds, duration)
    metrics.add_dimensions(outcome=outcome)
    return dict(metrics.serialize_metric_set())


def _text(error: Exception) -> str:
    text = "".join(format_exception(error)).rstrip()
    if len(text) <= EXCEPTION_LIMIT:
        return text
    # The first calls and the message at the end help most.
    half = EXCEPTION_LIMIT // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
