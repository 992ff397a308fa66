"""Surfaces from quotes whose vols, forwards and exercise are known."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivyspt import black
from ivyspt.columns import POINTS, REJECTIONS, check
from ivyspt.config import Filters, Surfaces
from ivyspt.quotes.american import early_exercise_premium
from ivyspt.surfaces.build import build
from tests.quotes.made_up import CARRY, RATE, forward_of, smile, surface_quotes

LOOSE = Surfaces(filters=Filters(min_bid=0.0, max_relative_spread=10.0))


def true_vol(points):
    k = np.log(points["strike"].to_numpy() / forward_of(points["time_to_maturity"].to_numpy()))
    return smile(k, points["time_to_maturity"].to_numpy())


def test_exact_quotes_give_back_the_smile():
    built = build(surface_quotes(half_spread=0.0), LOOSE, None)
    points = check(built.points, POINTS, "built")
    check(built.rejections, REJECTIONS, "built")
    assert points.height == 4 * 31
    # the forward is right to 1e-9, and so is log-moneyness; the vol follows through delta / vega < 100
    np.testing.assert_allclose(points["implied_vol"].to_numpy(), true_vol(points), atol=1e-6)
    np.testing.assert_allclose(
        points["log_moneyness"], np.log(points["strike"] / forward_of(points["time_to_maturity"].to_numpy())), atol=1e-8
    )
    assert points["surface_id"].unique().to_list() == ["AAA_2026-06-10T16:00"]


def test_bid_mid_and_ask_vols_are_ordered_around_the_truth():
    points = build(surface_quotes(half_spread=0.02), LOOSE, None).points
    bid, mid, ask = (points[f"implied_vol{side}"].to_numpy() for side in ("_bid", "", "_ask"))
    seen = np.isfinite(bid)
    assert (bid[seen] < mid[seen]).all()
    assert (mid < ask).all()
    assert seen.mean() > 0.9  # a bid at or below zero has no vol


def test_points_are_one_a_strike_and_numbered_in_order():
    points = build(surface_quotes(), LOOSE, None).points
    assert (
        not points.select(pl.struct("surface_id", "log_moneyness", "time_to_maturity").is_duplicated())
        .to_series()
        .any()
    )
    ordered = points.sort("time_to_maturity", "log_moneyness")
    assert ordered["point"].to_list() == list(range(points.height))
    assert ordered["mask_group"].n_unique() == points.height


def test_sides_are_out_of_the_money_and_blend_near_the_money():
    """Calls are marked two vol points above puts: the point moves from put to call over the blending zone, evenly."""
    quotes = surface_quotes(days=(100,), half_spread=0.0, width=2.0, count=41)
    tau = 100 / 365
    strike = quotes["strike"].to_numpy()
    is_call = (quotes["option_type"] == "call").to_numpy()
    forward = forward_of(tau)
    vol = smile(np.log(strike / forward), tau) + np.where(is_call, 0.02, 0.0)
    mid = np.exp(-RATE * tau) * black.price(forward, strike, tau, vol, is_call)
    marks = quotes.with_columns(bid=None, ask=None, mark=pl.Series(mid))
    marks = marks.cast({"bid": pl.Float64, "ask": pl.Float64})
    # near pairs would take the gap for a different forward; without any the forward comes from the spot
    options = LOOSE.model_copy(
        update={"forwards": LOOSE.forwards.model_copy(update={"near_width": 1e-9, "flat_rate": RATE})}
    )
    spot = forward * np.exp(-RATE * tau)
    points = build(marks.with_columns(underlying_price=pl.lit(spot)), options, None).points
    forward_found, discount = points["forward"][0], points["discount_factor"][0]
    assert forward_found * discount == pytest.approx(spot, rel=1e-12)
    z = points["log_moneyness"].to_numpy() / (0.28 * np.sqrt(tau))
    lift = points["implied_vol"].to_numpy() - true_vol(points)
    call_share = (lift - lift[z < -1].mean()) / (lift[z > 1].mean() - lift[z < -1].mean())
    assert np.abs(call_share[z < -0.6]).max() < 0.3  # the discount factor's own error tilts the wings a little
    assert np.abs(call_share[z > 0.6] - 1).max() < 0.3
    middle = np.abs(z) < 0.4
    assert (np.diff(call_share[middle]) > 0).all()
    assert call_share[np.abs(z).argmin()] == pytest.approx(0.5, abs=0.1)


def test_without_blending_the_side_switches_at_the_forward():
    options = LOOSE.model_copy(update={"blend_half_width": 0.0})
    built = build(surface_quotes(), options, None)
    assert built.slices["quotes_used"].sum() == built.points.height


def test_american_quotes_are_de_americanised():
    """Puts with an early-exercise premium: without the second pass in-the-money vols and parity are off."""

    def premium(strikes, tau, vol, is_call):
        same = np.full(strikes.size, 100.0)
        rate, dividend_yield = np.full(strikes.size, RATE), np.full(strikes.size, RATE - CARRY)
        return early_exercise_premium(
            same, strikes, np.full(strikes.size, tau), vol, is_call, rate=rate, dividend_yield=dividend_yield
        )

    quotes = surface_quotes(days=(100, 219, 400), half_spread=0.001, width=2.0, premium=premium)
    forwards = LOOSE.forwards.model_copy(update={"flat_rate": RATE, "flat_rate_std": 1e-6})
    errors = {}
    for exercise in ("european", "de_americanise"):
        options = LOOSE.model_copy(update={"exercise": exercise, "forwards": forwards})
        points = build(quotes, options, None).points
        errors[exercise] = np.abs(points["implied_vol"].to_numpy() - true_vol(points)).max()
    assert errors["de_americanise"] < 5e-4
    assert errors["european"] > 3 * errors["de_americanise"]


def test_vendor_vols_stand_for_prices_on_request():
    """A vendor's vols on a forward that is off by 30 bp: the gap between call and put closes, the level stays."""
    quotes = surface_quotes(half_spread=0.0)
    tau = ((quotes["expiry"] - quotes["quote_time"]).dt.total_days() / 365).to_numpy()
    strike, is_call = quotes["strike"].to_numpy(), (quotes["option_type"] == "call").to_numpy()
    forward, vol = forward_of(tau), smile(np.log(strike / forward_of(tau)), tau)
    vega = black.vega(forward, strike, tau, vol)
    gap = -0.003 * forward * black.delta(forward, strike, tau, vol, is_call) / vega  # d vol at an unchanged price
    vendor = quotes.with_columns(
        bid=None, ask=None, mark=pl.lit(1.0), vendor_implied_vol=pl.Series(vol + gap), exercise=pl.lit("american")
    ).cast({"bid": pl.Float64, "ask": pl.Float64})
    options = LOOSE.model_copy(update={"price": "vendor_implied_vol"})
    options = options.model_copy(update={"forwards": options.forwards.model_copy(update={"rates_dir": "x"})})
    points = build(vendor, options, None).points
    near = np.abs(points["log_moneyness"].to_numpy()) < 0.2 * np.sqrt(points["time_to_maturity"].to_numpy())
    error = points["implied_vol"].to_numpy() - true_vol(points)
    assert np.abs(gap).max() > 0.01
    assert np.abs(error[near]).max() < 2e-3


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_quote_is_used_or_counted(seed):
    generator = np.random.default_rng(seed)
    quotes = surface_quotes(count=9)
    kept = pl.Series(generator.random(quotes.height) < 0.8)
    wild = pl.Series(np.exp(generator.normal(0, 0.5, quotes.height)))
    quotes = quotes.with_columns(ask=pl.col("ask") * wild).filter(kept)
    options = LOOSE.model_copy(update={"filters": Filters(max_twin_gap=0.15, max_neighbour_gap=0.15), "min_points": 4})
    built = build(quotes, options, None)
    assert built.rejections["quotes"].sum() + built.slices["quotes_used"].sum() == quotes.height
    assert built.slices["quotes"].sum() == quotes.height
    assert built.points.height <= built.slices["quotes_used"].sum() <= 2 * built.points.height
