"""eSSVI surfaces of the corpus: free of arbitrage, as varied as said, equal to the library's slices."""

import numpy as np
import pytest
import torch

from ivyspt import svi
from ivyspt.corpus.essvi import EssviSurfaces, draw_essvi, power_law, steepest
from ivyspt.corpus_config import Essvi
from tests.corpus.differences import calendar_slope_on, durrleman_on, grid

COUNT = 200


@pytest.fixture(scope="module")
def surfaces():
    return draw_essvi(COUNT, Essvi(), torch.Generator().manual_seed(3))


def wings(surfaces, theta):
    left = power_law(theta, surfaces.left, surfaces.left_exponent)
    right = power_law(theta, surfaces.right, surfaces.right_exponent)
    return left, right


def test_no_butterfly_arbitrage(surfaces):
    k, tau, std = grid(surfaces, COUNT)
    assert durrleman_on(surfaces, k, tau, std).min() > -1e-6  # truncation of differences


def test_no_calendar_arbitrage(surfaces):
    k, tau, _ = grid(surfaces, COUNT)
    assert calendar_slope_on(surfaces, k, tau).min() >= -1e-13  # rounding


def test_slices_are_the_librarys_with_rho_and_psi_from_the_wings(surfaces):
    k, tau, _ = grid(surfaces, COUNT, nodes=(9, 4))
    theta = surfaces.at_the_money(tau)
    left, right = wings(surfaces, theta)
    expected = svi.essvi(
        k.numpy(), theta.numpy(), ((right - left) / (right + left)).numpy(), ((right + left) / 2).numpy()
    )
    np.testing.assert_allclose(surfaces.total_variance(k, tau).numpy(), expected[0], rtol=1e-12)


def test_variance_at_the_money_is_the_integral_of_a_positive_forward_variance():
    one = torch.ones(1, 1, dtype=torch.float64)
    v, m, V, fast, slow = 0.09, 0.01, 0.04, 12.0, 0.8
    surfaces = EssviSurfaces(v * one, m * one, V * one, fast * one, slow * one, one, one, one / 2, one / 2)
    tau = np.linspace(0, 1.5, 3001)
    e1, e2 = np.exp(-fast * tau), np.exp(-slow * tau)
    forward_variance = V * (1 - e2) + m * (e2 - e1) + v * e1
    assert forward_variance.min() > 0
    integral = np.trapezoid(forward_variance, tau)
    theta = surfaces.at_the_money(torch.tensor([[1.5]], dtype=torch.float64)).item()
    assert theta == pytest.approx(integral, rel=1e-5)  # of the trapezoidal rule


def test_every_slice_keeps_the_butterfly_bound(surfaces):
    theta = torch.logspace(-6, 2, 200, dtype=torch.float64).expand(COUNT, -1)
    left, right = wings(surfaces, theta)
    psi, rho = (left + right) / 2, (right - left) / (left + right)
    assert np.all(psi.numpy() <= svi.largest_psi(theta.numpy(), rho.numpy()))


def test_steepest_is_the_supremum_over_theta():
    theta = torch.logspace(-9, 3, 20001, dtype=torch.float64)
    for gamma in (0.2, 0.35, 0.5):
        largest = (power_law(theta, 1.0, gamma) / theta.sqrt()).max().item()
        assert steepest(torch.tensor(gamma, dtype=torch.float64)).item() == pytest.approx(largest, rel=1e-6)


def test_a_bound_passed_has_butterfly_arbitrage(surfaces):
    steep = EssviSurfaces(
        *(surfaces.short, surfaces.medium, surfaces.long, surfaces.fast, surfaces.slow),
        *(8 * surfaces.left, 8 * surfaces.right, surfaces.left_exponent, surfaces.right_exponent),
    )
    k, tau, std = grid(steep, COUNT)
    assert durrleman_on(steep, k, tau, std).min() < 0


def test_vols_and_skews_are_as_varied_as_markets(surfaces):
    tau = torch.tensor([[7.0, 30, 91, 365, 730]], dtype=torch.float64).expand(COUNT, -1) / 365
    theta = surfaces.at_the_money(tau)
    vol = (theta / tau).sqrt()
    assert vol.min() >= 0.05
    assert vol.max() <= 1.2
    left, right = wings(surfaces, theta)
    rho = (right - left) / (right + left)
    assert (rho < -0.6).double().mean() > 0.1
    assert (rho > 0).double().mean() > 0.05
    assert (rho.amax(1) - rho.amin(1)).median() > 0.05  # it varies with maturity
    share_rising = (vol[:, -1] > vol[:, 0]).double().mean()
    assert 0.2 < share_rising < 0.8  # both rising and falling term structures
