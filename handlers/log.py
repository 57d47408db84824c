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
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.request import SigningRequest
from handlers.answers import error_name

METRICS_NAMESPACE = "DeallocationSigning"
PAYLOAD = "Payload"
"""The outcome of a request that got its payload; any other outcome is the error's name."""

# The level is explicit: a quieter one in the environment would silence the metrics with the lines.
# The serializer is json's own: ASCII, so that no character that a client sends ends a line.
logger = Logger(
    service="deallocation-signing",
    level="INFO",
    location=None,
    serialize_stacktrace=False,
    json_serializer=json.dumps,
)
# Whatever the level of Lambda's own logger: at DEBUG botocore writes each request and answer out,
# and with them the token's hash, the records and the function's session token.
logging.getLogger("botocore").setLevel(logging.INFO)


class RequestLog:
    """What one request's line says, filled in as the request goes on. No secret has a place in it."""

    def __init__(self, event: object, context: LambdaContext) -> None:
        self._started = perf_counter()
        self._context = context
        self.request_id = _request_id(event) or context.aws_request_id
        """API Gateway's id of the request; Lambda's for an event that has none."""
        self.request: SigningRequest | None = None
        self.error: Exception | None = None

    def write(self, status: int) -> None:
        """Writes the line, as an error with the full exception if the status is a 5xx."""
        outcome = error_name(self.error) if self.error else PAYLOAD
        fields: dict[str, Any] = {
            "outcome": outcome,
            "status": status,
            "requestId": self.request_id,
            "functionRequestId": self._context.aws_request_id,
            "FunctionName": self._context.function_name,
            "duration": round((perf_counter() - self._started) * 1000, 3),
            "_aws": {
                "Timestamp": round(time() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": METRICS_NAMESPACE,
                        "Dimensions": [["FunctionName"], ["FunctionName", "outcome"]],
                        "Metrics": [{"Name": "duration", "Unit": "Milliseconds"}],
                    }
                ],
            },
        }
        if self.request:
            fields["enterpriseId"] = self.request.enterprise_id
            fields["connectionId"] = self.request.connection_id
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error("request failed", exc_info=self.error, extra=fields)
        else:
            logger.info("request answered", extra=fields)


def _request_id(event: object) -> str | None:
    match event:
        case {"requestContext": {"requestId": str(request_id)}} if request_id.isascii():
            return request_id
    return None
