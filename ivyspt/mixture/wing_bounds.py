"""Slices whose wing slopes are kept, at each maturity by itself, below what excludes butterflies.

Gatheral & Jacquier (2014), theorem 4.2, ask for a± < 4 and (a+ + a-)/2 max(a±) <= 4 theta. Both hold where

    a±^-4 = own±^-4 + (2 √theta)^-4 + 3.99^-4,

a smooth minimum. The logarithm of a± then grows with maturity by a weighted average of what those of own±, of √theta
and of a constant grow by: it increases, and by less than that of theta does, so that calendar spreads stay excluded
(Hendriks & Martini 2019, proposition 3.5).
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from ivyspt.mixture.essvi_slices import EssviSlices, essvi_slices
from ivyspt.mixture.typical import LARGEST_WING


def bounded_slices(k: Tensor, log_theta: Tensor, log_right: Tensor, log_left: Tensor) -> EssviSlices:
    """Evaluate slices of at-the-money total variance theta under bounds on their own wing slopes.

    The derivatives in the three logarithms are those before the bounds.
    """
    right, right_by_own, right_by_theta = _bounded(log_right, log_theta)
    left, left_by_own, left_by_theta = _bounded(log_left, log_theta)
    slices = essvi_slices(k, log_theta, right, left)
    return replace(
        slices,
        by_log_theta=slices.by_log_theta + right_by_theta * slices.by_log_right + left_by_theta * slices.by_log_left,
        by_log_right=right_by_own * slices.by_log_right,
        by_log_left=left_by_own * slices.by_log_left,
    )


def _bounded(log_own: Tensor, log_theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The logarithm of the smooth minimum, and its derivatives in those of the own slope and of theta."""
    ceiling = math.log(2) + log_theta / 2
    parts = -4 * torch.stack((log_own, ceiling, torch.full_like(log_own, LARGEST_WING)))
    by_own, by_ceiling, _ = parts.softmax(0)
    return -parts.logsumexp(0) / 4, by_own, by_ceiling / 2
