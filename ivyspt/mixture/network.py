"""The flagship: quotes to a surface without static arbitrage, and how far it may be off."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ivyspt.flagship_config import QUOTE_KINDS, Flagship
from ivyspt.mixture.encoder import Block, KernelSmoother, MarketTokens, relative
from ivyspt.mixture.fit import Posterior, Prior, fit
from ivyspt.mixture.latent import Components, Frame, Layout
from ivyspt.mixture.maturity_basis import place_knots
from ivyspt.mixture.price_mixture import Mixed
from ivyspt.mixture.quotes import Quotes, market_features, plane
from ivyspt.mixture.typical import FIRMEST, FURTHEST_APART, NOISE_RANGE, PRIOR_STD, TYPICAL_CONFIDENCE, TYPICAL_NOISE


@dataclass(frozen=True)
class Fitted:
    """The posterior over surfaces and the scale of the error of one more quote."""

    posterior: Posterior
    quote_noise: Float[Tensor, "batch 1"]  # relative vol
    spread: Float[Tensor, ""]  # factor on the posterior's standard deviation

    def log_vol(self, k: Tensor, tau: Tensor) -> Float[Tensor, "batch target"]:
        """Log-vol at targets."""
        k, tau = k.double(), tau.double()
        surface = self.posterior.surface
        return (surface.mixed(k, surface.components(k, surface.frame.basis(tau.log()))).w / tau).log() / 2

    def error_scale(self, k: Tensor, tau: Tensor) -> Float[Tensor, "batch target"]:
        """Scale of log-vol's error against one more quote at each target."""
        k, tau = k.double(), tau.double()
        surface = self.posterior.surface
        with torch.no_grad():
            components = surface.components(k, surface.frame.basis(tau.log()))
            variance = self.log_vol_variance(components, surface.mixed(k, components))
        return self.scale_of(variance)

    def log_vol_variance(self, components: Components, mixed: Mixed) -> Float[Tensor, "batch target"]:
        """The posterior's variance of log-vol."""
        relative = 1 / (2 * mixed.w[:, None])
        jacobian = self.posterior.surface.jacobian(components, mixed.shares * relative, mixed.by_logit * relative)
        return self.posterior.variance_of(jacobian)

    def scale_of(self, variance: Float[Tensor, "batch target"]) -> Float[Tensor, "batch target"]:
        """The scale of one more quote's error, from the posterior's variance."""
        return (self.spread.square() * variance + self.quote_noise.square()).sqrt()


class FlagshipNetwork(nn.Module):
    """States a prior over arbitrage-free surfaces from the quotes, then fits the quotes under it."""

    def __init__(self, settings: Flagship):
        super().__init__()
        self.settings = settings
        d = settings.dimension
        self.smoother = KernelSmoother(settings.channels, settings.bandwidth_floor)
        # place (2) and its squares (3), waves (8), level, count, smoothed channels, value, spread and whether known
        self.embed = nn.Linear(15 + settings.channels + 3, d)
        self.kinds = nn.Parameter(torch.randn(3, d) * 0.02)  # quote, knot, whole surface
        self.market = MarketTokens(5, d)
        self.blocks = nn.ModuleList(
            Block(d, settings.heads, settings.feed_forward, settings.gate_bias) for _ in range(settings.blocks)
        )
        self.norm = nn.LayerNorm(d)
        components = settings.components
        self.of_knots = _quiet(nn.Linear(d, components * 3 * 2))
        self.of_surface = _quiet(nn.Linear(d, components * 4 * 2 + 2))
        self.of_quotes = _quiet(nn.Linear(d, 1))
        apart = torch.linspace(-1, 1, components) if components > 1 else torch.zeros(1)
        self.start = nn.Parameter(torch.stack((0.3 * apart, 0 * apart, 0 * apart, -0.7 * apart), -1))
        if settings.copies_of_many > 1:
            lean = FURTHEST_APART * torch.linspace(-1, 1, settings.copies_of_many)[:, None].expand(-1, components)
            self.apart = nn.Parameter(torch.stack((0 * lean, lean, -lean, 0 * lean), -1))
        if settings.quote_kinds:
            self.quote_kinds = nn.Parameter(torch.zeros(1 + len(QUOTE_KINDS), d))  # the first: unknown
        if settings.simulated_kind:
            self.simulated_kind = nn.Parameter(torch.zeros(1, d))  # against the unknown
        self.log_spread = nn.Parameter(torch.zeros(()))
        self.of_confidence = _quiet(nn.Linear(d, 1))

    def forward(self, quotes: Quotes) -> Fitted:
        """Fit each row of quotes; the longest row decides how many knots all have."""
        count = int(quotes.present.sum(-1).max())
        copies = self.settings.copies_for(count)
        layout = Layout(
            copies * self.settings.components, self.settings.knots_for(count), self.settings.bounds_by_maturity
        )
        level = quotes.mean_log_vol
        log_vol = quotes.implied_vol.log()
        log_tau = quotes.time_to_maturity.log()
        anchor = quotes.mean(log_tau)
        with torch.no_grad():
            knots = place_knots(log_tau, quotes.present, layout.knots)
        prior, target_noise = self._prior(quotes, level, log_vol - level, anchor, knots, copies)
        # the fit's systems have condition numbers beyond single precision
        exact = quotes.to(torch.float64)
        frame = Frame(knots.double(), anchor.double(), (2 * level + anchor).double())
        posterior = fit(
            layout,
            frame,
            prior.double(),
            exact.log_moneyness,
            exact.time_to_maturity,
            exact.implied_vol.log(),
            exact.present,
            self.settings,
        )
        return Fitted(posterior, target_noise.double(), self.log_spread.exp().double())

    def _prior(self, quotes: Quotes, level: Tensor, value: Tensor, anchor: Tensor, knots: Tensor, copies: int):
        at = plane(quotes.log_moneyness, quotes.time_to_maturity, level)
        asked_tau = torch.cat((knots, anchor), -1).exp()
        asked_at = plane(torch.zeros_like(asked_tau), asked_tau, level)
        context = self._tokens(at, at, value, quotes, level, known=True)
        asked = self._tokens(asked_at, at, value, quotes, level, known=False)
        market = self.market(market_features(quotes))
        hidden = torch.zeros_like(value).masked_fill(~quotes.present, -torch.inf)[:, None, None]
        count = value.shape[1]
        tokens, place = torch.cat((context, asked), 1), relative(torch.cat((at, asked_at), 1), at)
        if self.settings.quote_kinds:
            tokens = tokens + self._kinds()[quotes.kind]
        for block in self.blocks:
            tokens = block(tokens, block.remember(tokens[:, :count]), block.remember_market(market), place, hidden)
        tokens = self.norm(tokens)
        return self._read_out(tokens[:, :count], tokens[:, count:], copies)

    def _kinds(self) -> Float[Tensor, "kind dimension"]:
        if not self.settings.simulated_kind:
            return self.quote_kinds
        return torch.cat((self.quote_kinds, self.quote_kinds[:1] + self.simulated_kind))

    def _tokens(
        self, at: Tensor, context_at: Tensor, value: Tensor, quotes: Quotes, level: Tensor, known: bool
    ) -> Tensor:
        """Tokens of points; without `known` of the knots and, last, of the surface as a whole."""
        smoothed = self.smoother(at, context_at, value, quotes.present)
        one = torch.ones_like(at[..., :1])
        count = quotes.present.sum(-1, keepdim=True).to(at.dtype).log()
        waves = [wave(rate * at) for rate in (2.0, 5.0) for wave in (torch.sin, torch.cos)]
        own = torch.zeros_like(one[..., 0]) if not known else value
        half_spread = quotes.half_spread if known else torch.full_like(own, torch.nan)
        spread_known = ~half_spread.isnan()
        relative_spread = (half_spread / quotes.implied_vol).clamp_min(1e-4) if known else half_spread
        log_spread = torch.where(spread_known, relative_spread.log() / 2 + 2, 0.0)
        features = torch.cat(
            (
                *(at, at.square(), at.prod(-1, keepdim=True), *waves),
                *((level[..., None] + 1.2) * one, (count[..., None] - 3) * one / 1.2, smoothed),
                torch.stack((own, log_spread, spread_known.to(own.dtype)), -1),
            ),
            -1,
        )
        tokens = self.embed(features)
        if known:
            return tokens + self.kinds[0]
        return tokens + torch.cat((self.kinds[1].expand(at.shape[1] - 1, -1), self.kinds[2:]))

    def _read_out(self, context: Tensor, asked: Tensor, copies: int) -> tuple[Prior, Tensor]:
        components, knots = self.settings.components, asked.shape[1] - 1
        by_knot = self.of_knots(asked[:, :-1]).unflatten(-1, (2, components, 3)).permute(2, 0, 3, 4, 1)
        whole = self.of_surface(asked[:, -1])
        surface_noise, target_noise = whole[:, -2:].split(1, -1)
        by_component = whole[:, :-2].unflatten(-1, (2, components, 4)).transpose(0, 1)
        mean = torch.cat((by_component[0] + self.start, by_knot[0].flatten(-2)), -1).repeat(1, copies, 1)
        if copies > 1:
            mean = torch.cat((mean[..., :4] + self.apart.flatten(0, 1), mean[..., 4:]), -1)
        std = context.new_tensor(
            [PRIOR_STD[name] for name in ("level", "lean", "lean", "weight")]
            + [PRIOR_STD["slope"]] * knots
            + [PRIOR_STD["share"]] * 2 * knots
        )
        moved = FIRMEST * torch.tanh(torch.cat((by_component[1], by_knot[1].flatten(-2)), -1) / FIRMEST)
        precision = (moved - 2 * std.log()).exp().repeat(1, copies, 1).flatten(1)
        noise = math.log(TYPICAL_NOISE) + surface_noise + self.of_quotes(context)[..., 0]
        target = (math.log(TYPICAL_NOISE) + target_noise).clamp(*NOISE_RANGE).exp()
        confidence = TYPICAL_CONFIDENCE * self.of_confidence(asked[:, -1]).clamp(-FIRMEST, FIRMEST).exp()
        return Prior(mean.flatten(1), precision, noise.clamp(*NOISE_RANGE).exp(), confidence), target


def _quiet(layer: nn.Linear) -> nn.Linear:
    """A read-out that starts near zero, so that training starts from the typical surface."""
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)
    return layer
