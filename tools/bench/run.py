"""Measures, prints the figures and the goals, draws docs/speed.svg: `python -m tools.bench.run`."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tools.bench.endpoint import serve
from tools.sample import EVENTS, REGION, ROOT, TABLE_NAME

ROUNDS = 9
BUILT = ROOT / ".aws-sam/bench"
BUNDLE, PLAIN = BUILT / "bundle", BUILT / "plain"
"""The code and the packages as plain `sam build` installs them: whole, and without bytecode."""


class Process(NamedTuple):
    """A kind of process that is measured."""

    name: str
    folder: Path = BUNDLE
    arguments: tuple[str, ...] = ("handlers.signing",)
    """Those of worker.py."""
    scheme: str = "http"
    new_credentials: bool = False
    """Whether each request needs new credentials, as the first one after a restore may."""


FUNCTION = Process("this function")
BY_SAM = Process("its code, by plain sam build", PLAIN)
BARE = Process("bare boto3", PLAIN, ("tools.bench.bare",))
LOGGED = Process("boto3 with Logger and Metrics", PLAIN, ("tools.bench.logged",))
POWERTOOLS = Process("Powertools as usual", PLAIN, ("tools.bench.powertools",))
COMPARED = (FUNCTION, BY_SAM, BARE, LOGGED, POWERTOOLS)
PRIMED = Process("this function, primed", arguments=("handlers.signing", "primed"))
PRIMED_TLS = PRIMED._replace(name="primed, over TLS", scheme="https")
RENEWED = PRIMED_TLS._replace(name="primed, over TLS, new credentials", new_credentials=True)
PROCESSES = (*COMPARED, PRIMED, PRIMED_TLS, RENEWED)

type Figures = dict[Process, dict[str, float]]
"""What worker.py measures of each process."""


def goals(figures: Figures) -> list[tuple[str, float, float]]:
    """Name, limit and result of each goal."""
    function, primed = figures[FUNCTION], figures[PRIMED]
    tls = figures[PRIMED_TLS]["first"] - primed["first"]
    size = sum(path.stat().st_size for path in BUNDLE.rglob("*") if path.is_file())
    return [
        ("first request after priming / warm", 2, primed["first"] / primed["warm"]),
        ("what TLS adds to that / warm", 2, tls / primed["warm"]),
        ("warm / boto3 with Logger and Metrics", 1.2, function["warm"] / figures[LOGGED]["warm"]),
        ("warm / Powertools as usual", 0.85, function["warm"] / figures[POWERTOOLS]["warm"]),
        ("cold / its code, by plain sam build", 0.38, function["cold"] / figures[BY_SAM]["cold"]),
        ("bundle, MB", 20, size / 1e6),
    ]


def main() -> None:
    urls = serve()
    rounds = [{process: measure(process, urls) for process in PROCESSES} for _ in range(ROUNDS)]
    medians = {
        process: {name: median(figures[process][name] for figures in rounds) for name in names}
        for process, names in rounds[0].items()
    }
    rows = [[process.name, *figures.values()] for process, figures in medians.items()]
    write_table([["CPU, ms", "cold", "first", "warm"], ["---"] * 4, *rows])
    write_table([["goal", "at most", "measured"], ["---"] * 3, *goals(medians)])
    (ROOT / "docs/speed.svg").write_text(chart(medians))


def measure(process: Process, urls: dict[str, str]) -> dict[str, float]:
    """The figures of a new process."""
    environment = {
        "AWS_CA_BUNDLE": str(BUILT / "trusted.pem"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": urls[process.scheme],
        "PYDANTIC_DISABLE_PLUGINS": "__all__",  # as in template.yaml
        "PYTHONPATH": str(process.folder),
        "TABLE_NAME": TABLE_NAME,
        # With these two, X-Ray's SDK finds itself in Lambda.
        "LAMBDA_TASK_ROOT": str(process.folder),
        "_X_AMZN_TRACE_ID": f"Root=1-{'0' * 8}-{'0' * 24};Parent={'0' * 16};Sampled=0",
    }
    if process.new_credentials:
        environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = urls["http"]
    else:
        environment |= dict.fromkeys(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], "none")
    # -B writes no bytecode, as in Lambda. With -P and -S, no other packages are found.
    command = [sys.executable, "-BPS", "tools/bench/worker.py", *process.arguments]
    event = (EVENTS / "200-get.json").read_bytes()
    printed = subprocess.check_output(command, env=environment, input=event)  # noqa: S603 -- our own words
    return dict(json.loads(printed.splitlines()[-1]))


def write_table(rows: Iterable[Iterable[object]]) -> None:
    """Prints a table in Markdown."""
    for row in rows:
        cells = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row)
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.write("\n")


def chart(medians: Figures) -> str:
    """An SVG of two panels, with a bar for each process that is compared."""
    size = 'width="780" height="150" font-size="13"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">']
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    parts += [
        f'<text x="5" y="{45 + 24 * row}">{process.name}</text>'
        for row, process in enumerate(COMPARED)
    ]
    for left, name, title in ((210, "cold", "Cold start"), (500, "warm", "Warm request")):
        parts.append(f'<text x="{left}" y="20">{title}, ms of CPU</text>')
        values = [medians[process][name] for process in COMPARED]
        for top, value in zip(range(30, 150, 24), values, strict=True):
            width = 260 * value / max(values)
            bar = f'<rect x="{left}" y="{top}" width="{width:.0f}" height="20" fill="#9ce"/>'
            parts += [bar, f'<text x="{left + 5}" y="{top + 15}">{value:.2f}</text>']
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    main()
