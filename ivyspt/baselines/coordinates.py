"""Scaled coordinates in which the per-surface baselines fit, and the way back to total variance."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ivyspt.completion import Completion, Context

Kind = Literal["plain", "standardised"]
Response = Literal["implied_vol", "log_implied_vol", "total_variance"]


@dataclass(frozen=True)
class Coordinates:
    """Coordinates u(k, tau) and v(tau), and their derivatives; u is linear in k. Arrays have one entry a point."""

    u: np.ndarray
    v: np.ndarray
    u_k: np.ndarray
    u_tau: np.ndarray
    v_tau: np.ndarray

    @property
    def points(self) -> np.ndarray:
        """The coordinates as an array (point, 2)."""
        return np.column_stack([self.u, self.v])


@dataclass(frozen=True)
class Fitted:
    """A fitted function of (u, v) and its derivatives at the points asked for."""

    value: np.ndarray
    u: np.ndarray
    uu: np.ndarray
    v: np.ndarray


def coordinates(kind: Kind, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Coordinates:
    """Coordinates of points, scaled by what the context shows.

    `plain`: k and tau over their standard deviations in the context. `standardised`: z = k / (sigma_ATM sqrt(tau)),
    standard deviations, and log(tau).
    """
    k, tau = np.asarray(log_moneyness, float), np.asarray(time_to_maturity, float)
    if kind == "plain":
        k_scale = _spread(context.log_moneyness, 1.0)
        tau_scale = _spread(context.time_to_maturity, context.time_to_maturity.mean())
        one = np.ones_like(k)
        return Coordinates(k / k_scale, tau / tau_scale, one / k_scale, 0 * one, one / tau_scale)
    u_k = 1 / (context.at_the_money_vol * np.sqrt(tau))
    return Coordinates(k * u_k, np.log(tau), u_k, -k * u_k / (2 * tau), 1 / tau)


def _spread(values: np.ndarray, otherwise: float) -> float:
    """Standard deviation, or `otherwise` where all are equal (their computed deviation need not be zero)."""
    return values.std() if np.ptp(values) > 0 else otherwise


def response(kind: Response, implied_vol: np.ndarray, time_to_maturity: np.ndarray) -> np.ndarray:
    """The quantity that a baseline fits."""
    if kind == "implied_vol":
        return implied_vol
    if kind == "log_implied_vol":
        return np.log(implied_vol)
    return implied_vol**2 * time_to_maturity


def completion_of(kind: Response, fitted: Fitted, at: Coordinates, time_to_maturity: np.ndarray) -> Completion:
    """Implied vol and derivatives of total variance, by the chain rule; NaN where the fit is not a positive vol."""
    tau, y = time_to_maturity, fitted.value
    y_k, y_kk = fitted.u * at.u_k, fitted.uu * at.u_k**2
    y_tau = fitted.u * at.u_tau + fitted.v * at.v_tau
    with np.errstate(over="ignore", invalid="ignore"):
        if kind == "implied_vol":
            w, w_k, w_kk = y**2 * tau, 2 * tau * y * y_k, 2 * tau * (y_k**2 + y * y_kk)
            w_tau = y**2 + 2 * tau * y * y_tau
            answered = y > 0
        elif kind == "log_implied_vol":
            w = np.exp(2 * y) * tau
            w_k, w_kk, w_tau = 2 * w * y_k, 2 * w * y_kk + 4 * w * y_k**2, w / tau + 2 * w * y_tau
            answered = w > 0
        else:
            w, w_k, w_kk, w_tau = y, y_k, y_kk, y_tau
            answered = y > 0
        answered &= np.isfinite(w) & np.isfinite(w_k) & np.isfinite(w_kk) & np.isfinite(w_tau)
        implied_vol = np.sqrt(np.where(answered, w, np.nan) / tau)
    return Completion(implied_vol, *(np.where(answered, each, np.nan) for each in (w_k, w_kk, w_tau)))
