"""Every figure, report and table that a study ends in is in Snakemake's report, with a caption."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
WRAPPED = re.compile(
    r"report\(\s*\"(?P<path>[^\"]+)\",\s*caption=\"\.\./(?P<caption>[^\"]+)\",\s*category=\"(\w+)\",\s*labels=\{"
)


def wrapped() -> dict[str, str]:
    """Path of each output that is in the report, and its caption's file."""
    return {found["path"]: found["caption"] for rules in RULES for found in WRAPPED.finditer(rules.read_text())}


def listed(name: str) -> list[str]:
    """The names that a list of the common rules holds."""
    common = (ROOT / "workflow/rules/common.smk").read_text()
    return re.findall(r'"(\w+)"', re.search(rf"^{name} = \[(.*?)\]", common, re.M | re.S)[1])


@pytest.mark.parametrize("figure", listed("FIGURES") + listed("STUDIED"))
def test_every_figure_is_in_the_report(figure):
    assert f"<figures>/{figure}.png" in wrapped()


@pytest.mark.parametrize("report", listed("REPORTS"))
def test_every_page_is_in_the_report(report):
    assert f"<results>/reports/{report}.html" in wrapped()


def test_every_table_is_in_the_report():
    assert "<results>/tables/{table}.html" in wrapped()
    common = (ROOT / "workflow/rules/common.smk").read_text()
    assert 'expand("<results>/tables/{table}.{form}", table=TABLES' in common


def test_captions_exist_and_name_the_data():
    assert (ROOT / "workflow/report/workflow.rst").is_file()
    for path, caption in wrapped().items():
        text = (ROOT / "workflow" / caption).read_text()
        assert 'snakemake.config["data"]["label"]' in text, path
