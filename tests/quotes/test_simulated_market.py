"""The simulated market: free of static arbitrage at every point, and a function of its seed."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ivyspt import black, svi
from ivyspt.arbitrage import LEE_BOUND, durrleman_g
from ivyspt.columns import QUOTES, DataError, check
from ivyspt.config import Data
from ivyspt.quotes import simulated
from ivyspt.quotes.simulated_market import LARGEST_ETA, Options, Parameters, simulate, total_variance

CHAIN = {"symbols": 1, "expiries": 2, "strike_step": 0.05}
OPTIONS = {"seed": 3, "days": 6, "start": "2024-01-02", "liquid": {**CHAIN, "weeklies": 2}, "sparse": CHAIN}
K, TAU = (axis.ravel() for axis in np.meshgrid(np.linspace(-2, 2, 161), np.geomspace(2 / 365, 3, 25)))


def data(**changes):
    return Data(adapter="simulated", label="simulated market", simulated=True, options=OPTIONS, **changes)


parameters = st.builds(
    Parameters,
    vol=st.floats(0.05, 1.5),
    long_vol=st.floats(0.05, 1.5),
    reversion=st.floats(0.1, 10),
    left=st.floats(0.05, LARGEST_ETA),
    right=st.floats(0.05, LARGEST_ETA),
    exponent=st.floats(0.05, 0.5),
)


@settings(max_examples=50, deadline=None)
@given(parameters=parameters)
def test_surfaces_have_no_static_arbitrage(parameters):
    w, w_k, w_kk, w_tau = total_variance(parameters, K, TAU)
    assert w.min() > 0
    assert w_tau.min() >= 0
    assert durrleman_g(K, w, w_k, w_kk).min() >= -1e-9  # rounding
    assert np.abs(w_k).max() <= LEE_BOUND


@given(parameters=parameters)
@example(parameters=Parameters(0.2, 0.2, 1.0, LARGEST_ETA, LARGEST_ETA, 0.5))
def test_slices_keep_the_butterfly_bound_at_every_maturity(parameters):
    theta = np.geomspace(1e-6, 10, 60)
    left, right = (svi.power_law_psi(theta, eta, parameters.exponent)[0] for eta in (parameters.left, parameters.right))
    psi, rho = (left + right) / 2, (right - left) / (right + left)
    assert np.all(psi <= svi.largest_psi(theta, rho) * (1 + 1e-12))  # rounding


@settings(max_examples=20, deadline=None)
@given(parameters=parameters)
def test_derivatives_match_differences(parameters):
    k, tau, step = K[::37], TAU[::37], 1e-6
    _, w_k, w_kk, w_tau = total_variance(parameters, k, tau)
    by_k = [total_variance(parameters, k + shift, tau) for shift in (step, -step)]
    by_tau = [total_variance(parameters, k, tau * (1 + shift))[0] for shift in (step, -step)]
    # central differences of step 1e-6 in float64: rounding of about 1e-10 of the function's size
    np.testing.assert_allclose(w_k, (by_k[0][0] - by_k[1][0]) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(w_kk, (by_k[0][1] - by_k[1][1]) / (2 * step), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(w_tau, (by_tau[0] - by_tau[1]) / (2 * step * tau), rtol=1e-4, atol=1e-7)


def test_beyond_the_wings_bound_arbitrage_appears():
    w, w_k, w_kk, _ = total_variance(Parameters(0.2, 0.2, 1.0, 3 * LARGEST_ETA, 0.5, 0.45), K, TAU)
    assert durrleman_g(K, w, w_k, w_kk).min() < 0


def test_every_surface_of_a_market_stays_within_the_proven_bounds():
    options = Options.model_validate({**OPTIONS, "days": 300, "dynamics": {"wing_volatility": 3.0}})
    drawn = [today for path in simulate(options).symbols for today in path.parameters]
    assert max(max(today.left, today.right) for today in drawn) == LARGEST_ETA  # the bound is reached and kept
    assert min(min(today.left, today.right, today.vol, today.long_vol) for today in drawn) > 0
    assert all(today.exponent <= 0.5 for today in drawn)


def test_the_exact_price_lies_between_bid_and_ask():
    quotes, dropped = simulated.read(data())
    check(quotes, QUOTES, "test")
    assert dropped.is_empty()
    market = simulate(Options.model_validate(OPTIONS))
    for path in market.symbols:
        for number, day in enumerate(market.days):
            rows = quotes.filter((pl.col("symbol") == path.symbol) & (pl.col("quote_time").dt.date() == day))
            tau = (rows["expiry"] - rows["quote_time"]).dt.total_days().to_numpy() / 365
            strike = rows["strike"].to_numpy()
            forward = path.spot[number] * np.exp((market.rate[number] - path.dividend_yield) * tau)
            w = total_variance(path.parameters[number], np.log(strike / forward), tau)[0]
            is_call = (rows["option_type"] == "call").to_numpy()
            price = np.exp(-market.rate[number] * tau) * black.price(forward, strike, tau, np.sqrt(w / tau), is_call)
            assert np.all(rows["bid"].to_numpy() <= price + 1e-12)
            assert np.all(price <= rows["ask"].to_numpy() + 1e-12)
            assert np.all(tau > 0)


def test_a_longer_market_keeps_the_days_of_a_shorter_one():
    short, long = (simulated.market_series(Data(**{**dict(data()), "options": {**OPTIONS, "days": n}})) for n in (4, 6))
    for name in short:
        assert short[name].equals(long[name].head(4))
    quotes = simulated.read(data(max_days=4))[0]
    other = simulated.read(Data(**{**dict(data()), "options": {**OPTIONS, "days": 4}}))[0]
    assert quotes.equals(other)


def test_the_seed_decides():
    one, same = simulated.read(data())[0], simulated.read(data())[0]
    other = simulated.read(Data(**{**dict(data()), "options": {**OPTIONS, "seed": 4}}))[0]
    assert one.equals(same)
    assert not one["bid"].equals(other["bid"])


def test_selection_leaves_the_rest_as_it_was():
    all_quotes = simulated.read(data())[0]
    some = simulated.read(data(symbols=["SPARSE1"], first_date="2024-01-04"))[0]
    kept = (pl.col("symbol") == "SPARSE1") & (pl.col("quote_time") >= pl.datetime(2024, 1, 4))
    assert some.equals(all_quotes.filter(kept))
    with pytest.raises(DataError, match="got none"):
        simulated.read(data(symbols=["AAPL"]))


def test_expiries_are_open_days_after_the_quote():
    chain = Options.model_validate(OPTIONS).liquid
    # Good Friday 2024 is 29 March: that week's options expire on Thursday, the quotes' own day
    assert date(2024, 3, 28) in simulated.expiries(date(2024, 3, 27), chain)
    assert min(simulated.expiries(date(2024, 3, 28), chain)) == date(2024, 4, 5)
    assert date(2024, 4, 19) in simulated.expiries(date(2024, 3, 28), chain)  # a third Friday


def test_market_vol_is_high_when_returns_are_low():
    series = simulated.market_series(Data(**{**dict(data()), "options": {**OPTIONS, "days": 2000}}))
    changes = np.diff(np.log(series["market_vol"]["value"].to_numpy()))
    returns = series["market_return"]["value"].to_numpy()[1:]
    assert np.corrcoef(changes, returns)[0, 1] == pytest.approx(-0.7, abs=0.05)  # sampling error about 0.012
