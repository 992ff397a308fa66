"""A study's run as others' programs read it: the Workflow Run RO-Crate."""

import json
import sys
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from ivyspt.provenance import checksum
from workflow.scripts import crate

FILES = {
    "workflow/Snakefile": "rule all:\n",
    "workflow/rules/a.smk": "",
    "ivyspt/__init__.py": "",
    "envs/requirements.lock": "numpy==1\n",
    "envs/snakemake.yaml": "dependencies: [python=3.11, {pip: [snakemake==9.1]}]\n",
    "results/smoke/numbers.tex": "1",
    "figures/smoke/ablation.pdf": "%PDF",
}
STUDY = {"study": "smoke", "data": {"label": "simulated market"}}
RESULTS = ["results/smoke/numbers.tex", "figures/smoke/ablation.pdf"]


@pytest.fixture
def made(tmp_path, monkeypatch) -> Path:
    """The crate of a tiny project."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    words = ["--settings", json.dumps(STUDY), "--results", *RESULTS, "--crate", "results/smoke/crate"]
    monkeypatch.setattr(sys, "argv", ["crate", *words])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    crate.main()
    return tmp_path / "results/smoke/crate"


def test_it_holds_the_workflow_what_went_in_and_what_came_out(made):
    read = ROCrate(made)
    assert read.mainEntity.id == "workflow/Snakefile"
    assert "ComputationalWorkflow" in read.mainEntity.type
    assert read.mainEntity["programmingLanguage"].id.endswith("#snakemake")
    run = read.get("#run")
    assert run.type == "CreateAction"
    assert run["instrument"] is read.mainEntity
    assert [each.id for each in run["result"]] == sorted(RESULTS)
    objects = run["object"] if isinstance(run["object"], list) else [run["object"]]
    assert [each.id for each in objects] == ["study.json"]
    assert json.loads((made / "study.json").read_text()) == STUDY
    assert read.root_dataset["mentions"] in (run, [run])


def test_it_names_the_profiles_that_it_keeps(made):
    profiles = {each.id for each in ROCrate(made).root_dataset["conformsTo"]}
    assert profiles >= set(crate.PROFILES)
    assert any("workflow-ro-crate" in each for each in profiles)
    root = json.loads((made / "ro-crate-metadata.json").read_text())["@graph"]
    dataset = next(each for each in root if each["@id"] == "./")
    assert {"name", "description", "license", "datePublished", "hasPart"} <= set(dataset)


def test_every_file_is_there_with_its_checksum(made):
    files = [each for each in ROCrate(made).data_entities if each.type == "File"]
    assert {each.id for each in files} >= {*RESULTS, "study.json", "workflow/rules/a.smk", "envs/requirements.lock"}
    for each in files:
        assert each["sha256"] == checksum(made / each.id)


def test_it_takes_the_place_of_an_earlier_one_and_leaves_no_litter(made):
    (made / "stale").touch()
    crate.main()
    assert not (made / "stale").exists()
    assert [path.name for path in made.parent.iterdir() if path.name.startswith(".")] == []
