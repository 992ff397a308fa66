"""The implied variance of a mixture of prices, and its derivatives.

If every component's prices are free of static arbitrage for one forward, so is their average with positive weights:
butterflies and calendar spreads are linear in prices. What remains is to turn the average into total variance. With
the Black vega c_w(k, w) in total variance and q_i = pi_i c_w(k, w_i) / c_w(k, w), differentiating the average gives

    w_tau = sum_i q_i w_tau,i        g = sum_i q_i g_i

since (d_kk - d_k) c(k, w(k)) = 2 c_w g (Gatheral & Jacquier 2014, proof of lemma 2.2). Both are non-negative term by
term, without cancellation.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.special import erfcx

from ivyspt.mixture.typical import LARGEST_STD

HALLEY_STEPS = 5  # each cubes the error
_ROUNDING = 1e-12  # relative, of the bounds on a std
_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO_PI = math.sqrt(2 * math.pi)


def log_out_of_the_money(x: Tensor, std: Tensor) -> Tensor:
    """Logarithm of Black's out-of-the-money price over the forward's share, at |log-moneyness| x and std √w.

    For a put the price over the forward carries a further factor exp(k), the same for every variance.
    """
    std = std.clamp_max(LARGEST_STD)
    d1 = -x / std + std / 2
    d2 = d1 - std
    gap = erfcx(-d1 * _ROOT_HALF) - erfcx(-d2 * _ROOT_HALF)
    return -0.5 * d1.square() + torch.log(gap / 2)


def implied_std(x: Tensor, log_price: Tensor, start: Tensor, low: Tensor, high: Tensor, steps: int) -> Tensor:
    """√w at which the out-of-the-money price has this logarithm, given bounds on it.

    Halley's steps in 1/w, in which the logarithm of a price far out of the money is nearly linear; a step that leaves
    the bounds, which close in from one side each time, is replaced by their geometric mean.
    """
    std = start
    for _ in range(steps):
        here = log_out_of_the_money(x, std)
        d1 = -x / std + std / 2
        gap = here - log_price
        above = gap > 0
        low, high = torch.where(above, low, std), torch.where(above, std, high)
        variance = std.square()
        over_vega = _ROOT_TWO_PI * torch.exp(here + 0.5 * d1.square())
        newton = 2 * gap * over_vega / (variance * std)
        bend = (std / over_vega - d1 * (d1 - std) - 3) * variance / 2  # of the logarithm in 1/w, over its slope
        inverse = variance.reciprocal() + newton / (1 + newton * bend / 2).clamp(0.5, 2.0)
        proposed = inverse.clamp_min(1e-12).rsqrt()
        inside = (proposed >= low * (1 - _ROUNDING)) & (proposed <= high * (1 + _ROUNDING))
        std = torch.where(inside, proposed, (low * high).sqrt())
    return std


@dataclass(frozen=True)
class Priced:
    """How far a mixture's prices are from quoted ones, in log-vol to first order, and what moves that."""

    residual: Float[Tensor, "batch point"]
    by_variance: Float[Tensor, "batch component point"]
    by_logit: Float[Tensor, "batch component point"]


@dataclass(frozen=True)
class Quoted:
    """What prices are compared with: where, the log-price at the quoted vol, and log-vol per log-price there."""

    k: Float[Tensor, "batch point"]
    log_price: Float[Tensor, "batch point"]
    by_log_price: Float[Tensor, "batch point"]

    @classmethod
    def at(cls, k: Float[Tensor, "batch point"], std: Float[Tensor, "batch point"]) -> "Quoted":
        """Of quotes at log-moneyness k with vol times √tau."""
        x = k.abs()
        log_price = log_out_of_the_money(x, std)
        d1 = -x / std + std / 2
        return cls(k, log_price, torch.exp(log_price + 0.5 * d1.square()) * _ROOT_TWO_PI / std)


def price_residual(quoted: Quoted, w: Float[Tensor, "batch component point"], log_weights: Tensor) -> Priced:
    """Compare with quotes without inverting prices: the gap of log-prices over their slope in log-vol at the quote."""
    std, x = w.sqrt(), quoted.k.abs()[:, None]
    each = log_weights[..., None] + log_out_of_the_money(x, std)
    total = each.logsumexp(1)
    share = (each - total[:, None]).exp()
    d1 = -x / std + std / 2
    by_variance = torch.exp(log_weights[..., None] - total[:, None] - 0.5 * d1.square()) / (2 * _ROOT_TWO_PI * std)
    scale = quoted.by_log_price[:, None]
    return Priced(
        (total - quoted.log_price) * quoted.by_log_price,
        by_variance * scale,
        (share - log_weights[..., None].exp()) * scale,
    )


@dataclass(frozen=True)
class Mixed:
    """A mixture's total variance, and its derivatives in each component's variance and log-weight."""

    w: Float[Tensor, "batch point"]
    shares: Float[Tensor, "batch component point"]  # q_i = ∂w/∂w_i
    by_logit: Float[Tensor, "batch component point"]


def mix(k: Float[Tensor, "batch point"], w: Float[Tensor, "batch component point"], log_weights: Tensor) -> Mixed:
    """Total variance of the mixture with weights exp(log_weights), (batch, component), which sum to one.

    Differentiable in w and log_weights (implicit function theorem).
    """
    if w.shape[1] == 1:
        return Mixed(w[:, 0], torch.ones_like(w), torch.zeros_like(w))
    x = k.abs()[:, None, :]
    weights = log_weights[..., None]
    with torch.no_grad():
        std = w.sqrt()
        each = weights + log_out_of_the_money(x, std)
        total = each.logsumexp(1, keepdim=True)
        start = ((each - total).exp() * std).sum(1, keepdim=True)
        low, high = std.amin(1, keepdim=True), std.amax(1, keepdim=True)
        # far beyond the bend of the price in std, at √(2 |k|), a step goes nowhere
        start = start.minimum(low.maximum((2 * x).sqrt() + 2))
        solved = implied_std(x, total, start, low, high, HALLEY_STEPS)
    first = _shares(x, solved, w.sqrt().detach(), weights.detach())
    first_logit = _by_logit(x, solved, w.sqrt().detach(), weights.detach())
    surrogate = solved[:, 0].square() + (first * (w - w.detach())).sum(1)
    surrogate = surrogate + (first_logit * (weights - weights.detach())).sum(1)
    if not (torch.is_grad_enabled() and (w.requires_grad or log_weights.requires_grad)):
        return Mixed(surrogate, first, first_logit)
    std = surrogate.sqrt()[:, None]
    return Mixed(surrogate, _shares(x, std, w.sqrt(), weights), _by_logit(x, std, w.sqrt(), weights))


def _shares(x: Tensor, std: Tensor, each_std: Tensor, log_weights: Tensor) -> Tensor:
    d1, each_d1 = -x / std + std / 2, -x / each_std + each_std / 2
    return torch.exp(log_weights + 0.5 * (d1.square() - each_d1.square())) * std / each_std


def _by_logit(x: Tensor, std: Tensor, each_std: Tensor, log_weights: Tensor) -> Tensor:
    """π_i (c_i - c)/c_w, from prices over the mixture's density at d1."""
    d1 = -x / std + std / 2
    scale = log_weights + 0.5 * d1.square()
    each = torch.exp(scale + log_out_of_the_money(x, each_std))
    mixture = torch.exp(scale + log_out_of_the_money(x, std))
    return 2 * std * _ROOT_TWO_PI * (each - mixture)


def slope_in_k(k: Tensor, w: Tensor, each_w: Tensor, each_w_k: Tensor, shares: Tensor, log_weights: Tensor) -> Tensor:
    """w_k of the mixture.

    Beside the components' own slopes, the average of Φ(d2) differs from Φ(d2) at the average: both over the density
    at d1, by Mills' ratio on the out-of-the-money side.
    """
    k, std, each_std = k[:, None, :], w.sqrt()[:, None, :], each_w.sqrt()
    side = torch.where(k >= 0, 1.0, -1.0)
    d1, each_d1 = -k / std + std / 2, -k / each_std + each_std / 2
    scale = torch.exp(log_weights[..., None] + 0.5 * (d1.square() - each_d1.square()))
    tails = _mills(side * (d1 - std)) - (scale * _mills(side * (each_d1 - each_std))).sum(1, keepdim=True)
    return (shares * each_w_k).sum(1) + (2 * std * side * tails)[:, 0]


def _mills(d: Tensor) -> Tensor:
    """Φ(d)/φ(d)."""
    return erfcx(-d * _ROOT_HALF) * math.sqrt(math.pi / 2)
