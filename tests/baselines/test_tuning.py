"""Settings are chosen by validation error, class of context sizes by class."""

import numpy as np
import pytest

from ivyspt.baselines.tuning import complete_many, tune
from ivyspt.columns import DataError
from ivyspt.completion import Completion
from tests.conftest import make_pair


class Constant:
    """Answers one vol; NaN where it says so."""

    def __init__(self, vol):
        self.vol = vol

    def fit(self, training, seed):
        """Nothing to learn."""

    def complete(self, context, log_moneyness, time_to_maturity):
        return Completion(np.full(len(log_moneyness), self.vol))


def surfaces(size, vol, count=3):
    generator = np.random.default_rng(size)
    pairs = [make_pair(generator, size, 4) for _ in range(count)]
    for _, targets in pairs:
        targets.implied_vol[:] = vol
    return pairs


def chosen(candidates, validation, bounds=(5, 9)):
    return tune(lambda values: Constant(**values), candidates, [], validation, bounds=bounds, failure_error=1.0, seed=0)


def test_each_class_of_sizes_gets_its_own_best():
    validation = surfaces(5, 0.1) + surfaces(6, 0.2) + surfaces(12, 0.3)
    method, report = chosen({"vol": [0.1, 0.19, 0.3]}, validation)
    assert [row["values"]["vol"] for row in report] == [0.1, 0.19, 0.3]
    assert [row["validation_surfaces"] for row in report] == [3, 3, 3]
    assert report[1]["error"] == pytest.approx(0.01)
    contexts, asked = zip(*((c, (t.log_moneyness, t.time_to_maturity)) for c, t in validation), strict=True)
    answers = complete_many(method, contexts, asked)
    assert [answer.implied_vol[0] for answer in answers] == [0.1] * 3 + [0.19] * 3 + [0.3] * 3


def test_a_class_without_validation_surfaces_takes_the_best_of_all():
    _, report = chosen({"vol": [0.1, 0.3]}, surfaces(12, 0.3))
    assert report[0]["validation_surfaces"] == 0
    assert report[0]["values"] == {"vol": 0.3}


def test_a_method_that_does_not_answer_loses_to_a_poor_answer():
    _, report = chosen({"vol": [float("nan"), 0.9]}, surfaces(12, 0.3))
    assert report[-1]["values"] == {"vol": 0.9}


def test_tuning_without_validation_is_refused():
    with pytest.raises(DataError, match="must have validation surfaces"):
        chosen({"vol": [0.1]}, [])
