"""A simulated market whose surfaces are free of static arbitrage by construction.

Each symbol and day has an eSSVI surface with theta(tau) = V tau + (v - V)(1 - exp(-kappa tau))/kappa, the expected
variance of a square-root process with variance v now and V in the long run, and with wing slopes
psi (1 ± rho) = eta± (theta / (1 + theta))^(1 - gamma). Theta and both slopes grow with tau while psi / theta falls,
which excludes calendar arbitrage (Hendriks & Martini 2019, proposition 3.5). psi (1 + |rho|) is the larger slope, at
most max eta; and psi^2 (1 + |rho|) / theta is the larger slope times the mean of psi (1 ± rho) / theta, at most
(max eta)^2 for gamma <= 1/2. With eta± <= 2 both bounds of Gatheral & Jacquier (2014), theorem 4.2, hold.

A market factor drives the levels; everything follows from the seed, and a longer market has the shorter one's days.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

import numpy as np
from pydantic import Field

from ivyspt import svi
from ivyspt.config import Count, NonNegative, Positive, Section
from ivyspt.generators import generator_of
from ivyspt.quotes.trading_days import is_open

TRADING_DAYS = 252  # a year; the scale of daily shocks
LARGEST_ETA = 2.0  # of either wing: see above


class Chain(Section):
    """Which options of a symbol are listed, and how wide they are quoted."""

    symbols: Count
    expiries: Count  # monthly expiries (third Fridays)
    weeklies: Annotated[int, Field(ge=0)] = 0  # Fridays ahead, besides the monthly ones
    strike_step: Positive  # over spot; the nearest step that exchanges list
    max_z: Positive = 3.0  # standard deviations from the money to the last strike
    half_spread: Positive = 0.01  # over the price
    half_spread_vol: Positive = 0.002  # decimal vol; added by vega


class Dynamics(Section):
    """How the market moves; speeds and volatilities of the mean-reverting processes are per year."""

    market_vol: Positive = 0.17  # decimal; the mean of the market's vol
    market_vol_speed: Positive = 6.0
    market_vol_volatility: NonNegative = 1.0  # of its logarithm
    leverage: Annotated[float, Field(gt=-1, lt=1)] = -0.7  # correlation of market returns and changes of vol
    market_drift: float = 0.0003  # decimal, a day
    rate: float = 0.04  # decimal; the mean of the short rate
    rate_speed: Positive = 0.5
    rate_volatility: NonNegative = 0.008
    own_vol_speed: Positive = 12.0  # of a symbol's own part of its log vol
    own_vol_volatility: NonNegative = 0.6
    long_vol_speed: Positive = 2.0  # of the log of a symbol's long-run vol
    long_vol_volatility: NonNegative = 0.15
    wing_speed: Positive = 4.0  # of the log of eta- and eta+
    wing_volatility: NonNegative = 0.4
    own_return_share: NonNegative = 0.6  # of a symbol's vol that the market does not explain
    reversion: Positive = 2.5  # kappa, per year
    exponent: Annotated[float, Field(gt=0, le=0.5)] = 0.45  # gamma


class Options(Section):
    """The adapter's own keys."""

    seed: int
    days: Count
    start: date
    liquid: Chain
    sparse: Chain
    dynamics: Dynamics = Dynamics()
    tick: NonNegative = 0.01  # USD; 0: prices are not rounded
    noise: Annotated[float, Field(ge=0, lt=1)] = 0.5  # largest error of a mid price over its half spread


@dataclass(frozen=True)
class Parameters:
    """One day's surface of one symbol; vols are annualised decimals."""

    vol: float  # sqrt(v)
    long_vol: float  # sqrt(V)
    reversion: float  # kappa, per year
    left: float  # eta-, of the put wing
    right: float  # eta+, of the call wing
    exponent: float  # gamma


@dataclass(frozen=True)
class SymbolPath:
    """A symbol's chain, spot (USD), dividend yield (decimal) and surface parameters, day by day."""

    symbol: str
    chain: Chain
    spot: np.ndarray
    dividend_yield: float
    parameters: list[Parameters]


@dataclass(frozen=True)
class Market:
    """The whole simulation: days, the market's series and every symbol's path."""

    days: list[date]
    market_return: np.ndarray  # daily, decimal
    market_vol: np.ndarray  # annualised decimal
    rate: np.ndarray  # continuous, annualised decimal
    symbols: list[SymbolPath]


def total_variance(
    parameters: Parameters, k: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Total variance of a simulated surface at log-moneyness k and tau years, with its exact w_k, w_kk and w_tau."""
    v, V, kappa = parameters.vol**2, parameters.long_vol**2, parameters.reversion
    theta = V * tau + (v - V) * -np.expm1(-kappa * tau) / kappa
    theta_tau = V + (v - V) * np.exp(-kappa * tau)
    left, left_theta = svi.power_law_psi(theta, parameters.left, parameters.exponent)
    right, right_theta = svi.power_law_psi(theta, parameters.right, parameters.exponent)
    psi, rho = (left + right) / 2, (right - left) / (right + left)
    psi_theta = (left_theta + right_theta) / 2
    rho_theta = ((right_theta - left_theta) / 2 - rho * psi_theta) / psi
    w, w_k, w_kk = svi.essvi(k, theta, rho, psi)
    by_theta, by_rho, by_psi = svi.essvi_gradient(k, theta, rho, psi)
    return w, w_k, w_kk, (by_theta + by_rho * rho_theta + by_psi * psi_theta) * theta_tau


def simulate(options: Options) -> Market:
    """Draw the market factor, the rate and every symbol's path."""
    days, moves = _open_days(options.start, options.days), options.dynamics
    shocks = generator_of(options.seed, "market").standard_normal((len(days), 3))
    log_vol = _mean_reverting(
        shocks[:, 0], np.log(moves.market_vol), moves.market_vol_speed, moves.market_vol_volatility
    )
    mixed = moves.leverage * shocks[:, 0] + np.sqrt(1 - moves.leverage**2) * shocks[:, 1]
    market_return = moves.market_drift + np.exp(log_vol) / np.sqrt(TRADING_DAYS) * mixed
    rate = np.maximum(_mean_reverting(shocks[:, 2], moves.rate, moves.rate_speed, moves.rate_volatility), 0.0)
    symbols = [
        _symbol_path(f"{tier}{number}", chain, options, log_vol, market_return)
        for tier, chain in (("LIQUID", options.liquid), ("SPARSE", options.sparse))
        for number in range(1, chain.symbols + 1)
    ]
    return Market(days, market_return, np.exp(log_vol), rate, symbols)


def _open_days(start: date, count: int) -> list[date]:
    days, day = [], start
    while len(days) < count:
        if is_open(day):
            days.append(day)
        day += timedelta(days=1)
    return days


def _mean_reverting(shocks: np.ndarray, mean: float, speed: float, volatility: float) -> np.ndarray:
    """Ornstein-Uhlenbeck path from its mean, one step a trading day; speed and volatility per year."""
    path, value = np.empty(len(shocks)), mean
    keep = np.exp(-speed / TRADING_DAYS)
    std = volatility * np.sqrt(-np.expm1(-2 * speed / TRADING_DAYS) / (2 * speed))
    for step, shock in enumerate(shocks):
        value = mean + keep * (value - mean) + std * shock
        path[step] = value
    return path


def _symbol_path(
    symbol: str, chain: Chain, options: Options, log_vol: np.ndarray, market_return: np.ndarray
) -> SymbolPath:
    moves, mean_log_vol = options.dynamics, np.log(options.dynamics.market_vol)
    traits = generator_of(options.seed, symbol, "traits")
    level, beta = traits.uniform(1.1, 2.2), traits.uniform(0.6, 1.1)  # of the symbol's vol, over and to the market's
    dividend_yield, start = traits.uniform(0.0, 0.03), traits.uniform(40, 400)
    wings = np.log(traits.uniform((0.8, 0.35), (1.4, 0.8)))  # eta-, eta+: equity smiles are steeper on the left
    shocks = generator_of(options.seed, symbol, "path").standard_normal((len(log_vol), 5))
    own = _mean_reverting(shocks[:, 0], 0.0, moves.own_vol_speed, moves.own_vol_volatility)
    vol = level * np.exp(mean_log_vol + beta * (log_vol - mean_log_vol) + own)
    long_log_vol = mean_log_vol + np.log(1.1 * level)
    long_vol = np.exp(_mean_reverting(shocks[:, 1], long_log_vol, moves.long_vol_speed, moves.long_vol_volatility))
    left, right = (
        # stops at the bound under which the surface is free of arbitrage
        np.minimum(np.exp(_mean_reverting(shock, wing, moves.wing_speed, moves.wing_volatility)), LARGEST_ETA)
        for shock, wing in zip(shocks[:, 2:4].T, wings, strict=True)
    )
    returns = market_return + moves.own_return_share * vol / np.sqrt(TRADING_DAYS) * shocks[:, 4]
    spot = np.round(start * np.exp(np.cumsum(returns)), 2)
    rows = zip(vol.tolist(), long_vol.tolist(), left.tolist(), right.tolist(), strict=True)
    parameters = [Parameters(a, b, moves.reversion, c, d, moves.exponent) for a, b, c, d in rows]
    return SymbolPath(symbol, chain, spot, dividend_yield, parameters)
