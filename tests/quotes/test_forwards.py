"""Forwards and discount factors: exact where quotes are, robust where some are stale, by carry where they are few."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from ivyspt.config import Filters, Forwards
from ivyspt.quotes.chains import Prices, chains_of
from ivyspt.quotes.curves import imply_curve, pairs_of
from ivyspt.quotes.dividends import Distributions, Dividend
from ivyspt.quotes.filters import judge_prices
from tests.quotes.made_up import CARRY, DAYS, RATE, forward_of, surface_quotes

FILTERS = Filters(min_bid=0.0, max_relative_spread=100.0)
TAU = np.array(DAYS) / 365


# made-up quotes are of 10 June 2026, their expiries 9, 37, 100 and 219 days later; AAA is security 7
DECLARED = Dividend(date(2026, 7, 1), 1.5, regular=False, declared=date(2026, 6, 1))  # 21 days later
DISTRIBUTIONS = Distributions({"7": [DECLARED]}, {}, {"AAA": [(date(2020, 1, 1), date.max, "7")]})


def implied(quotes, prior=0.0, filters=FILTERS, distributions=None, **settings):
    chains = chains_of(quotes)
    prices = Prices(chains.bid, chains.mid, chains.ask)
    kept = judge_prices(chains, prices, filters).kept
    prior = np.full(chains.slices.height, prior)
    return imply_curve(chains, pairs_of(chains, kept, prices), prior, Forwards(**settings), distributions)


def test_exact_quotes_give_back_forward_and_discount_factor():
    # a prior 4 points off the truth: the quotes' own standard error is 1e-7 of a discount factor
    curve = implied(surface_quotes(half_spread=0.0))
    assert (curve.route == "parity").all()
    np.testing.assert_allclose(curve.forward, forward_of(TAU), rtol=1e-9)
    np.testing.assert_allclose(curve.discount, np.exp(-RATE * TAU), atol=1e-6)
    assert curve.residual.max() < 1e-9
    assert curve.discount_share.min() > 0.999


def test_stale_pairs_do_not_move_the_forward():
    """A fifth of the calls stands a standard deviation too high, as marks of an earlier price would."""
    quotes = surface_quotes()
    stale = (pl.col("option_type") == "call") & (pl.int_range(pl.len()) % 5 == 0)
    shift = pl.when(stale).then(4.0).otherwise(0.0)
    curve = implied(quotes.with_columns(pl.col("bid", "ask") + shift))
    np.testing.assert_allclose(curve.forward, forward_of(TAU), rtol=2e-5)
    np.testing.assert_allclose(curve.discount, np.exp(-RATE * TAU), atol=2e-3)


def test_wide_quotes_weigh_less():
    generator = np.random.default_rng(0)
    quotes = surface_quotes(half_spread=0.02)
    wide = pl.Series(generator.random(quotes.height) < 0.6)
    error = pl.Series(generator.normal(0, 0.5, quotes.height))
    noisy = quotes.with_columns(
        bid=pl.when(wide).then(pl.col("bid") + error - 1.0).otherwise("bid"),
        ask=pl.when(wide).then(pl.col("ask") + error + 1.0).otherwise("ask"),
    )
    curve = implied(noisy)
    np.testing.assert_allclose(curve.forward, forward_of(TAU), rtol=1e-4)


def test_slice_with_too_few_pairs_takes_its_neighbours_carry():
    quotes = surface_quotes(half_spread=0.0)
    lonely = quotes["expiry"].unique().sort()[2]
    quotes = quotes.filter((pl.col("expiry") != lonely) | (pl.col("option_type") == "call"))
    curve = implied(quotes)
    assert curve.route.tolist() == ["parity", "parity", "carry", "parity"]
    # log(F D) is linear in time where the dividend yield is constant, so the line through the neighbours is exact
    np.testing.assert_allclose(curve.forward, forward_of(TAU), rtol=1e-6)


def test_without_pairs_spot_and_rate_curve_stand_in():
    calls = surface_quotes().filter(pl.col("option_type") == "call")
    curve = implied(calls, prior=RATE)
    assert (curve.route == "spot").all()
    np.testing.assert_allclose(curve.forward, 100 * np.exp(RATE * TAU), rtol=1e-12)
    np.testing.assert_allclose(curve.discount, np.exp(-RATE * TAU), rtol=1e-12)
    assert curve.discount_share == pytest.approx(0.0, abs=1e-12)


def test_without_pairs_the_dividends_until_the_expiry_leave_the_spot_price():
    """F = (S - PV) / D by hand: 1.50 on 1 July, after the first expiry and before the other three."""
    calls = surface_quotes().filter(pl.col("option_type") == "call")
    curve = implied(calls, prior=RATE, distributions=DISTRIBUTIONS)
    assert (curve.route == "spot").all()
    present = 1.5 * np.exp(-RATE * 21 / 365) * np.array([0, 1, 1, 1])
    np.testing.assert_allclose(curve.forward, (100 - present) * np.exp(RATE * TAU), rtol=1e-12)


def test_dividends_above_the_spot_price_leave_no_forward():
    calls = surface_quotes().filter(pl.col("option_type") == "call").with_columns(underlying_price=pl.lit(1.2))
    curve = implied(calls, prior=RATE, distributions=DISTRIBUTIONS)
    assert curve.route.tolist() == ["spot", "none", "none", "none"]


def test_dividends_do_not_enter_where_parity_or_carry_speaks():
    quotes = surface_quotes()
    lonely = quotes["expiry"].unique().sort()[2]
    quotes = quotes.filter((pl.col("expiry") != lonely) | (pl.col("option_type") == "call"))
    with_dividends, without = implied(quotes, distributions=DISTRIBUTIONS), implied(quotes)
    assert set(without.route) == {"parity", "carry"}
    np.testing.assert_array_equal(with_dividends.forward, without.forward)


def test_without_pairs_and_spot_there_is_no_forward():
    calls = surface_quotes().filter(pl.col("option_type") == "call").with_columns(underlying_price=None)
    curve = implied(calls.cast({"underlying_price": pl.Float64}))
    assert (curve.route == "none").all()
    assert np.isnan(curve.forward).all()


def test_spot_price_does_not_enter_where_parity_speaks():
    quotes = surface_quotes()
    moved = quotes.with_columns(underlying_price=pl.lit(63.0))
    np.testing.assert_array_equal(implied(quotes).forward, implied(moved).forward)


def test_american_slopes_leave_the_discount_factor_to_the_rate_curve():
    quotes = surface_quotes().with_columns(exercise=pl.lit("american"))
    curve = implied(quotes, prior=0.03, rates_dir="somewhere")
    np.testing.assert_allclose(curve.discount, np.exp(-0.03 * TAU), rtol=1e-12)
    # a pair at the money hardly feels the discount factor: (F - K) is small there
    np.testing.assert_allclose(curve.forward, forward_of(TAU), rtol=5e-5)


def test_a_zero_curve_counts_as_a_rate_curve():
    quotes = surface_quotes().with_columns(exercise=pl.lit("american"))
    treasury, zero = (implied(quotes, prior=0.03, **{key: "somewhere"}) for key in ("rates_dir", "zero_curve"))
    np.testing.assert_array_equal(treasury.discount, zero.discount)


def test_near_pairs_suffice_for_the_forward_whatever_the_rate():
    """With the rate a whole point wrong the forward is off by less than a basis point."""
    right, wrong = (implied(surface_quotes(), prior=rate, rates_dir="x", rate_std=1e-9) for rate in (RATE, RATE + 0.01))
    assert np.abs(wrong.forward / right.forward - 1).max() < 1e-4


def test_vanishing_prior_doubt_is_the_rate_curve_itself():
    curve = implied(surface_quotes(), prior=0.01, rates_dir="x", rate_std=1e-9)
    np.testing.assert_allclose(curve.discount, np.exp(-0.01 * TAU), rtol=1e-9)


def test_carry_is_what_the_market_was_made_with():
    curve = implied(surface_quotes(half_spread=0.0))
    assert np.log(curve.forward / 100) / TAU == pytest.approx(CARRY, abs=1e-6)
