"""The sample world's paths, ids and records, and a context to call the handler with."""

from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

from aws_lambda_powertools.utilities.typing import LambdaContext

from tools.state_file import fields_to_item

ROOT = Path(__file__).parent.parent
EVENTS = ROOT / "events"
REGION = "eu-central-1"
TABLE_NAME = "StateTable"
"""The value of `!Ref StateTable` in `sam local`, too."""

RESOURCE = (
    "/api/network/v1/enterprises/{enterpriseId}"
    "/clients/connections/{connectionId}/deallocations/signing"
)
"""The path, as OpenAPI and API Gateway write it."""

# A request that events/state.json allows.
ENTERPRISE_ID = "acme-capital"
CONNECTION_ID = "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01"
TOKEN = "sample-token-trader"  # noqa: S105 -- known to everybody
BODY: dict[str, Any] = {
    "amount": {"currency": "BTC", "quantity": "150000000"},
    "clientExternalId": "withdrawal-2041",
    "nonce": "01J9ZQ6K3M",
}


def item(record: dict[str, Any]) -> dict[str, Any]:
    """The DynamoDB item of a record as events/state.json writes it, with the token itself."""
    fields: dict[str, Any] = {
        name: set(value) if isinstance(value, list) else value for name, value in record.items()
    }
    if "credential" in fields:
        fields["credentialSha256"] = sha256(fields.pop("credential").encode()).hexdigest()
    return fields_to_item(fields)


def lambda_context(request_id: str | None = None) -> LambdaContext:
    """A context such as the Lambda runtime hands to the handler, with a new id unless one is given."""
    context = SimpleNamespace(
        aws_request_id=request_id or str(uuid4()),
        function_name="SigningFunction",
        function_version="$LATEST",
        invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:SigningFunction",
        memory_limit_in_mb=1024,
    )
    return cast("LambdaContext", context)
