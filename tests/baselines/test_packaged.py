"""The packaged weights beside a study's methods: as they come, and fine-tuned on its training days."""

import numpy as np
import pytest

from ivyspt import svi
from ivyspt.baselines.packaged import Packaged
from ivyspt.completion import Context, Targets

TAU = np.repeat([0.05, 0.15, 0.4], 9)
K = np.tile(np.linspace(-2, 2, 9), 3) * 0.25 * np.sqrt(TAU)


def quoted(number: int, market=np.nan) -> Context:
    """An unusual market, where vol rises with strikes as steeply as it falls elsewhere."""
    theta = (0.04 + 0.01 * (number % 3)) * TAU
    w = svi.essvi(K, theta, 0.6, svi.power_law_psi(theta, 1.0, 0.4)[0])[0]
    return Context(f"S{number}", "S", K, TAU, np.sqrt(w / TAU), np.full(3, market))


def pairs(count: int, market=np.nan) -> list[tuple[Context, Targets]]:
    contexts = [quoted(number, market) for number in range(count)]
    return [(each, Targets(each.log_moneyness, each.time_to_maturity, each.implied_vol)) for each in contexts]


def error(method: Packaged) -> float:
    """At the whole surface, of which five quotes near the money are shown; relative."""
    whole = quoted(0)
    near = np.argsort(np.abs(K))[:5]
    few = Context("S", "S", K[near], TAU[near], whole.implied_vol[near], whole.market)
    return float(np.abs(np.log(method.complete(few, K, TAU).implied_vol / whole.implied_vol)).mean())


def test_fine_tuning_learns_what_the_training_days_are_like():
    zero_shot, tuned = Packaged("base", market=False), Packaged("base", market=False, steps=20, learning_rate=3e-4)
    before = error(tuned)
    assert before == error(zero_shot)  # it starts from the packaged weights
    zero_shot.fit(pairs(6), seed=0)
    assert error(zero_shot) == before  # which learn nothing without steps
    tuned.fit(pairs(6), seed=0)
    assert error(tuned) < 0.8 * before


def test_fine_tuning_starts_anew_and_follows_its_seed():
    tuned = Packaged("base", market=False, steps=2)
    errors = []
    for seed in (0, 1, 0):
        tuned.fit(pairs(6), seed)
        errors.append(error(tuned))
    assert errors[0] == errors[2] != errors[1]


def test_a_proxy_of_the_market_is_not_learnt_from():
    blind = [Packaged("base", market=False, steps=2) for _ in range(2)]
    blind[0].fit(pairs(6), seed=0)
    blind[1].fit(pairs(6, market=0.3), seed=0)
    assert error(blind[0]) == error(blind[1])
    seeing = Packaged("base", market=True, steps=2)
    seeing.fit(pairs(6, market=0.3), seed=0)
    assert error(seeing) != pytest.approx(error(blind[0]), rel=1e-6)
