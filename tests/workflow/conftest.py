"""A copy of the project whose jobs take no time: a stand-in for Python and TeX makes the files that a command names."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAND_IN = """#!/usr/bin/env bash
for word in "$@"; do
  case $word in results/*|figures/*) [ -e "$word" ] || { mkdir -p "${word%/*}"; echo "$RANDOM" >"$word"; };; esac
done
"""


@dataclass(frozen=True)
class Job:
    """One job of a dry run."""

    rule: str
    wildcards: dict[str, str]
    inputs: list[str]
    outputs: list[str]
    command: str


@dataclass(frozen=True)
class Project:
    """A folder that holds the workflow, the library and the configurations."""

    folder: Path

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake there; whatever it says is in `stdout`."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--nolock", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=3000,  # of no bearing unless Snakemake hangs: a busy machine takes ten times as long
            check=False,
        )

    def jobs(self, *arguments: str) -> list[Job]:
        """What Snakemake would run."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout
        return [_job(block) for block in re.split(r"\n(?=rule )", done.stdout)[1:]]


def _job(block: str) -> Job:
    lines = dict(re.findall(r"^    (input|output|wildcards): (.*)$", block, re.M))
    wildcards = dict(pair.split("=", 1) for pair in lines.get("wildcards", "").split(", ") if pair)
    command = re.search(r"^Shell command: (.*)$", block, re.M)
    files = [lines.get(name, "").split(", ") if lines.get(name) else [] for name in ("input", "output")]
    return Job(re.match(r"rule (\w+)", block)[1], wildcards, *files, command[1] if command else "")


def copy_project(folder: Path) -> Project:
    """A copy whose jobs are acted by the stand-in."""
    for name in ("workflow", "ivyspt", "config", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    stand_in = folder / "bin" / "python"
    stand_in.parent.mkdir()
    for program in (stand_in, folder / "workflow" / "paper" / "compile.sh"):
        program.write_text(STAND_IN)
        program.chmod(0o755)
    with (folder / "workflow" / "rules" / "common.smk").open("a") as rules:
        rules.write(f'\nshell.prefix("set -euo pipefail; export PATH={stand_in.parent}:$PATH; ")\n')
    return Project(folder)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """A copy in which nothing has run yet; not to be edited."""
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def _finished_once(tmp_path_factory) -> Project:
    finished = copy_project(tmp_path_factory.mktemp("finished"))
    done = finished.snakemake("--configfile", "config/smoke.yaml")
    assert done.returncode == 0, done.stdout
    return finished


@pytest.fixture
def finished(_finished_once, tmp_path) -> Project:
    """A copy in which the smoke study is complete; each test may edit its own."""
    shutil.copytree(_finished_once.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")
