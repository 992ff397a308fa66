"""Yesterday's surface and Andreasen-Huge."""

from dataclasses import replace

import numpy as np
import pytest

from ivyspt import black, svi
from ivyspt.baselines.andreasen_huge import AndreasenHuge
from ivyspt.baselines.flat import Flat
from ivyspt.baselines.previous_day import PreviousDay
from ivyspt.completion import Context

GRID = {"length_z": [0.5, 1.0, 2.0], "length_tau": [1.0, 2.0], "noise": [1e-6, 1e-4]}
TAU = np.repeat([0.1, 0.3, 0.8], 9)
K = np.tile(np.linspace(-2, 2, 9), 3) * 0.25 * np.sqrt(TAU)


def surface(k, tau):
    theta = 0.06 * tau
    return svi.essvi(k, theta, -0.5, svi.power_law_psi(theta, 1.0, 0.4)[0])[0]


def quoted(scale=1.0) -> Context:
    return Context("A", "A", K, TAU, scale * np.sqrt(surface(K, TAU) / TAU), np.zeros(3))


def test_yesterday_is_read_at_todays_level():
    today = replace(quoted(1.2), previous=quoted())
    few = replace(
        today,
        log_moneyness=K[[3, 13, 22]],
        time_to_maturity=TAU[[3, 13, 22]],
        implied_vol=today.implied_vol[[3, 13, 22]],
    )
    k, tau = np.linspace(-0.2, 0.15, 7), np.full(7, 0.3)
    truth = np.sqrt(surface(k, tau) / tau)
    stale = PreviousDay("none", **GRID).complete(few, k, tau)
    moved = PreviousDay("level", **GRID).complete(few, k, tau)
    # interpolation error of a smooth surface quoted at half a standard deviation
    np.testing.assert_allclose(stale.implied_vol, truth, rtol=2e-3)
    np.testing.assert_allclose(moved.implied_vol, 1.2 * truth, rtol=2e-3)
    h = 1e-5
    w = [PreviousDay("level", **GRID).complete(few, k + s * h, tau).implied_vol ** 2 * tau for s in (1, -1)]
    np.testing.assert_allclose(moved.w_k, (w[0] - w[1]) / (2 * h), rtol=1e-5, atol=1e-8)


def test_without_yesterday_the_surface_is_flat():
    context, asked = quoted(), (np.array([0.0, 0.1]), np.array([0.1, 0.4]))
    with_and_without = [context, replace(context, previous=quoted(2.0))]
    first, second = PreviousDay("none", **GRID).complete_many(with_and_without, [asked, asked])
    np.testing.assert_array_equal(first.implied_vol, Flat().complete(context, *asked).implied_vol)
    assert (second.implied_vol > 1.5 * first.implied_vol).all()


@pytest.mark.parametrize("interpolation", ["linear", "cubic_spline"])
def test_andreasen_huge_meets_the_quotes_it_is_calibrated_to(interpolation):
    context = quoted()
    vols = AndreasenHuge(300, interpolation).complete(context, K, TAU).implied_vol
    np.testing.assert_allclose(vols, context.implied_vol, atol=2e-3)  # its calibration stops at a tenth of a vol point
    between = np.linspace(-0.15, 0.15, 9), np.full(9, 0.5)
    answer = AndreasenHuge(300, interpolation).complete(context, *between).implied_vol
    np.testing.assert_allclose(answer, np.sqrt(surface(*between) / 0.5), atol=5e-3)


def test_andreasen_huge_prices_are_convex_in_strike_and_grow_with_maturity():
    generator = np.random.default_rng(0)
    noisy = replace(quoted(), implied_vol=quoted().implied_vol * np.exp(0.05 * generator.normal(size=len(K))))
    method, strikes = AndreasenHuge(300, "cubic_spline"), np.linspace(0.7, 1.4, 60)
    calls = []
    for tau in (0.1, 0.2, 0.5, 0.8):
        vol = method.complete(noisy, np.log(strikes), np.full(60, tau)).implied_vol
        one = np.ones(60)
        calls.append(black.price(one, strikes, one, vol * np.sqrt(tau), one > 0))
    calls = np.array(calls)
    tolerance = 1e-5  # of the forward: prices between the strikes of the grid are interpolated
    assert np.diff(calls, axis=0).min() > -tolerance
    assert np.diff(calls, 2, axis=1).min() > -tolerance


def test_andreasen_huge_tells_maturities_of_one_day_apart():
    morning, evening = 30 / 365, 30.3 / 365
    k = np.tile(np.linspace(-0.1, 0.1, 5), 2)
    tau = np.repeat([morning, evening], 5)
    context = Context("A", "A", k, tau, np.where(tau == morning, 0.2, 0.25), np.zeros(3))
    vols = AndreasenHuge(200, "linear").complete(context, k, tau).implied_vol
    np.testing.assert_allclose(vols, context.implied_vol, atol=5e-3)
