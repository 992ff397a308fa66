"""IvySPT: from context points and the market to total variance at any target, with exact derivatives."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ivyspt import jets
from ivyspt.batches.batch import Batch
from ivyspt.batches.share import Share
from ivyspt.config import Model
from ivyspt.jets import KK, TAU, VALUE, Jet, K
from ivyspt.model.encoder import WEIGHT_STD, Attended, SurfaceEncoder
from ivyspt.model.kernel_embedding import KernelEmbedding
from ivyspt.model.kernel_regression import KernelRegression
from ivyspt.model.layers import LayerNorm, Linear
from ivyspt.model.market import MarketTokens, market_features
from ivyspt.model.normalisation import MaskedBatchNorm
from ivyspt.model.positional_encoding import SinusoidalEncoding2D


@dataclass(frozen=True)
class Fitted:
    """The model's answer: jets over (k, τ) at each target, of length 4 with derivatives and 1 without."""

    implied_vol: Float[Tensor, "batch target"]
    total_variance: Float[Tensor, "component batch target"]
    attended: list[Attended]


class IvySPT(nn.Module):
    """The paper's architecture with its switches (see `ivyspt.config.Model`)."""

    def __init__(self, settings: Model, generator: torch.Generator):
        super().__init__()
        self.settings = settings
        d = settings.dimension
        self.point_normalisation = MaskedBatchNorm(3, settings.normalisation_momentum)
        if settings.kernel == "none":
            self.embedding = Linear(3, d, generator)
        else:
            self.embedding = KernelEmbedding(d, settings.bandwidth_floor)
        self.embedding_norm = LayerNorm(d) if settings.embedding_norm == "layer" else nn.Identity()
        sinusoidal = settings.positional_encoding == "sinusoidal_2d"
        self.positional_encoding = SinusoidalEncoding2D(d, settings.positional_base) if sinusoidal else None
        self.mask_token = nn.Parameter(torch.empty(d).normal_(0.0, 0.02, generator=generator))
        self.input_norm = LayerNorm(d)
        self.market_tokens = MarketTokens(settings, generator)
        self.encoder = SurfaceEncoder(settings, generator)
        # a factor on a level starts at 1, so that training never has to unlearn a random correction
        self.head = Linear(d, 1, generator, WEIGHT_STD if settings.level == "erased" else 0.0)
        if settings.level == "kernel_regression":
            self.regression = KernelRegression()
        if settings.level == "kernel_mean":
            self.level_channels = int((self.embedding.bandwidths >= settings.level_min_bandwidth).sum())
            self.mixture = Linear(d, self.level_channels, generator)

    @property
    def last_shared_weight(self) -> nn.Parameter:
        """Weight of the last layer that all three losses pass through before the head (GradNorm's W)."""
        return self.encoder.blocks[-1].feed_forward.fall.weight

    def share_statistics(self, share: Share) -> None:
        """Normalise, while training, by the statistics of all the shares that a batch is cut into."""
        self.point_normalisation.share = self.market_tokens.normalisation.share = share

    def features(self, batch: Batch) -> Float[Tensor, "batch feature"]:
        """The five market features in raw units."""
        return market_features(batch.market, self._quantity(batch), batch.present)

    def forward(
        self,
        batch: Batch,
        derivatives: bool = False,
        generator: torch.Generator | None = None,
        features: Float[Tensor, "batch feature"] | None = None,
    ) -> Fitted:
        """Complete surfaces.

        `derivatives` adds ∂/∂k, ∂²/∂k² and ∂/∂τ at each target; `generator` draws dropout; `features` stands in for the
        batch's own market features (for sensitivities).

        Raises
        ------
        ValueError
            Derivatives are asked for several targets of a surface while targets attend to one another.
        """
        if derivatives and self.settings.target_attention == "all" and batch.asked.shape[1] > 1:
            raise ValueError(
                "with target_attention all, derivatives must be asked one target a surface, "
                f"got {batch.asked.shape[1]} targets"
            )
        components = 4 if derivatives else 1
        k, tau = _variables(batch.target_log_moneyness, batch.target_time_to_maturity, components)
        features = self.features(batch) if features is None else features
        mean, std = self._point_statistics(batch)
        targets_at = self._normalised(k, tau, batch, mean, std)
        context_at = self._normalised(
            batch.context_log_moneyness[None], batch.context_time_to_maturity[None], batch, mean, std
        )
        values = torch.where(batch.present, (self._quantity(batch) - mean[2]) / std[2], 0.0)
        context, _ = self._embed(context_at, context_at, values, batch.present, values)
        targets, smoothed = self._embed(targets_at, context_at, values, batch.present, None)
        tokens, attended = self.encoder(
            context, batch.present, targets, batch.asked, self.market_tokens(features), generator
        )
        if self.settings.level == "kernel_mean":
            level = self._mixture(tokens, smoothed, mean[2], std[2])
        else:
            level = self._level(targets_at, context_at, batch)
        return self._read_out(tokens, level, tau, attended)

    def _quantity(self, batch: Batch) -> Float[Tensor, "batch context"]:
        if self.settings.quantity == "implied_vol":
            return batch.context_implied_vol
        return batch.context_implied_vol.square() * batch.context_time_to_maturity

    def _coordinates(self, k: Jet, tau: Jet, batch: Batch) -> tuple[Jet, Jet]:
        """The plane in which distances are taken: (k, τ) as published, or (k / (mean vol √τ), log τ)."""
        if self.settings.coordinates == "raw":
            return k, tau
        weight = batch.present.to(k.dtype)
        level = (batch.context_implied_vol * weight).sum(-1) / weight.sum(-1)
        root = tau[VALUE].sqrt()
        inverse_root = jets.compose(tau, 1 / root, -0.5 / (root * tau[VALUE]), 0.75 / (root * tau[VALUE].square()))
        return jets.multiply(k, inverse_root) / level[:, None], jets.log(tau)

    def _point_statistics(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of both coordinates and of the quantity, constants under differentiation."""
        first, second = self._coordinates(
            batch.context_log_moneyness[None], batch.context_time_to_maturity[None], batch
        )
        points = torch.stack((first[VALUE], second[VALUE], self._quantity(batch)), -1)
        admitted = batch.present[..., None].expand_as(points)
        if self.settings.normalisation == "joint":
            first, second = self._coordinates(
                batch.target_log_moneyness[None], batch.target_time_to_maturity[None], batch
            )
            asked = torch.stack((first[VALUE], second[VALUE], torch.zeros_like(first[VALUE])), -1)
            known = torch.tensor([True, True, False], device=asked.device)
            points = torch.cat((points, asked), 1)
            admitted = torch.cat((admitted, batch.asked[..., None] & known), 1)
        return self.point_normalisation.statistics(points, admitted)

    def _normalised(self, k: Jet, tau: Jet, batch: Batch, mean: Tensor, std: Tensor) -> tuple[Jet, Jet]:
        first, second = self._coordinates(k, tau, batch)
        return jets.add_constant(first, -mean[0]) / std[0], jets.add_constant(second, -mean[1]) / std[1]

    def _embed(
        self,
        at: tuple[Jet, Jet],
        context_at: tuple[Jet, Jet],
        values: Float[Tensor, "batch context"],
        present: Bool[Tensor, "batch context"],
        own: Float[Tensor, "batch context"] | None,
    ) -> tuple[Jet, Jet | None]:
        """Tokens at points, and the context's vols smoothed there; `own` is None for targets, whose vol is unknown."""
        first, second = at
        if self.settings.kernel == "none":
            known = torch.zeros_like(first) if own is None else own[None]
            smoothed = None
            tokens = self.embedding_norm(self.embedding(torch.stack((first, second, known), -1)))
        else:
            coordinates = torch.stack((context_at[0][VALUE], context_at[1][VALUE]), -1)
            smoothed = self.embedding(first, second, coordinates, values, present)
            tokens = self.embedding_norm(smoothed)
        if self.positional_encoding is not None:
            tokens = tokens + math.sqrt(2) * self.positional_encoding(first, second)
        if own is None:
            tokens = jets.add_constant(tokens, self.mask_token)
        return self.input_norm(tokens), smoothed

    def _mixture(self, tokens: Jet, smoothed: Jet, mean: Tensor, std: Tensor) -> Jet:
        """A learned mixture of the wider kernel channels, in vol."""
        weights = jets.softmax(self.mixture(tokens))
        mixed = jets.multiply(weights, smoothed[..., -self.level_channels :]).sum(-1)
        return jets.add_constant(mixed * std, mean)

    def _level(self, at: tuple[Jet, Jet], context_at: tuple[Jet, Jet], batch: Batch) -> Jet | None:
        """The vol that the head's factor multiplies; None where the head answers alone."""
        if self.settings.level == "erased":
            return None
        if self.settings.level == "mean":
            weight = batch.present.to(batch.context_implied_vol.dtype)
            return ((batch.context_implied_vol * weight).sum(-1) / weight.sum(-1))[None, :, None]
        coordinates = torch.stack((context_at[0][VALUE], context_at[1][VALUE]), -1)
        return jets.exp(self.regression(*at, coordinates, batch.context_implied_vol.log(), batch.present))

    def _read_out(self, tokens: Jet, level: Jet | None, tau: Jet, attended: list[Attended]) -> Fitted:
        answer = self.head(tokens)[..., 0]
        if level is not None:
            answer = jets.multiply(level, jets.exp(answer))
        elif self.settings.positive:
            answer = jets.softplus(answer)
        if self.settings.quantity == "total_variance":
            implied_vol = (answer[VALUE].clamp_min(0) / tau[VALUE]).sqrt()
            return Fitted(implied_vol, answer, attended)
        total_variance = jets.multiply(jets.multiply(answer, answer), tau)
        return Fitted(answer[VALUE], total_variance, attended)


def _variables(k: Tensor, tau: Tensor, components: int) -> tuple[Jet, Jet]:
    """Log-moneyness and time to maturity as the jets that everything else depends on."""
    k, tau = jets.constant(k, components), jets.constant(tau, components)
    if components > 1:
        k[K], tau[TAU] = 1.0, 1.0
        k[KK] = 0.0
    return k, tau
