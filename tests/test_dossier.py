"""The dossier of the published method's errors cites what there is."""

import re
from pathlib import Path

import pytest
import yaml

from ivyspt.config import Losses, Model, Training

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/dossier.md").read_text()
SECTIONS = {"model": Model, "losses": Losses, "training": Training}


@pytest.mark.parametrize("cited", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", TEXT))))
def test_a_cited_test_exists(cited):
    path, _, name = cited.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text()


def test_every_row_is_shown_by_something():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| error", "| ---"))]
    assert len(rows) > 20
    assert all("`tests/" in row.split("|")[-2] for row in rows)


@pytest.mark.parametrize("key", sorted(set(re.findall(r"`((?:model|losses|training)\.[\w.]+)`", TEXT))))
def test_a_switch_exists_and_the_published_row_has_it(key):
    section, *names = key.split(".")
    fields = SECTIONS[section].model_fields
    for name in names[:-1]:
        fields = fields[name].annotation.model_fields
    ours = fields[names[-1]].default
    value = yaml.safe_load((ROOT / "config/config.yaml").read_text())["runs"]["as_published"][section]
    for name in names:
        value = value[name]
    assert value != ours
