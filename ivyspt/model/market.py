"""Market features as tokens."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ivyspt.config import Model
from ivyspt.model.layers import Linear
from ivyspt.model.normalisation import MaskedBatchNorm

FEATURES = ("market_return", "market_vol", "treasury_rate", "surface_mean", "surface_std")


def market_features(
    market: Float[Tensor, "batch 3"], quantity: Float[Tensor, "batch context"], present: Bool[Tensor, "batch context"]
) -> Float[Tensor, "batch feature"]:
    """The five features of the paper: return, vol and rate, and mean and standard deviation over the visible points."""
    weight = present.to(quantity.dtype)
    count = weight.sum(-1, keepdim=True)
    mean = (quantity * weight).sum(-1, keepdim=True) / count
    variance = ((quantity - mean).square() * weight).sum(-1, keepdim=True) / count
    return torch.cat((market, mean, variance.sqrt()), -1)


class MarketTokens(nn.Module):
    """One token a feature, or all features in a single token as published.

    With a single token the attention weight on it is always 1. A missing feature (NaN) is a token of its own, never an
    invented value.
    """

    def __init__(self, settings: Model, generator: torch.Generator):
        super().__init__()
        features, d = len(FEATURES), settings.dimension
        self.normalisation = MaskedBatchNorm(features, settings.normalisation_momentum)
        self.single = Linear(features, d, generator) if settings.market_tokens == "single" else None
        if self.single is None:

            def drawn() -> nn.Parameter:
                return nn.Parameter(torch.empty(features, d).normal_(0.0, 0.02, generator=generator))

            self.direction, self.offset, self.missing = drawn(), drawn(), drawn()

    def forward(self, features: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch token d"]:
        """Tokens of raw features."""
        known = ~features.isnan()
        mean, std = self.normalisation.statistics(features, known)
        value = torch.where(known, (features - mean) / std, 0.0)
        if self.single is not None:
            return self.single(value[None])[0][:, None]
        token = value[..., None] * self.direction + self.offset
        return torch.where(known[..., None], token, self.missing)
