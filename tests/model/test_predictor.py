"""Answers of a trained model do not depend on how they are asked for."""

import numpy as np
import pytest

from ivyspt.completion import BatchedMethod
from ivyspt.model import predictor
from ivyspt.model.predictor import Predictor
from tests.conftest import make_model, make_pair

SAME = {"rtol": 1e-12, "atol": 1e-15}  # float64; another padding moves the last digits


def asked():
    generator = np.random.default_rng(4)
    pairs = [make_pair(generator, contexts, targets) for contexts, targets in [(5, 40), (30, 3), (12, 11), (3, 1)]]
    return [pair[0] for pair in pairs], [(pair[1].log_moneyness, pair[1].time_to_maturity) for pair in pairs]


@pytest.mark.parametrize("settings", [{}, {"target_attention": "all"}], ids=["main", "as published"])
@pytest.mark.parametrize("largest", [1, 200, 10**6])
def test_company_and_chunks_change_no_answer(settings, largest, monkeypatch):
    monkeypatch.setattr(predictor, "LARGEST_STEP", largest)
    method = Predictor(make_model(**settings))
    contexts, points = asked()
    for context, point, together in zip(contexts, points, method.complete_many(contexts, points), strict=True):
        alone = method.complete(context, *point)
        for name in ("implied_vol", "w_k", "w_kk", "w_tau"):
            np.testing.assert_allclose(getattr(together, name), getattr(alone, name), **SAME, err_msg=name)
        assert len(together.implied_vol) == len(point[0])


def test_without_derivatives_the_vols_are_the_same():
    method = Predictor(make_model())
    contexts, points = asked()
    for plain, full in zip(
        method.complete_many(contexts, points, derivatives=False), method.complete_many(contexts, points), strict=True
    ):
        assert plain.w_k is plain.w_kk is plain.w_tau is None
        np.testing.assert_allclose(plain.implied_vol, full.implied_vol, **SAME)


def test_predictor_is_a_batched_method():
    assert isinstance(Predictor(make_model()), BatchedMethod)


def test_derivatives_of_total_variance_belong_to_the_vols():
    method = Predictor(make_model())
    context, _ = make_pair(np.random.default_rng(4), 15, 1)
    k, tau = np.linspace(-0.2, 0.2, 9), np.full(9, 0.15)
    h = 1e-5
    up, down = (method.complete(context, k + step, tau).implied_vol ** 2 * tau for step in (h, -h))
    np.testing.assert_allclose(method.complete(context, k, tau).w_k, (up - down) / (2 * h), rtol=1e-5, atol=1e-8)
