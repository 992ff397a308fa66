"""Why quotes are dropped: each reason on quotes made to have it, and on nothing else."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ivyspt.columns import QUOTES
from ivyspt.config import Filters, Surfaces
from ivyspt.quotes.filters import CODE, REASONS, Verdicts, neighbour_median
from ivyspt.surfaces.build import build
from tests.quotes.made_up import surface_quotes

LOOSE = Filters(
    min_bid=0.01,
    max_relative_spread=1.9,
    max_time_to_maturity=9.0,
    max_standardised_moneyness=9.0,
    max_implied_vol=9.0,
)


def rejected(quotes, filters=LOOSE, **settings):
    built = build(quotes, Surfaces(filters=filters, **settings), None)
    counts = built.rejections.group_by("reason").agg(pl.col("quotes").sum())
    assert counts["quotes"].sum() + built.slices["quotes_used"].sum() == quotes.height
    return dict(counts.rows())


def spoil(quotes, row, **values):
    """Quotes with other values in one row."""
    at = pl.int_range(pl.len()) == row
    return quotes.with_columns(
        pl.when(at).then(pl.lit(v, dtype=QUOTES.columns[n])).otherwise(n).alias(n) for n, v in values.items()
    )


PUT = 31  # row of the lowest strike's put in the first expiry; the strikes' calls are above
USED = PUT + 8  # an out-of-the-money put that nothing speaks against


@pytest.mark.parametrize(
    ("reason", "values"),
    [
        ("expired", {}),
        ("no_price", {"bid": None, "ask": None}),
        ("zero_bid", {"bid": 0.0}),
        ("price_low", {"bid": 0.005}),
        ("crossed", {"bid": 3.0, "ask": 2.9}),
        ("spread_wide", {"bid": 0.02, "ask": 60.0}),
        ("outside_bounds", {"bid": 400.0, "ask": 400.1}),
        ("implied_vol_high", {"bid": 80.0, "ask": 80.1}),
    ],
)
def test_one_spoiled_quote_is_counted_under_its_reason(reason, values):
    quotes = surface_quotes()
    before = rejected(quotes)
    spoiled = spoil(quotes, USED, **values) if values else expire(quotes)
    after = rejected(spoiled)
    expected = 62 if reason == "expired" else 1  # a whole slice expires
    assert after[reason] - before.get(reason, 0) == expected


def expire(quotes):
    first = pl.col("expiry") == pl.col("expiry").min()
    return quotes.with_columns(expiry=pl.when(first).then("quote_time").otherwise("expiry"))


@pytest.mark.parametrize(
    ("reason", "threshold"),
    [
        ("time_to_maturity_short", {"min_time_to_maturity": 0.05}),
        ("time_to_maturity_long", {"max_time_to_maturity": 0.5}),
        ("open_interest_low", {"min_open_interest": 11.0}),
        ("far_strike", {"max_standardised_moneyness": 2.0}),
        ("implied_vol_low", {"min_implied_vol": 0.27}),
    ],
)
def test_thresholds_drop_what_lies_beyond_them(reason, threshold):
    quotes = surface_quotes()
    assert reason not in rejected(quotes)
    assert rejected(quotes, LOOSE.model_copy(update=threshold))[reason] > 0


def test_stale_mark_is_found_by_its_twin():
    """A put marked with 30 % too much vol disagrees with its call; both sides of the strike go."""
    quotes = surface_quotes(half_spread=0.001)
    row = PUT + 15  # the put at the money of the first expiry
    mid = (quotes["bid"][row] + quotes["ask"][row]) / 2
    stale = spoil(quotes, row, bid=1.3 * mid, ask=1.3 * mid + 0.002)
    filters = LOOSE.model_copy(update={"max_twin_gap": 0.15})
    before, after = rejected(quotes, filters), rejected(stale, filters)
    assert after["twin_gap"] - before.get("twin_gap", 0) == 2


def test_without_its_twin_a_quote_cannot_be_vouched_for():
    quotes = surface_quotes()
    filters = LOOSE.model_copy(update={"max_twin_gap": 0.15})
    alone = quotes.filter(pl.int_range(pl.len()) != PUT + 15)
    assert rejected(alone, filters)["no_twin"] - rejected(quotes, filters).get("no_twin", 0) == 1


def test_outlier_among_neighbours_is_dropped():
    quotes = surface_quotes(half_spread=0.001, width=1.5)
    row = PUT + 5
    both = [row, row - 31]  # its call too: the twin filter is blind to a strike whose sides agree
    stale = quotes
    for each in both:
        mid = (quotes["bid"][each] + quotes["ask"][each]) / 2
        stale = spoil(stale, each, bid=mid + 0.6, ask=mid + 0.602)
    filters = LOOSE.model_copy(update={"max_neighbour_gap": 0.15})
    assert "neighbour_gap" not in rejected(quotes, filters)
    assert rejected(stale, filters)["neighbour_gap"] == 1


def test_small_surfaces_are_dropped_whole():
    quotes = surface_quotes(count=5)
    reasons = rejected(quotes, min_points=500)
    assert reasons["surface_small"] > 0
    assert build(quotes, Surfaces(filters=LOOSE, min_points=500), None).points.height == 0
    assert "surface_small" in rejected(quotes, min_expiries=5)


def test_of_two_roots_with_one_expiry_the_fuller_one_stays():
    quotes = surface_quotes(width=1.0)
    thin = quotes.filter(pl.int_range(pl.len()) % 4 == 0).with_columns(root=pl.lit("AAA1"))
    both = pl.concat([quotes, thin])
    assert rejected(both)["other_root"] == thin.height
    alone, together = (build(each, Surfaces(filters=LOOSE), None).points for each in (quotes, both))
    assert alone.equals(together)


def test_morning_and_evening_settlement_are_two_slices():
    quotes = surface_quotes()
    morning = quotes.with_columns(pl.col("expiry") - timedelta(hours=6.5), root=pl.lit("AAAM"), settlement=pl.lit("am"))
    assert "other_root" not in rejected(pl.concat([quotes, morning]))


def test_first_reason_stays():
    verdicts = Verdicts(3)
    verdicts.drop(np.array([True, False, False]), "zero_bid")
    verdicts.drop(np.array([True, True, False]), "crossed")
    assert [REASONS[code] for code in verdicts.codes] == ["zero_bid", "crossed", "used"]
    assert CODE["used"] == 0


def test_neighbours_are_of_the_same_slice():
    vols = np.array([1.0, 2.0, 9.0, 4.0, 5.0, 70.0, 80.0])
    slices = np.array([0, 0, 0, 0, 0, 1, 1])
    np.testing.assert_allclose(neighbour_median(vols, slices), [2.0, 3.0, 4.0, 4.5, 5.0, 75.0, 75.0])
