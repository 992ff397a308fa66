"""A table as a page, from the LaTeX that `typesetting.table` writes, for readers without a TeX."""

import re
from argparse import ArgumentParser
from html import escape
from pathlib import Path

from ivyspt.artefacts import whole

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
{style}
.number {{ white-space: nowrap; }}
</style>
</head>
<body>
<p>{caption}</p>
<table class="numbers">
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody></table>
</body>
</html>
"""
SYMBOLS = {
    r"\pm": "±",
    r"\times": "×",
    r"\sigma": "σ",
    r"\tau": "τ",
    r"\lambda": "λ",
    r"\partial": "∂",
    r"\Delta": "Δ",
    r"\le$": "≤$",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    "\\,": "\u2009",
    "--": "–",
    "$-": "$−",
    "[-": "[−",
    ", -": ", −",
}
PATTERNS = (
    (r"\\(?:mathrm|emph|texttt|text)\{([^{}]*)\}", r"\1"),
    (r"\^\{([^{}]*)\}|\^(\w)", r"<sup>\1\2</sup>"),
    (r"(?<!\\)_\{([^{}]*)\}|(?<!\\)_(?:(\w)|\\(\w+))", r"<sub>\1\2\3</sub>"),
    (r"\\([&%$#_{}])", r"\1"),
    (r"(?<!\\)\$", ""),
)
ROWS = re.compile(r"\\toprule\n(?P<head>.*?) \\\\\n\\midrule\n(?P<body>.*)\n\\bottomrule", re.DOTALL)
TITLE = re.compile(r"\\multicolumn\{(\d+)\}\{l\}\{(.*)\}$")


def html(text: str) -> str:
    """LaTeX of a cell or caption as HTML; what the tables use of it is turned, other text is escaped."""
    shown = escape(text.replace(r"\&", "&"), quote=False)
    dollars = shown.replace(r"\$", "\0")
    for command, symbol in SYMBOLS.items():
        dollars = re.sub(re.escape(command) + r"(?![a-zA-Z])", symbol, dollars)
    for pattern, replacement in PATTERNS:
        dollars = re.sub(pattern, replacement, dollars)
    return dollars.replace("\0", "$").strip()


def page(tex: str, title: str, style: str) -> str:
    """The page of one table."""
    caption = re.search(r"^\\caption\{(.*)\}$", tex, re.M)[1]
    found = ROWS.search(tex)
    first, *others = _cells(found["head"])
    head = f"<th>{html(first)}</th>" + "".join(f'<th class="number">{html(cell)}</th>' for cell in others)
    lines = [line.removesuffix(r" \\") for line in found["body"].splitlines() if line != r"\midrule"]
    body = "\n".join(f"<tr>{_line(line)}</tr>" for line in lines)
    return PAGE.format(title=html(title), style=style.strip(), caption=html(caption), head=head, body=body)


def _line(line: str) -> str:
    if found := TITLE.match(line):
        return f'<th colspan="{found[1]}">{html(found[2])}</th>'
    first, *others = _cells(line)
    return f"<td>{html(first)}</td>" + "".join(f'<td class="number">{html(cell)}</td>' for cell in others)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)&", line)]


def main() -> None:
    """Write the page."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--tex", type=Path, required=True)
    parser.add_argument("--stylesheet", type=Path, required=True)
    parser.add_argument("--html", type=Path, required=True)
    chosen = parser.parse_args()
    with whole(chosen.html) as temporary:
        temporary.write_text(page(chosen.tex.read_text(), chosen.tex.stem, chosen.stylesheet.read_text()))


if __name__ == "__main__":
    main()
