"""Early-exercise premium of American options by Ju and Zhong's approximation.

[1] Ju, N. & Zhong, R. (1999). An approximate formula for pricing American options. Journal of Derivatives 7(2), 31-40.
[2] Barone-Adesi, G. & Whaley, R. E. (1987). Efficient analytic approximation of American option values. Journal of
    Finance 42(2), 301-320: the equation of the critical price and the seed of its root.
[3] McDonald, R. & Schroder, M. (1998). A parity result for American options. Journal of Computational Finance 1(3):
    a call is a put with spot and strike, rate and yield exchanged.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr

NEWTON_STEPS = 8
LEAST_RATE = 1e-5  # annualised; below it waiting costs a put's holder nothing worth computing


def early_exercise_premium(
    spot: Float[np.ndarray, " quote"],
    strike: Float[np.ndarray, " quote"],
    time_to_maturity: Float[np.ndarray, " quote"],
    rate: Float[np.ndarray, " quote"],
    dividend_yield: Float[np.ndarray, " quote"],
    implied_vol: Float[np.ndarray, " quote"],
    is_call: Bool[np.ndarray, " quote"],
) -> Float[np.ndarray, " quote"]:
    """Price of the right to exercise early, in units of the spot; rate and yield are continuous and annualised.

    ASSUME dividends flow continuously: a call just before a large discrete one is worth more than this says.
    """
    spot, strike = np.where(is_call, strike, spot), np.where(is_call, spot, strike)
    rate, dividend_yield = np.where(is_call, dividend_yield, rate), np.where(is_call, rate, dividend_yield)
    premium = np.zeros(spot.shape)
    worth = (rate > LEAST_RATE) & (time_to_maturity > 0) & (implied_vol > 0)
    terms = (spot, strike, time_to_maturity, rate, dividend_yield, implied_vol)
    premium[worth] = _put_premium(*(term[worth] for term in terms))
    return premium


def _put_premium(spot, strike, tau, rate, dividend_yield, vol):
    """[1], eqs. (21)-(24), for puts; arguments as above, all positive but the yield."""
    std = vol * np.sqrt(tau)
    h = -np.expm1(-rate * tau)
    alpha, beta = 2 * rate / vol**2, 2 * (rate - dividend_yield) / vol**2
    root = np.sqrt((beta - 1) ** 2 + 4 * alpha / h)
    exponent = -(beta - 1 + root) / 2  # lambda(h), the negative root
    growth, yield_discount = np.exp((rate - dividend_yield) * tau), np.exp(-dividend_yield * tau)
    critical, d_plus = _critical_price(strike, std, growth, yield_discount, exponent, alpha, beta)
    d_minus = d_plus - std
    european = strike * (1 - h) * ndtr(-d_minus) - critical * yield_discount * ndtr(-d_plus)
    exercise = np.maximum(strike - critical - european, 1e-12 * strike)  # h A(h)
    slope = alpha / (h**2 * root)  # lambda'(h)
    density = np.exp(-(d_plus**2) / 2) / np.sqrt(2 * np.pi)
    european_slope = (
        critical * density * vol * growth / (2 * rate * np.sqrt(tau))
        + dividend_yield * critical * ndtr(-d_plus) * growth / rate
        - strike * ndtr(-d_minus)
    )
    bend = 2 * exponent + beta - 1  # equals -root
    b = (1 - h) * alpha * slope / (2 * bend)
    c = -(1 - h) * alpha / bend * (european_slope / exercise + 1 / h + slope / bend)
    distance = np.log(spot / critical)
    chi = b * distance**2 + c * distance
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        waiting = exercise * np.exp(exponent * distance) / (1 - chi)
        d_spot = np.log(spot * growth / strike) / std + std / 2
    now = strike * (1 - h) * ndtr(-(d_spot - std)) - spot * yield_discount * ndtr(-d_spot)
    waiting = np.where((chi < 1) & (waiting >= 0), waiting, 0.0)
    # an American price is at least what exercise gives
    return np.where(spot <= critical, strike - spot - now, np.maximum(waiting, np.maximum(strike - spot - now, 0.0)))


def _critical_price(strike, std, growth, yield_discount, exponent, alpha, beta):
    """Spot below which a put is exercised, and its d+: Newton's method on [2], eq. (24), from its seed."""
    perpetual = strike / (1 + 2 / (beta - 1 + np.sqrt((beta - 1) ** 2 + 4 * alpha)))
    with np.errstate(over="ignore"):
        seed = (np.log(growth) - 2 * std) * strike / (strike - perpetual)
        critical = perpetual + (strike - perpetual) * np.exp(np.minimum(seed, 0.0))
    forward_strike = strike / growth
    for _ in range(NEWTON_STEPS):
        d_plus = np.log(critical / forward_strike) / std + std / 2
        delta = yield_discount * ndtr(-d_plus)
        european = forward_strike * yield_discount * ndtr(std - d_plus) - critical * delta
        # eq. (24): K - S = p(S) - S (1 - delta) / lambda
        value = strike - critical - european + critical * (1 - delta) / exponent
        density = yield_discount * np.exp(-(d_plus**2) / 2) / (std * np.sqrt(2 * np.pi))
        slope = -1 + delta + (1 - delta + density) / exponent
        critical = np.clip(critical - value / slope, 1e-6 * strike, strike)
    return critical, np.log(critical / forward_strike) / std + std / 2
