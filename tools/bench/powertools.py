"""The same job as Powertools' documentation does it, with all that it offers for it."""

from typing import Annotated, Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from tools.bench import floor

logger = Logger(service="bench")
metrics = Metrics(namespace="Bench", service="bench")
tracer = Tracer(service="bench")
app = APIGatewayRestResolver(enable_validation=True)


class Amount(BaseModel):
    currency: str
    quantity: str


class SigningBody(BaseModel):
    amount: Amount
    clientExternalId: str  # noqa: N815 -- the contract's name
    nonce: str
    notes: str | None = None


class Answer(BaseModel):
    payload: str


@app.get(
    "/api/network/v1/enterprises/<enterprise_id>"
    "/clients/connections/<connection_id>/deallocations/signing"
)
@tracer.capture_method
def signing(enterprise_id: str, connection_id: str, body: Annotated[SigningBody, Body()]) -> Answer:
    token = app.current_event.headers["Authorization"].removeprefix("Bearer ")
    payload = floor.signing_payload(
        enterprise_id, connection_id, token, body.model_dump(exclude_none=True)
    )
    metrics.add_dimension("outcome", "Payload")
    metrics.add_metric("answers", MetricUnit.Count, 1)
    logger.info("Answered", extra={"enterpriseId": enterprise_id, "connectionId": connection_id})
    return Answer(payload=payload)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A 200, whoever asks, with a line of the log and one of the metrics."""
    return app.resolve(event, context)
