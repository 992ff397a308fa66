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


def test_intervals_of_a_symbol_come_from_its_own_days():
    """Quotes of one symbol lie on a smooth surface, those of the other are noisy."""
    generator = np.random.default_rng(0)
    training = pairs(4)
    for context, targets in pairs(4):
        noisy = targets.implied_vol * np.exp(0.05 * generator.normal(size=K.size))
        own = replace(context, symbol="N", surface_id=f"N {context.surface_id}", implied_vol=noisy)
        training.append((own, replace(targets, implied_vol=noisy)))
    method = Packaged("base", market="hidden", recalibrated=True)
    method.fit(training, seed=0)

    def width(symbol: str) -> float:
        low, high = method.complete(replace(quoted(0), symbol=symbol), K, TAU).intervals[90]
        return float(np.log(high / low).mean())

    assert width("N") > 2 * width("S")
    low, high = Packaged("base", market="hidden").complete(quoted(0), K, TAU).intervals[90]
    assert width("elsewhere") == pytest.approx(float(np.log(high / low).mean()))


def test_what_it_is_told_of_quotes_is_checked():
    with pytest.raises(DataError, match="kind must be null, marks, mids, smoothed, got 'mid'"):
        Packaged("base", market="shown", kind="mid")
    with pytest.raises(DataError, match="bid_ask must be shown or hidden, got True"):
        Packaged("base", market="shown", bid_ask=True)
    with pytest.raises(DataError, match="cannot be recalibrated on the same days"):
        Packaged("base", market="shown", recalibrated=True, steps=2)


def test_bid_and_ask_are_read_where_they_are_shown():
    spread = np.where(np.arange(K.size) % 3, 0.002, np.nan)
    seen = replace(quoted(0), half_spread=spread)
    hidden, shown = (Packaged("base", market="hidden", bid_ask=each) for each in ("hidden", "shown"))
    plain = hidden.complete(quoted(0), K, TAU).implied_vol
    np.testing.assert_array_equal(hidden.complete(seen, K, TAU).implied_vol, plain)
    np.testing.assert_array_equal(shown.complete(quoted(0), K, TAU).implied_vol, plain)
    assert np.abs(shown.complete(seen, K, TAU).implied_vol / plain - 1).max() > 1e-5


def test_a_market_that_is_not_known_is_refused():
    with pytest.raises(DataError, match="market must be shown, hidden or of_other_days, got True"):
        Packaged("base", market=True)
