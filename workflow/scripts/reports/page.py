"""What a report is made of: paragraphs, tables and figures as HTML that is the same for the same numbers."""

import io
from base64 import b64encode
from dataclasses import dataclass
from html import escape

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.figure import Figure

PIXELS_AN_INCH = 130  # on the page; the image has twice as many, for fine screens
NOTHING = "–"  # stands for a missing number


@dataclass(frozen=True)
class Html:
    """A piece of a page; a notebook shows it as such."""

    source: str

    def __repr__(self) -> str:
        return "Html"

    def _repr_html_(self) -> str:
        return self.source


def paragraph(text: str, kind: str = "text") -> Html:
    """A paragraph; `kind` is its class in the page's style."""
    return Html(f'<p class="{kind}">{escape(text, quote=False)}</p>')


def table(frame: pl.DataFrame, columns: dict[str, tuple[str, str]]) -> Html:
    """A table of the named `columns`: each with its head and the format of its values."""
    if frame.is_empty():
        return paragraph("None.")
    numeric = {name: frame[name].dtype.is_numeric() for name in columns}
    head = "".join(_cell("th", head, numeric[name]) for name, (head, _) in columns.items())
    lines = [
        "".join(
            _cell("td", NOTHING if row[name] is None else format(row[name], how), numeric[name])
            for name, (_, how) in columns.items()
        )
        for row in frame.iter_rows(named=True)
    ]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return Html(f'<table class="numbers">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>')


def _cell(tag: str, text: str, numeric: bool) -> str:
    kind = ' class="number"' if numeric else ""
    return f"<{tag}{kind}>{escape(text, quote=False)}</{tag}>"


def picture(figure: Figure, caption: str) -> Html:
    """A figure inside the page, with its caption; the figure is closed."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=2 * PIXELS_AN_INCH, metadata={"Software": None})
    plt.close(figure)
    width = round(figure.get_figwidth() * PIXELS_AN_INCH)
    image = f'<img src="data:image/png;base64,{b64encode(buffer.getvalue()).decode()}" width="{width}" alt="">'
    return Html(f"<figure>{image}<figcaption>{escape(caption, quote=False)}</figcaption></figure>")
