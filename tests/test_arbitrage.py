"""Durrleman's g against the density it stands for, and against a published counter-example."""

import numpy as np
import pytest
import torch

from ivyspt import black, svi
from ivyspt.arbitrage import durrleman_g, implied_density

# Gatheral & Jacquier (2014), example 3.1, after Axel Vogt
VOGT = {"a": -0.0410, "b": 0.1331, "rho": 0.3060, "m": 0.3586, "sigma": 0.4153}
SSVI = {"theta": 0.04, "rho": -0.6, "psi": 0.2}


def test_g_is_one_on_a_flat_slice():
    k = np.linspace(-1, 1, 11)
    w = np.full_like(k, 0.04)
    # (1 - 0)^2 - 0 + 0
    np.testing.assert_array_equal(durrleman_g(k, w, 0 * k, 0 * k), np.ones(11))


def test_g_times_the_normal_density_is_the_second_strike_derivative_of_the_call():
    k = np.linspace(-0.6, 0.6, 25)

    def call(strike):
        w, _, _ = svi.essvi(np.log(strike), **SSVI)
        return black.price(np.ones(1), strike, np.ones(1), np.sqrt(w), np.array(True))

    strike, h = np.exp(k), 1e-4
    density_in_strike = (call(strike + h) - 2 * call(strike) + call(strike - h)) / h**2
    # p(log S/F = k) = K p(S/F = K); second differences in float64 lose about 1e-16 / h^2 = 1e-8, their order adds h^2
    expected = strike * density_in_strike
    np.testing.assert_allclose(implied_density(k, *svi.essvi(k, **SSVI)), expected, atol=1e-6)


def test_density_of_a_slice_without_arbitrage_has_mass_one():
    k = np.linspace(-12, 12, 200_001)
    mass = np.trapezoid(implied_density(k, *svi.essvi(k, **SSVI)), k)
    assert mass == pytest.approx(1, abs=1e-6)  # of the tails beyond |k| = 12


def test_vogts_slice_has_butterfly_arbitrage():
    k = np.linspace(-1.5, 1.5, 3001)
    w, w_k, w_kk = svi.raw_svi(k, **VOGT)
    assert w.min() > 0
    g = durrleman_g(k, w, w_k, w_kk)
    assert g.min() < -0.03
    assert 0.6 < k[g.argmin()] < 1.1  # where figure 1 of the paper shows the density below zero


def test_the_published_formula_flags_a_slice_that_is_free_of_arbitrage():
    k = np.linspace(-1, 1, 401)
    theta, rho, psi = 0.01, -0.3, 0.14
    assert psi < svi.largest_psi(theta, rho)
    slice_ = svi.essvi(k, theta, rho, psi)
    assert durrleman_g(k, *slice_).min() > 0
    flagged = durrleman_g(k, *slice_, as_published=True) < 0
    assert flagged.mean() > 0.25  # a third of the slice


def test_the_published_formula_passes_a_wing_beyond_lees_bound():
    k = np.linspace(-1.5, -0.5, 101)
    w, w_k, w_kk = 0.05 - 2.5 * k, np.full_like(k, -2.5), np.zeros_like(k)  # slope 2.5 > 2
    assert durrleman_g(k, w, w_k, w_kk).max() < 0
    assert durrleman_g(k, w, w_k, w_kk, as_published=True).min() > 0


def test_tensors_give_what_arrays_give():
    k = np.linspace(-0.5, 0.5, 9)
    values = svi.essvi(k, **SSVI)
    for as_published in (False, True):
        expected = durrleman_g(k, *values, as_published=as_published)
        result = durrleman_g(*map(torch.from_numpy, (k, *values)), as_published=as_published)
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-14)  # one rounding more or less
