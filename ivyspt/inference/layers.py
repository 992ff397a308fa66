"""Layers of the trunk in single precision, in compiled loops over tokens, (token, channel)."""

import math

import numpy as np
from jaxtyping import Float

from ivyspt.inference.compiled import compiled

Array = np.ndarray
_f = np.float32
ONE, HALF, ROOT_HALF = _f(1), _f(0.5), _f(math.sqrt(0.5))
EPSILON = _f(1e-5)  # of layer norms, as PyTorch's
# exp: x = n log 2 + r, a polynomial in r (S. Moshier's Cephes, expf), log 2 in two parts of which the first is exact
SMALLEST = _f(-87.0)
LOG2_E, LOG2_HIGH, LOG2_LOW = _f(1.44269504), _f(0.693359375), _f(-2.12194440e-4)
E2, E3, E4, E5, E6, E7 = (
    *(_f(0.50000001201), _f(0.16666665459), _f(4.1665795894e-2)),
    *(_f(8.3334519073e-3), _f(1.3981999507e-3), _f(1.9875691500e-4)),
)
# erf, by Abramowitz & Stegun (1964), formula 7.1.26
P = _f(0.3275911)
A1, A2, A3, A4, A5 = _f(0.254829592), _f(-0.284496736), _f(1.421413741), _f(-1.453152027), _f(1.061405429)


@compiled
def exp_below(x: np.float32) -> np.float32:
    """exp(x) of x <= 0 to single precision, in steps that a processor takes for several x at once."""
    x = max(x, SMALLEST)
    n = np.floor(x * LOG2_E + HALF)
    r = x - n * LOG2_HIGH - n * LOG2_LOW
    series = ((((E7 * r + E6) * r + E5) * r + E4) * r + E3) * r + E2
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return (series * (r * r) + r + ONE) * power


@compiled
def norm(x: Array, weight: Array, bias: Array) -> Array:
    """Layer norm."""
    found, width = np.empty_like(x), _f(x.shape[1])
    for token in range(len(x)):
        row, mean, square = found[token], _f(0), _f(0)
        for c in range(len(row)):
            mean += x[token, c]
        mean /= width
        for c in range(len(row)):
            row[c] = x[token, c] - mean
            square += row[c] * row[c]
        scale = ONE / np.sqrt(square / width + EPSILON)
        for c in range(len(row)):
            row[c] = row[c] * scale * weight[c] + bias[c]
    return found


@compiled
def attend(
    found: Float[Array, "token channel"],
    query: Float[Array, "token channel"],
    keys: Float[Array, "context channel"],
    values: Float[Array, "context channel"],
    bias: Float[Array, "head token context"],
) -> None:
    """Softmax attention of each head on its share of the channels, biased by place; fills `found`."""
    heads, tokens, count = bias.shape
    width = query.shape[1] // heads
    root = _f(1 / math.sqrt(width))
    turned, values = keys.T.copy(), values.copy()  # in the order in which loops go through them
    logits, mean = np.empty(count, np.float32), np.empty(width, np.float32)
    for head in range(heads):
        first = head * width
        for token in range(tokens):
            logits[:] = bias[head, token]
            for c in range(first, first + width):
                asked = query[token, c] * root
                for other in range(count):
                    logits[other] += asked * turned[c, other]
            total = softmax(logits)
            mean[:] = _f(0)
            for other in range(count):
                for c in range(width):
                    mean[c] += logits[other] * values[other, first + c]
            found[token, first : first + width] = mean / total


@compiled
def softmax(logits: Array) -> np.float32:
    """Exponents relative to the largest, in place; returns their sum."""
    most, total = logits.max(), _f(0)
    for other in range(len(logits)):
        logits[other] = exp_below(logits[other] - most)
        total += logits[other]
    return total


@compiled
def gelu(x: Array) -> None:
    """x Φ(x) in place, to single precision."""
    for token in range(len(x)):
        row = x[token]
        for c in range(len(row)):
            size = abs(row[c])
            half = size * ROOT_HALF
            t = ONE / (ONE + P * half)
            series = ((((A5 * t + A4) * t + A3) * t + A2) * t + A1) * t
            tail = HALF * size * series * exp_below(-half * half)
            row[c] = max(row[c], _f(0)) - tail


@compiled
def gated(gate: Array, own: Array, foreign: Array) -> Array:
    """Between `foreign` and `own` by a logistic gate."""
    found = np.empty_like(gate)
    for token in range(len(gate)):
        for c in range(gate.shape[1]):
            tail = exp_below(-abs(gate[token, c]))
            share = (ONE if gate[token, c] >= 0 else tail) / (ONE + tail)
            found[token, c] = foreign[token, c] + share * (own[token, c] - foreign[token, c])
    return found


@compiled
def apart(at: Float[Array, "token 2"], context: Float[Array, "context 2"]) -> Float[Array, "5 token context"]:
    """How far each token lies from the context: by axis, the distances by axis, and the square of the distance."""
    found = np.empty((5, len(at), len(context)), np.float32)
    for token in range(len(at)):
        for other in range(len(context)):
            along, across = context[other, 0] - at[token, 0], context[other, 1] - at[token, 1]
            found[0, token, other], found[1, token, other] = along, across
            found[2, token, other], found[3, token, other] = abs(along), abs(across)
            found[4, token, other] = along * along + across * across
    return found


@compiled
def smoothed(gaps: Float[Array, "5 token context"], value: Array, scale: Array, rate: Array) -> Array:
    """The context's values smoothed at each token by Gaussian kernels, one a channel."""
    tokens, count = gaps.shape[1:]
    found, logits = np.empty((tokens, len(rate)), np.float32), np.empty(count, np.float32)
    for token in range(tokens):
        for channel in range(len(rate)):
            for other in range(count):
                along, across = gaps[0, token, other], gaps[1, token, other]
                logits[other] = -rate[channel] * (scale[0] * along * along + scale[1] * across * across)
            total, mean = softmax(logits), _f(0)
            for other in range(count):
                mean += logits[other] * value[other]
            found[token, channel] = mean / total
    return found
