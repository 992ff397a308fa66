"""The network's trunk for one surface: from quotes to a prior (the same as `ivyspt.mixture.network`, unpadded)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import erfinv, expit

from ivyspt.flagship_config import Flagship
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
        self.w = {name: np.ascontiguousarray(value, np.float32) for name, value in weights.items()}
        q = np.arange(1, settings.channels + 1) / (settings.channels + 1)
        bandwidth = 2 * erfinv(q) ** 2 + settings.bandwidth_floor**2
        scale = np.exp(self.w["smoother.log_scale"])
        self.scale = (scale / scale.mean()).astype(np.float32)
        self.rate = (0.5 / bandwidth).astype(np.float32)
        names = [f"blocks.{number}.place.weight" for number in range(settings.blocks)]
        self.place = np.concatenate([self.w[name] for name in names]).T

    def prior(self, k: Array, tau: Array, vol: Array, quoted: Quoted, knots: Array) -> Prior:
        """State the prior, from the places and vols in double precision and what else is known of the quotes."""
        log_vol, anchor = np.log(vol), np.log(tau).mean()
        level = log_vol.mean()
        value = (log_vol - level).astype(np.float32)
        asked_tau = np.append(np.exp(knots), np.exp(anchor))
        at = _plane(k, tau, level)
        asked_at = _plane(np.zeros_like(asked_tau), asked_tau, level)
        context = self._tokens(at, at, value, level, quoted.half_spread / vol, value)
        asked = self._tokens(asked_at, at, np.zeros(len(asked_at), np.float32), level, None, value)
        tokens = np.concatenate((context + self.w["kinds"][0], asked))
        tokens[len(at) : -1] += self.w["kinds"][1]
        tokens[-1] += self.w["kinds"][2]
        if self.settings.quote_kinds:
            tokens += self.w["quote_kinds"][quoted.kind_number]
        gap = at[None] - np.concatenate((at, asked_at))[:, None]
        relative = np.concatenate((gap, np.abs(gap), np.square(gap) @ np.ones((2, 1), np.float32)), -1)
        bias = (relative.reshape(-1, 5) @ self.place).reshape(*gap.shape[:2], self.settings.blocks, -1)
        features = self._market(quoted.market, vol)
        for number in range(self.settings.blocks):
            tokens = self._block(f"blocks.{number}.", tokens, len(at), features, bias[:, :, number].transpose(2, 0, 1))
        tokens = self._norm("norm.", tokens)
        return self._read_out(tokens[: len(at)], tokens[len(at) :])

    def _tokens(self, at: Array, context: Array, own: Array, level: float, spread: Array | None, value: Array) -> Array:
        distance = np.square(at[:, None] - context[None]) @ self.scale
        smoothed = _softmax(-distance[:, None] * self.rate[:, None]) @ value
        one = np.ones((len(at), 1), np.float32)
        known = np.zeros(len(at), bool) if spread is None else ~np.isnan(spread)
        spread = np.zeros(len(at)) if spread is None else spread
        log_spread = np.where(known, np.log(np.clip(np.nan_to_num(spread, nan=1.0), 1e-4, None)) / 2 + 2, 0.0)
        waves = [wave(rate * at) for rate in (2.0, 5.0) for wave in (np.sin, np.cos)]
        features = np.concatenate(
            (
                *(at, np.square(at), at.prod(-1, keepdims=True), *waves),
                *((level + 1.2) * one, (math.log(len(value)) - 3) / 1.2 * one, smoothed),
                np.stack((own, log_spread, known), -1),
            ),
            -1,
            dtype=np.float32,
        )
        return self._linear("embed.", features)

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

    def _block(self, name: str, tokens: Array, count: int, market: Array, bias: Array) -> Array:
        normed = self._norm(f"{name}norm.", tokens)
        own_query, market_query = self._split(self._linear(f"{name}query.", normed))
        own = _attend(own_query, *self._split(self._linear(f"{name}key_value.", normed[:count])), bias)
        foreign = _attend(market_query, *self._split(self._linear(f"{name}market_key_value.", market)), 0.0)
        gate = expit(self._linear(f"{name}gate.", np.concatenate((own, foreign), -1)))
        tokens = tokens + self._linear(f"{name}output.", foreign + gate * (own - foreign))
        inner = self._linear(f"{name}rise.", self._norm(f"{name}feed_norm.", tokens))
        return tokens + self._linear(f"{name}fall.", _gelu(inner))

    def _split(self, tokens: Array) -> tuple[Array, Array]:
        heads = self.settings.heads
        first, second = np.split(tokens, 2, -1)
        return tuple(half.reshape(len(half), heads, -1).transpose(1, 0, 2) for half in (first, second))

    def _linear(self, name: str, x: Array) -> Array:
        return x @ self.w[f"{name}weight"].T + self.w[f"{name}bias"]

    def _norm(self, name: str, x: Array) -> Array:
        width = np.float32(x.shape[-1])
        centred = x - (np.add.reduce(x, -1) / width)[:, None]
        variance = np.einsum("ij,ij->i", centred, centred) / width
        centred *= (1 / np.sqrt(variance + np.float32(1e-5)))[:, None]
        centred *= self.w[f"{name}weight"]
        centred += self.w[f"{name}bias"]
        return centred

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


def _attend(query: Array, keys: Array, values: Array, bias: Array | float) -> Array:
    logits = query @ keys.transpose(0, 2, 1) * np.float32(1 / math.sqrt(query.shape[-1])) + bias
    return (_softmax(logits) @ values).transpose(1, 0, 2).reshape(query.shape[1], -1)


def _softmax(x: Array) -> Array:
    x = x - np.maximum.reduce(x, -1, keepdims=True)
    np.exp(x, out=x)
    x /= np.add.reduce(x, -1, keepdims=True)
    return x


def _gelu(x: Array) -> Array:
    """x Φ(x), to single precision by Abramowitz & Stegun (1964), formula 7.1.26."""
    half = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * half)
    series = np.full_like(t, 1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series *= t
        series += np.float32(coefficient)
    series *= t
    half *= -half
    series *= np.exp(half)  # 1 - erf(|x|/√2)
    series *= np.float32(0.5)
    return x * np.where(x >= 0, 1 - series, series)
