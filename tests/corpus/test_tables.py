"""Chebyshev tables: exact on polynomials, close on an eSSVI surface, linear beyond, and scaled in time."""

import numpy as np
import torch

from ivyspt.corpus.tables import Domain, Tables, chebyshev, clenshaw, coefficients_of, edge_slope, nodes

DOMAIN = Domain(6.0, 5 / 365, 2.0, (0.5, 2.0))
ONE = torch.ones(1, 1, dtype=torch.float64)


def flat(coefficients):
    """Tables whose theta is 0.04 tau."""
    return Tables(coefficients, 0.04 * ONE, 0.04 * ONE, ONE, ONE, DOMAIN)


def smile(x, log_tau):
    return 0.2 * torch.tanh(x) + 0.3 * (1 + x**2 / 4).log() + 0.05 * log_tau * x / (2 + x**2).sqrt()


def tabulated(counts):
    x, scaled = nodes(counts[0]), nodes(counts[1])
    low, high = np.log(DOMAIN.shortest), np.log(DOMAIN.longest)
    log_tau = low + (scaled + 1) / 2 * (high - low)
    return flat(coefficients_of(smile(6 * x[:, None], log_tau[None, :])[None]))


def places(seed=0, limit=6.0):
    generator = torch.Generator().manual_seed(seed)
    tau = DOMAIN.shortest * (DOMAIN.longest / DOMAIN.shortest) ** torch.rand(1, 400, generator=generator).double()
    return limit * (2 * torch.rand(1, 400, generator=generator).double() - 1), tau


def test_chebyshev_polynomials_are_numpys():
    x = np.linspace(-1, 1, 31)
    expected = np.polynomial.chebyshev.chebvander(x, 9)
    np.testing.assert_allclose(chebyshev(torch.from_numpy(x), 10).numpy(), expected, atol=1e-13)


def test_clenshaws_sum_and_its_edge_slopes_are_numpys():
    generator = np.random.default_rng(0)
    coefficients = generator.standard_normal(8)
    x = np.linspace(-1, 1, 21)
    series = np.polynomial.Chebyshev(coefficients)
    table = torch.from_numpy(coefficients)[:, None, None].expand(-1, 1, 21)
    np.testing.assert_allclose(clenshaw(table, torch.from_numpy(x)[None]).numpy()[0], series(x), atol=1e-13)
    for edge in (-1.0, 1.0):
        np.testing.assert_allclose(edge_slope(table, edge).numpy(), series.deriv()(edge), rtol=1e-12)


def test_polynomials_are_interpolated_exactly():
    x, y = nodes(7), nodes(5)
    values = (x**6 - 2 * x)[:, None] * (1 + y**4)[None, :]
    coefficients = coefficients_of(values[None])[0]
    at_x, at_y = torch.tensor([0.3, -0.8]).double(), torch.tensor([0.1, 0.9]).double()
    found = (chebyshev(at_x, 7) @ coefficients * chebyshev(at_y, 5)).sum(-1)
    torch.testing.assert_close(found, (at_x**6 - 2 * at_x) * (1 + at_y**4), rtol=1e-12, atol=1e-12)


def test_a_smooth_surface_converges():
    x, tau = places()
    expected = 0.04 * tau * smile(x, tau.log()).exp()
    errors = []
    for counts in ((16, 4), (32, 8), (64, 16)):
        found = tabulated(counts).total_variance(x * (0.04 * tau).sqrt(), tau)
        errors.append((found / expected - 1).abs().max().item())
    # poles at x = i sqrt(2) and i pi / 2: each doubling gains at least a decade
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
    assert errors[2] < 1e-5


def test_total_variance_is_linear_beyond_the_largest_x():
    tables = tabulated((32, 8))
    tau = torch.full((1, 3), 0.5, dtype=torch.float64)
    std = (0.04 * 0.5) ** 0.5
    w = tables.total_variance(torch.tensor([[6.0, 7.0, 8.0]], dtype=torch.float64) * std, tau)[0]
    torch.testing.assert_close(w[2] - w[1], w[1] - w[0], rtol=1e-9, atol=0)
    k = torch.tensor([[6 - 2e-5, 6 - 1e-5]], dtype=torch.float64) * std
    inside = tables.total_variance(k, tau[:, :2])[0]
    assert torch.allclose((inside[1] - inside[0]) / 1e-5, w[1] - w[0], rtol=1e-3, atol=0)  # no kink


def test_pace_scales_time():
    tables = tabulated((32, 8))
    faster = Tables(tables.coefficients, *(0.04 * ONE,) * 2, ONE, 1.7 * ONE, DOMAIN)
    k = torch.tensor([[-0.1, 0.0, 0.2]], dtype=torch.float64)
    tau = torch.full((1, 3), 0.3, dtype=torch.float64)
    torch.testing.assert_close(faster.total_variance(k, tau), tables.total_variance(k, 1.7 * tau))


def test_draws_are_rows_of_the_pool_at_paces_within_the_range():
    coefficients = torch.arange(5, dtype=torch.float64)[:, None, None].expand(5, 2, 2)
    level = 0.04 * torch.ones(5, 1, dtype=torch.float64)
    pool = Tables(coefficients, level, level, level, level, DOMAIN)
    drawn = pool.draw(200, torch.Generator().manual_seed(0))
    assert set(drawn.coefficients[:, 0, 0].tolist()) == {0, 1, 2, 3, 4}
    assert drawn.pace.min() >= 0.5
    assert drawn.pace.max() <= 2.0
    assert drawn.pace.unique().numel() == 200
