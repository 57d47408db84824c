"""One structured line a request: the log record and the metrics in it, in one write.

The line is a CloudWatch embedded metric format document too
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html),
so that CloudWatch reads the metric `duration` out of it, for each `outcome`; how many requests
had an outcome is that metric's sample count.
"""

import json
import logging
from http import HTTPStatus
from time import perf_counter, time
from traceback import format_exception
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.request import SigningRequest
from handlers.answers import error_name

METRICS_NAMESPACE = "DeallocationSigning"
PAYLOAD = "Payload"
"""The outcome of a request that got its payload; any other outcome is the error's name."""

_METRICS = {
    "Namespace": METRICS_NAMESPACE,
    "Dimensions": [["FunctionName"], ["FunctionName", "outcome"]],
    "Metrics": [{"Name": "duration", "Unit": "Milliseconds"}],
}

# Whatever the level of Lambda's own logger: at DEBUG botocore writes each request and answer out,
# and with them the token's hash, the records and the function's session token. At INFO it would write a
# line of its own for each client.
logging.getLogger("botocore").setLevel(logging.WARNING)


class RequestLog:
    """What one request's line says, filled in as the request goes on. No secret has a place in it."""

    def __init__(self, event: object, context: LambdaContext) -> None:
        self._started = perf_counter()
        self._context = context
        self._extended_request_id = _context_id(event, "extendedRequestId")
        self.request_id = _context_id(event, "requestId") or context.aws_request_id
        """API Gateway's id of the request; Lambda's for an event that has none."""
        self.request: SigningRequest | None = None
        self.error: Exception | None = None

    def write(self, status: int) -> None:
        """Writes the line, as an error with the full exception if the status is a 5xx."""
        failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        line: dict[str, Any] = {
            "level": "ERROR" if failed else "INFO",
            "outcome": error_name(self.error) if self.error else PAYLOAD,
            "status": status,
            "requestId": self.request_id,
            # Of the three the client can choose the first (header X-Amzn-RequestId), and no other.
            "extendedRequestId": self._extended_request_id,
            "functionRequestId": self._context.aws_request_id,
            "duration": round((perf_counter() - self._started) * 1000, 3),
        }
        if self.request:
            line["enterpriseId"] = self.request.enterprise_id
            line["connectionId"] = self.request.connection_id
        if failed and self.error:
            line["exception_name"] = type(self.error).__name__
            line["exception"] = "".join(format_exception(self.error)).rstrip()
        line["FunctionName"] = self._context.function_name
        line["_aws"] = {"Timestamp": round(time() * 1000), "CloudWatchMetrics": [_METRICS]}
        # In one write: a line that print() ends in a second one can be torn apart.
        print(json.dumps(line) + "\n", end="")  # noqa: T201 -- Lambda's log is standard output


def _context_id(event: object, name: str) -> str | None:
    match event:
        case {"requestContext": dict(ids)}:
            value = ids.get(name)
            if isinstance(value, str) and value.isascii():
                return value
    return None
