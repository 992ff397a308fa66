"""eSSVI total variance from the logarithms of its level and of the slopes of its two wings, with all derivatives.

w(k) = (theta + d k + R)/2 with R = sqrt(s^2 k^2 + 2 d k theta + theta^2), where s = (a+ + a-)/2 and d = (a+ - a-)/2;
w grows as a+ k/2 in the right wing and as a- |k|/2 in the left one. In Hendriks & Martini (2019), "The extended SSVI
volatility surface", eq. (1.2), s is psi and d is rho psi.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class EssviSlices:
    """Total variance at points and its derivatives in k and in the three logarithms that shape it."""

    w: Float[Tensor, "*shape"]
    w_k: Float[Tensor, "*shape"]
    w_kk: Float[Tensor, "*shape"]
    by_log_theta: Float[Tensor, "*shape"]
    by_log_right: Float[Tensor, "*shape"]
    by_log_left: Float[Tensor, "*shape"]


def essvi_slices(k: Tensor, log_theta: Tensor, log_right: Tensor, log_left: Tensor) -> EssviSlices:
    """Evaluate slices of at-the-money total variance theta, right wing slope a+ and left wing slope a-."""
    theta, right, left = log_theta.exp(), log_right.exp(), log_left.exp()
    s, d = (right + left) / 2, (right - left) / 2
    root = torch.sqrt((s * k).square() + 2 * d * k * theta + theta.square())
    drift = theta + d * k
    outer = drift.abs() + root
    lean = k * (1 + theta / root)
    bend = s * k.square() / root
    return EssviSlices(
        # in the flatter wing theta + d k and the root nearly cancel
        w=torch.where(drift >= 0, outer, right * left * k.square() / outer) / 2,
        w_k=(d + (s.square() * k + d * theta) / root) / 2,
        w_kk=theta.square() * right * left / (2 * root**3),
        by_log_theta=theta * (1 + (d * k + theta) / root) / 2,
        by_log_right=right * (bend + lean) / 4,
        by_log_left=left * (bend - lean) / 4,
    )
