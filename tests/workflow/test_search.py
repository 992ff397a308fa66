"""A study's trials: what the configuration asks for, whatever else there is."""

import json
from math import prod
from pathlib import Path

import pytest
import yaml

from workflow.search import trial_sections, trials
from workflow.study import StudyError, complete, merge

ROOT = Path(__file__).parents[2]


@pytest.fixture
def smoke() -> dict:
    return yaml.safe_load((ROOT / "config/smoke.yaml").read_text())


def changed(smoke: dict, **search) -> dict:
    return complete(smoke | {"analyses": merge(smoke["analyses"], {"search": search})})


def test_the_grid_is_every_combination_and_the_draws_are_as_many_as_asked(smoke):
    grid = {"blocks": [1, 2], "dimension": [8, 16], "learning_rate": [1e-3, 1e-4], "batch_size": [8], "dropout": [0.1]}
    named = trials(changed(smoke, grid=grid, random={"trials": 5}))
    of_grid = [tuple(values.values()) for name, values in named.items() if name.startswith("grid_")]
    assert len(of_grid) == len(set(of_grid)) == prod(map(len, grid.values()))
    assert sum(name.startswith("random_") for name in named) == 5


def test_draws_stay_within_their_bounds_and_differ(smoke):
    named = trials(changed(smoke, random={"trials": 200, "learning_rate": [1e-4, 1e-2], "dropout": [0.0, 0.5]}))
    draws = [values for name, values in named.items() if name.startswith("random_")]
    rates = sorted(values["learning_rate"] for values in draws)
    assert 1e-4 <= rates[0] < rates[-1] <= 1e-2
    # even in the logarithm: the median is near the geometric mean of the bounds, 0.3 is 5 standard errors of it
    assert rates[100] == pytest.approx(1e-3, rel=1.2)
    assert all(0 <= values["dropout"] <= 0.5 for values in draws)
    assert len(set(rates)) > 150


def test_a_larger_search_keeps_what_a_smaller_one_found(smoke):
    small = trials(changed(smoke, random={"trials": 2}))
    large = trials(changed(smoke, random={"trials": 4}, grid={"blocks": [1, 2, 3]}))
    assert small.items() <= large.items()
    assert len(large) > len(small)


def test_another_seed_draws_other_values(smoke):
    one, other = (trials(changed(smoke, random={"trials": 3, "seed": seed})) for seed in (0, 1))
    assert one["random_0"] != other["random_0"]


def test_a_trial_changes_its_hyper_parameters_and_nothing_else(smoke):
    study = changed(smoke, epochs=7)
    for name, values in trials(study).items():
        settings = json.loads(trial_sections(study, name, "ivyspt"))
        found = settings["model"] | settings["training"]["pretrain"]
        assert {key: found[key] for key in values} == values
        assert settings["training"]["pretrain"]["epochs"] == 7
        assert settings["training"]["finetune"] == study["training"]["finetune"]
        assert settings["losses"] == study["losses"]
        assert settings["model"]["heads"] == study["model"]["heads"]


def test_what_was_chosen_can_be_put_in_place_without_searching_again(smoke):
    study = complete(smoke)
    best = {"model": {"blocks": 2, "dimension": 16, "dropout": 0.1}, "training": {"pretrain": {"batch_size": 4}}}
    tuned = complete(merge(smoke, best))
    assert tuned["runs"]["ivyspt"]["model"]["dimension"] == 16
    assert [trial_sections(tuned, name, "ivyspt") for name in trials(tuned)] == [
        trial_sections(study, name, "ivyspt") for name in trials(study)
    ]


def test_a_trial_that_no_model_admits_is_one_sentence(smoke):
    with pytest.raises(StudyError, match=r"trial grid_1x10_.*multiple of 4") as caught:
        trials(changed(smoke, grid={"dimension": [10]}))
    assert "\n" not in str(caught.value)


def test_a_study_without_a_search_has_no_trials(smoke):
    smoke["analyses"] |= {"search": None}
    assert trials(complete(smoke)) == {}
