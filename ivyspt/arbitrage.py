"""The two static no-arbitrage conditions of a surface of total variance, pointwise.

Calendar: w_tau >= 0 at fixed log-moneyness. Butterfly: Durrleman's g >= 0, together with d+ -> -inf in the right wing.
"""

import numpy as np

LEE_BOUND = 2.0  # largest asymptotic slope of total variance in log-moneyness: Lee (2004)


def durrleman_g(k, w, w_k, w_kk, *, as_published: bool = False):
    """Durrleman's g: negative where the implied density of log(S/F) is.

    Parameters
    ----------
    k : array or tensor
        Log-moneyness log(strike / forward).
    w, w_k, w_kk : array or tensor
        Total variance (> 0) and its first two derivatives in log-moneyness, of k's shape.
    as_published : bool
        The IvySPT paper's formula, which prints w_k for (w_k)^2 in the middle term. It is no condition on the density:
        it flags arbitrage-free slices and passes slices whose density is negative.

    Returns
    -------
    array or tensor
        g, dimensionless. g >= 0 with d+ -> -inf as k -> inf rules out butterfly arbitrage.

    Notes
    -----
    Gatheral & Jacquier (2014), eq. (2.1) and Lemma 2.2. Works on numpy arrays and on torch tensors alike.
    """
    slope = w_k if as_published else w_k**2
    return (1 - k * w_k / (2 * w)) ** 2 - slope / 4 * (1 / w + 1 / 4) + w_kk / 2


def implied_density(k: np.ndarray, w: np.ndarray, w_k: np.ndarray, w_kk: np.ndarray) -> np.ndarray:
    """Risk-neutral density of log(S/F) at k, a number per unit of log-moneyness.

    Gatheral & Jacquier (2014), p. 4: g(k) φ(d-) / √w with d- = -k/√w - √w/2.
    """
    d_minus = -k / np.sqrt(w) - np.sqrt(w) / 2
    return durrleman_g(k, w, w_k, w_kk) * np.exp(-(d_minus**2) / 2) / np.sqrt(2 * np.pi * w)
