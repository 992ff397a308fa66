"""Black's formula for an option on a forward.

Prices are undiscounted (divide a quoted price by the discount factor first) and arguments broadcast.

[1] Black, F. (1976). The pricing of commodity contracts. Journal of Financial Economics 3, 167-179.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr

MINUTES_PER_YEAR = 365 * 24 * 60  # ACT/365 to the minute


def price(
    forward: Float[np.ndarray, "..."],
    strike: Float[np.ndarray, "..."],
    time_to_maturity: Float[np.ndarray, "..."],
    implied_vol: Float[np.ndarray, "..."],
    is_call: Bool[np.ndarray, "..."],
) -> Float[np.ndarray, "..."]:
    """Undiscounted price of a European call (`is_call`) or put, in units of the forward; [1], eq. (16).

    `time_to_maturity` is in years, `implied_vol` annualised; both must be positive.
    """
    sign = np.where(is_call, 1.0, -1.0)
    std = implied_vol * np.sqrt(time_to_maturity)
    d_plus = np.log(forward / strike) / std + std / 2
    return sign * (forward * ndtr(sign * d_plus) - strike * ndtr(sign * (d_plus - std)))


def vega(
    forward: Float[np.ndarray, "..."],
    strike: Float[np.ndarray, "..."],
    time_to_maturity: Float[np.ndarray, "..."],
    implied_vol: Float[np.ndarray, "..."],
) -> Float[np.ndarray, "..."]:
    """Derivative of the undiscounted price with respect to the implied vol (per 1.00 of vol): F phi(d+) sqrt(tau)."""
    std = implied_vol * np.sqrt(time_to_maturity)
    d_plus = np.log(forward / strike) / std + std / 2
    return forward * np.sqrt(time_to_maturity) * np.exp(-(d_plus**2) / 2) / np.sqrt(2 * np.pi)


def delta(
    forward: Float[np.ndarray, "..."],
    strike: Float[np.ndarray, "..."],
    time_to_maturity: Float[np.ndarray, "..."],
    implied_vol: Float[np.ndarray, "..."],
    is_call: Bool[np.ndarray, "..."],
) -> Float[np.ndarray, "..."]:
    """Derivative of the undiscounted price with respect to the forward."""
    sign = np.where(is_call, 1.0, -1.0)
    std = implied_vol * np.sqrt(time_to_maturity)
    return sign * ndtr(sign * (np.log(forward / strike) / std + std / 2))
