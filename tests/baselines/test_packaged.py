"""The packaged weights beside a study's methods: as they come, and fine-tuned on its training days."""

from dataclasses import replace

import numpy as np
import pytest

from ivyspt import svi
from ivyspt.baselines.packaged import Packaged
from ivyspt.columns import DataError
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
    zero_shot, tuned = (
        Packaged("base", market="hidden"),
        Packaged("base", market="hidden", steps=20, learning_rate=3e-4),
    )
    before = error(tuned)
    assert before == error(zero_shot)  # it starts from the packaged weights
    zero_shot.fit(pairs(6), seed=0)
    assert error(zero_shot) == before  # which learn nothing without steps
    tuned.fit(pairs(6), seed=0)
    assert error(tuned) < 0.8 * before


def test_fine_tuning_starts_anew_and_follows_its_seed():
    tuned = Packaged("base", market="hidden", steps=2)
    errors = []
    for seed in (0, 1, 0):
        tuned.fit(pairs(6), seed)
        errors.append(error(tuned))
    assert errors[0] == errors[2] != errors[1]


def test_a_proxy_of_the_market_is_not_learnt_from():
    blind = [Packaged("base", market="hidden", steps=2) for _ in range(2)]
    blind[0].fit(pairs(6), seed=0)
    blind[1].fit(pairs(6, market=0.3), seed=0)
    assert error(blind[0]) == error(blind[1])
    seeing = Packaged("base", market="shown", steps=2)
    seeing.fit(pairs(6, market=0.3), seed=0)
    assert error(seeing) != pytest.approx(error(blind[0]), rel=1e-6)


def test_another_days_market_stands_in_for_a_days_own():
    training = [pair for day in range(4) for pair in pairs(2, market=0.05 + 0.1 * day)]
    shuffled, shown = Packaged("base", market="of_other_days"), Packaged("base", market="shown")
    shuffled.fit(training, seed=0)
    asked = [quoted(number, market) for market in (0.11, 0.22) for number in range(2)]
    vols = [shuffled.complete(context, K, TAU).implied_vol for context in asked]
    for context, vol in zip(asked, vols, strict=True):
        answers = [
            shown.complete(replace(context, market=np.full(3, 0.05 + 0.1 * day)), K, TAU).implied_vol
            for day in range(4)
        ]
        assert sum(np.array_equal(vol, answer) for answer in answers) == 1
        assert not np.array_equal(vol, shown.complete(context, K, TAU).implied_vol)


def test_intervals_are_stated_by_weights_that_were_calibrated():
    found = Packaged("base", market="hidden").complete(quoted(0), K, TAU)
    (low, high), (lower, higher) = found.intervals[50], found.intervals[90]
    assert (lower < low).all()
    assert (low < found.implied_vol).all()
    assert (found.implied_vol < high).all()
    assert (high < higher).all()
    tuned = Packaged("base", market="hidden", steps=2)
    tuned.fit(pairs(6), seed=0)
    assert tuned.complete(quoted(0), K, TAU).intervals is None


def test_a_market_that_is_not_known_is_refused():
    with pytest.raises(DataError, match="market must be shown, hidden or of_other_days, got True"):
        Packaged("base", market=True)
