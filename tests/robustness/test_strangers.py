"""Names from a stranger's data or configuration: text, and never a command or a way out of the study's folders."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
import yaml

from ivyspt.__main__ import main
from ivyspt.artefacts import read_table
from ivyspt.columns import POINTS, QUOTES
from tests.quotes.made_up import surface_quotes
from tests.quotes.written import mapped_data
from tests.workflow.conftest import STAND_IN, Project, copy_project
from workflow.study import StudyError, complete

ROOT = Path(__file__).parents[2]
HOSTILE = [
    "; rm -rf ~",
    "$(touch pwned)",
    "`touch pwned`",
    "' ; touch pwned ; '",
    '" && touch pwned && "',
    "a\ntouch pwned",
    "| tee pwned",
    "{input} {wildcards.run} \\",
]
RECORDING = STAND_IN.replace("for word", 'printf "%s\\0" "$@" >>"$ARGUMENTS"\nfor word', 1)


def smoke() -> dict:
    return yaml.safe_load((ROOT / "config/smoke.yaml").read_text())


@pytest.fixture
def recording(tmp_path, monkeypatch) -> Project:
    """A copy whose jobs write down the words of their commands."""
    project = copy_project(tmp_path / "project")
    (project.folder / "bin/python").write_text(RECORDING)
    monkeypatch.setenv("ARGUMENTS", str(tmp_path / "arguments"))
    return project


def test_settings_reach_every_job_as_they_stand_and_none_is_run(recording, tmp_path):
    study = smoke()
    study["data"]["label"] = "simulated " + " ".join(HOSTILE)
    study["data"]["symbols"] = HOSTILE
    study["runs"]["ivyspt"]["label"] = "".join(HOSTILE)
    (recording.folder / "config/smoke.yaml").write_text(yaml.safe_dump(study))
    done = recording.snakemake("--configfile", "config/smoke.yaml")
    assert done.returncode == 0, done.stdout
    assert not [path for path in tmp_path.rglob("*") if "pwned" in path.name]
    words = (tmp_path / "arguments").read_text().split("\0")
    settings = [json.loads(words[place + 1]) for place, word in enumerate(words) if word == "--settings"]
    assert len(settings) > 40
    seen = [each["data"] for each in settings if "data" in each]
    assert seen
    assert all(data["symbols"] == HOSTILE and data["label"] == study["data"]["label"] for data in seen)


@pytest.mark.parametrize("name", [*HOSTILE, "../escaped", "a/b", "a b", "", "Ä"])
@pytest.mark.parametrize("table", ["runs", "baselines"])
def test_a_row_whose_name_is_no_name_is_one_sentence(table, name):
    study = smoke()
    study[table][name] = study[table][next(iter(study[table]))]
    with pytest.raises(StudyError, match=rf"^configuration: {table}\.") as caught:
        complete(study)
    assert "String should match pattern" in str(caught.value)


@pytest.mark.parametrize("path", ["/etc", "..", "results/../..", "results/a/b", "~", "results; rm -rf ~", "resultsx"])
@pytest.mark.parametrize("key", ["results", "figures"])
def test_a_prefix_cannot_leave_the_studys_folders(key, path):
    with pytest.raises(StudyError, match=f"configuration: {key}: String should match pattern"):
        complete(smoke() | {key: path.replace("results", key)})


@pytest.mark.parametrize("name", ["../a", "; rm -rf ~", "a b", ""])
def test_a_study_whose_name_is_no_name_is_one_sentence(name):
    with pytest.raises(StudyError, match="configuration: study: String should match pattern"):
        complete(smoke() | {"study": name})


def test_symbols_of_a_vendor_are_text_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [name for name in HOSTILE if "\n" not in name] + ["../../etc/passwd"]
    table = pl.concat([surface_quotes(days=(9, 37), count=7, symbol=name) for name in names])
    table = table.with_columns(pl.col("quote_time").dt.date().alias("day"), pl.col("expiry").dt.date())
    folder = tmp_path / "vendor"
    folder.mkdir()
    table.write_parquet(folder / "quotes.parquet")
    columns = {"symbol": "symbol", "quote_date": "day", "expiry": "expiry", "strike": "strike"}
    columns |= {"option_type": "option_type", "bid": "bid", "ask": "ask", "underlying_price": "underlying_price"}
    data = mapped_data(folder, options={"columns": columns, "calendar": "none"})
    out = {name: str(tmp_path / f"out/{name}.parquet") for name in ("quotes", "dropped_rows", "all_points", "slices")}
    out["rejections"] = str(tmp_path / "out/rejections.parquet")
    read = ["read_quotes", "--settings", json.dumps({"data": data.model_dump(mode="json")})]
    assert main([*read, "--quotes", out["quotes"], "--dropped-rows", out["dropped_rows"]]) == 0
    build = ["build_surfaces", "--settings", json.dumps({"surfaces": {"min_points": 4, "filters": {"min_bid": 0.0}}})]
    words = [
        word for name in ("all_points", "slices", "rejections") for word in (f"--{name.replace('_', '-')}", out[name])
    ]
    assert main([*build, "--quotes", out["quotes"], *words]) == 0
    quotes, points = read_table(Path(out["quotes"]), QUOTES), read_table(Path(out["all_points"]), POINTS)
    assert set(quotes["symbol"]) == {name.strip() for name in names}
    assert set(points["symbol"]) == set(quotes["symbol"])
    assert {path.name for path in tmp_path.iterdir()} == {"vendor", "out"}


@pytest.mark.parametrize("lock", ["requirements.lock", "torch-cpu.lock", "torch-cuda.lock"])
def test_every_locked_package_has_a_version_and_hashes(lock):
    text = (ROOT / "envs" / lock).read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+==\S+ \\\n", entry), entry.splitlines()[0]
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})(?: \\)?$", entry, re.M)
        assert len(hashes) == len(entry.strip().splitlines()) - 1, entry.splitlines()[0]
        assert hashes


def test_installing_checks_hashes_every_time():
    script = (ROOT / "envs/install.sh").read_text()
    assert re.search(r"^install\(\) .*--require-hashes --no-deps", script, re.M)
    for line in script.splitlines():
        if "pip install" in line and "-e ." not in line:
            assert "--require-hashes" in line, line
        if "pip download" in line:
            assert "--require-hashes" in line, line


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shell_scripts_quote_their_words():
    scripts = [ROOT / "envs/install.sh", ROOT / ".ci/run", *(ROOT / "tools").glob("*.sh")]
    done = subprocess.run(["shellcheck", *map(str, scripts)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_settings_are_quoted_in_every_rule():
    """Of all that a rule puts into its command only settings hold free text; paths and wildcards are constrained."""
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        text = path.read_text()
        assert "{params.settings}" not in text, path.name
        assert "{params.settings!" not in text, path.name
