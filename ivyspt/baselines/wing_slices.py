"""Slices of eSSVI by their level and two wings, in which freedom from arbitrage is a convex condition.

A slice at maturity tau has theta (at-the-money total variance), rho and psi, as in `ivyspt.svi`. Here it is written as

    level = log(theta / tau),   left = log(psi (1 - rho) / sqrt(theta)),   right = log(psi (1 + rho) / sqrt(theta)).

With x = log(tau), a surface whose slices satisfy

    |left'| <= (level' + 1) / 2,   |right'| <= (level' + 1) / 2       (derivatives in x)
    max(left, right) + log((e^left + e^right) / 2) <= log 4           (psi^2 (1 + |rho|) <= 4 theta)
    max(left, right) + (level + x) / 2 < log 4                        (psi (1 + |rho|) < 4)

is free of static arbitrage. By the first line theta and both wing slopes psi (1 ± rho) grow with tau while both slopes
over theta fall, so psi / theta falls: the conditions of Hendriks & Martini (2019), proposition 3.5, between any two
maturities, which exclude calendar arbitrage. The other two are Gatheral & Jacquier (2014), theorem 4.2, which excludes
butterflies. All are convex in (level, left, right), so what holds at two expiries holds on the straight line in x
between them; constants (level' = left' = right' = 0) satisfy the first.
"""

import numpy as np

from ivyspt import svi
from ivyspt.completion import Completion


def total_variance(k, tau, level, left, right) -> tuple[np.ndarray, np.ndarray]:
    """Total variance at log-moneyness k, and its derivatives in level, left and right on a last axis."""
    theta, rho, psi = natural(tau, level, left, right)
    w, _, _ = svi.essvi(k, theta, rho, psi)
    return w, _gradient(k, theta, rho, psi)


def natural(tau, level, left, right) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Theta, rho and psi of slices."""
    theta = tau * np.exp(level)
    low, high = np.sqrt(theta) * np.exp(left), np.sqrt(theta) * np.exp(right)
    return theta, (high - low) / (high + low), (high + low) / 2


def _gradient(k, theta, rho, psi) -> np.ndarray:
    by_theta, by_rho, by_psi = svi.essvi_gradient(k, theta, rho, psi)
    tilt = by_rho * (1 - rho**2) / 2  # d rho / d right = - d rho / d left = (1 - rho^2) / 2
    return np.stack(
        [
            by_theta * theta + by_psi * psi / 2,
            by_psi * psi * (1 - rho) / 2 - tilt,
            by_psi * psi * (1 + rho) / 2 + tilt,
        ],
        axis=-1,
    )


def interpolated(log_tau: np.ndarray, nodes: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values at x, straight in log(tau) between nodes (node, parameter) and constant beyond, and their slopes in x."""
    if len(log_tau) == 1:
        values = np.broadcast_to(nodes, (len(x), nodes.shape[1]))
        return values, np.zeros_like(values)
    before = np.clip(np.searchsorted(log_tau, x, side="right") - 1, 0, len(log_tau) - 2)
    width = np.diff(log_tau)[before, None]
    share = (x - log_tau[before])[:, None] / width
    outside = (share < 0) | (share > 1)
    rise = nodes[before + 1] - nodes[before]
    return nodes[before] + np.clip(share, 0, 1) * rise, np.where(outside, 0.0, rise / width)


def completion_of(k: np.ndarray, tau: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> Completion:
    """Vols and derivatives of slices whose (level, left, right) and slopes in log(tau) are given, (point, 3) each."""
    theta, rho, psi = natural(tau, *values.T)
    w, w_k, w_kk = svi.essvi(k, theta, rho, psi)
    w_x = (_gradient(k, theta, rho, psi) * (slopes + np.array([1.0, 0.0, 0.0]))).sum(axis=-1)
    return Completion(np.sqrt(w / tau), w_k, w_kk, w_x / tau)


def slack_of_slices(log_tau: np.ndarray, level: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """What is left to the four bounds of each slice on a last axis, positive inside; arguments (..., node)."""
    mean = np.logaddexp(left, right) - np.log(2)
    half = (level + log_tau) / 2
    return np.log(4) - np.stack([left + mean, right + mean, left + half, right + half], axis=-1)


def slack_of_steps(log_tau: np.ndarray, level: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """What is left to the four bounds between neighbouring slices on a last axis, positive inside."""
    half = (np.diff(level) + np.diff(log_tau)) / 2
    left, right = np.diff(left), np.diff(right)
    return np.stack([half - left, half + left, half - right, half + right], axis=-1)
