"""What a newcomer with conda types, and what becomes of it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conda.channel import make_channel
from tests.conda.client import install_conda

ROOT = Path(__file__).parents[2]
SMOKE = ("--configfile", "config/smoke.yaml")
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDARC", "SNAKEMAKE_PROFILE")


@dataclass(frozen=True)
class Checkout:
    """A copy of the project and the environment variables of a person who has conda and nothing else."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str | Path) -> subprocess.CompletedProcess:
        """Run a command there; whatever it says is in `stdout`."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """`snakemake --cores all --use-conda` on the smoke study, with further arguments."""
        command = self.folder / "snakemake" / "bin" / "snakemake"
        return self.run(command, "--cores", "all", "--use-conda", *SMOKE, *arguments)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    """Conda, a channel, a copy of the project, and Snakemake in an environment that conda made."""
    folder = tmp_path_factory.mktemp("conda")
    make_channel(folder / "channels/conda-forge", {name: locked()[name] for name in ("pip", "setuptools", "wheel")})
    path = install_conda(folder / "base", folder / "channels")
    for name in ("workflow", "ivyspt", "config", "envs"):
        shutil.copytree(ROOT / name, folder / "project" / name, ignore=shutil.ignore_patterns("__pycache__"))
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    made = Checkout(folder / "project", kept | {"PATH": f"{path}:/usr/bin:/bin"})
    done = made.run("conda", "env", "create", "--quiet", "--prefix", "snakemake", "--file", "envs/snakemake.yaml")
    assert done.returncode == 0, done.stdout
    return made


@pytest.fixture(scope="module")
def finished(checkout) -> Checkout:
    """The smoke study, run by `snakemake --cores all --use-conda`."""
    done = checkout.snakemake()
    assert done.returncode == 0, done.stdout[-6000:]
    return checkout


@pytest.fixture
def edited(finished):
    """The study's environment, for a test to edit; put back when done."""
    path = finished.folder / "envs/ivyspt.yaml"
    kept = path.read_text()
    yield path
    path.write_text(kept)


def locked() -> dict[str, str]:
    text = "".join((ROOT / "envs" / name).read_text() for name in ("requirements.lock", "torch-cuda.lock"))
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.M))


def installed(finished, folder: Path) -> dict[str, str]:
    listed = finished.run(folder / "bin/python", "-m", "pip", "list", "--format=freeze").stdout
    pairs = dict(line.split("==") for line in listed.splitlines() if "==" in line)
    return {re.sub(r"[-_.]+", "-", name).lower(): version.split("+")[0] for name, version in pairs.items()}


def test_the_whole_study_ran_where_only_conda_could_have_made_its_packages(finished):
    assert (finished.folder / "results/smoke/numbers.tex").exists()
    outside = finished.run("bash", "-c", "command -v python || python3 -c 'import torch'")
    assert outside.returncode != 0, "a Python with torch is on PATH, so that rules may have run in it"


def test_what_conda_installed_is_the_lock(finished):
    environments = [path for path in (finished.folder / ".snakemake/conda").iterdir() if path.is_dir()]
    assert len(environments) == 1
    for folder in (*environments, finished.folder / "snakemake"):
        found = installed(finished, folder)
        assert len(found) > 20
        assert found == {name: locked()[name] for name in found}


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.snakemake("--dry-run").stdout


def test_results_of_conda_are_not_made_anew_without_it(finished):
    done = finished.run(sys.executable, "-m", "snakemake", "--dry-run", *SMOKE)
    assert "Nothing to be done" in done.stdout, done.stdout


def test_trainings_on_a_gpu_run_where_pytorch_has_cuda(checkout, tmp_path):
    study = tmp_path / "gpu.yaml"
    study.write_text("runs: {no_kernel: {training: {device: cuda}}}\n")
    assert "ivyspt-gpu.yaml" in checkout.snakemake("--list-conda-envs", "--configfile", SMOKE[1], str(study)).stdout
    assert "ivyspt-gpu.yaml" not in checkout.snakemake("--list-conda-envs").stdout


def test_another_version_reruns_what_imports_the_package(finished, edited):
    edited.write_text(re.sub(r"matplotlib==\S+", "matplotlib==3.11.1", edited.read_text()))
    done = finished.snakemake("--dry-run")
    assert done.returncode == 0, done.stdout
    rules = set(re.findall(r"^rule (\w+):", done.stdout, re.M))
    assert "plot_ablation" in rules
    assert not rules & {"read_quotes", "pretrain", "predict", "fit_baseline", "evaluate"}


@pytest.mark.parametrize(("pin", "rotten"), [(r"matplotlib==\S+", "matplotlib==0.0.0"), (r"python=\S+", "python=2.0")])
def test_a_pin_that_cannot_be_had_is_an_error_and_runs_nothing(finished, edited, pin, rotten):
    text = re.sub(pin, rotten, edited.read_text(), count=1)
    assert rotten in text
    edited.write_text(text)
    done = finished.snakemake()
    assert done.returncode != 0
    assert "CreateCondaEnvironmentException" in done.stdout
    assert rotten.replace("=", " ").split()[0] in done.stdout
    assert "Finished job" not in done.stdout
