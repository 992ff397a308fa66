"""SVI, SSVI and eSSVI slices of total variance, their derivatives and the bounds that keep arbitrage out.

Formulas follow Gatheral & Jacquier (2014), "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14(1);
Hendriks & Martini (2019), "The extended SSVI volatility surface", Journal of Computational Finance 22(5); and
Mingone (2022), "No arbitrage global parametrization for the eSSVI volatility surface", Quantitative Finance 22(12).
Aliases as there: theta is the at-the-money total variance, rho the correlation, phi the curvature and
psi = theta * phi. Every function broadcasts over numpy arrays.
"""

import numpy as np


def raw_svi(k, *, a, b, rho, m, sigma) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Total variance of a raw SVI slice and its first two derivatives in log-moneyness k.

    Parameters
    ----------
    k : array
        Log-moneyness.
    a, b, rho, m, sigma : float or array
        Level, slope (>= 0), correlation in (-1, 1), shift and width (> 0).

    Notes
    -----
    Gatheral & Jacquier (2014), eq. (3.1). Nothing here keeps the slice positive or free of butterflies.
    """
    root = np.sqrt((k - m) ** 2 + sigma**2)
    w = a + b * (rho * (k - m) + root)  # Gatheral & Jacquier (2014), eq. (3.1)
    return w, b * (rho + (k - m) / root), b * sigma**2 / root**3


def essvi(k, theta, rho, psi) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Total variance of an eSSVI slice and its first two derivatives in log-moneyness k.

    Parameters
    ----------
    k : array
        Log-moneyness.
    theta, rho, psi : float or array
        At-the-money total variance (> 0), correlation in (-1, 1), and theta * phi (> 0) of the slice.

    Notes
    -----
    Hendriks & Martini (2019), eq. (1.2), with psi for theta * phi.
    """
    root = np.sqrt((psi * k + rho * theta) ** 2 + (1 - rho**2) * theta**2)
    w = (theta + rho * psi * k + root) / 2
    w_k = psi * (rho + (psi * k + rho * theta) / root) / 2
    w_kk = psi**2 * (1 - rho**2) * theta**2 / (2 * root**3)
    return w, w_k, w_kk


def essvi_gradient(k, theta, rho, psi) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Derivatives of an eSSVI slice's total variance in theta, rho and psi, at fixed log-moneyness k."""
    root = np.sqrt((psi * k + rho * theta) ** 2 + (1 - rho**2) * theta**2)
    w_theta = (1 + (rho * psi * k + theta) / root) / 2
    w_rho = psi * k * (1 + theta / root) / 2
    w_psi = k * (rho + (psi * k + rho * theta) / root) / 2
    return w_theta, w_rho, w_psi


def power_law_psi(theta, eta, gamma) -> tuple[np.ndarray, np.ndarray]:
    """SSVI's psi = theta * phi(theta) for the power law phi, and its derivative in theta.

    Parameters
    ----------
    theta : float or array
        At-the-money total variance (> 0).
    eta, gamma : float or array
        Level (> 0) and exponent in (0, 1/2]; with a correlation rho that all maturities share,
        eta (1 + |rho|) <= 2 keeps the whole surface free of static arbitrage.

    Notes
    -----
    Gatheral & Jacquier (2014), eq. (4.5) and remark 4.4: phi = eta / (theta^gamma (1 + theta)^(1 - gamma)).
    """
    psi = eta * (theta / (1 + theta)) ** (1 - gamma)
    return psi, psi * (1 - gamma) / (theta * (1 + theta))


def largest_psi(theta, rho) -> np.ndarray:
    """The largest psi for which an eSSVI slice is known to be free of butterfly arbitrage.

    Gatheral & Jacquier (2014), theorem 4.2: psi (1 + |rho|) <= 4 and psi^2 (1 + |rho|) <= 4 theta; the first must be
    strict for call prices to vanish at infinity.
    """
    steepest = 1 + np.abs(rho)
    return np.minimum(4 / steepest, 2 * np.sqrt(theta / steepest))


def calendar_bounds(theta, rho, psi, later_theta, later_rho) -> tuple[np.ndarray, np.ndarray]:
    """Between which values the next slice's psi rules out calendar arbitrage against an earlier slice.

    Sufficient together with later_theta >= theta. Where the lower bound exceeds the upper one no psi is known to do.

    Parameters
    ----------
    theta, rho, psi : float or array
        The earlier slice.
    later_theta, later_rho : float or array
        At-the-money total variance and correlation of the later slice.

    Returns
    -------
    lower, upper : array
        Hendriks & Martini (2019), proposition 3.5, in the form of Mingone (2022), section 3:
        psi max((1 + rho)/(1 + rho'), (1 - rho)/(1 - rho')) <= psi' <= psi theta'/theta.
    """
    lower = psi * np.maximum((1 + rho) / (1 + later_rho), (1 - rho) / (1 - later_rho))
    return lower, psi * later_theta / theta
