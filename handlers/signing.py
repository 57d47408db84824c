"""The Lambda function, from an API Gateway event to its answer.

Read this file first, then event.py, state.py, answers.py and log.py.
"""

import gc
import random
from collections.abc import Set as AbstractSet
from contextlib import closing
from time import time
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext
from snapshot_restore_py import register_after_restore, register_before_snapshot

from domain.access import READ_SCOPE, WRITE_SCOPE, authenticate, check_access, check_currency
from domain.payload import signing_payload
from domain.request import parse_signing_request
from handlers.answers import MethodNotAllowed, RouteNotFound, answer_errors, payload_answer
from handlers.event import bearer_token, body_bytes, path_parameter
from handlers.log import log_request, logger
from handlers.state import dynamodb_client, read_records

SIGNING_PATH = (
    "/api/network/v1/enterprises/<enterprise_id>"
    "/clients/connections/<connection_id>/deallocations/signing"
)
KEEP_ACTIVE = {"source": "keep-active"}
"""The event of `KeepActive`, template.yaml's schedule."""

# Without debug=False, POWERTOOLS_DEBUG would print every event with its token.
app = APIGatewayRestResolver(debug=False)
app.use([log_request, answer_errors])


@app.get(SIGNING_PATH, operation_id="V1ClientDeallocationsSigningGetRoute")
def get_signing(enterprise_id: str, connection_id: str) -> Response[str]:
    return signing(enterprise_id, connection_id, {READ_SCOPE})


@app.post(SIGNING_PATH, operation_id="V1ClientDeallocationsSigningPostRoute")
def post_signing(enterprise_id: str, connection_id: str) -> Response[str]:
    return signing(enterprise_id, connection_id, {READ_SCOPE, WRITE_SCOPE})


def signing(
    enterprise_id: str, connection_id: str, required_scopes: AbstractSet[str]
) -> Response[str]:
    """The answer with the payload. The ids come from the path, still percent-encoded.

    The checks run in the order of the contract's table (README, "Errors"). The first that fails
    raises its error, and `answer_errors` turns that into the answer.
    """
    event = app.current_event
    token = bearer_token(event)
    request = parse_signing_request(
        path_parameter("enterpriseId", enterprise_id),
        path_parameter("connectionId", connection_id),
        body_bytes(event),
    )
    app.append_context(request=request)
    records = read_records(request.enterprise_id, token, request.connection_id)
    now = time()
    credential = authenticate(records, now=now)
    app.append_context(member_id=credential.member_id)
    connection = check_access(credential, records, required_scopes=required_scopes, now=now)
    check_currency(connection, request.amount.currency)
    payload = signing_payload(request)
    app.append_context(payload=payload)
    return payload_answer(payload, event.request_context.request_id)


# The other methods that API Gateway passes on.
@app.route(SIGNING_PATH, method=["DELETE", "HEAD", "OPTIONS", "PATCH", "PUT"])
def wrong_method(**_ids: str) -> Response[str]:
    raise MethodNotAllowed


@app.not_found
def other_path(_error: NotFoundError) -> Response[str]:
    raise RouteNotFound


# An event holds secrets. Without log_event=False, an environment variable could get it logged.
@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers an event of an API Gateway REST API, and the event of the schedule."""
    if event == KEEP_ACTIVE:
        logger.info("Kept active")
        return {}
    return app.resolve(event, context)


def prime() -> None:
    """Does the slow parts of a first request, so that SnapStart's snapshot holds their results.

    docs/decisions.md says why it reads, and why a failed read is only a warning.
    """
    body = b'{"amount": {"currency": "-", "quantity": "1"}, "clientExternalId": "-", "nonce": "-"}'
    signing_payload(parse_signing_request("-", "00000000-0000-4000-8000-000000000000", body))
    try:
        # A closed client opens a new connection after the restore.
        with closing(dynamodb_client()):
            read_records("", "", "")  # no item has these keys: ids and tokens are not empty
    except Exception as error:  # noqa: BLE001 -- half an answer, for example, is a KeyError
        logger.warning("The read before the snapshot failed", exc_info=error)
    # Otherwise the first garbage collection after a restore looks at all objects of the start-up.
    gc.freeze()


register_before_snapshot(prime)
# Otherwise all environments that start from one snapshot wait for the same times before they try a
# read again.
register_after_restore(random.seed)
