"""The figures as a table, as goals met or missed, and as a picture."""

import sys
from collections.abc import Callable, Sequence
from statistics import median

import matplotlib as mpl
from matplotlib import pyplot as plt

from tools.bench.build import (
    DEPLOYED,
    FLOOR,
    FLOOR_HERE,
    FUNCTION,
    FUNCTION_BY_SAM,
    FUNCTION_HERE,
    LOGGED,
    ROOT,
    Subject,
)

type Round = dict[Subject, dict[str, float]]

CHART = ROOT / "docs/speed.svg"
COLUMNS: dict[str, tuple[str, float, str]] = {
    "cold start, ms": ("cold", 1e3, ".0f"),
    "first answer after a restore, ms": ("first", 1e3, ".1f"),
    "the same over TLS, ms": ("tls", 1e3, ".1f"),
    "a warm request in a fork, ms": ("forked", 1e3, ".1f"),
    "warm, ms": ("warm", 1e3, ".2f"),
    "warm p99, ms": ("p99", 1e3, ".2f"),
    "requests a second": ("rate", 1, ".0f"),
    "memory, MiB": ("memory", 1 / 2**20, ".0f"),
}
"""What a column shows, in which unit, and how."""
GOALS: dict[str, tuple[float, Callable[[Round], float]]] = {
    "first after a restore / warm": (
        2,
        lambda it: it[FUNCTION]["first"] / it[FUNCTION]["warm"],
    ),
    "the same over TLS, CPU beyond a bare handshake, ms": (
        4,
        lambda it: it[FUNCTION]["beyond a handshake"] * 1e3,
    ),
    "warm / bare boto3": (1.15, lambda it: it[FUNCTION]["warm"] / it[FLOOR]["warm"]),
    "warm CPU / bare boto3": (1.15, lambda it: it[FUNCTION]["cpu"] / it[FLOOR]["cpu"]),
    "warm / boto3 with Logger and Metrics": (
        1,
        lambda it: it[FUNCTION]["warm"] / it[LOGGED]["warm"],
    ),
    "cold / bare boto3": (0.9, lambda it: it[FUNCTION]["cold"] / it[FLOOR]["cold"]),
    "cold / the same code, by sam build alone": (
        0.3,
        lambda it: it[FUNCTION]["cold"] / it[FUNCTION_BY_SAM]["cold"],
    ),
    "cold / bare boto3, both from the checkout": (
        1.6,
        lambda it: it[FUNCTION_HERE]["cold"] / it[FLOOR_HERE]["cold"],
    ),
    "slowest of the next 1,000 / their median, CPU": (
        3,
        lambda it: it[FUNCTION]["slowest"] / it[FUNCTION]["cpu"],
    ),
    "bundle, MB": (18, lambda _: FUNCTION.size / 1e6),
}


def middle(rounds: Sequence[Round], subject: Subject, figure: str) -> float:
    """The median of a figure."""
    return median(it[subject][figure] for it in rounds)


def show(rounds: Sequence[Round]) -> None:
    """Prints the tables, in Markdown."""
    lines = [[f"medians of {len(rounds)} runs", "bundle, MB", *COLUMNS]]
    for subject in DEPLOYED:
        cells = [
            format(middle(rounds, subject, figure) * unit, form)
            for figure, unit, form in COLUMNS.values()
        ]
        lines.append([subject.name, f"{subject.size / 1e6:.1f}", *cells])
    write_table(lines)
    values = [(goal, limit, median(map(value, rounds))) for goal, (limit, value) in GOALS.items()]
    write_table(
        [
            ["goal", "at most", "measured"],
            *([goal, f"{limit:g}", f"{value:.2f}"] for goal, limit, value in values),
        ]
    )


def write_table(lines: Sequence[Sequence[str]]) -> None:
    """Prints a table in Markdown; the first line is its head."""
    head, *rest = lines
    for cells in (head, ["---"] * len(head), *rest):
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.write("\n")


def draw(rounds: Sequence[Round]) -> None:
    """Draws the start and the first answer of each function, into docs/."""
    panels = ("cold start, ms", "the same over TLS, ms", "warm, ms")
    titles = ("Cold start", "First answer after a restore, over TLS", "Warm")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "speed", "font.size": 9})
    figure, axes = plt.subplots(1, 3, sharey=True, figsize=(11, 2.6), layout="constrained")
    for axis, column, title in zip(axes, panels, titles, strict=True):
        name, unit, form = COLUMNS[column]
        values = [middle(rounds, it, name) * unit for it in DEPLOYED]
        bars = axis.barh([it.name for it in DEPLOYED], values, color=["C0", *["0.7"] * 4])
        axis.bar_label(bars, fmt=f"{{:{form}}}", padding=3)
        axis.set(title=title, xlabel="ms", xlim=(0, max(values) * 1.15))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    figure.savefig(CHART, metadata={"Date": None})
