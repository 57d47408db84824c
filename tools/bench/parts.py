"""What a warm request's time goes to: `python -P parts.py EVENT`, in a process of its own.

Prints the median of each part in seconds, as JSON on standard error.
"""

import json
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from handlers import signing
from handlers.log import RequestLog

REQUESTS = 1000
PARTS: dict[str, tuple[Any, str]] = {
    "token": (signing, "bearer_token"),
    "reading the request": (signing, "parse_signing_request"),
    "reading the state": (signing, "read_records"),
    "rules of access": (signing, "check_access"),
    "payload": (signing, "signing_payload"),
    "answer": (signing, "payload_answer"),
    "log line": (RequestLog, "write"),
}


class Context:
    aws_request_id = "00000000-0000-4000-8000-000000000000"
    function_name = "SigningFunction"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:SigningFunction"
    memory_limit_in_mb = 1024


def timed(function: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    """The function, with the time of each call noted."""

    def call(*args: Any, **kwargs: Any) -> Any:
        before = perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            times.append(perf_counter() - before)

    return call


def main(event_file: str) -> dict[str, float]:
    """The median of each part, and of what is left of the whole: mostly the resolver."""
    times: dict[str, list[float]] = {part: [] for part in PARTS}
    for part, (owner, name) in PARTS.items():
        setattr(owner, name, timed(getattr(owner, name), times[part]))
    whole: list[float] = []
    handler = timed(signing.lambda_handler, whole)
    with open(event_file, encoding="utf-8") as file:  # noqa: PTH123 -- as the worker does
        event = json.load(file)
    for _ in range(REQUESTS):
        handler(event, Context)
    medians = {part: median(each) for part, each in times.items()}
    return medians | {"routing and the rest": median(whole) - sum(medians.values())}


if __name__ == "__main__":
    sys.stderr.write(json.dumps(main(sys.argv[1])))
