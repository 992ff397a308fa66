"""The trials of a study's hyper-parameter search: every point of a grid, and random draws."""

import json
import math
import random
from collections.abc import Mapping
from itertools import product

from pydantic import ValidationError

from ivyspt.config import Study
from workflow.study import StudyError, merge

Trial = dict[str, float | int]


def trials(study: Mapping) -> dict[str, Trial]:
    """Hyper-parameters by the trial's name; none where the study has no search.

    A trial of the grid is named by its values, and a random one draws from a stream of its own, so that a larger search
    keeps what a smaller one has found.

    Raises
    ------
    StudyError
        A trial's model is not admissible.
    """
    search = study["analyses"]["search"]
    if search is None:
        return {}
    grid, draws = search["grid"], search["random"]
    combined = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    named = {_name(values): values for values in combined}
    named |= {f"random_{number}": _draw(draws, number) for number in range(draws["trials"])}
    for name, values in named.items():
        _check(study, name, values)
    return named


def trial_sections(study: Mapping, trial: str, main_run: str) -> str:
    """Settings of a trial's stage, as JSON: the main run's, with the trial's values and the search's epochs."""
    search, run = study["analyses"]["search"], study["runs"][main_run]
    changed = _sections(trials(study)[trial])
    changed["training"]["pretrain"]["epochs"] = search["epochs"]
    chosen = {name: merge(run[name], changed[name]) for name in changed}
    chosen |= {"losses": run["losses"], "masking": study["masking"], "subset": search["subset"]}
    return json.dumps(chosen, sort_keys=True)


def _name(values: Trial) -> str:
    return "grid_{blocks}x{dimension}_{learning_rate:g}_{batch_size}_{dropout:g}".format(**values)


def _draw(draws: Mapping, number: int) -> Trial:
    generator = random.Random(f"{draws['seed']} {number}")
    low, high = (math.log(rate) for rate in draws["learning_rate"])
    return {
        "blocks": generator.choice(draws["blocks"]),
        "dimension": generator.choice(draws["dimension"]),
        # three digits, so that a table shows the value that was used
        "learning_rate": float(f"{math.exp(generator.uniform(low, high)):.2e}"),
        "batch_size": generator.choice(draws["batch_size"]),
        "dropout": round(generator.uniform(*draws["dropout"]), 3),
    }


def _sections(values: Trial) -> dict:
    phase = {name: values[name] for name in ("learning_rate", "batch_size")}
    return {
        "model": {name: values[name] for name in ("blocks", "dimension", "dropout")},
        "training": {"pretrain": phase},
    }


def _check(study: Mapping, name: str, values: Trial) -> None:
    try:
        Study.model_validate({**study, "model": merge(study["model"], _sections(values)["model"])})
    except ValidationError as error:
        problem = error.errors()[0]
        raise StudyError(f"configuration, trial {name}: {problem['msg']}") from error
