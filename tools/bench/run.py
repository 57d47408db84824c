"""Runs the bench and prints its tables."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

from rich import box
from rich.console import Console
from rich.table import Table

from tools.world import EVENTS, ROOT, TABLE_NAME

FLOOR, HANDLER = "tools.bench.floor", "handlers.signing"
WARM, SOAK = 1000, 100_000
EVENT = EVENTS / "200-get.json"
HERE = Path(__file__).parent
# What a figure is called, in which unit it is shown, and how many of those a second or a byte are.
FIGURES = {
    "cold": ("cold: start to first answer", "ms", 1e3),
    "warm": ("warm: median", "ms", 1e3),
    "p99": ("warm: 99th percentile", "ms", 1e3),
    "cpu": ("warm: CPU", "ms", 1e3),
    "memory": ("peak memory", "MiB", 1 / 2**20),
}


def bench(runs: int, console: Console) -> None:
    """Prints how the handler compares to the floor, and what its time goes to."""
    with endpoint() as environment:
        compare(runs, environment, console)
        show_imports(environment, console)
        show_parts(environment, console)
        show_sizes(environment, console)
        show_soak(environment, console)


@contextmanager
def endpoint() -> Iterator[dict[str, str]]:
    """A DynamoDB endpoint without delay, and the environment that points a process at it."""
    command = [sys.executable, "-m", "tools.bench.endpoint"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 -- our own words
        try:
            yield {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "AWS_ACCESS_KEY_ID": "none",
                "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_REGION": "eu-central-1",
                "AWS_DEFAULT_REGION": "eu-central-1",
                "AWS_ENDPOINT_URL_DYNAMODB": cast("IO[str]", server.stdout).readline().strip(),
                "PYDANTIC_DISABLE_PLUGINS": "__all__",  # as template.yaml sets it
                "TABLE_NAME": TABLE_NAME,
            }
        finally:
            server.terminate()


def process(environment: dict[str, str], *arguments: str) -> str:
    """What a fresh process of Python writes to standard error."""
    return subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-P", *arguments],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    ).stderr


def measure(
    subject: str, environment: dict[str, str], requests: int = WARM, event: Path = EVENT
) -> dict[str, float]:
    """A worker's figures."""
    started = str(time.monotonic_ns())
    worker = str(HERE / "worker.py")
    figures: dict[str, float] = json.loads(
        process(environment, worker, subject, started, str(requests), str(event))
    )
    return figures


def compare(runs: int, environment: dict[str, str], console: Console) -> None:
    """Floor and handler in turn, in fresh processes; the first round is not counted."""
    taken: list[tuple[dict[str, float], dict[str, float]]] = []
    for _ in range(runs + 1):
        interpreter = measure("none", environment)["cold"]
        floor, handler = measure(FLOOR, environment), measure(HANDLER, environment)
        for figures in (floor, handler):
            figures["cold"] -= interpreter
        taken.append((floor, handler))
    table = table_of(f"Medians of {runs} runs", "", "floor", "handler", "", "handler / floor")
    for figure, (name, unit, factor) in FIGURES.items():
        pairs = [(floor[figure], handler[figure]) for floor, handler in taken[1:]]
        floor_, handler_ = (median(values) * factor for values in zip(*pairs, strict=True))
        ratio = median(handler / floor for floor, handler in pairs)
        table.add_row(name, f"{floor_:.2f}", f"{handler_:.2f}", unit, f"{ratio:.2f}")
    console.print(table)


def show_imports(environment: dict[str, str], console: Console) -> None:
    """What importing the handler costs, by package; Python's own modules are one."""
    spent: Counter[str] = Counter()
    for line in process(environment, "-X", "importtime", "-c", f"import {HANDLER}").splitlines()[
        1:
    ]:
        own, _, module = line.removeprefix("import time:").split("|")
        package = module.strip().partition(".")[0]
        spent["Python's own" if package in sys.stdlib_module_names else package] += int(own)
    table = table_of("Imports", "package", "ms")
    for package, microseconds in spent.most_common(9):
        table.add_row(package, f"{microseconds / 1e3:.1f}")
    table.add_row("all", f"{spent.total() / 1e3:.1f}")
    console.print(table)


def show_parts(environment: dict[str, str], console: Console) -> None:
    """What a warm request's time goes to."""
    parts = json.loads(process(environment, str(HERE / "parts.py"), str(EVENT)))
    table = table_of("A warm request's parts", "part", "us")
    for part, seconds in sorted(parts.items(), key=lambda each: -each[1]):
        table.add_row(part, f"{seconds * 1e6:.0f}")
    console.print(table)


def show_sizes(environment: dict[str, str], console: Console) -> None:
    """How the cost of a request grows with its body, mostly characters that need escaping."""
    table = table_of("Bodies, of quotes and newlines in `notes`", "KiB", "warm ms", "over 1 KiB")
    base = 0.0
    for kib in (1, 16, 32, 64):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(sized_event(kib * 1024), file)
            file.flush()
            warm = measure(HANDLER, environment, WARM // 4, Path(file.name))["warm"]
        base = base or warm
        table.add_row(str(kib), f"{warm * 1e3:.2f}", f"{(warm - base) * 1e3:+.2f}")
    console.print(table)


def sized_event(size: int) -> Any:
    """The sample event with a body of exactly so many bytes."""
    event = json.loads(EVENT.read_text())
    body = json.loads(event["body"])
    room = size - len(json.dumps(body | {"notes": ""}))
    notes = '"\n' * (room // 4) + "." * (room % 4)
    return event | {"body": json.dumps(body | {"notes": notes})}


def show_soak(environment: dict[str, str], console: Console) -> None:
    """Whether memory stays flat over many warm requests."""
    figures = measure(HANDLER, environment, SOAK)
    console.print(
        f"Over {SOAK:,} warm requests, peak memory grew by {figures['growth'] / 2**20:.1f} MiB"
        f" to {figures['memory'] / 2**20:.1f} MiB."
    )


def table_of(title: str, *columns: str) -> Table:
    """A table with its first column to the left and figures to the right."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table
