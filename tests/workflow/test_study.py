"""A configuration is checked once, and each stage is given what it reads of it."""

import json
import re
from functools import reduce
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from workflow.study import (
    StudyError,
    companions,
    complete,
    expanded,
    fitted,
    flagship_course,
    merge,
    sections,
    trained,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def smoke() -> dict:
    return yaml.safe_load((ROOT / "config/smoke.yaml").read_text())


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_every_configuration_is_admissible(path, monkeypatch):
    monkeypatch.setenv("IVYSPT_DATA", "/chains")
    monkeypatch.setenv("IVYDB_DIR", "/ivydb")
    study = complete(yaml.safe_load(path.read_text()))
    assert study["study"] == path.stem or path.stem == "config"


def test_a_row_changes_its_own_run_and_nothing_else(smoke):
    smoke["runs"]["wide"] = {"label": "wide", "training": {"pretrain": {"batch_size": 3}}}
    study = complete(smoke)
    wide, plain = (json.loads(sections(study, "training", run=run))["training"] for run in ("wide", "ivyspt"))
    assert wide["pretrain"]["batch_size"] == 3
    assert wide["pretrain"]["epochs"] == plain["pretrain"]["epochs"] == smoke["training"]["pretrain"]["epochs"]
    assert plain == study["training"]


def test_merging_leaves_its_arguments_alone():
    base = {"a": {"b": 1, "c": 2}, "d": [1, 2]}
    assert merge(base, {"a": {"b": 3}, "d": [4]}) == {"a": {"b": 3, "c": 2}, "d": [4]}
    assert base == {"a": {"b": 1, "c": 2}, "d": [1, 2]}


def test_a_row_may_take_fewer_seeds_than_the_study(smoke):
    smoke["seeds"] = [7, 8, 9]
    smoke["runs"]["no_penalties"]["seeds"] = 2
    smoke["baselines"]["polynomial"]["seeds"] = 1
    study = complete(smoke)
    assert trained(study)["ivyspt.pretrain"] == [7, 8, 9]
    assert trained(study)["no_penalties.finetune"] == [7, 8]
    assert fitted(study)["polynomial"] == [7]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modle": {}}, "configuration: modle: .*got {}"),
        ({"model": {"dimension": 10, "heads": 4}}, "configuration: model: .*multiple of 4"),
        ({"evaluation": {"audit_masks": ["half"]}}, r"masks of the study, [\w., ]+, got \['half'\]$"),
        ({"runs": {"odd": {"label": "odd", "model": {"headz": 1}}}}, "run odd: model.headz: .*got 1"),
    ],
)
def test_a_bad_key_or_value_is_one_sentence(smoke, change, message):
    with pytest.raises(StudyError, match=message) as caught:
        complete(smoke | change)
    assert "\n" not in str(caught.value)


def test_a_folder_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("IVYSPT_DATA", "/chains")
    assert expanded({"data": {"data_dir": "${IVYSPT_DATA}/panel", "max_days": 3}}) == {
        "data": {"data_dir": "/chains/panel", "max_days": 3}
    }


def test_an_unset_variable_is_one_clear_sentence(monkeypatch):
    monkeypatch.delenv("IVYSPT_DATA", raising=False)
    with pytest.raises(StudyError, match=r"data\.data_dir: the environment variable IVYSPT_DATA must name the folder"):
        expanded({"data": {"data_dir": "${IVYSPT_DATA}/panel"}})


def test_the_mixed_weights_name_the_tables_of_their_companions(monkeypatch):
    monkeypatch.setenv("IVYSPT_DATA", "/chains")
    files = [yaml.safe_load((ROOT / "config" / name).read_text()) for name in ("flagship.yaml", "weights/mixed.yaml")]
    study = complete(merge(*files))
    tables = companions(study)
    assert tables[:3] == [f"results/surfaces/{name}.parquet" for name in ("points", "market_features", "split")]
    assert len(tables) == 3 * len(study["flagship_training"]["companions"]) == 9
    made = [
        complete(yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())) for name in ("config", "megacaps", "spx")
    ]
    assert [each["results"] for each in made] == [path.removesuffix("/surfaces/points.parquet") for path in tables[::3]]
    assert (ROOT / study["flagship_training"]["start"]).is_file()


def test_each_course_goes_on_from_each_seed_of_the_one_before(monkeypatch):
    monkeypatch.setenv("IVYSPT_DATA", "/chains")
    names = [f"weights/{name}.yaml" for name in ("mixed", "bounds", "clean", "final")]
    files = [yaml.safe_load((ROOT / "config" / name).read_text()) for name in ("flagship.yaml", *names)]
    courses = [complete(reduce(merge, files[: 2 + number])) for number in range(len(names))]
    assert len({each["results"] for each in courses}) == len(courses)
    changed = {}
    for before, after in pairwise(courses):
        assert after["flagship_training"]["start"] == f"{before['results']}/flagship/{{seed}}/weights.safetensors"
        fresh = after["flagship_training"].get("fresh_prior", False)
        changed[fresh] = {key for key, value in before["flagship"].items() if after["flagship"][key] != value}
    assert not changed[False]
    # which a start may lack, and with a prior that is stated anew
    assert {key for key in changed[True] if not key.startswith("fit_")} == {"simulated_kind", "bounds_by_maturity"}
    spy = complete(yaml.safe_load((ROOT / "config/spy.yaml").read_text()))
    for course in courses[1:]:
        assert companions(course)[::3] == [*companions(courses[0])[::3], f"{spy['results']}/surfaces/points.parquet"]


def spelled_out(word: str) -> list[str]:
    """What a shell makes of {braces}."""
    found = re.search(r"\{(.*?)\}", word)
    return [word.replace(found[0], each) for each in found[1].split(",")] if found else [word]


@pytest.mark.parametrize("path", sorted((ROOT / "config/benchmarks").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_benchmark_makes_what_its_command_asks_for(path, monkeypatch):
    monkeypatch.setenv("IVYSPT_DATA", "/chains")
    files, asked = re.findall(r"^# snakemake --configfile (.*) -- (\S+)$", path.read_text(), re.MULTILINE)[-1]
    files = [each for word in files.split() for each in spelled_out(word)]
    assert files[-1] == str(path.relative_to(ROOT))
    study = complete(reduce(merge, (yaml.safe_load((ROOT / each).read_text()) for each in files)))
    for target in spelled_out(asked):
        row = re.fullmatch(rf"{study['results']}/evaluation/errors/(\w+)/0.parquet", target)[1]
        assert study["baselines"][row]["method"] == "packaged"
        for name, values in study["baselines"][row]["candidates"].items():
            assert len(values) == 1, name  # there is nothing to choose
    kinds = {
        tuple(row["candidates"].get("kind", [None]))
        for row in study["baselines"].values()
        if "kind" in row["candidates"]
    }
    assert len(kinds) == 1  # of the study's quotes, in every row that is told


def test_a_training_of_the_flagship_is_another_once_its_sources_are(monkeypatch):
    monkeypatch.setenv("IVYSPT_DATA", "/chains")
    file = yaml.safe_load((ROOT / "config/flagship.yaml").read_text())

    def course(**changes) -> str:
        return flagship_course(complete(merge(file, {"flagship_training": changes})), "data")

    assert course(steps=9, threads=2) == course()  # more steps in another sitting
    assert course(start="ivyspt/weights/panel.safetensors") != course()
    assert course(companions=[{"results": "results", "share": 0.1, "market": False}]) != course()
