"""What every table shares: its options, the look of numbers, and LaTeX with booktabs."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from math import floor, log10
from pathlib import Path

from ivyspt.artefacts import write_text
from workflow.scripts.failing import fail_in_a_sentence
from workflow.scripts.names import data_label

SPECIAL = {character: f"\\{character}" for character in "&%$#_{}"}
SPECIAL |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def options(description: str, *inputs: str) -> Namespace:
    """Settings, the named input files (one or more each), and where the LaTeX goes."""
    fail_in_a_sentence()
    parser = ArgumentParser(description=description)
    parser.add_argument("--settings", type=json.loads, required=True)
    for name in inputs:
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    parser.add_argument("--tex", type=Path, required=True)
    return parser.parse_args()


def escape(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return "".join(SPECIAL.get(character, character) for character in text)


def number(value: float | None, digits: int = 3) -> str:
    """Three significant digits, by powers of ten where the value is small; a dash where there is none."""
    if value is None:
        return "--"
    if value == 0:
        return "$0$"
    exponent = floor(log10(abs(value)))
    if exponent < -3:
        return rf"${value / 10**exponent:.{digits - 2}f} \times 10^{{{exponent}}}$"
    return f"${value:.{max(0, digits - 1 - exponent)}f}$"


def plus_minus(mean: float | None, std: float | None, decimals: int = 2) -> str:
    """Mean and standard deviation over seeds; the mean alone where there is one seed."""
    if mean is None:
        return "--"
    return f"${mean:.{decimals}f}$" if std is None else rf"${mean:.{decimals}f} \pm {std:.{decimals}f}$"


def interval(low: float | None, high: float | None) -> str:
    """A confidence interval."""
    return "--" if low is None or high is None else f"$[{low:+.3f}, {high:+.3f}]$"


def percent(share: float | None) -> str:
    """A share, in per cent."""
    return "--" if share is None else f"${100 * share:.1f}$"


def p_value(value: float | None) -> str:
    """A p-value, cut off at three decimals."""
    if value is None:
        return "--"
    return "$< 0.001$" if value < 0.001 else f"${value:.3f}$"


def source(settings: Mapping) -> str:
    """The sentence of a caption that says what the numbers are from."""
    split = settings["split"]
    count = split["partitions"]
    days = "chronological split" if count == 1 else f"{count} partitions of the time axis, as in the paper"
    return escape(f"Data: {data_label(settings)}; {days}, embargo {split['embargo_days']} days.")


def table(caption: str, label: str, header: Sequence[str], blocks: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """A floating table; each block of rows stands under its title."""
    width = len(header)
    body = []
    for title, rows in blocks.items():
        heading = [rf"\multicolumn{{{width}}}{{l}}{{\emph{{{title}}}}} \\"] if title else []
        body.append("\n".join([*heading, *(" & ".join(row) + r" \\" for row in rows)]))
    lines = [
        r"\begin{table}",
        r"\centering\footnotesize",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}",
        r"\toprule",
        " & ".join(header) + r" \\",
        r"\midrule",
        "\n\\midrule\n".join(body),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def write(text: str, path: Path) -> None:
    """Write a file that says where it comes from."""
    write_text(f"% Made by the workflow; do not edit.\n{text}\n", path)
