"""Black's formula against published values, parity and its own derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivyspt import black

MARKETS = st.tuples(st.floats(-1.5, 1.5), st.floats(0.01, 3.0), st.floats(0.05, 3.0))  # log-moneyness, years, vol


def arrays(*values):
    return tuple(np.array([value]) for value in values)


def test_price_agrees_with_a_published_value():
    # Hull, Options, Futures and Other Derivatives, 9th ed., example 18.6: crude-oil futures put, 3.35 to the cent
    put = black.price(*arrays(60.0, 60.0, 4 / 12, 0.25), np.array([False])) * np.exp(-0.09 * 4 / 12)
    assert put[0] == pytest.approx(3.35, abs=0.005)


@given(MARKETS)
def test_call_less_put_is_forward_less_strike(market):
    k, tau, vol = market
    strike = 100 * np.exp(k)
    call, put = (black.price(*arrays(100.0, strike, tau, vol), np.array([side])) for side in (True, False))
    assert call - put == pytest.approx(100 - strike, abs=1e-11)  # rounding of prices below 500


@given(MARKETS)
def test_vega_and_delta_are_the_price_s_derivatives(market):
    k, tau, vol = market
    strike, step = 100 * np.exp(k), 1e-5
    terms = arrays(100.0, strike, tau)
    for side in (np.array([True]), np.array([False])):
        up, down = (black.price(*terms, *arrays(vol + sign * step), side) for sign in (1, -1))
        # central differences: error of order step², rounding 1e-14 of the price over the step
        assert black.vega(*terms, *arrays(vol)) == pytest.approx((up - down) / (2 * step), abs=1e-5, rel=1e-5)
        up, down = (black.price(*arrays(100.0 + sign * step, strike, tau, vol), side) for sign in (1, -1))
        assert black.delta(*terms, *arrays(vol), side) == pytest.approx((up - down) / (2 * step), abs=1e-7)
