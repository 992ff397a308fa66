"""Conda and pip install the same versions, and another version reruns what imports the package."""

import re
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from ivyspt.fingerprint import packages
from ivyspt.stages import names
from workflow.pins import distribution, pinned, versions

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ("ivyspt", "ivyspt-gpu", "snakemake")
CUDA = re.compile("nvidia-|cuda-|triton$")


@pytest.fixture(scope="module")
def locked() -> dict[str, str]:
    text = "".join((ROOT / "envs" / name).read_text() for name in ("requirements.lock", "torch-cuda.lock"))
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.M))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_conda_installs_is_locked_for_pip(name, locked):
    pins = pinned(ROOT / f"envs/{name}.yaml")
    assert pins.pop("python") == "3.11"
    assert len(pins) > 20
    assert pins == {package: locked[package] for package in pins}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nothing_that_pip_brings_is_left_open(name):
    pins = pinned(ROOT / f"envs/{name}.yaml")
    for package in set(pins) - {"python"}:
        if CUDA.match(package):
            continue
        for text in requires(package) or []:
            needed = Requirement(text)
            wanted = needed.marker is None or needed.marker.evaluate({"extra": ""})
            known = distribution(needed.name)
            assert not wanted or known in pins or CUDA.match(known), f"{package} needs {text}"


def test_the_gpu_environment_differs_by_cuda_alone():
    cpu, gpu = (pinned(ROOT / f"envs/{name}.yaml") for name in ("ivyspt", "ivyspt-gpu"))
    assert {name: version for name, version in gpu.items() if not CUDA.match(name)} == cpu
    assert any(name.startswith("nvidia-") for name in gpu)
    assert "torch===" in (ROOT / "envs/ivyspt-gpu.yaml").read_text()  # which torch 2.13.0+cpu does not satisfy


def test_the_rules_environment_has_all_that_they_import():
    sources = [*(ROOT / "ivyspt").rglob("*.py"), *(ROOT / "workflow/scripts").rglob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", text, re.M))
    foreign = imported - set(sys.stdlib_module_names) - {"ivyspt", "workflow"}
    assert {distribution(name) for name in foreign} <= set(pinned(ROOT / "envs/ivyspt.yaml"))


def test_no_environment_has_a_pin_file():
    """Where such a file fails, Snakemake warns and solves the environment as it likes."""
    assert not list((ROOT / "envs").glob("*.pin.txt"))


def test_every_environment_names_one_channel():
    for path in (ROOT / "envs").glob("*.yaml"):
        assert yaml.safe_load(path.read_text())["channels"] == ["conda-forge", "nodefaults"]


def test_a_stage_depends_on_the_packages_that_it_imports():
    assert {"torch", "numpy", "polars"} <= packages("ivyspt.stages.pretrain", ROOT)
    assert "QuantLib" not in packages("ivyspt.stages.split_days", ROOT)
    assert "matplotlib" in packages("workflow.scripts.figures.plot_ablation", ROOT)
    assert "torch" not in packages("workflow.scripts.figures.plot_ablation", ROOT)
    for name in names():
        assert not {"ivyspt", "workflow", "json", "pathlib"} & packages(f"ivyspt.stages.{name}", ROOT)


def test_versions_are_told_by_the_name_of_what_is_imported():
    pins = {"python": "3.11", "scikit-learn": "1.9", "pyyaml": "6.0", "quantlib": "1.44", "torch": "2.13"}
    assert versions({"sklearn", "QuantLib", "own"}, pins) == "python 3.11, quantlib 1.44, scikit-learn 1.9"
