"""Quotes of several surfaces as padded tensors, and the coordinates in which the network sees them."""

from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ivyspt.mixture.typical import MIDDLE, REACH, SCALE

MARKET = ("market_return", "market_vol", "treasury_rate")


@dataclass(frozen=True)
class Quotes:
    """The context.

    `present` is False where a row is padded, `half_spread` (in vol) and `market` are NaN if unknown; `kind` counts
    `ivyspt.flagship_config.QUOTE_KINDS` from 1, 0 if unknown; simulated surfaces are `SIMULATED` or unknown.
    """

    log_moneyness: Float[Tensor, "batch context"]
    time_to_maturity: Float[Tensor, "batch context"]
    implied_vol: Float[Tensor, "batch context"]
    half_spread: Float[Tensor, "batch context"]
    present: Bool[Tensor, "batch context"]
    market: Float[Tensor, "batch 3"]
    kind: Int[Tensor, "batch 1"]

    def to(self, dtype: torch.dtype) -> "Quotes":
        """The same in another precision."""
        moved = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: each.to(dtype) for name, each in moved.items() if each.is_floating_point()})

    @property
    def mean_log_vol(self) -> Float[Tensor, "batch 1"]:
        """Mean of log-vol over the context."""
        return self.mean(self.implied_vol.log())

    def mean(self, values: Float[Tensor, "batch context"]) -> Float[Tensor, "batch 1"]:
        """Mean over the context's points."""
        weight = self.present.to(values.dtype)
        return (values * weight).sum(-1, keepdim=True) / weight.sum(-1, keepdim=True)


def plane(k: Tensor, tau: Tensor, mean_log_vol: Float[Tensor, "batch 1"]) -> Float[Tensor, "batch point 2"]:
    """Where a point lies: moneyness in standard deviations of the mean vol, levelled off far out, and log-maturity."""
    z = k / (tau.sqrt() * mean_log_vol.exp())
    z = z * (1 + (z / REACH).square()).rsqrt()
    return torch.stack((z / 2, (tau.log() - MIDDLE) / SCALE), -1)


def market_features(quotes: Quotes) -> Float[Tensor, "batch 5"]:
    """Return, vol and rate of the market and mean and spread of the visible vols, each scaled to order one."""
    market_return, market_vol, rate = quotes.market.unbind(-1)
    mean = quotes.mean(quotes.implied_vol)
    deviation = quotes.mean((quotes.implied_vol - mean).square()).sqrt()
    scaled = (
        market_return / 0.01,
        (market_vol / 0.2).log() / 0.4,
        (rate - 0.03) / 0.02,
        (mean[:, 0] / 0.3).log() / 0.5,
        ((deviation / mean)[:, 0] + 0.01).log() / 0.7 + 3.0,
    )
    return torch.stack(scaled, -1)
