"""What the rules need, rerun and overwrite: asked of Snakemake itself."""

import importlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from ivyspt import stages
from ivyspt.__main__ import parser_of
from ivyspt.stages import read_surfaces

ROOT = Path(__file__).parents[2]
SMOKE = ("--configfile", "config/smoke.yaml")
TRAININGS = {"pretrain", "finetune"}


def smoke_study() -> dict:
    return yaml.safe_load((ROOT / "config/smoke.yaml").read_text())


@contextmanager
def edited(project) -> Iterator[dict]:
    """The smoke study of a project, written back when done."""
    study = smoke_study()
    yield study
    (project.folder / "config/smoke.yaml").write_text(yaml.safe_dump(study, sort_keys=False))


def rules(jobs) -> set[str]:
    return {job.rule for job in jobs}


@pytest.mark.parametrize("arguments", [(), SMOKE], ids=["default", "smoke"])
def test_every_command_is_one_that_its_stage_accepts(project, arguments):
    for job in project.jobs("--forceall", *arguments):
        if not job.command.startswith("python -m ivyspt "):
            continue
        words = shlex.split(job.command.split(" 2>&1")[0])[3:]
        options = vars(parser_of(words[0]).parse_args(words[1:]))
        importlib.import_module(f"ivyspt.stages.{words[0]}").Settings.model_validate(options["settings"])
        assert words[0] == job.rule


def test_every_stage_has_a_rule(project):
    listed = project.snakemake("--list-rules", *SMOKE).stdout + project.snakemake("--list-rules").stdout
    assert set(stages.names()) <= set(re.findall(r"^(\w+)", listed, re.M))


def test_a_figure_needs_only_what_it_shows(project):
    jobs = project.jobs("figures/ablation.pdf")
    assert "fit_baseline" not in rules(jobs)
    assert {job.outputs[0] for job in jobs if job.rule.startswith("plot")} == {"figures/ablation.pdf"}
    runs = yaml.safe_load((ROOT / "config/config.yaml").read_text())["runs"]
    assert {job.wildcards["run"] for job in jobs if job.rule == "pretrain"} == set(runs)


def test_the_default_study_does_not_leak_into_another(project):
    trained = {job.wildcards["run"] for job in project.jobs(*SMOKE) if job.rule == "pretrain"}
    assert trained == set(smoke_study()["runs"])


def test_two_studies_never_write_the_same_file(project):
    first, second = ({path for job in project.jobs(*arguments) for path in job.outputs} for arguments in ((), SMOKE))
    assert first
    assert second
    assert not first & second


def test_a_finished_study_has_nothing_to_do(finished):
    assert finished.jobs(*SMOKE) == []


def test_editing_a_row_reruns_its_run_alone(finished):
    with edited(finished) as study:
        study["runs"]["no_penalties"]["losses"]["gradnorm_alpha"] = 2.0
    jobs = finished.jobs(*SMOKE)
    assert {job.wildcards["run"] for job in jobs if "run" in job.wildcards} == {"no_penalties"}
    assert rules(jobs) >= TRAININGS | {"predict", "evaluate", "compare"}
    assert "fit_baseline" not in rules(jobs)
    assert {job.wildcards["method"].split(".")[0] for job in jobs if job.rule == "evaluate"} == {"no_penalties"}


def test_a_new_label_trains_nothing(finished):
    with edited(finished) as study:
        study["runs"]["no_penalties"]["label"] = "without penalties"
    assert not rules(finished.jobs(*SMOKE)) & (TRAININGS | {"predict", "evaluate"})


def test_a_comment_in_the_library_reruns_nothing(finished):
    for path in (finished.folder / "ivyspt").rglob("*.py"):
        path.write_text(path.read_text() + "\n# a remark\n")
    assert finished.jobs(*SMOKE) == []


def test_touching_every_source_reruns_nothing(finished):
    for path in finished.folder.rglob("*.py"):
        path.touch()
    for path in finished.folder.rglob("*.smk"):
        path.touch()
    assert finished.jobs(*SMOKE) == []


def test_another_butterfly_formula_reruns_every_training_and_no_surface(finished):
    path = next(path for path in (finished.folder / "ivyspt").glob("arbitrage.py"))
    text = path.read_text()
    changed = text.replace("0.25", "0.5", 1) if "0.25" in text else text.replace("/ 4", "/ 2", 1)
    assert changed != text, "arbitrage.py no longer holds the quarter of Durrleman's g"
    path.write_text(changed)
    jobs = finished.jobs(*SMOKE)
    trained = {(job.rule, job.wildcards["run"]) for job in jobs if job.rule in TRAININGS}
    assert trained == {(phase, run) for phase in TRAININGS for run in smoke_study()["runs"]}
    assert not rules(jobs) & {"read_quotes", "assign_tiers", "thin_surfaces", "split_days", "draw_masks"}


def test_a_drawing_script_redraws_its_figure_alone(finished):
    with (finished.folder / "workflow/scripts/figures/plot_ablation.py").open("a") as script:
        script.write("\nUNUSED = 1\n")
    jobs = finished.jobs(*SMOKE)
    assert rules(jobs) - {"all", "draw_figures", "compile_paper"} == {"plot_ablation"}  # the paper where there is TeX


def test_an_unknown_key_is_one_sentence_and_an_error(project):
    done = project.snakemake("--dry-run", "--config", "modle={}")
    assert done.returncode != 0
    assert "configuration: modle: Extra inputs are not permitted, got {}" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_missing_stage_is_named(finished):
    (finished.folder / "ivyspt/stages/predict.py").unlink()
    done = finished.snakemake("--dry-run", *SMOKE)
    assert done.returncode != 0
    assert "ivyspt/stages/predict.py, which must exist" in done.stdout


def test_a_python_without_the_library_is_told_what_to_type(project, tmp_path):
    hiding = tmp_path / "hide_torch.py"
    hiding.write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, package=None: None if name == 'torch' else find(name, package)\n"
        "from snakemake.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, str(hiding), "--dry-run", *SMOKE]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "type `make install`" in done.stdout + done.stderr


def test_the_linter_of_snakemake_is_content(project):
    done = project.snakemake("--lint")
    assert done.returncode == 0, done.stdout


def test_the_adapters_of_surfaces_are_those_that_their_stage_knows():
    common = (ROOT / "workflow/rules/common.smk").read_text()
    listed = re.search(r"^SURFACE_ADAPTERS = \{(.*)\}", common, re.M)[1]
    assert {name.strip(' "') for name in listed.split(",")} == set(read_surfaces.ADAPTERS)
