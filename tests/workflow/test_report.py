"""Reports: templates are clean; that on the data runs on small studies, and its page says what it must."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ivyspt.artefacts import write_table
from ivyspt.columns import REJECTIONS
from ivyspt.config import Data, QuoteAudit, Surfaces, Tiers
from ivyspt.quotes import simulated
from ivyspt.stages import assign_tiers, audit_quotes, build_surfaces
from tests.surfaces.conftest import make_points
from workflow.notebook import notebook_fingerprint
from workflow.scripts.reports.page import table
from workflow.scripts.reports.render import settled

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "workflow/notebooks/data_report.ipynb"
HEADS = [
    "Coverage by day and symbol",
    "Points per surface and tiers",
    "Rejections by reason",
    "Forwards: route and parity residuals",
    "Forward term structures",
    "Smile noise",
    "Static arbitrage",
    "Examples: a good, a typical and the worst surface",
]
CHAIN = {"symbols": 2, "expiries": 3, "weeklies": 1, "strike_step": 0.03}
MARKET = {"seed": 5, "days": 3, "start": "2024-01-02", "liquid": CHAIN, "sparse": {**CHAIN, "symbols": 1}}


def finish_tables(folder, tiers):
    """Tiers and the audit of the points in a folder."""
    points = folder / "all_points.parquet"
    assign_tiers.run(assign_tiers.Settings(tiers=tiers), all_points=points, tiers=folder / "tiers.parquet")
    audit = audit_quotes.Settings(quote_audit=QuoteAudit(surfaces=2))
    audit_quotes.run(audit, all_points=points, violations=folder / "violations.parquet")


def report(folder, study, *optional):
    """Execute and render the notebook on a folder's tables, as the rule does."""
    tables = ("all_points", "tiers", "rejections", "violations", *optional)
    paths = {name: folder / f"{name}.parquet" for name in tables} | {
        "style": ROOT / "workflow/scripts/paper.mplstyle",
        "settings": json.dumps(study),
    }
    executed, html = folder / "report.ipynb", folder / "report.html"
    parameters = [word for name, value in paths.items() for word in ("-p", name, str(value))]
    papermill = ["papermill", NOTEBOOK, executed, "-k", "python3", "--no-progress-bar", *parameters]
    stylesheet = ROOT / "workflow/scripts/reports/report.css"
    renderer = "workflow.scripts.reports.render"
    render = [renderer, "--notebook", executed, "--stylesheet", stylesheet, "--html", html]
    for command in (papermill, render):
        done = subprocess.run(
            [sys.executable, "-m", *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return html.read_text()


@pytest.fixture(scope="module")
def quoted(tmp_path_factory):
    """The page of a small simulated study."""
    folder = tmp_path_factory.mktemp("quoted")
    data = Data(adapter="simulated", label="three made-up names", simulated=True, options=MARKET)
    quotes, dropped = simulated.read(data)
    write_table(quotes, folder / "quotes.parquet")
    write_table(dropped, folder / "dropped_rows.parquet")
    names = ("quotes", "all_points", "slices", "rejections")
    settings = build_surfaces.Settings(surfaces=Surfaces(min_points=8))
    build_surfaces.run(settings, **{name: folder / f"{name}.parquet" for name in names})
    finish_tables(folder, Tiers(rule="ranked", liquid=2, sparse=1))
    return report(folder, {"study": "tiny", "data": data.model_dump(mode="json")}, "slices", "dropped_rows")


@pytest.fixture(scope="module")
def vendors_tables(tmp_path_factory):
    """Tables of a study whose vendor delivers surfaces."""
    folder = tmp_path_factory.mktemp("vendor")
    write_table(make_points(days=3), folder / "all_points.parquet")
    write_table(pl.DataFrame(schema=REJECTIONS.columns), folder / "rejections.parquet")
    finish_tables(folder, Tiers(rule="named", liquid=["A"], sparse=["B"]))
    return folder


VENDOR = {"study": "vendor", "data": {"label": "a vendor's surfaces", "simulated": False}}


@pytest.mark.parametrize("notebook", sorted(NOTEBOOK.parent.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_template_has_no_outputs(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert [cell["metadata"].get("tags") for cell in code].count(["parameters"]) == 1


def test_the_page_of_quotes_has_every_section_and_is_called_simulated(quoted):
    heads = [re.sub("<.*?>", "", head) for head in re.findall(r"<h2.*?>(.*?)</h2>", quoted)]
    assert heads == HEADS
    assert "<title>Data of the study tiny</title>" in quoted
    assert "simulated data: three made-up names" in quoted
    assert "These data are simulated" in quoted
    assert "none is unaccounted for" in quoted
    assert "between bid and ask" in quoted
    assert "<td>parity</td>" in quoted
    for name in ("Good", "Typical", "Worst"):
        assert re.search(rf"<h3.*?>{name}: ", quoted)


def test_the_page_needs_nothing_from_elsewhere_and_shows_no_code(quoted):
    assert "<script" not in quoted
    assert not re.search(r"""(src|href)=["']?http""", quoted)
    assert "import polars" not in quoted
    assert "Html" not in quoted


def test_the_page_of_a_vendors_surfaces_says_what_it_lacks_and_is_the_same_again(vendors_tables):
    page = report(vendors_tables, VENDOR)
    assert [re.sub("<.*?>", "", head) for head in re.findall(r"<h2.*?>(.*?)</h2>", page)] == HEADS
    assert "Real data." in page
    assert "These data are simulated" not in page
    assert "No quotes: the forwards are the vendor" in page
    assert "no bid and ask" in page
    executed = (vendors_tables / "report.ipynb").read_bytes()
    assert report(vendors_tables, VENDOR) == page
    assert (vendors_tables / "report.ipynb").read_bytes() == executed


def test_settling_leaves_out_what_differs_from_run_to_run():
    def notebook(number):
        cell = {
            "cell_type": "code",
            "id": f"random{number}",
            "metadata": {"papermill": {"duration": number}, "execution": {"started": number}, "tags": ["parameters"]},
            "execution_count": number,
            "source": ["1"],
            "outputs": [
                {"output_type": "stream", "name": "stderr", "text": [f"warned at {number}"]},
                {"output_type": "execute_result", "execution_count": number, "data": {"text/plain": ["1"]}},
            ],
        }
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        metadata = {"kernelspec": kernel, "papermill": {"start": number}, "language_info": {"version": f"3.{number}"}}
        return {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}

    assert settled(notebook(1)) == settled(notebook(2))
    cell = settled(notebook(1))["cells"][0]
    assert cell["metadata"] == {"tags": ["parameters"]}
    assert [output["output_type"] for output in cell["outputs"]] == ["execute_result"]


def test_a_table_escapes_its_text_and_marks_what_is_missing():
    frame = pl.DataFrame({"name": ["<A&B>", "C"], "value": [0.123, None]})
    html = table(frame, {"name": ("name", ""), "value": ("share", ".1%")}).source
    assert "<td>&lt;A&amp;B&gt;</td>" in html
    assert '<td class="number">12.3%</td>' in html
    assert '<td class="number">–</td>' in html


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("workflow/notebooks/data_report.ipynb", "## Smile noise", "## Noise", True),
        ("workflow/notebooks/data_report.ipynb", "LISTED = 10", "LISTED = 11", True),
        ("ivyspt/surfaces/smile_noise.py", "GOOD = 0.1", "GOOD = 0.2", True),
        ("workflow/scripts/figures/palette.py", "#cccccc", "#dddddd", True),  # by way of the drawings
        ("ivyspt/surfaces/split.py", "import", "import datetime\nimport", False),  # not called
        ("ivyspt/surfaces/smile_noise.py", "# a surface with fewer", "# one with fewer", False),
    ],
)
def test_the_report_is_made_anew_for_what_it_says_or_calls(tmp_path, file, old, new, changes):
    for name in ("ivyspt", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    notebook = tmp_path / NOTEBOOK.relative_to(ROOT)
    before = notebook_fingerprint(notebook, tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1))
    assert (notebook_fingerprint(notebook, tmp_path) != before) is changes
