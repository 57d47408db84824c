"""One fresh process of the bench: `python -P -S worker.py MODULE KIND EVENT`.

MODULE has the `lambda_handler`. KIND is `cold`, or the `http` or `https` of requests after a
restore. Prints its figures as JSON on standard error, for standard output is the handler's. Imports
nothing of the project but MODULE, so that nothing else is in its figures.
"""

import time

started = time.perf_counter()

import json  # noqa: E402 -- the clock comes first
import os  # noqa: E402 -- likewise
import socket  # noqa: E402 -- likewise
import ssl  # noqa: E402 -- likewise
import sys  # noqa: E402 -- likewise
from array import array  # noqa: E402 -- likewise
from collections.abc import Callable  # noqa: E402 -- likewise
from importlib import import_module  # noqa: E402 -- likewise
from urllib.parse import urlsplit  # noqa: E402 -- likewise

REQUESTS = 1000


class Context:
    aws_request_id = "00000000-0000-4000-8000-000000000000"
    function_name = "SigningFunction"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:SigningFunction"
    memory_limit_in_mb = 1024


def ask(handler: Callable[..., dict[str, object]], event: object) -> None:
    """One request; no figure counts unless it gets its payload."""
    answer = handler(event, Context)
    assert answer["statusCode"] == 200, answer  # noqa: PLR2004, S101 -- else no figure counts


def after_a_restore(measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """The figures of a fork of this process, which is to it as a restored process to the first."""
    reader, writer = os.pipe()
    if not os.fork():
        os.write(writer, json.dumps(measure()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        figures: dict[str, float] = json.load(pipe)
    os.wait()
    return figures


def handshake() -> dict[str, float]:
    """CPU seconds of a bare TLS connection to the endpoint, with a context that was ready."""
    url = urlsplit(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])

    def connect() -> dict[str, float]:
        cpu = time.process_time()
        with (
            socket.create_connection((url.hostname, url.port)) as plain,
            context.wrap_socket(plain, server_hostname=url.hostname),
        ):
            return {"handshake": time.process_time() - cpu}

    return after_a_restore(connect)


def first(handler: Callable[..., dict[str, object]], event: object) -> dict[str, float]:
    """Seconds of one request, as a clock shows them and of CPU."""
    before, cpu = time.perf_counter(), time.process_time()
    ask(handler, event)
    return {"first": time.perf_counter() - before, "first_cpu": time.process_time() - cpu}


def requests(handler: Callable[..., dict[str, object]], event: object) -> dict[str, float]:
    """Seconds of the first request, and of those that follow it in a row; peak memory in bytes.

    `slowest` is by CPU time, for a busy machine makes any request wait. `forked` is what a request
    takes in a fork of this process, where all is warm: no start can prepare the first one better.
    """
    walls, cpus = array("d", bytes(8 * REQUESTS)), array("d", bytes(8 * REQUESTS))
    figures = first(handler, event)
    for number in range(REQUESTS):
        before, cpu = time.perf_counter(), time.process_time()
        ask(handler, event)
        walls[number], cpus[number] = time.perf_counter() - before, time.process_time() - cpu
    ordered = sorted(walls)
    return figures | {
        "forked": after_a_restore(lambda: first(handler, event))["first"],
        "warm": ordered[REQUESTS // 2],
        "cpu": sorted(cpus)[REQUESTS // 2],
        "p99": ordered[REQUESTS * 99 // 100],
        "slowest": max(cpus),
        "rate": REQUESTS / sum(walls),
        "memory": peak_memory(),
    }


def peak_memory() -> int:
    """The most memory that this process has had resident, in bytes; as Linux tells it."""
    # Not getrusage's: a process started by a larger one begins with that one's peak.
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 -- no pathlib here
        (kib,) = [line.split()[1] for line in file if line.startswith("VmHWM:")]
    return int(kib) * 1024


def main(module: str, kind: str, event_file: str) -> dict[str, float]:
    """The figures of a cold start, or of the requests after a restore."""
    with open(event_file, encoding="utf-8") as file:  # noqa: PTH123 -- as above
        event = json.load(file)
    handler = import_module(module).lambda_handler
    if kind == "cold":
        ask(handler, event)
        return {"cold": time.perf_counter() - started}
    figures = after_a_restore(lambda: requests(handler, event))
    if kind == "https":
        figures |= handshake()
    return figures


if __name__ == "__main__":
    sys.stderr.write(json.dumps(main(*sys.argv[1:])))
