"""What a fitted surface says at its targets."""

import math

import numpy as np
from jaxtyping import Float
from scipy.linalg.blas import strsm

from ivyspt.inference.compiled import HALLEY_STEPS, ROOT_HALF, ROOT_TWO_PI, black, compiled, erfcx, std_of_price
from ivyspt.inference.surface import Surface

Array = np.ndarray


def at_targets(
    surface: Surface, factor: Float[Array, "size size"], k: Float[Array, " point"], tau: Float[Array, " point"]
) -> tuple[Float[Array, " point"], tuple[Float[Array, " point"], ...]]:
    """The posterior's variance of log-vol, and the columns of an answer up to Durrleman's g."""
    value, integrals = surface.frame.basis(np.log(tau))
    slices = surface.slices(k, integrals)
    w, w_k, g, growth, by_variance, by_logit = _mix(k, *slices, surface.log_weights, surface.rates @ value)
    w_kk = 2 * (g - np.square(1 - k * w_k / (2 * w)) + np.square(w_k) / 4 * (1 / w + 0.25))
    jacobian = surface.jacobian(slices, integrals, by_variance, by_logit, np.float32).reshape(-1, len(k))
    # to the right of it as LAPACK reads it, by columns
    spread = strsm(1.0, factor.astype(np.float32), jacobian.T, side=1, lower=1, trans_a=1, overwrite_b=1)
    variance = np.einsum("pl,pl->p", spread, spread).astype(np.float64)
    return variance, (np.sqrt(w / tau), w, w_k, w_kk, growth / tau, g)


@compiled
def _mix(
    k: Array,
    each_w: Array,
    each_w_k: Array,
    each_w_kk: Array,
    by_logarithms: Array,
    log_weights: Array,
    slopes: Float[Array, "component 3 point"],
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The mixture's w, w_k, Durrleman's g and ∂w/∂ log tau, and how log-vol moves with each variance and weight."""
    components, points = each_w.shape
    w, w_k, g, growth = np.empty(points), np.empty(points), np.zeros(points), np.zeros(points)
    by_variance, by_logit = np.empty((components, points)), np.empty((components, points))
    weights = np.exp(log_weights)
    each_std, prices, d1, mills = np.empty(components), np.empty(components), np.empty(components), np.empty(components)
    for p in range(points):
        x, side = abs(k[p]), 1.0 if k[p] >= 0 else -1.0
        low, high, most = np.inf, 0.0, -np.inf
        for c in range(components):
            std = math.sqrt(each_w[c, p])
            log_price, d1[c], asset, strike = black(x, std)
            each_std[c], prices[c] = std, log_weights[c] + log_price
            mills[c] = strike if side > 0 else asset
            low, high, most = min(low, std), max(high, std), max(most, prices[c])
        start = total = 0.0
        for c in range(components):
            prices[c] = math.exp(prices[c] - most)
            total += prices[c]
            start += prices[c] * each_std[c]
        std = std_of_price(x, most + math.log(total), start / total, low, high, HALLEY_STEPS)
        own_d1 = -x / std + std / 2
        own_price = math.exp(most + math.log(total) + 0.5 * own_d1 * own_d1)
        tail = erfcx((std - own_d1 if side > 0 else -own_d1) * ROOT_HALF)
        mixed_w_k = 0.0
        for c in range(components):
            density = weights[c] * math.exp(0.5 * (own_d1 * own_d1 - d1[c] * d1[c]))
            share = density * std / each_std[c]
            w_c, w_k_c = each_w[c, p], each_w_k[c, p]
            within = 1 - k[p] * w_k_c / (2 * w_c)
            g[p] += share * (within * within - w_k_c * w_k_c / 4 * (1 / w_c + 0.25) + each_w_kk[c, p] / 2)
            for field in range(3):
                growth[p] += share * by_logarithms[c, field, p] * slopes[c, field, p]
            mixed_w_k += share * w_k_c
            tail -= density * mills[c]
            by_variance[c, p] = share / (2 * std * std)
            by_logit[c, p] = ROOT_TWO_PI * own_price * (prices[c] / total - weights[c]) / std
        w[p], w_k[p] = std * std, mixed_w_k + 2 * std * side * tail * math.sqrt(math.pi / 2)
    return w, w_k, g, growth, by_variance, by_logit
