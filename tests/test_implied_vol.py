"""Implied vols: price to vol to price, where vendors' solvers break."""

import subprocess
import sys

import numpy as np
import pytest
import QuantLib
from hypothesis import assume, given
from hypothesis import strategies as st

from ivyspt import black
from ivyspt.implied_vol import BLOCK, implied_vol

MINUTE = 1 / (365 * 24 * 60)


def solve(price, forward, strike, tau, is_call):
    return implied_vol(*np.broadcast_arrays(price, forward, strike, tau), np.broadcast_to(is_call, np.shape(price)))


@given(
    z=st.floats(-8.0, 8.0), tau=st.floats(5 * MINUTE, 3.0), vol=st.floats(0.01, 3.0), forward=st.floats(0.5, 50_000.0)
)
def test_out_of_the_money_prices_give_back_vol_and_price(z, tau, vol, forward):
    std = vol * np.sqrt(tau)
    terms = (np.array([forward]), np.array([forward * np.exp(z * std)]), np.array([tau]))
    side = np.array([z >= 0])
    price = black.price(*terms, np.array([vol]), side)
    # the formula's own cancellation: two terms of the forward's size, with 16 digits, leave the price's digits
    digits = 4e-16 * forward / price[0]
    assume(digits < 1e-9)
    found = implied_vol(price, *terms, side)
    elasticity = vol * black.vega(*terms, np.array([vol]))[0] / price[0]  # d log price / d log vol
    assert found[0] == pytest.approx(vol, rel=max(1e-12, 8 * digits / elasticity))
    assert black.price(*terms, found, side)[0] == pytest.approx(price[0], rel=1e-8)


@pytest.mark.parametrize(
    ("vol", "tau", "z"),
    [
        (0.2, 0.25, 8.0),
        (0.2, 0.25, -8.0),
        (0.15, 5 * MINUTE, 3.0),
        (3.0, 0.1, 1.0),
        (3.0, 0.01, -5.0),
        (0.01, 2.0, 4.0),
    ],
    ids=["far call", "far put", "five minutes", "300 %", "300 % far put", "1 %"],
)
def test_hard_cases_agree_with_an_independent_price(vol, tau, z):
    std = vol * np.sqrt(tau)
    strike = 100 * np.exp(z * std)
    side = QuantLib.Option.Call if z > 0 else QuantLib.Option.Put
    price = QuantLib.blackFormula(side, float(strike), 100.0, float(std))
    found = solve(np.array([price]), 100.0, strike, tau, z > 0)
    # at eight standard deviations the price has lost 9 of 16 digits, and d log price / d log vol is 65
    assert found[0] == pytest.approx(vol, rel=1e-8)


def test_prices_without_a_vol_give_nan():
    strike = np.array([90.0, 90.0, 110.0, 110.0, 100.0, 100.0, 100.0])
    price = np.array([10.0, 9.0, 10.0, 110.0, 0.0, 100.0, np.nan])  # intrinsic, below it, …, strike, nothing, forward
    is_call = np.array([True, True, False, False, True, True, True])
    assert np.isnan(solve(price, 100.0, strike, 0.5, is_call)).all()
    assert np.isnan(solve(np.array([1.0, 1.0]), 100.0, 100.0, np.array([0.0, -0.1]), True)).all()


def test_in_the_money_price_gives_its_twin_s_vol():
    call, put = (black.price(*np.array([[100.0], [80.0], [0.5], [0.3]]), np.array([side])) for side in (True, False))
    assert solve(call, 100.0, 80.0, 0.5, True) == pytest.approx(solve(put, 100.0, 80.0, 0.5, False), rel=1e-12)


def test_block_length_does_not_show():
    generator = np.random.default_rng(0)
    count = BLOCK + 17
    vols, k = generator.uniform(0.1, 1.0, count), generator.normal(0, 0.1, count)
    terms = (np.full(count, 100.0), 100 * np.exp(k), np.full(count, 0.3))
    price = black.price(*terms, vols, k > 0)
    found = implied_vol(price, *terms, k > 0)
    assert np.abs(found / vols - 1).max() < 1e-10
    tail = slice(BLOCK - 3, BLOCK + 3)
    alone = implied_vol(price[tail], *(term[tail] for term in terms), k[tail] > 0)
    np.testing.assert_array_equal(found[tail], alone)


def test_inverting_vols_imports_no_torch():
    code = "import sys, ivyspt.implied_vol; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_others_may_still_import_what_we_leave_out():
    code = "import ivyspt.implied_vol, fast_vollib.jackel.differentiable"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
