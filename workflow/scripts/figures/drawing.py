"""What every figure shares: its options, its style, and files that are the same byte by byte."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from ivyspt.artefacts import whole, writable
from workflow.scripts.failing import fail_in_a_sentence


def options(description: str, *tables: str) -> Namespace:
    """Settings, the style, the named tables (one or more files each), and where the figure goes as PDF and PNG."""
    fail_in_a_sentence()
    parser = ArgumentParser(description=description)
    parser.add_argument("--settings", type=json.loads, required=True)
    parser.add_argument("--style", type=Path, required=True)
    for table in tables:
        parser.add_argument(f"--{table}", type=Path, nargs="+", required=True)
    parser.add_argument("--pdf", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    chosen = parser.parse_args()
    mpl.use("agg")
    mpl.style.use(chosen.style)
    return chosen


def plain_log_ticks(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1, 2 and 5 of each decade, as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def save(figure: Figure, chosen: Namespace) -> None:
    """Write both files without a date or a version, so that the same tables give the same bytes."""
    with whole(chosen.pdf) as temporary, writable(chosen.pdf):
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    with whole(chosen.png) as temporary, writable(chosen.png):
        figure.savefig(temporary, format="png", metadata={"Software": None})
