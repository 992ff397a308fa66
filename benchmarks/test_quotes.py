"""From quotes to surfaces: speed of the inner loops, on a made-up market. `pytest benchmarks --benchmark-only`."""

import numpy as np
import polars as pl
import pytest

from ivyspt import black
from ivyspt.config import Filters, Surfaces
from ivyspt.implied_vol import implied_vol
from ivyspt.quotes.american import early_exercise_premium
from ivyspt.quotes.carry import carry_line
from ivyspt.surfaces.build import build
from tests.quotes.made_up import surface_quotes

QUOTES = 200_000
LEAST_VOLS = 500_000  # a second and core


@pytest.fixture(scope="module")
def market():
    """Forward, strike, years, vol, side of out-of-the-money quotes."""
    generator = np.random.default_rng(0)
    vol, tau = np.exp(generator.uniform(np.log(0.08), 0, QUOTES)), generator.uniform(0.01, 2.0, QUOTES)
    k = generator.normal(size=QUOTES) * 1.5 * vol * np.sqrt(tau)
    return np.full(QUOTES, 100.0), 100 * np.exp(k), tau, vol, k > 0


def test_implied_vols(benchmark, market):
    """Implied vols of out-of-the-money quotes: at least half a million a second and core."""
    forward, strike, tau, vol, is_call = market
    price = black.price(forward, strike, tau, vol, is_call)
    found = benchmark(implied_vol, price, forward, strike, tau, is_call)
    assert np.nanmax(np.abs(found / vol - 1)) < 1e-8
    if benchmark.stats:
        assert benchmark.stats["min"] < QUOTES / LEAST_VOLS


def test_early_exercise_premiums(benchmark, market):
    """Early-exercise premiums of as many quotes."""
    spot, strike, tau, vol, is_call = market
    rates = {"rate": np.full(QUOTES, 0.04), "dividend_yield": np.full(QUOTES, 0.02)}
    premium = benchmark(early_exercise_premium, spot, strike, tau, vol, is_call, **rates)
    assert np.isfinite(premium).all()


@pytest.mark.parametrize("exercise", ["european", "de_americanise"])
def test_surfaces(benchmark, exercise):
    """A hundred surfaces from quotes to points."""
    surfaces = [surface_quotes(symbol=f"S{number}").with_columns(exercise=pl.lit("american")) for number in range(100)]
    filters = Filters(max_twin_gap=0.15, max_neighbour_gap=0.15)
    built = benchmark(build, pl.concat(surfaces), Surfaces(exercise=exercise, filters=filters), None)
    assert built.points["surface_id"].n_unique() == 100


def test_carry_lines(benchmark):
    """Carry lines of two thousand surfaces."""
    generator = np.random.default_rng(0)
    surface, tau = np.repeat(np.arange(2000), 15), np.tile(np.linspace(0.02, 2.0, 15), 2000)
    prepaid = 4.6 - 0.01 * tau + generator.normal(0, 1e-4, tau.size)
    line = benchmark(carry_line, prepaid, np.full(tau.size, 1e-4), tau, surface)
    assert np.isfinite(line).all()
