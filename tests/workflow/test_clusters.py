"""What jobs ask of a cluster, and profiles that agree on the rest."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SMOKE = ("--configfile", "config/smoke.yaml")
OWN = {"cores"}  # of the default profile: a cluster's counts jobs


def profile(name: str) -> dict:
    return yaml.safe_load((ROOT / f"workflow/profiles/{name}/config.yaml").read_text())


@pytest.mark.parametrize("name", ["slurm", "lsf", "kubernetes"])
def test_a_clusters_profile_keeps_what_the_default_one_says(name):
    default = {key: value for key, value in profile("default").items() if key not in OWN}
    assert {key: profile(name).get(key) for key in default} == default
    assert profile(name)["executor"] == name


def blocks(project, *arguments: str) -> list[str]:
    done = project.snakemake("--dry-run", *SMOKE, *arguments)
    assert done.returncode == 0, done.stdout
    return re.split(r"\n(?=rule )", done.stdout)[1:]


def test_every_job_says_how_much_memory_and_time_it_takes(project):
    asked = [
        re.search(r"^    resources: (.*)$", block, re.M)
        for block in blocks(project)
        if "Shell command: None" not in block
    ]
    assert asked
    for resources in asked:
        assert re.search(r"\bmem_mb=\d+\b", resources[1])
        assert re.search(r"\bruntime=\d+\b", resources[1])


def test_each_process_of_a_training_has_its_gpu_and_threads(project, tmp_path):
    study = tmp_path / "gpus.yaml"
    study.write_text("training: {device: cuda}\nruns: {no_kernel: {training: {processes: 2, threads: 3}}}\n")
    trainings = [block for block in blocks(project, str(study)) if re.match("rule (pretrain|finetune):", block)]
    assert trainings
    for block in trainings:
        several = "run=no_kernel" in block
        assert f"gpu={2 if several else 1}," in block
        # a dry run is of two cores, which is what three threads times two are cut to
        assert ("threads: 2" in block) is several
