"""Draw docs/rulegraph.svg: what follows from what in the default study; rules that draw or typeset stand as one each.

`.venv/bin/python tools/rulegraph.py` needs Graphviz (on Debian the package graphviz).
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/rulegraph.svg"
TOGETHER = {r"plot_\w+": "figures", r"(tabulate_\w+|show_table|list_numbers)": "tables", r"report_\w+": "reports"}
TOGETHER |= {"compile_paper": "paper", "all": ""}  # the last is left out
LOOK = 'rankdir=LR; node [shape=box, style=rounded, fontname="sans-serif", fontsize=11]; edge [color="#777777"]'
ENDS = {"figures", "tables", "reports", "paper"}


def name_of(rule: str) -> str:
    """What a rule is called in the picture; empty where it is left out."""
    return next((name for pattern, name in TOGETHER.items() if re.fullmatch(pattern, rule)), rule)


def simplified(graph: str) -> str:
    """Snakemake's graph of rules with kin taken together."""
    rules = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)', graph, re.M))
    edges = {(name_of(rules[one]), name_of(rules[two])) for one, two in re.findall(r"(\d+) -> (\d+)", graph)}
    edges = sorted((one, two) for one, two in edges if one and two and one != two)
    ends = [f'{name} [style="rounded,filled", fillcolor="#dde6f0"]' for name in sorted(ENDS)]
    return "\n".join(["digraph {", LOOK, *ends, *(f"{one} -> {two}" for one, two in edges), "}"])


def main() -> None:
    """Ask Snakemake, simplify, leave out edges that others imply, draw."""
    graph = subprocess.run(
        [sys.executable, "-m", "snakemake", "--rulegraph"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    text = simplified(graph)
    for command in (["tred"], ["dot", "-Tsvg"]):
        text = subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(re.sub(r"<!--.*?-->\n?", "", text, flags=re.S))


if __name__ == "__main__":
    main()
