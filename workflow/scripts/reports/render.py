"""An executed notebook to a page that needs nothing else, the same byte by byte for the same outputs."""

import json
import re
from argparse import ArgumentParser
from pathlib import Path

from nbconvert import HTMLExporter

from ivyspt.artefacts import write_text
from workflow.scripts.failing import fail_in_a_sentence

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def settled(notebook: dict) -> dict:
    """The notebook without what differs from run to run: times, random ids, versions, what went to stderr."""
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        tags = {"tags": cell["metadata"]["tags"]} if cell["metadata"].get("tags") else {}
        kept = {**cell, "id": f"cell-{number}", "metadata": tags}
        if cell["cell_type"] == "code":
            outputs = [output for output in cell["outputs"] if output.get("name") != "stderr"]
            kept |= {"execution_count": None, "outputs": [_settled_output(output) for output in outputs]}
        cells.append(kept)
    kernel = {name: notebook["metadata"]["kernelspec"][name] for name in ("name", "display_name")}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _settled_output(output: dict) -> dict:
    return output | {"execution_count": None} if "execution_count" in output else output


def page(path: Path, style: str) -> str:
    """HTML of the notebook's text and outputs, without its code; the first head of the page is its title."""
    exporter = HTMLExporter(
        template_name="basic", exclude_input=True, exclude_output_prompt=True, exclude_anchor_links=True
    )
    body, _ = exporter.from_filename(str(path))
    title = re.search(r"<h1[^>]*>(.*?)</h1>", body)
    return PAGE.format(title=title[1] if title else path.stem, style=style.strip(), body=body.strip())


def main() -> None:
    """Settle the executed notebook in place and write its page."""
    fail_in_a_sentence()
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--notebook", type=Path, required=True)
    parser.add_argument("--stylesheet", type=Path, required=True)
    parser.add_argument("--html", type=Path, required=True)
    chosen = parser.parse_args()
    notebook = settled(json.loads(chosen.notebook.read_text()))
    write_text(json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n", chosen.notebook)
    write_text(page(chosen.notebook, chosen.stylesheet.read_text()), chosen.html)


if __name__ == "__main__":
    main()
