"""The smoke study as jobs of Slurm, of which one fails and one hangs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm import cluster

ROOT = Path(__file__).parents[2]
STUDY = ("--configfile", "config/smoke.yaml", "tests/slurm/checkpoints.yaml")
PROFILE = ("--workflow-profile", "workflow/profiles/slurm")
# This Slurm keeps no accounts, and one minute is the shortest limit it knows. A GPU is asked for, not used.
HERE = (
    *("--slurm-status-command", "squeue", "--slurm-no-account", "--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2", "--default-resources", "slurm_partition=main"),
    *("--set-resources", "pretrain:runtime=1", "pretrain:gpu=1"),
)
WEIGHTS = "results/smoke/training/ivyspt/0/pretrain.safetensors"
FAILED = "rule_predict_wildcards_no_kernel_pretrain_0"
HUNG = "rule_pretrain_wildcards_ivyspt_0"

pytestmark = pytest.mark.skipif(cluster.unavailable() is not None, reason=str(cluster.unavailable()))


class Checkout:
    """A copy of the project on Slurm's node."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("workflow", "ivyspt", "config", "envs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "tests/slurm").mkdir(parents=True)
        shutil.copy(ROOT / "tests/slurm/checkpoints.yaml", folder / "tests/slurm")

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run Snakemake on the study there; whatever it says is in `stdout`."""
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *STUDY, *arguments],
            cwd=self.folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A Slurm that runs for as long as the tests of this module do."""
    if refused := cluster.install():
        pytest.skip(refused)
    with cluster.running(tmp_path_factory.mktemp("slurm")):
        yield


@pytest.fixture(scope="module")
def ran(slurm, tmp_path_factory) -> Checkout:
    """The smoke study, run through Slurm."""
    checkout = Checkout(tmp_path_factory.mktemp("project"))
    marks = tmp_path_factory.mktemp("marks")
    faults = {"PYTHONPATH": str(ROOT / "tests/slurm/faults"), "IVYSPT_FAULTS": str(marks)}
    done = checkout.snakemake(*PROFILE, *HERE, **faults)
    assert done.returncode == 0, done.stdout[-8000:]
    assert {path.name for path in marks.iterdir()} == {"failed", "hung"}
    return checkout


def test_the_whole_study_is_made_by_jobs_of_slurm(ran):
    assert (ran.folder / "results/smoke/numbers.tex").exists()
    known = cluster.jobs()
    assert all(records[-1]["JobState"] == "COMPLETED" for records in known.values())
    rules = {comment.split("_wildcards_")[0].removeprefix("rule_") for comment in known}
    assert {"pretrain", "finetune", "predict", "evaluate", "compare", "fit_baseline", "plot_baselines"} <= rules
    assert "Nothing to be done" in ran.snakemake(*PROFILE, *HERE, "--dry-run").stdout


def test_only_the_two_jobs_that_went_wrong_were_submitted_again(ran):
    states = {comment: [record["JobState"] for record in records] for comment, records in cluster.jobs().items()}
    assert states.pop(FAILED) == ["FAILED", "COMPLETED"]
    assert states.pop(HUNG) == ["TIMEOUT", "COMPLETED"]
    assert set(map(tuple, states.values())) == {("COMPLETED",)}


def test_a_training_that_ran_out_of_time_ends_as_an_undisturbed_one(ran):
    log = (ran.folder / "results/smoke/logs/pretrain/ivyspt_0.log").read_text()
    assert "resumes after epoch" in log
    resumed = (ran.folder / WEIGHTS).read_bytes()
    done = ran.snakemake("--cores", "1", "--force", WEIGHTS)
    assert done.returncode == 0, done.stdout
    assert "resumes after epoch" not in (ran.folder / "results/smoke/logs/pretrain/ivyspt_0.log").read_text()
    assert (ran.folder / WEIGHTS).read_bytes() == resumed


def test_jobs_ask_for_what_their_rules_say_and_for_more_when_tried_again(ran):
    known = cluster.jobs()
    first, second = known[FAILED]
    assert int(second["MinMemoryNode"].rstrip("M")) == 2 * int(first["MinMemoryNode"].rstrip("M"))
    trained = [
        record for comment, records in known.items() if comment.startswith("rule_pretrain") for record in records
    ]
    assert all(record["TresPerJob"] == "gres:gpu:1" for record in trained)
    assert {record["TimeLimit"] for record in trained} == {"00:01:00"}
    others = [record for comment, records in known.items() if "pretrain" not in comment for record in records]
    assert not any("TresPerJob" in record for record in others)
