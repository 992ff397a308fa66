"""Surfaces that cannot be arbitraged: for any latent numbers, and with derivatives that differences confirm."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from ivyspt import black
from ivyspt.arbitrage import durrleman_g
from ivyspt.mixture.essvi_slices import essvi_slices
from ivyspt.mixture.latent import Frame, Layout, MixtureSurface
from ivyspt.mixture.maturity_basis import hats, place_knots
from ivyspt.mixture.method import derivatives
from ivyspt.mixture.price_mixture import Quoted, log_out_of_the_money, mix, price_residual
from ivyspt.mixture.typical import LONGEST, SHORTEST

LAYOUT = Layout(components=3, knots=6, bounds_by_maturity=True)
ONE_FACTOR = Layout(components=3, knots=6)
LAYOUTS = pytest.mark.parametrize("layout", [LAYOUT, ONE_FACTOR], ids=["by maturity", "one factor"])


def make_surface(seed: int = 0, batch: int = 4, scale: float = 1.0, layout: Layout = LAYOUT) -> MixtureSurface:
    generator = torch.Generator().manual_seed(seed)
    tau = torch.exp(torch.rand(batch, 12, generator=generator, dtype=torch.float64) * 4 - 3.5)
    knots = place_knots(tau.log(), torch.ones_like(tau, dtype=torch.bool), layout.knots)
    anchor = tau.log().mean(-1, keepdim=True)
    base = 2 * math.log(0.25) + anchor
    latent = scale * torch.randn(batch, layout.size, generator=generator, dtype=torch.float64)
    return MixtureSurface(layout, Frame(knots, anchor, base), latent)


def make_points(batch: int = 4, reach: float = 1.5) -> tuple[torch.Tensor, torch.Tensor]:
    tau = torch.exp(torch.linspace(math.log(7 / 365), math.log(2.5), 9, dtype=torch.float64))
    z = torch.linspace(-4, 4, 17, dtype=torch.float64) * reach
    k = (0.25 * z[None, :] * tau[:, None].sqrt()).flatten()
    return k.expand(batch, -1), tau[:, None].expand(-1, 17).flatten().expand(batch, -1)


def variance(surface: MixtureSurface, k: torch.Tensor, tau: torch.Tensor) -> torch.Tensor:
    return surface.mixed(k, surface.components(k, surface.frame.basis(tau.log()))).w


def differentiate(surface: MixtureSurface, k: torch.Tensor, tau: torch.Tensor) -> tuple[torch.Tensor, ...]:
    components = surface.components(k, surface.frame.basis(tau.log()))
    found = derivatives(surface, k, tau, components, surface.mixed(k, components))
    return found.w, found.w_k, found.w_kk, found.w_tau, found.durrleman_g


def test_knots_increase_and_hats_sum_to_one():
    generator = torch.Generator().manual_seed(3)
    log_tau = torch.rand(5, 30, generator=generator, dtype=torch.float64) * 4 - 4
    log_tau[1] = log_tau[1, 0]  # a single expiry
    knots = place_knots(log_tau, torch.ones_like(log_tau, dtype=torch.bool), 8)
    assert (knots.diff(dim=-1) > 0.01).all()
    u = torch.linspace(math.log(SHORTEST), math.log(LONGEST), 40, dtype=torch.float64).expand(5, -1)
    value, integral = hats(u, knots)
    torch.testing.assert_close(value.sum(-1), torch.ones_like(u))
    step = 1e-6
    _, beyond = hats(u + step, knots)
    torch.testing.assert_close((beyond - integral) / step, value, atol=1e-4, rtol=0)


def test_knots_do_not_depend_on_order_padding_or_repeats():
    log_tau = torch.tensor([[-3.0, -2.0, -2.0, -1.0]], dtype=torch.float64)
    mixed = torch.tensor([[-1.0, -2.0, -3.0, 0.7]], dtype=torch.float64)
    every = torch.ones(1, 4, dtype=torch.bool)
    padded = torch.tensor([[True, True, True, False]])
    torch.testing.assert_close(place_knots(log_tau, every, 7), place_knots(mixed, padded, 7))


def test_the_mixture_has_the_price_of_the_average():
    generator = torch.Generator().manual_seed(1)
    k = torch.linspace(-0.8, 0.8, 21, dtype=torch.float64)[None]
    w = torch.exp(torch.randn(1, 3, 21, generator=generator, dtype=torch.float64) * 0.5 - 3)
    log_weights = torch.randn(1, 3, generator=generator, dtype=torch.float64).log_softmax(-1)
    mixed = mix(k, w, log_weights).w

    def price(each: torch.Tensor) -> np.ndarray:
        return black.price(1.0, np.exp(k.numpy()), 1.0, each.sqrt().numpy(), k.numpy() >= 0)

    average = sum(p * price(w[:, i]) for i, p in enumerate(log_weights.exp()[0].numpy()))
    np.testing.assert_allclose(price(mixed), average, rtol=1e-9)


@pytest.mark.parametrize("largest", [0.3, 1.0, 5.0])
def test_components_far_apart_mix_to_the_same_digits(largest: float):
    """Such as the start of an inversion is far from: a rare component with most of the variance."""
    generator = torch.Generator().manual_seed(4)
    w = torch.exp(torch.rand(1, 3, 5000, generator=generator, dtype=torch.float64) * -7) * largest**2
    k = torch.randn(1, 5000, generator=generator, dtype=torch.float64) * w.amax(1).sqrt()
    log_weights = (3 * torch.randn(1, 3, generator=generator, dtype=torch.float64)).log_softmax(-1)
    each = log_weights[..., None] + log_out_of_the_money(k.abs()[:, None], w.sqrt())
    found = log_out_of_the_money(k.abs(), mix(k, w, log_weights).w.sqrt())
    torch.testing.assert_close(found, each.logsumexp(1), rtol=1e-11, atol=1e-11)


def test_the_price_formula_is_blacks():
    x, std = torch.tensor([0.0, 0.1, 1.0, 2.0], dtype=torch.float64), torch.tensor(0.3, dtype=torch.float64)
    expected = np.log(black.price(1.0, np.exp(x.numpy()), 1.0, 0.3, True))
    np.testing.assert_allclose(log_out_of_the_money(x, std).numpy(), expected, rtol=1e-7)  # the plain form cancels


def test_gradients_of_the_mixture_are_the_implicit_ones():
    k = torch.tensor([[-0.3, 0.0, 0.2]], dtype=torch.float64)
    w = torch.tensor([[[0.04, 0.03, 0.05], [0.08, 0.09, 0.07]]], dtype=torch.float64, requires_grad=True)
    logits = torch.tensor([[0.3, -0.4]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w, logits: mix(k, w, logits.log_softmax(-1)).w, (w, logits), atol=1e-6)


@LAYOUTS
def test_derivatives_equal_central_differences(layout: Layout):
    surface = make_surface(scale=0.7, layout=layout)
    k, tau = make_points(reach=1.0)
    w, w_k, w_kk, w_tau, g = differentiate(surface, k, tau)
    h = 1e-4
    left, right = variance(surface, k - h, tau), variance(surface, k + h, tau)
    torch.testing.assert_close(w_k, (right - left) / (2 * h), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(w_kk, (right - 2 * w + left) / h**2, atol=1e-4, rtol=1e-4)
    growth = (variance(surface, k, tau * (1 + h)) - variance(surface, k, tau * (1 - h))) / (2 * h * tau)
    torch.testing.assert_close(w_tau, growth, atol=1e-5, rtol=1e-3)  # the second derivative jumps at knots
    expected = durrleman_g(*(each.numpy() for each in (k, w, w_k, w_kk)))
    np.testing.assert_allclose(g.numpy(), expected, atol=1e-7)


@LAYOUTS
@example(seed=83, scale=2.0)  # a component of vol 110
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 2.0))
def test_no_latent_numbers_allow_arbitrage(layout: Layout, seed: int, scale: float):
    surface = make_surface(seed, batch=2, scale=scale, layout=layout)
    k, tau = make_points(batch=2)
    w, _, _, w_tau, g = differentiate(surface, k, tau)
    assert (w > 0).all()
    assert g.min() >= -1e-9
    assert w_tau.min() >= -1e-9


@LAYOUTS
@given(seed=st.integers(0, 10_000))
def test_differences_find_no_arbitrage_either(layout: Layout, seed: int):
    surface = make_surface(seed, batch=2, scale=1.5, layout=layout)
    k, tau = make_points(batch=2, reach=1.0)
    h = 1e-3 * 0.25 * tau.sqrt()
    w, left, right = (variance(surface, k + side * h, tau) for side in (0.0, -1.0, 1.0))
    w_k, w_kk = (right - left) / (2 * h), (right - 2 * w + left) / h**2
    g = durrleman_g(*(each.numpy() for each in (k, w, w_k, w_kk)))
    assert g.min() >= -1e-3
    assert (variance(surface, k, tau * 1.02) - w).min() >= -1e-9


@LAYOUTS
def test_the_wing_never_breaks_lees_bound(layout: Layout):
    surface = make_surface(seed=5, scale=3.0, layout=layout)
    tau = torch.full((4, 2), 1.0, dtype=torch.float64)
    far = torch.tensor([[40.0, 41.0]], dtype=torch.float64).expand(4, -1)
    for side in (1.0, -1.0):
        w = variance(surface, side * far, tau)
        assert (w[:, 1] - w[:, 0]).max() < 2.0


def capped_surface(scale: float, lean: float, growth: float, bounds_by_maturity: bool) -> MixtureSurface:
    """Two components, of which the second one's wings may be too steep."""
    layout = Layout(2, 4, bounds_by_maturity)
    surface = make_surface(seed=2, batch=1, scale=scale, layout=layout)
    latent = surface.latent.clone().view(1, 2, -1)
    latent[:, 1, 1] += lean
    latent[:, 1, 4 : 4 + layout.knots] += growth
    return MixtureSurface(layout, surface.frame, latent.flatten(1))


@pytest.mark.parametrize("bounds_by_maturity", [True, False])
@pytest.mark.parametrize(("lean", "growth"), [(0.0, 0.0), (2.5, 0.0), (0.5, 2.0)])
def test_the_jacobian_is_the_derivative_of_log_vol(lean: float, growth: float, bounds_by_maturity: bool):
    surface = capped_surface(0.1, lean, growth, bounds_by_maturity)
    layout = surface.layout
    k, tau = make_points(batch=1, reach=0.5)

    def log_vol(latent: torch.Tensor) -> torch.Tensor:
        moved = MixtureSurface(layout, surface.frame, latent)
        return (variance(moved, k, tau) / tau).log() / 2

    components = surface.components(k, surface.frame.basis(tau.log()))
    mixed = surface.mixed(k, components)
    relative = 1 / (2 * mixed.w[:, None])
    own = surface.jacobian(components, mixed.shares * relative, mixed.by_logit * relative)[0]
    exact = torch.autograd.functional.jacobian(log_vol, surface.latent)[0, :, 0]
    torch.testing.assert_close(own, exact, atol=1e-9, rtol=1e-6)


@pytest.mark.parametrize(("lean", "growth", "binds_at_the_end"), [(2.5, 0.0, False), (0.5, 2.0, True)])
def test_one_factor_is_what_the_worst_maturity_needs(lean: float, growth: float, binds_at_the_end: bool):
    bound = capped_surface(0.1, lean, growth, False)._bound()
    assert bound.binds[0, 1]
    assert (bound.by_theta[0, 1] == 0) == binds_at_the_end  # Lee's bound


def test_bounds_of_one_maturity_leave_the_others_alone():
    """Wings that reach Lee's bound in years are bounded there; one factor lowers those of a week with them."""
    k, tau = make_points(batch=1)
    surface = capped_surface(0.1, 0.5, 2.0, True)
    one_factor = MixtureSurface(Layout(2, 4), surface.frame, surface.latent)
    free = surface._curves(surface.frame.basis(tau.log()).integrals)
    w, lowered = (each.components(k, each.frame.basis(tau.log())).slices.w[0, 1] for each in (surface, one_factor))
    as_given = essvi_slices(k[:, None], *free).w[0, 1]
    soon = (tau[0] < 14 / 365) & (k[0].abs() > 0.03)
    assert (w / as_given)[soon].min() > 0.98
    assert (lowered / as_given)[soon].max() < 0.95


def test_the_one_factor_binds_only_where_it_must():
    calm = make_surface(scale=0.0, layout=ONE_FACTOR)
    assert not calm._bound().binds.any()
    steep = MixtureSurface(calm.layout, calm.frame, calm.latent + 0.0)
    steep.latent.view(4, 3, -1)[..., 1] = 3.0
    assert steep._bound().binds.all()


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_slope_in_k_stays_exact_in_the_far_wings(side: float):
    surface = make_surface(seed=7, batch=1, scale=0.5)
    tau = torch.full((1, 1), 30 / 365, dtype=torch.float64)
    k = side * 6 * 0.25 * tau.sqrt()
    _, w_k, *_ = differentiate(surface, k, tau)
    h = 1e-5
    difference = (variance(surface, k + h, tau) - variance(surface, k - h, tau)) / (2 * h)
    torch.testing.assert_close(w_k, difference, rtol=1e-4, atol=1e-7)


def test_the_price_residual_is_the_gap_of_log_vols_to_first_order():
    k = torch.tensor([[-0.4, 0.0, 0.3]], dtype=torch.float64)
    w = torch.tensor([[[0.04, 0.03, 0.05], [0.08, 0.09, 0.07]]], dtype=torch.float64)
    log_weights = torch.tensor([[0.7, 0.3]], dtype=torch.float64).log()
    mixed = mix(k, w, log_weights)
    step = 1e-4
    quoted = Quoted.at(k, mixed.w.sqrt() * math.exp(-step))
    priced = price_residual(quoted, w, log_weights)
    torch.testing.assert_close(priced.residual, torch.full_like(k, step), rtol=1e-3, atol=0)
    relative = 1 / (2 * mixed.w[:, None])
    torch.testing.assert_close(priced.by_variance, mixed.shares * relative, rtol=1e-3, atol=0)
    torch.testing.assert_close(priced.by_logit, mixed.by_logit * relative, rtol=1e-2, atol=1e-4)
