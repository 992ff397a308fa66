"""What the flagship is trained on: the error of each surface on a scale of its own, and the width of its bands."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ivyspt.mixture.network import Fitted
from ivyspt.pretraining.surfaces import Asked

FLOOR = 1e-3  # relative vol; errors below it hardly count
BAND_WEIGHT = 0.1
BAND_TARGETS = 12  # of a surface, that the bands' likelihood is taken at


@dataclass(frozen=True)
class Losses:
    """Mean over surfaces of the logarithm of the error and of the bands' negative log-likelihood."""

    error: Float[Tensor, ""]
    band: Float[Tensor, ""]
    rmse: Float[Tensor, " batch"]  # vol points, for the record

    @property
    def total(self) -> Float[Tensor, ""]:
        """What is minimised."""
        return self.error + BAND_WEIGHT * self.band


def losses(fitted: Fitted, asked: Asked) -> Losses:
    """Compare a fit with the targets.

    The methods are judged by the ratio of errors, surface by surface, so the logarithm of each surface's error counts:
    half of the root mean square, half of the mean absolute one, in relative vol. The bands' scale is fitted by the
    likelihood of Laplace's distribution, at the errors as they are.
    """
    log_vol = fitted.log_vol(asked.log_moneyness, asked.time_to_maturity)
    miss = log_vol - asked.implied_vol.log()
    square = _mean(miss.square(), asked.wanted)
    absolute = _mean(miss.abs(), asked.wanted)
    error = 0.25 * (square + FLOOR**2).log() + 0.5 * (absolute + FLOOR).log()
    scale = fitted.error_scale(asked.log_moneyness[:, :BAND_TARGETS], asked.time_to_maturity[:, :BAND_TARGETS])
    likelihood = miss[:, :BAND_TARGETS].detach().abs() / scale + scale.log()
    likelihood = _mean(likelihood, asked.wanted[:, :BAND_TARGETS])
    some = asked.wanted.any(-1)
    with torch.no_grad():
        rmse = 100 * _mean((log_vol.exp() - asked.implied_vol).square(), asked.wanted).sqrt()
    return Losses(error[some].mean(), likelihood[some].mean(), rmse[some])


def _mean(values: Float[Tensor, "batch target"], wanted: Bool[Tensor, "batch target"]) -> Float[Tensor, " batch"]:
    weight = wanted.to(values.dtype)
    return (values * weight).sum(-1) / weight.sum(-1).clamp_min(1)
