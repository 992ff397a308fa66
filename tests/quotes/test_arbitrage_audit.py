"""Arbitrage among quotes: none where there is none, at the mid alone, and where a trader could take it."""

import numpy as np
import polars as pl
import pytest

from ivyspt import black
from ivyspt.config import Filters, Surfaces
from ivyspt.price_constraints import FAMILIES, constraints_of
from ivyspt.quotes.arbitrage_audit import audit_surface
from ivyspt.surfaces.build import build
from tests.quotes.made_up import surface_quotes

OPTIONS = Surfaces(filters=Filters(min_bid=0.0, max_relative_spread=10.0))


@pytest.fixture(scope="module")
def points():
    return build(surface_quotes(half_spread=0.01, count=13), OPTIONS, None).points


def counts(points):
    found = audit_surface(points, tolerance=1e-7, max_calendar_points=100)
    assert found["family"].to_list() == list(FAMILIES)
    return {row["family"]: row for row in found.iter_rows(named=True)}


def lifted(points, row, change):
    """Points with one strike's bid, mid and ask vols changed."""
    at = pl.int_range(pl.len()) == row
    columns = [
        pl.when(at).then(pl.col(c) + change).otherwise(c).alias(c)
        for c in points.columns
        if c.startswith("implied_vol")
    ]
    return points.with_columns(columns)


def test_smooth_surface_has_none(points):
    for row in counts(points).values():
        assert row["violated_at_mid"] == 0
        assert row["executable"] == 0


def test_a_bump_within_the_spread_is_at_mid_only():
    wide = build(surface_quotes(half_spread=0.3, count=61), OPTIONS, None).points
    row = wide["log_moneyness"].abs().arg_min()
    bumped = wide["implied_vol"].scatter(
        row, wide["implied_vol"][row] + 0.9 * (wide["implied_vol_ask"] - wide["implied_vol"])[row]
    )
    assert bumped[row] < wide["implied_vol_ask"][row]
    found = counts(wide.with_columns(bumped))
    assert sum(row["violated_at_mid"] for row in found.values()) > 0
    assert sum(row["executable"] for row in found.values()) == 0


def test_a_bump_beyond_the_spread_is_executable(points):
    found = counts(lifted(points, 6, 0.05))
    assert found["butterfly"]["violated_at_mid"] > 0
    assert found["butterfly"]["executable"] > 0


def test_a_sunken_expiry_is_calendar_arbitrage(points):
    last = pl.col("expiry") == pl.col("expiry").max()
    columns = [
        pl.when(last).then(0.4 * pl.col(c)).otherwise(c).alias(c) for c in points.columns if c.startswith("implied_vol")
    ]
    found = counts(points.with_columns(columns))
    assert sum(found[family]["executable"] for family in FAMILIES if family.startswith("calendar")) > 0


def test_marks_have_no_executable_side(points):
    none = pl.lit(None, dtype=pl.Float64)
    found = counts(points.with_columns(implied_vol_bid=none, implied_vol_ask=none))
    assert all(row["executable"] is None for row in found.values())


def test_constraints_hold_for_black_at_one_vol():
    """Calls of one lognormal law on two expiries: every family has constraints and none fails.

    With the longer expiry at a third of the vol every family across expiries finds calendar arbitrage.
    """
    strike = np.concatenate([np.linspace(0.8, 1.2, 9), np.linspace(0.8, 1.2, 17)])  # some in common, some between
    tau = np.repeat([0.1, 0.4], [9, 17])
    clean, sunken = (
        black.price(np.ones(26), strike, tau, np.where(tau > 0.2, vol, 0.3), np.full(26, True)) for vol in (0.3, 0.1)
    )
    for family in FAMILIES:
        matrix, bound = constraints_of(family, tau, strike)
        assert bound.size > 0
        assert (matrix @ clean >= bound - 1e-12).all(), family
        assert (matrix @ sunken < bound - 1e-12).any() == family.startswith("calendar"), family
