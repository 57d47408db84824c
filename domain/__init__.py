"""The rules of the signing payload: pure, with no AWS, no I/O, no clock and no environment.

Two programs use it: this service, and the endpoint that takes the deallocation. That endpoint
installs it as the package `deallocation_signing`, and calls `parse_deallocation_request`.
"""

from .deallocation import parse_deallocation_request
from .errors import InvalidRequest, PayloadMismatch, RequestError
from .payload import signing_payload
from .request import parse_signing_request

__all__ = [
    "InvalidRequest",
    "PayloadMismatch",
    "RequestError",
    "parse_deallocation_request",
    "parse_signing_request",
    "signing_payload",
]
