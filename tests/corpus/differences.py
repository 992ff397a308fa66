"""Search several surfaces for static arbitrage by float64 differences of total variance."""

import torch

from ivyspt.arbitrage import durrleman_g

STEP_STD = 0.01  # half-width of the stencil in k, standard deviations: truncation and rounding are of order 1e-5 in g
DAYS = (3, 912)


def grid(surfaces, count, max_z=8.0, nodes=(161, 30)):
    """(k, tau, std) on even z by even log tau, the same z and tau for each surface: three (surface, node) tensors."""
    z = torch.linspace(-max_z, max_z, nodes[0], dtype=torch.float64)
    tau = torch.logspace(*(torch.tensor(DAYS) / 365).log10().tolist(), nodes[1], dtype=torch.float64)
    tau = tau.repeat_interleave(nodes[0]).expand(count, -1)
    std = surfaces.total_variance(torch.zeros_like(tau), tau).sqrt()
    return z.repeat(nodes[1]) * std, tau, std


def durrleman_on(surfaces, k, tau, std, step=STEP_STD):
    """Durrleman's g at (k, tau)."""
    h = step * std
    left, w, right = (surfaces.total_variance(k + move, tau) for move in (-h, 0, h))
    return durrleman_g(k, w, (right - left) / (2 * h), (right - 2 * w + left) / h**2)


def calendar_slope_on(surfaces, k, tau, step=1e-3):
    """Change of total variance at fixed k from tau to (1 + step) tau, over w."""
    w = surfaces.total_variance(k, tau)
    return (surfaces.total_variance(k, (1 + step) * tau) - w) / w
