"""The network's trunk for one surface: from quotes to a prior (the same as `ivyspt.mixture.network`, unpadded)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import erfinv

from ivyspt.flagship_config import Flagship
from ivyspt.inference.layers import apart, attend, gated, gelu, norm, smoothed
from ivyspt.mixture.answers import Quoted
from ivyspt.mixture.typical import (
    FIRMEST,
    MIDDLE,
    NOISE_RANGE,
    PRIOR_STD,
    REACH,
    SCALE,
    TYPICAL_CONFIDENCE,
    TYPICAL_NOISE,
)

Array = np.ndarray


@dataclass(frozen=True)
class Prior:
    """A Gaussian over the latent numbers, the relative noise of each quote, and how much that level counts for."""

    components: int
    mean: Float[Array, " size"]
    precision: Float[Array, " size"]
    noise: Float[Array, " context"]
    confidence: float
    quote_noise: float


class Trunk:
    """Weights laid out for one forward pass in single precision."""

    def __init__(self, weights: Mapping[str, Array], settings: Flagship):
        self.settings = settings
        self.w = {
            name: np.ascontiguousarray(value.T if value.ndim == 2 and name.endswith(".weight") else value, np.float32)
            for name, value in weights.items()
        }
        q = np.arange(1, settings.channels + 1) / (settings.channels + 1)
        bandwidth = 2 * erfinv(q) ** 2 + settings.bandwidth_floor**2
        scale = np.exp(self.w["smoother.log_scale"])
        self.scale = (scale / scale.mean()).astype(np.float32)
        self.rate = (0.5 / bandwidth).astype(np.float32)
        blocks = [f"blocks.{number}." for number in range(settings.blocks)]
        self.place = np.concatenate([self.w[f"{name}place.weight"].T for name in blocks])
        for part in ("weight", "bias"):  # of market features, which all blocks read alike
            self.w[f"market_key_value.{part}"] = np.concatenate(
                [self.w[f"{name}market_key_value.{part}"] for name in blocks], -1
            )

    def prior(self, k: Array, tau: Array, vol: Array, quoted: Quoted, knots: Array) -> Prior:
        """State the prior, from the places and vols in double precision and what else is known of the quotes."""
        log_vol, anchor = np.log(vol), np.log(tau).mean()
        level, count = log_vol.mean(), len(k)
        asked_tau = np.append(np.exp(knots), np.exp(anchor))
        at = _plane(np.append(k, np.zeros(len(asked_tau))), np.append(tau, asked_tau), level)
        gaps = apart(at, at[:count])
        tokens = self._tokens(at, gaps, (log_vol - level).astype(np.float32), level, quoted.half_spread / vol)
        settings = self.settings
        if settings.quote_kinds:
            tokens += self.w["quote_kinds"][quoted.kind_number]
        bias = (self.place @ gaps.reshape(5, -1)).reshape(settings.blocks, settings.heads, *gaps.shape[1:])
        market = self._linear("market_key_value.", self._market(quoted.market, vol))
        market = market.reshape(len(market), settings.blocks, 2, -1)
        for number in range(settings.blocks):
            self._pass_block(f"blocks.{number}.", tokens, count, market[:, number], bias[number])
        tokens = self._norm("norm.", tokens)
        return self._read_out(tokens[:count], tokens[count:])

    def _tokens(self, at: Array, gaps: Array, value: Array, level: float, spread: Array) -> Array:
        """Of the context, then of the places that are asked about, of which the last one asks about the surface."""
        count, one = len(value), np.ones((len(at), 1), np.float32)
        known = ~np.isnan(spread)
        own = np.zeros((len(at), 3), np.float32)  # of quotes alone
        own[:count, 0], own[:count, 2] = value, known
        own[:count, 1][known] = np.log(np.maximum(spread[known], 1e-4)) / 2 + 2
        features = np.concatenate(
            (
                *(at, np.square(at), at.prod(-1, keepdims=True)),
                *(wave(np.float32(rate) * at) for rate in (2.0, 5.0) for wave in (np.sin, np.cos)),
                *((level + 1.2) * one, (math.log(count) - 3) / 1.2 * one),
                *(smoothed(gaps, value, self.scale, self.rate), own),
            ),
            -1,
            dtype=np.float32,
        )
        tokens = self._linear("embed.", features)
        for kind, asked in enumerate((slice(count), slice(count, -1), slice(-1, None))):
            tokens[asked] += self.w["kinds"][kind]
        return tokens

    def _pass_block(self, name: str, tokens: Array, count: int, market: Array, bias: Array) -> None:
        """Add what a block finds to the tokens, of which the first `count` are the context."""
        normed, width = self._norm(f"{name}norm.", tokens), tokens.shape[1]
        query, key_value = self._linear(f"{name}query.", normed), self._linear(f"{name}key_value.", normed[:count])
        both = np.empty((len(tokens), 2 * width), np.float32)
        own, foreign = both[:, :width], both[:, width:]
        attend(own, query[:, :width], key_value[:, :width], key_value[:, width:], bias)
        unbiased = np.zeros((len(bias), len(tokens), len(market)), np.float32)
        attend(foreign, query[:, width:], market[:, 0], market[:, 1], unbiased)
        tokens += self._linear(f"{name}output.", gated(self._linear(f"{name}gate.", both), own, foreign))
        inner = self._linear(f"{name}rise.", self._norm(f"{name}feed_norm.", tokens))
        gelu(inner)
        tokens += self._linear(f"{name}fall.", inner)

    def _market(self, market: Array, vol: Array) -> Array:
        mean = vol.mean()
        scaled = np.array(
            [
                market[0] / 0.01,
                np.log(market[1] / 0.2) / 0.4,
                (market[2] - 0.03) / 0.02,
                math.log(mean / 0.3) / 0.5,
                math.log(math.sqrt(np.square(vol - mean).mean()) / mean + 0.01) / 0.7 + 3.0,
            ],
            np.float32,
        )[:, None]
        token = scaled * self.w["market.direction"] + self.w["market.offset"]
        return np.where(np.isnan(scaled), self.w["market.missing"], token)

    def _linear(self, name: str, x: Array) -> Array:
        found = x @ self.w[f"{name}weight"]
        found += self.w[f"{name}bias"]
        return found

    def _norm(self, name: str, x: Array) -> Array:
        return norm(x, self.w[f"{name}weight"], self.w[f"{name}bias"])

    def _read_out(self, context: Array, asked: Array) -> Prior:
        components, knots = self.settings.components, len(asked) - 1
        by_knot = self._linear("of_knots.", asked[:-1]).reshape(knots, 2, components, 3).transpose(1, 2, 3, 0)
        by_knot = by_knot.reshape(2, components, 3 * knots)
        whole = self._linear("of_surface.", asked[-1:])[0]
        surface_noise, target_noise = whole[-2:]
        by_component = whole[:-2].reshape(2, components, 4)
        copies = self.settings.copies_for(len(context))
        mean = np.tile(np.concatenate((by_component[0] + self.w["start"], by_knot[0]), -1), (copies, 1))
        if copies > 1:
            mean[:, :4] += self.w["apart"].reshape(-1, 4)
        std = np.array(
            [PRIOR_STD[name] for name in ("level", "lean", "lean", "weight")]
            + [PRIOR_STD["slope"]] * knots
            + [PRIOR_STD["share"]] * 2 * knots
        )
        moved = FIRMEST * np.tanh(np.concatenate((by_component[1], by_knot[1]), -1) / FIRMEST)
        precision = np.tile(np.exp(moved - 2 * np.log(std)), (copies, 1))
        noise = math.log(TYPICAL_NOISE) + surface_noise + self._linear("of_quotes.", context)[:, 0]
        confidence = np.clip(self._linear("of_confidence.", asked[-1:])[0, 0], -FIRMEST, FIRMEST)
        return Prior(
            copies * components,
            mean.ravel().astype(np.float64),
            precision.ravel().astype(np.float64),
            np.exp(np.clip(noise, *NOISE_RANGE)).astype(np.float64),
            TYPICAL_CONFIDENCE * math.exp(confidence),
            math.exp(np.clip(math.log(TYPICAL_NOISE) + target_noise, *NOISE_RANGE)),
        )


def _plane(k: Array, tau: Array, level: float) -> Array:
    z = k / (np.sqrt(tau) * math.exp(level))
    z = z / np.sqrt(1 + np.square(z / REACH))
    return np.stack((z / 2, (np.log(tau) - MIDDLE) / SCALE), -1).astype(np.float32)
