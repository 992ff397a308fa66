"""One run at a time; a killed one leaves no lock, no half-written file, and nothing for a person to clean up."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workflow.conftest import STAND_IN, Project, copy_project
from workflow.guard import LOCK, GuardError, clear, hold

SMOKE = ("results/smoke/surfaces/points.parquet", "--configfile", "config/smoke.yaml")  # four jobs
SLOW = STAND_IN.replace("for word", '[ -z "${SLOW:-}" ] || sleep "$SLOW"\nfor word', 1)
HOLDER = """
import sys, time
from pathlib import Path
from workflow.guard import hold
held = hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def slow(tmp_path) -> Project:
    """A copy whose jobs take as many seconds as the environment variable SLOW says."""
    project = copy_project(tmp_path / "slow")
    (project.folder / "bin/python").write_text(SLOW)
    return project


def start(project: Project, seconds: int, *arguments: str) -> subprocess.Popen:
    """Begin a run in a session of its own, and wait until its first job runs."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    run = subprocess.Popen(
        command,
        cwd=project.folder,
        env=os.environ | {"SLOW": str(seconds)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    for line in run.stdout:
        if line.startswith(("rule ", "localrule ")):
            return run
    raise AssertionError("no job began")


def kill(run: subprocess.Popen) -> None:
    """End the whole process group in a way that no program can catch."""
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()


def test_a_second_run_in_the_same_folder_is_one_sentence_and_the_first_goes_on(slow):
    first = start(slow, 4, *SMOKE)
    second = slow.snakemake(*SMOKE)
    assert second.returncode != 0
    assert "results/smoke: must have one run at a time, got another that goes on (process" in second.stdout
    assert "Traceback" not in second.stdout
    first.communicate()
    assert first.returncode == 0
    assert (slow.folder / "results/smoke/surfaces/points.parquet").exists()


def test_two_studies_run_side_by_side(slow):
    first = start(slow, 4, *SMOKE)
    second = slow.snakemake("results/surfaces/tiers.parquet")
    assert second.returncode == 0, second.stdout
    kill(first)


def test_a_killed_run_is_taken_up_by_the_same_command_and_its_litter_is_gone(slow):
    kill(start(slow, 30, *SMOKE))
    litter = [
        slow.folder / "results/smoke/quotes/.quotes.parquet.123.part",
        slow.folder / "figures/smoke/.a.pdf.7.part",
    ]
    for path in litter:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    done = slow.snakemake(*SMOKE)
    assert done.returncode == 0, done.stdout
    assert not any(path.exists() for path in litter)
    assert slow.jobs(*SMOKE) == []


def test_a_dry_run_needs_no_lock(slow):
    run = start(slow, 30, *SMOKE)
    assert slow.jobs(*SMOKE)
    kill(run)


def test_a_holder_that_is_killed_gives_the_folder_back(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(GuardError, match=rf"one run at a time, got another that goes on \(process {holder.pid}\)"):
        hold(tmp_path)
    holder.kill()
    holder.communicate()
    hold(tmp_path).close()


def test_a_folder_that_cannot_be_written_is_one_sentence(read_only):
    with pytest.raises(GuardError, match="must be a folder that can be written, got: "):
        hold(read_only)
    with pytest.raises(GuardError, match="must be a folder that can be written, got: "):
        hold(read_only / "inner")


def test_a_run_into_a_read_only_folder_is_one_sentence(slow, read_only):
    (slow.folder / "results").symlink_to(read_only)
    done = slow.snakemake(*SMOKE)
    assert done.returncode != 0
    assert "results/smoke: must be a folder that can be written, got: " in done.stdout
    assert "Traceback" not in done.stdout
    assert [path.name for path in read_only.iterdir()] == ["earlier"]


def test_clearing_leaves_other_studies_alone(tmp_path):
    results, figures = tmp_path / "results", tmp_path / "figures"
    own, other = results / "masks", results / "smoke"
    for folder in (own, other):
        folder.mkdir(parents=True)
        (folder / ".x.parquet.1.part").touch()
    (other / LOCK).touch()
    (figures / "smoke").mkdir(parents=True)
    (figures / ".a.pdf.1.part").touch()
    (figures / "smoke/.a.pdf.1.part").touch()
    assert clear(results, figures) == 2
    assert not list(own.iterdir())
    assert len(list(other.iterdir())) == 2
    assert (figures / "smoke/.a.pdf.1.part").exists()


def test_the_lock_outlives_no_process(tmp_path):
    lock = hold(tmp_path)
    child = subprocess.Popen(["sleep", "30"])  # as a job that goes on after its workflow was killed
    lock.close()
    time.sleep(0.1)
    hold(tmp_path).close()
    child.kill()
    child.wait()
