"""Every result says where it is from, in the same bytes wherever and whenever it is made; a command prints it."""

import json
import re
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from ivyspt import provenance
from ivyspt.__main__ import main
from ivyspt.artefacts import write_json, write_table
from ivyspt.fingerprint import fingerprint
from ivyspt.provenance import PACKAGES, checksum, note, running, stamp
from ivyspt.training.checkpoint import save_weights
from tests.conftest import make_model
from tests.test_main import SETTINGS, points

ROOT = Path(__file__).parents[1]
ON_PYPI = {"sklearn": "scikit-learn", "yaml": "pyyaml", "QuantLib": "quantlib", "fast_vollib": "fast-vollib"}
NOT_OF_NUMBERS = {"pyyaml"}  # prints provenance and no more


def split(folder: Path) -> Path:
    """Run a stage on a small table there."""
    points().write_parquet(folder / "points.parquet")
    paths = ["--points", str(folder / "points.parquet"), "--split", str(folder / "split.parquet")]
    assert main(["split_days", "--settings", SETTINGS, *paths]) == 0
    return folder / "split.parquet"


def test_a_stages_table_says_what_made_it_and_from_what(tmp_path):
    found = json.loads(pl.read_parquet_metadata(split(tmp_path))["ivyspt"])
    assert found["stage"] == "split_days"
    assert found["code"] == fingerprint("ivyspt.stages.split_days", ROOT)  # what the workflow compares
    assert found["settings"]["split"]["partitions"] == 1
    assert found["inputs"] == {"points": checksum(tmp_path / "points.parquet")}
    assert found["packages"]["polars"] == pl.__version__
    assert found["packages"]["python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert found["device"] == "cpu"


def test_the_same_work_elsewhere_is_the_same_file(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert split(tmp_path / "one").read_bytes() == split(tmp_path / "two").read_bytes()


def test_weights_and_json_say_it_too(tmp_path):
    (tmp_path / "input").write_text("x")
    options = {"table": tmp_path / "input", "run": "ivyspt", "seed": 3}
    with running("pretrain", {"training": {"device": "cpu"}}, options):
        note(tmp_path / "input")
        write_json({"value": 1}, tmp_path / "cost.json")
        save_weights(make_model(), tmp_path / "w.safetensors", {"settings": {"x": 1}})
    content = json.loads((tmp_path / "cost.json").read_text())
    assert content["value"] == 1
    assert content["provenance"]["run"] == "ivyspt"
    assert content["provenance"]["seed"] == 3
    assert content["provenance"]["inputs"] == {"table": checksum(tmp_path / "input")}
    assert stamp({"a": 1}) == {"a": 1}  # outside a stage only what the writer knows


def test_a_file_of_a_list_is_named_by_its_place(tmp_path):
    paths = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    for path in paths:
        path.write_bytes(path.name.encode())
    with running("compare", {}, {"errors": paths}):
        for path in reversed(paths):
            note(path)
        assert stamp()["inputs"] == {f"errors {number}": checksum(path) for number, path in enumerate(paths, 1)}


@pytest.mark.parametrize("kind", ["parquet", "safetensors", "json"])
def test_the_command_prints_it(kind, tmp_path, capsys):
    path = tmp_path / f"result.{kind}"
    with running("split_days", {"split": {"partitions": 7}}, {"seed": 5}):
        if kind == "parquet":
            write_table(pl.DataFrame({"x": [1]}), path)
        elif kind == "json":
            write_json({"x": 1}, path)
        else:
            save_weights(make_model(), path, {})
    assert main(["provenance", str(path)]) == 0
    said = capsys.readouterr().out
    assert f"sha256: {checksum(path)}" in said
    assert "stage: split_days" in said
    assert "(this checkout's)" in said
    assert "partitions: 7" in said
    assert "seed: 5" in said
    assert main(["provenance", "--json", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["settings"] == {"split": {"partitions": 7}}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.parquet", None, "must exist, got no such file"),
        ("a.parquet", b"PAR1", "must be a whole file"),
        ("a.safetensors", b"\x08", "must be a whole file"),
        ("a.json", b"{", "must be a whole file"),
        ("a.json", b"[1]", "must say where it comes from"),
        ("a.json", b"{}", "must say where it comes from"),
        ("a.csv", b"", "must be a file of the kinds"),
    ],
)
def test_a_file_that_says_nothing_is_one_sentence(name, content, sentence, tmp_path, capsys):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["provenance", str(tmp_path / name)]) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_the_packages_are_those_that_the_library_imports_and_the_environment_pins():
    imported = set()
    for path in (ROOT / "ivyspt").rglob("*.py"):
        imported |= set(re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(), re.M))
    names = {ON_PYPI.get(name, name) for name in imported if name not in sys.stdlib_module_names} - {"ivyspt"}
    pins = yaml.safe_load((ROOT / "envs/ivyspt.yaml").read_text())["dependencies"][-1]["pip"]
    assert names - NOT_OF_NUMBERS == set(PACKAGES)
    assert set(PACKAGES) <= {pin.split("==")[0] for pin in pins}


def test_a_copy_without_sources_still_writes(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.code_of("ivyspt.stages.split_days") is None
