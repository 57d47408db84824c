"""One fresh process of the bench: `python -P worker.py SUBJECT STARTED REQUESTS EVENT`.

SUBJECT is the module of a `lambda_handler`, or `none` for the interpreter alone; STARTED is when the
parent started it, in nanoseconds of the monotonic clock. Prints its figures as JSON on standard error:
standard output is the handler's. Imports nothing of the project but the subject, so that nothing else
is in its figures.
"""

import json
import sys
import time


def figures(subject: str, started: int, requests: int, event_file: str) -> dict[str, float]:
    """Seconds from start to first answer, and of warm requests; peak memory in bytes.

    `growth` is by how much the warm requests raised that peak.
    """
    if subject == "none":
        return {"cold": (time.monotonic_ns() - started) / 1e9}
    from importlib import import_module  # noqa: PLC0415 -- not part of the interpreter's own start

    class Context:
        aws_request_id = "00000000-0000-4000-8000-000000000000"
        function_name = "SigningFunction"
        function_version = "$LATEST"
        invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:SigningFunction"
        memory_limit_in_mb = 1024

    with open(event_file, encoding="utf-8") as file:  # noqa: PTH123 -- pathlib would be in the figures
        event = json.load(file)
    handler = import_module(subject).lambda_handler
    assert handler(event, Context)["statusCode"] == 200  # noqa: PLR2004, S101 -- else no figure counts
    cold = (time.monotonic_ns() - started) / 1e9

    from array import array  # noqa: PLC0415 -- not part of the start

    for _ in range(max(requests // 10, 100)):
        handler(event, Context)
    walls = array("d", bytes(8 * requests))  # all of it now, so that the growth is not its own
    memory = peak_memory()
    cpu = time.process_time()
    for number in range(requests):
        before = time.perf_counter()
        handler(event, Context)
        walls[number] = time.perf_counter() - before
    cpu = (time.process_time() - cpu) / requests
    peak = peak_memory()
    ordered = sorted(walls)
    return {
        "cold": cold,
        "warm": ordered[requests // 2],
        "p99": ordered[requests * 99 // 100],
        "cpu": cpu,
        "memory": peak,
        "growth": peak - memory,
    }


def peak_memory() -> int:
    """The most memory that this process has had resident, in bytes; as Linux tells it."""
    # Not getrusage's: a process started by a larger one begins with that one's peak.
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 -- see above
        (kib,) = [line.split()[1] for line in file if line.startswith("VmHWM:")]
    return int(kib) * 1024


if __name__ == "__main__":
    _, subject_, started_, requests_, event_ = sys.argv
    sys.stderr.write(json.dumps(figures(subject_, int(started_), int(requests_), event_)))
