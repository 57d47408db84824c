"""One process that is measured: `python -BPS worker.py MODULE [primed] <EVENT`.

Calls the `lambda_handler` of MODULE, and imports nothing else of the project. Its last line of
output is its figures, in milliseconds of CPU.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from time import process_time
from types import SimpleNamespace

REQUESTS = 200
CONTEXT = SimpleNamespace(
    aws_request_id="0-0-0", function_name="bench", function_version="1", memory_limit_in_mb=1024
)
CONTEXT.invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:bench"


def cpu(handler: Callable[..., dict[str, object]], event: object) -> float:
    """What a request takes. Raises `RuntimeError` unless it gets its payload."""
    started = process_time()
    answer = handler(event, CONTEXT)
    taken = process_time() - started
    if answer["statusCode"] != 200:  # noqa: PLR2004 -- a status code is its own best name
        raise RuntimeError(answer)
    return taken * 1000


def figures(module: str, *primed: str) -> dict[str, float]:
    """CPU until the first answer, of the first request, and of a later one."""
    event = json.load(sys.stdin)
    function = import_module(module)
    handler = function.lambda_handler
    if primed:
        function.prime()
    first = cpu(handler, event)
    cold = process_time() * 1000
    later = sorted(cpu(handler, event) for _ in range(REQUESTS))
    return {"cold": cold, "first": first, "warm": later[REQUESTS // 2]}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(figures(*sys.argv[1:])))
