"""The same job with all that Powertools offers, as its documentation shows it."""

import os
from typing import Annotated, Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from tools.bench.bare import CONFIG, signing_payload, sort_keys

logger = Logger(service="bench")
metrics = Metrics(namespace="Bench", service="bench")
tracer = Tracer(service="bench")
app = APIGatewayRestResolver(enable_validation=True)
dynamodb = boto3.resource("dynamodb", config=CONFIG)


class Amount(BaseModel):
    currency: str
    quantity: str


class SigningBody(BaseModel):
    amount: Amount
    clientExternalId: str  # noqa: N815 -- the contract's name
    nonce: str
    notes: str | None = None


@app.get(
    "/api/network/v1/enterprises/<enterprise_id>"
    "/clients/connections/<connection_id>/deallocations/signing"
)
@tracer.capture_method
def signing(
    enterprise_id: str, connection_id: str, body: Annotated[SigningBody, Body()]
) -> dict[str, str]:
    token = app.current_event.headers["Authorization"].removeprefix("Bearer ")
    partition = f"ENTERPRISE#{enterprise_id}"
    keys: Any = [{"pk": partition, "sk": key} for key in sort_keys(connection_id, token)]
    dynamodb.batch_get_item(
        RequestItems={os.environ["TABLE_NAME"]: {"Keys": keys, "ConsistentRead": True}}
    )
    metrics.add_dimension("outcome", "Payload")
    metrics.add_metric("answers", MetricUnit.Count, 1)
    logger.info("Answered", extra={"enterpriseId": enterprise_id, "connectionId": connection_id})
    request = body.model_dump(exclude_none=True)
    return {"payload": signing_payload(enterprise_id, connection_id, request)}


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
