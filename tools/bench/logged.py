"""Bare boto3 with Powertools' Logger and Metrics, as Powertools' documentation shows them."""

from time import perf_counter
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from tools.bench import bare

logger = Logger(service="bench")
metrics = Metrics(namespace="Bench", service="bench")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    started = perf_counter()
    answer = bare.lambda_handler(event, context)
    metrics.add_dimension("outcome", "Payload")
    metrics.add_metric("duration", MetricUnit.Milliseconds, (perf_counter() - started) * 1000)
    logger.info("Answered", extra={"status": answer["statusCode"], **event["pathParameters"]})
    return answer
