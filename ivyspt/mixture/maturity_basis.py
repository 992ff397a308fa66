"""A basis in log-maturity whose non-negative combinations are smooth increasing functions.

Piecewise linear "hats" on a surface's own knots describe a slope; their integrals describe the curve. With coefficients
b_j >= 0 the curve sum_j b_j H_j(u) increases everywhere, and its slope is b_j at knot j and constant beyond the first
and the last one. These are the quadratic I-splines of Ramsay (1988), Statistical Science 3(4).
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ivyspt.mixture.typical import LONGEST, SHORTEST, SMEARED, SPREAD_EVENLY

_RESOLUTION = 160  # nodes on which the distribution of the knots is inverted


def place_knots(
    log_tau: Float[Tensor, "batch context"], present: Bool[Tensor, "batch context"], count: int
) -> Float[Tensor, "batch {count}"]:
    """Increasing knots that crowd where the context has expiries and still reach over all maturities.

    They are quantiles of a mixture of the distinct expiries and of an even spread over log-maturity, so they depend
    neither on the order of the context nor on how many points an expiry has.
    """
    low, high = math.log(SHORTEST), math.log(LONGEST)
    order = log_tau.masked_fill(~present, torch.inf).sort(-1).values
    distinct = torch.ones_like(present)
    distinct[:, 1:] = order[:, 1:] - order[:, :-1] > 1e-6
    distinct &= order.isfinite()
    expiries = distinct.sum(-1, keepdim=True).to(log_tau.dtype)
    nodes = torch.linspace(low, high, _RESOLUTION, dtype=log_tau.dtype, device=log_tau.device)
    at = torch.where(distinct, order, high)
    passed = ((nodes - at[..., None]) / (2 * SMEARED) + 0.5).clamp(0, 1)
    own = (passed * distinct[..., None]).sum(1)
    spread = (nodes - low) / (high - low)
    distribution = (own + SPREAD_EVENLY * spread) / (expiries + SPREAD_EVENLY)
    # expiries at the domain's ends are cut off by it
    distribution = (distribution - distribution[:, :1]) / (distribution[:, -1:] - distribution[:, :1])
    wanted = (torch.arange(count, dtype=log_tau.dtype, device=log_tau.device) + 0.5) / count
    wanted = wanted.expand(len(log_tau), count).contiguous()
    after = torch.searchsorted(distribution.contiguous(), wanted).clamp(1, _RESOLUTION - 1)
    left, right = distribution.gather(1, after - 1), distribution.gather(1, after)
    share = ((wanted - left) / (right - left).clamp_min(1e-12)).clamp(0, 1)
    return nodes[after - 1] + share * (nodes[after] - nodes[after - 1])


def hats(u: Float[Tensor, "batch point"], knots: Float[Tensor, "batch knot"]) -> tuple[Tensor, Tensor]:
    """Each hat at log-maturities u, and its integral from the first knot; (batch, point, knot) each."""
    width = knots.diff(dim=-1)[:, None, :]
    passed = ((u[..., None] - knots[:, None, :-1]) / width).clamp(0, 1)  # share of each interval that lies before u
    one = torch.ones_like(passed[..., :1])
    zero = torch.zeros_like(one)
    rise, fall = torch.cat((one, passed), -1), torch.cat((passed, zero), -1)
    rising = width * passed.square() / 2
    falling = width * (passed - passed.square() / 2)
    integral = torch.cat((zero, rising), -1) + torch.cat((falling, zero), -1)
    before = (u - knots[:, :1]).clamp_max(0)
    beyond = (u - knots[:, -1:]).clamp_min(0)
    ends = torch.cat((before[..., None], torch.zeros_like(integral[..., 1:-1]), beyond[..., None]), -1)
    return rise - fall, integral + ends
