"""One carry line a surface: what expiries say about each other's forwards.

The log prepaid forward x = log(F D) is the log spot less the dividends paid until expiry: nearly linear in time but for
jumps at ex-dividend days.

[1] Rauch, Tung & Striebel (1965). Maximum likelihood estimates of linear dynamic systems. AIAA Journal 3(8).
[2] West, M. (1981). Robust sequential approximate Bayesian estimation. J. R. Statist. Soc. B 43(2): heavy-tailed steps.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import solveh_banded

from ivyspt.quotes.segments import total

STEP = 5e-3  # of x, per root year: a quarterly dividend of 0.25 %, which the drift does not know
REWEIGHTINGS = 10  # of steps that look like dividends
LEAST_PRECISION = 1e-6  # of x per slice: holds slices that no pair informs, far below any step's precision


def carry_line(
    prepaid: Float[np.ndarray, " slice"],
    error: Float[np.ndarray, " slice"],
    tau: Float[np.ndarray, " slice"],
    surface: Int[np.ndarray, " slice"],
) -> Float[np.ndarray, " slice"]:
    """Smoothed x of every slice, by its own estimate and its neighbours'; NaN in a surface without any estimate.

    `prepaid` and its standard `error` come from the slice's own pairs (NaN and infinite without). The prior is a drift
    a surface plus a random walk in time to maturity with Cauchy steps ([2]), so that a dividend passes unsmoothed; the
    posterior mode is that of a Kalman smoother ([1]), found for all surfaces by one banded system.
    """
    count = int(surface.max(initial=-1)) + 1
    order = np.lexsort((tau, surface))
    known = np.isfinite(prepaid) & np.isfinite(error)
    weight = np.where(known, error, np.inf)[order] ** -2.0
    x, t, s = np.where(known, prepaid, 0.0)[order], tau[order], surface[order]
    centred, level, drift = _drift(x, t, s, np.minimum(weight, STEP**-2), count)
    x = np.where(weight > 0, x - level[s] - drift[s] * centred, 0.0)
    linked = s[1:] == s[:-1]
    variance = STEP**2 * np.maximum(np.diff(t), 1e-6)
    step = np.zeros(variance.size)
    for _ in range(REWEIGHTINGS):
        link = linked / (variance + step**2)
        diagonal = weight + LEAST_PRECISION + np.append(link, 0.0) + np.insert(link, 0, 0.0)
        # one row of its own at the end: LAPACK takes no system of a single equation
        bands = np.stack([np.concatenate([[0.0], -link, [0.0]]), np.append(diagonal, 1.0)])
        smooth = solveh_banded(bands, np.append(weight * x, 0.0))[:-1]
        step = np.diff(smooth)
    line = np.empty(tau.size)
    line[order] = smooth + level[s] + drift[s] * centred
    return np.where(np.bincount(surface[known], minlength=count)[surface] > 0, line, np.nan)


def _drift(x, tau, surface, weight, count):
    """Weighted regression of x on time in each surface: time from its mean, level and slope."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mass = total(weight, surface, count)
        centred = tau - (total(weight * tau, surface, count) / mass)[surface]
        level = total(weight * x, surface, count) / mass
        spread = total(weight * centred**2, surface, count)
        # a lone slice has no slope: ASSUME no dividends beyond it
        slope = np.where(spread > 1e-12 * mass, total(weight * centred * x, surface, count) / spread, 0.0)
    return np.nan_to_num(centred), np.nan_to_num(level), np.nan_to_num(slope)
