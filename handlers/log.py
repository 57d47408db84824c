"""One log line for each request, by Powertools' Logger, with a metric by Powertools' Metrics.

The line is a document of CloudWatch's embedded metric format
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html):
CloudWatch reads the metric `duration` from it, for all requests and for each `outcome`.
"""

import json
import logging
from http import HTTPStatus
from time import perf_counter
from traceback import format_exception

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.request import SigningRequest
from handlers.answers import error_name
from handlers.event import client_request_id, context_id

SERVICE = "deallocation-signing"
METRICS_NAMESPACE = "DeallocationSigning"
PAYLOAD = "Payload"
"""The outcome of a request that got its payload. Every other outcome is the error's name."""
EXCEPTION_LIMIT = 8 * 1024
"""The most characters of an exception's text in a line. CloudWatch accepts a line of 256 KB."""

logger = Logger(
    service=SERVICE,
    location=None,  # it would be the same in every line
    json_serializer=json.dumps,  # one line of ASCII, whatever POWERTOOLS_DEV says
)
# Powertools takes the level from the environment. A higher one would drop lines and their metrics.
logger.initial_log_level = logging.INFO
logger.refresh_sample_rate_calculation()
# With POWERTOOLS_LOG_DEDUPLICATION_DISABLED, Lambda's own handler would write each line again.
logging.getLogger(SERVICE).propagate = False
# Below WARNING, botocore logs each client it creates and each request, and so the token's hash.
logging.getLogger("botocore").setLevel(logging.WARNING)


class RequestLog:
    """The content of one request's line, filled in step by step. It has no field for a secret."""

    def __init__(self, event: object, context: LambdaContext) -> None:
        self._started = perf_counter()
        self._context = context
        self._extended_request_id = context_id(event, "extendedRequestId")
        self._client_request_id = client_request_id(event)
        self.request_id = context_id(event, "requestId") or context.aws_request_id
        """API Gateway's id of the request, or Lambda's if the event has none."""
        self.request: SigningRequest | None = None
        self.member_id: str | None = None
        self.error: Exception | None = None

    def write(self, status: int) -> None:
        """Writes the line. A 5xx is an error, and the line has the exception's text."""
        outcome = error_name(self.error) if self.error else PAYLOAD
        duration = round((perf_counter() - self._started) * 1000, 3)
        failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        write = logger.error if failed else logger.info
        write(
            f"{status} {outcome}",
            extra={
                **_metrics(self._context.function_name, outcome, duration),
                "outcome": outcome,
                "status": status,
                "duration": duration,
                "requestId": self.request_id,
                # A client can choose the requestId (by X-Amzn-RequestId), but not this one.
                "extendedRequestId": self._extended_request_id,
                "clientRequestId": self._client_request_id,
                "enterpriseId": self.request and self.request.enterprise_id,
                "connectionId": self.request and self.request.connection_id,
                "memberId": self.member_id,
                "functionVersion": self._context.function_version,
                "exception": _text(self.error) if failed and self.error else None,
                "exception_name": type(self.error).__name__ if failed and self.error else None,
            },
        )


def _metrics(function_name: str, outcome: str, duration: float) -> dict[str, object]:
    metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE)
    metrics.add_metric("duration", MetricUnit.Milliseconds, duration)
    metrics.add_dimension("service", SERVICE)
    metrics.add_dimension("function_name", function_name)
    metrics.add_dimensions(service=SERVICE, function_name=function_name, outcome=outcome)
    return dict(metrics.serialize_metric_set())


def _text(error: Exception) -> str:
    text = "".join(format_exception(error)).rstrip()
    if len(text) <= EXCEPTION_LIMIT:
        return text
    # The first calls and the message at the end help most.
    half = EXCEPTION_LIMIT // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
