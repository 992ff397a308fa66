"""A study as its configuration file states it, checked and complete."""

import hashlib
import json
import os
import re
from collections.abc import Mapping

from pydantic import ValidationError

from ivyspt.config import Study
from ivyspt.mask_names import evaluation_names
from ivyspt.masking_config import Masking

PHASES = ("pretrain", "finetune")
OVERRIDABLE = ("model", "losses", "training")  # the sections that a row of the run table may change


class StudyError(ValueError):
    """The configuration breaks a rule: the message says which key must hold what, and what came."""


def complete(config: Mapping) -> dict:
    """Every section with its defaults filled in; each run carries its own full `model`, `losses` and `training`.

    Raises
    ------
    StudyError
        A key is unknown or missing, a value is not admissible, or it names an environment variable that is not set.
    """
    config = expanded(config)
    study = _validated(config, "configuration")
    for name, run in study["runs"].items():
        merged = {section: merge(config[section], run[section]) for section in OVERRIDABLE}
        whole = _validated({**config, **merged}, f"configuration, run {name}")
        study["runs"][name] |= {section: whole[section] for section in OVERRIDABLE}
    _check_studied_runs(study)
    _check_audited_masks(study)
    return study


def companions(study: Mapping) -> list[str]:
    """Points, market features and split of each companion of the flagship's training, in turn."""
    training = study["flagship_training"] or {}
    tables = ("points", "market_features", "split")
    listed = training.get("companions", [])
    return [f"{companion['results']}/surfaces/{table}.parquet" for companion in listed for table in tables]


def expanded(value, key: str = "configuration"):
    """The value with each `${NAME}` in its strings replaced by that environment variable."""
    if isinstance(value, Mapping):
        prefix = f"{key}: " if key == "configuration" else f"{key}."
        return {name: expanded(inner, f"{prefix}{name}") for name, inner in value.items()}
    if isinstance(value, list):
        return [expanded(inner, key) for inner in value]
    if not isinstance(value, str):
        return value

    def variable(found: re.Match) -> str:
        if not os.environ.get(found[1]):
            raise StudyError(f"{key}: the environment variable {found[1]} must name the folder of the data, got none")
        return os.environ[found[1]]

    return re.sub(r"\$\{(\w+)\}", variable, value)


def merge(base: Mapping, override: Mapping) -> dict:
    """`base` with the values of `override`; mappings within are merged key by key."""
    merged = dict(base)
    for key, value in override.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if nested else value
    return merged


def sections(study: Mapping, *names: str, run: str | None = None) -> str:
    """Settings of a stage, as JSON of the sections that it reads; those of a run where one is named.

    A section within another is named with a dot and given under its last word.
    """
    own = study["runs"][run] if run else {}
    chosen = {}
    for name in names:
        value = own if run and name in OVERRIDABLE else study
        for key in name.split("."):
            value = value[key]
        chosen[name.rpartition(".")[2]] = value
    return json.dumps(chosen, sort_keys=True)


def baseline_sections(study: Mapping, baseline: str, seed: int, *names: str) -> str:
    """Settings of a baseline's stage, as JSON: its row, name and seed beside the sections that it reads."""
    chosen = {name: study[name] for name in names}
    row = study["baselines"][baseline]
    return json.dumps({"name": baseline, "seed": seed, "baseline": row, **chosen}, sort_keys=True)


def trained(study: Mapping) -> dict[str, list[int]]:
    """Seeds of each trained method, `RUN.PHASE`: the study's, or no more of them than the run's row asks for."""
    return {
        f"{name}.{phase}": study["seeds"][: run["seeds"]] for name, run in study["runs"].items() for phase in PHASES
    }


def fitted(study: Mapping) -> dict[str, list[int]]:
    """Seeds of each baseline."""
    return {name: study["seeds"][: row["seeds"]] for name, row in study["baselines"].items()}


# what may change between the sittings of one training of the flagship
BETWEEN_SITTINGS = ("steps", "threads", "report_every", "checkpoint_every", "calibration_batches")


def flagship_course(study: Mapping, *names: str) -> str:
    """What decides a training of the flagship beside how long it lasts: sections of the data, the model, the course."""
    training = study["flagship_training"] or {}
    course = {key: value for key, value in training.items() if key not in BETWEEN_SITTINGS}
    return sections(study, *names, "flagship", "corpus") + json.dumps(course, sort_keys=True)


def digest(*parts: str) -> str:
    """A short name for what the parts say."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _check_studied_runs(study: Mapping) -> None:
    kernel, balance = (study["analyses"][name] for name in ("tangent_kernel", "gradnorm"))
    named = [("tangent_kernel.runs", run) for run in (kernel or {"runs": []})["runs"]]
    for key, run in [*named, *((f"gradnorm.{key}", run) for key, run in (balance or {}).items())]:
        if run not in study["runs"]:
            raise StudyError(f"configuration: analyses.{key} must name a run of the study, got {run!r}")


def _check_audited_masks(study: Mapping) -> None:
    drawn = evaluation_names(Masking.model_validate(study["masking"]))
    if unknown := sorted(set(study["evaluation"]["audit_masks"] or ()) - set(drawn)):
        raise StudyError(
            f"configuration: evaluation.audit_masks must be masks of the study, {', '.join(drawn)}, got {unknown}"
        )


def _validated(config: Mapping, where: str) -> dict:
    try:
        return Study.model_validate(dict(config)).model_dump(mode="json")
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"]) or "a section"
        text = f"{where}: {key}: {problem['msg']}, got {problem['input']!r}"
        raise StudyError(" ".join(text.split())) from error
