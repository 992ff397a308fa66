"""Early-exercise premium of American options by Ju and Zhong's approximation.

[1] Ju, N. & Zhong, R. (1999). An approximate formula for pricing American options. Journal of Derivatives 7(2), 31-40.
[2] Barone-Adesi, G. & Whaley, R. E. (1987). Efficient analytic approximation of American option values. Journal of
    Finance 42(2), 301-320: the equation of the critical price and the seed of its root.
[3] McDonald, R. & Schroder, M. (1998). A parity result for American options. Journal of Computational Finance 1(3):
    a call is a put with spot and strike, rate and yield exchanged.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr

NEWTON_STEPS = 8
LEAST_RATE = 1e-5  # annualised; below it waiting costs a put's holder nothing worth computing


@dataclass(frozen=True)
class _Puts:
    """American puts; rates are continuous and annualised, positive but for the yield."""

    spot: Float[np.ndarray, " quote"]
    strike: Float[np.ndarray, " quote"]
    tau: Float[np.ndarray, " quote"]
    vol: Float[np.ndarray, " quote"]
    rate: Float[np.ndarray, " quote"]
    dividend_yield: Float[np.ndarray, " quote"]

    def take(self, where: Bool[np.ndarray, " quote"]) -> "_Puts":
        return _Puts(*(getattr(self, field.name)[where] for field in fields(self)))

    def european(self, spot: Float[np.ndarray, " quote"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """European price at `spot`, its d+ and d-."""
        std = self.vol * np.sqrt(self.tau)
        d_plus = (np.log(spot / self.strike) + (self.rate - self.dividend_yield) * self.tau) / std + std / 2
        d_minus = d_plus - std
        strike, paid = self.strike * np.exp(-self.rate * self.tau), spot * np.exp(-self.dividend_yield * self.tau)
        return strike * ndtr(-d_minus) - paid * ndtr(-d_plus), d_plus, d_minus


def early_exercise_premium(
    spot: Float[np.ndarray, " quote"],
    strike: Float[np.ndarray, " quote"],
    time_to_maturity: Float[np.ndarray, " quote"],
    implied_vol: Float[np.ndarray, " quote"],
    is_call: Bool[np.ndarray, " quote"],
    *,
    rate: Float[np.ndarray, " quote"],
    dividend_yield: Float[np.ndarray, " quote"],
) -> Float[np.ndarray, " quote"]:
    """Price of the right to exercise early, in units of the spot; rate and yield are continuous and annualised.

    Zero where early exercise is never worth it: a put at no positive rate, a call at no positive yield.
    ASSUME dividends flow continuously: a call just before a large discrete one is worth more than this says.
    """
    puts = _Puts(
        np.where(is_call, strike, spot),
        np.where(is_call, spot, strike),
        time_to_maturity,
        implied_vol,
        np.where(is_call, dividend_yield, rate),
        np.where(is_call, rate, dividend_yield),
    )  # [3]
    premium = np.zeros(spot.shape)
    worth = (puts.rate > LEAST_RATE) & (time_to_maturity > 0) & (implied_vol > 0)
    premium[worth] = _put_premium(puts.take(worth))
    return premium


def _put_premium(puts: _Puts) -> Float[np.ndarray, " quote"]:
    """Ju and Zhong's quadratic approximation less the European price; [1], eqs. (21)-(24)."""
    tau, rate, vol = puts.tau, puts.rate, puts.vol
    h = -np.expm1(-rate * tau)
    alpha, beta = 2 * rate / vol**2, 2 * (rate - puts.dividend_yield) / vol**2
    root = np.sqrt((beta - 1) ** 2 + 4 * alpha / h)
    exponent = -(beta - 1 + root) / 2  # lambda(h), the negative root
    slope = alpha / (h**2 * root)  # lambda'(h)
    bend = 2 * exponent + beta - 1
    critical = _critical_price(puts, exponent, alpha, beta)
    european, d_plus, d_minus = puts.european(critical)
    exercise = np.maximum(puts.strike - critical - european, 1e-12 * puts.strike)  # h A(h)
    growth = np.exp((rate - puts.dividend_yield) * tau)
    density = np.exp(-(d_plus**2) / 2) / np.sqrt(2 * np.pi)
    european_slope = (
        critical * density * vol * growth / (2 * rate * np.sqrt(tau))
        + puts.dividend_yield * critical * ndtr(-d_plus) * growth / rate
        - puts.strike * ndtr(-d_minus)
    )  # of the European price at the critical one, with respect to h
    b = (1 - h) * alpha * slope / (2 * bend)
    c = -(1 - h) * alpha / bend * (european_slope / exercise + 1 / h + slope / bend)
    distance = np.log(puts.spot / critical)
    chi = b * distance**2 + c * distance
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        waiting = exercise * np.exp(exponent * distance) / (1 - chi)
    waiting = np.where((chi < 1) & (waiting >= 0), waiting, 0.0)
    now = puts.strike - puts.spot - puts.european(puts.spot)[0]
    # an American price is at least what exercise gives, also where the approximation is not
    return np.where(puts.spot <= critical, now, np.maximum(waiting, np.maximum(now, 0.0)))


def _critical_price(
    puts: _Puts,
    exponent: Float[np.ndarray, " quote"],
    alpha: Float[np.ndarray, " quote"],
    beta: Float[np.ndarray, " quote"],
) -> Float[np.ndarray, " quote"]:
    """Spot below which a put is exercised: Newton's method from the seed of [2]."""
    strike, std = puts.strike, puts.vol * np.sqrt(puts.tau)
    perpetual = strike / (1 + 2 / (beta - 1 + np.sqrt((beta - 1) ** 2 + 4 * alpha)))
    speed = ((puts.rate - puts.dividend_yield) * puts.tau - 2 * std) * strike / (strike - perpetual)
    critical = perpetual + (strike - perpetual) * np.exp(np.minimum(speed, 0.0))
    paid = np.exp(-puts.dividend_yield * puts.tau)
    for _ in range(NEWTON_STEPS):
        european, d_plus, _ = puts.european(critical)
        delta = paid * ndtr(-d_plus)
        density = paid * np.exp(-(d_plus**2) / 2) / (std * np.sqrt(2 * np.pi))
        # [2]: K - S = p(S) - S (1 - delta) / lambda
        value = strike - critical - european + critical * (1 - delta) / exponent
        slope = -1 + delta + (1 - delta + density) / exponent
        critical = np.clip(critical - value / slope, 1e-6 * strike, strike)
    return critical
