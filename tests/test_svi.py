"""SVI and eSSVI slices: derivatives against differences, and bounds that keep arbitrage out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivyspt import svi
from ivyspt.arbitrage import durrleman_g

K = np.linspace(-3, 3, 241)
thetas = st.floats(1e-3, 1.0)
rhos = st.floats(-0.95, 0.95)
shares = st.floats(0.01, 0.999)
STEP = 1e-5  # differences: truncation of order 1e-10, rounding 1e-11 (first) and 1e-6 (second)


@pytest.mark.parametrize(
    "curve",
    [
        lambda k: svi.raw_svi(k, a=0.02, b=0.2, rho=-0.4, m=0.1, sigma=0.3),
        lambda k: svi.essvi(k, 0.05, -0.7, 0.25),
        lambda k: svi.essvi(k, 0.4, 0.3, 0.8),
    ],
)
def test_derivatives_in_log_moneyness_match_differences(curve):
    w, w_k, w_kk = curve(K)
    up, down = curve(K + STEP)[0], curve(K - STEP)[0]
    np.testing.assert_allclose(w_k, (up - down) / (2 * STEP), atol=1e-9)
    np.testing.assert_allclose(w_kk, (up - 2 * w + down) / STEP**2, atol=1e-4)


def test_gradient_in_parameters_matches_differences():
    point = np.array([0.06, -0.5, 0.3])
    for number, analytic in enumerate(svi.essvi_gradient(K, *point)):
        step = np.eye(3)[number] * STEP
        numeric = (svi.essvi(K, *(point + step))[0] - svi.essvi(K, *(point - step))[0]) / (2 * STEP)
        np.testing.assert_allclose(analytic, numeric, atol=1e-8)


def test_essvi_equals_gatheral_and_jacquiers_ssvi():
    theta, rho, phi = 0.09, -0.35, 2.1
    expected = theta / 2 * (1 + rho * phi * K + np.sqrt((phi * K + rho) ** 2 + 1 - rho**2))  # their eq. (4.1)
    np.testing.assert_allclose(svi.essvi(K, theta, rho, theta * phi)[0], expected, rtol=1e-13)


def test_power_law_is_gatheral_and_jacquiers_with_its_derivative():
    theta, eta, gamma = np.array([0.001, 0.05, 0.8]), 1.3, 0.4
    psi, psi_theta = svi.power_law_psi(theta, eta, gamma)
    np.testing.assert_allclose(psi / theta, eta / (theta**gamma * (1 + theta) ** (1 - gamma)), rtol=1e-13)
    difference = svi.power_law_psi(theta + 1e-7, eta, gamma)[0] - svi.power_law_psi(theta - 1e-7, eta, gamma)[0]
    np.testing.assert_allclose(psi_theta, difference / 2e-7, rtol=1e-6)


@given(theta=thetas, rho=rhos, share=shares)
def test_slices_within_the_butterfly_bound_have_no_butterfly_arbitrage(theta, rho, share):
    psi = share * svi.largest_psi(theta, rho)
    w, w_k, w_kk = svi.essvi(K, theta, rho, psi)
    assert durrleman_g(K, w, w_k, w_kk).min() >= -1e-9  # rounding


@given(theta=thetas, rho=rhos)
def test_the_butterfly_bound_is_the_theorems_with_one_of_both_conditions_tight(theta, rho):
    psi = svi.largest_psi(theta, rho)
    # Gatheral & Jacquier (2014), theorem 4.2: both ratios are at most 1
    conditions = np.array([psi * (1 + abs(rho)) / 4, psi**2 * (1 + abs(rho)) / (4 * theta)])
    assert conditions.max() == pytest.approx(1, rel=1e-12)


def test_a_slice_beyond_the_butterfly_bound_has_butterfly_arbitrage():
    theta, rho = 0.05, -0.7
    w, w_k, w_kk = svi.essvi(K, theta, rho, 3 * svi.largest_psi(theta, rho))
    assert durrleman_g(K, w, w_k, w_kk).min() < 0


@given(theta=thetas, rho=rhos, share=shares, growth=st.floats(1, 5), later_rho=rhos, place=st.floats(0, 1))
def test_slices_within_the_calendar_bounds_do_not_cross(*, theta, rho, share, growth, later_rho, place):
    psi = share * svi.largest_psi(theta, rho)
    lower, upper = svi.calendar_bounds(theta, rho, psi, growth * theta, later_rho)
    if lower > upper:
        return  # no psi is known to be free of calendar arbitrage
    later_psi = lower + place * (upper - lower)
    k = np.linspace(-20, 20, 801)
    earlier, later = svi.essvi(k, theta, rho, psi)[0], svi.essvi(k, growth * theta, later_rho, later_psi)[0]
    assert np.all(later >= earlier * (1 - 1e-12))  # rounding


def test_slices_beyond_the_calendar_bounds_cross():
    theta, rho, psi = 0.04, -0.5, 0.2
    lower, upper = svi.calendar_bounds(theta, rho, psi, 1.1 * theta, -0.5)
    k = np.linspace(-20, 20, 801)
    earlier = svi.essvi(k, theta, rho, psi)[0]
    assert np.any(svi.essvi(k, 1.1 * theta, -0.5, 0.9 * lower)[0] < earlier)  # flatter wings
    assert np.any(svi.essvi(k, 1.001 * theta, -0.5, 1.5 * upper)[0] < earlier)  # more curved than theta has grown
