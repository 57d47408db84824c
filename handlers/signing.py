"""The Lambda function, from an API Gateway event to its answer. Read this file first.

The numbers are those of the contract's table of checks (README, "Errors").
"""

import gc
import os
import re
from inspect import unwrap
from time import time
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.access import READ_SCOPE, WRITE_SCOPE, authenticate, check_access
from domain.payload import signing_payload
from domain.request import parse_signing_request
from handlers.answers import MethodNotAllowed, RouteNotFound, payload_answer, refusal
from handlers.event import bearer_token, body_bytes, path_parameter
from handlers.log import RequestLog, logger
from handlers.state import read_records
from handlers.warm_up import warm_up

SIGNING_PATH = (
    "/api/network/v1/enterprises/<enterprise_id>"
    "/clients/connections/<connection_id>/deallocations/signing"
)
REQUIRED_SCOPES = {"GET": {READ_SCOPE}, "POST": {READ_SCOPE, WRITE_SCOPE}}
KEEP_ACTIVE = {"source": "keep-active"}
"""The event of template.yaml's schedule. Without calls, SnapStart makes a version inactive."""

# APIGatewayRestResolver, its subclass, would ignore a slash at the end of a path. In debug mode,
# which an environment variable can switch on, Powertools prints each event, and so its token.
app = ApiGatewayResolver(debug=False)


@app.get(SIGNING_PATH, operation_id="V1ClientDeallocationsSigningGetRoute")
@app.post(SIGNING_PATH, operation_id="V1ClientDeallocationsSigningPostRoute")
def signing(enterprise_id: str, connection_id: str) -> Response[str]:
    event, log = app.current_event, _log()
    if event.http_method not in REQUIRED_SCOPES:  # Powertools ignores the method's case
        raise MethodNotAllowed
    token = bearer_token(event)  # 1
    log.request = request = parse_signing_request(  # 2
        path_parameter("enterpriseId", enterprise_id),
        path_parameter("connectionId", connection_id),
        body_bytes(event),
    )
    records = read_records(request.enterprise_id, token, request.connection_id)
    now = time()
    credential = authenticate(records, now=now)  # 3
    log.member_id = credential.member_id
    scopes = REQUIRED_SCOPES[event.http_method]
    check_access(request, credential, records, required_scopes=scopes, now=now)  # 4 to 8
    return payload_answer(signing_payload(request), log.request_id)


@app.not_found
def other_route(_error: NotFoundError) -> Response[str]:
    # Powertools calls this for a wrong method too. `refused` answers what it raises.
    path = re.sub("<[a-z_]+>", "[^/]+", SIGNING_PATH)
    event = app.current_event
    if event.http_method not in REQUIRED_SCOPES and re.fullmatch(path, event.path):
        raise MethodNotAllowed
    raise RouteNotFound


@app.exception_handler(Exception)  # type: ignore[untyped-decorator] # -- Powertools' own
def refused(error: Exception) -> Response[str]:
    log = _log()
    log.error = error
    return refusal(error, log.request_id)


# An event holds secrets. Without log_event=False, an environment variable could get it logged.
@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers an API Gateway REST proxy event. It never raises, whatever the event holds."""
    if event == KEEP_ACTIVE:
        logger.info("Kept active")
        return {}
    log = RequestLog(event, context)
    app.append_context(log=log)  # type: ignore[no-untyped-call] # -- Powertools' own
    try:
        answer = app.resolve(event, context)
    except Exception as error:  # noqa: BLE001 -- for an event that the resolver cannot read
        log.error = error
        response = refusal(error, log.request_id)
        answer = {
            "statusCode": response.status_code,
            "multiValueHeaders": {name: [value] for name, value in response.headers.items()},
            "body": response.body,
        }
    log.write(answer["statusCode"])
    return answer


def _log() -> RequestLog:
    log: RequestLog = app.context["log"]
    return log


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # Undecorated, because Powertools' decorator takes its first call for the cold start.
    warm_up(unwrap(lambda_handler))
    # Otherwise the first garbage collection after a restore looks at all objects of the start-up,
    # which takes 6 ms of one request.
    gc.freeze()
