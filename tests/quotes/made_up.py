"""Chains of a made-up market: every number that the library should find again is known."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ivyspt import black
from ivyspt.columns import QUOTES, check

QUOTE_TIME = datetime(2026, 6, 10, 16)
RATE = 0.04  # annualised, continuous
CARRY = 0.015  # rate less dividend yield
DAYS = (9, 37, 100, 219)


def smile(k, tau):
    """Implied vol of the made-up market."""
    return 0.25 - 0.1 * k + 0.15 * k**2 + 0.03 * np.exp(-tau)


def forward_of(tau, spot=100.0):
    return spot * np.exp(CARRY * tau)


def slice_quotes(days, strikes, *, half_spread=0.01, symbol="AAA", spot=100.0, quote_time=QUOTE_TIME, premium=None):
    """Bid and ask around exact European prices of one expiry; `premium(strike, tau, vol, is_call)` is added to them."""
    tau = days / 365
    forward, discount = forward_of(tau, spot), np.exp(-RATE * tau)
    rows = []
    for option_type in ("call", "put"):
        is_call = np.full(strikes.size, option_type == "call")
        vol = smile(np.log(strikes / forward), tau)
        mid = discount * black.price(forward, strikes, tau, vol, is_call)
        mid = mid + (premium(strikes, tau, vol, is_call) if premium else 0.0)
        rows.append(
            pl.DataFrame(
                {
                    "strike": strikes,
                    "option_type": option_type,
                    "bid": mid - half_spread,
                    "ask": mid + half_spread,
                    "open_interest": 10.0,
                }
            )
        )
    return pl.concat(rows).with_columns(
        quote_time=pl.lit(quote_time).cast(pl.Datetime("us")),
        symbol=pl.lit(symbol),
        root=pl.lit(symbol),
        expiry=pl.lit(quote_time + timedelta(days=days)).cast(pl.Datetime("us")),
        underlying_price=pl.lit(spot),
        settlement=pl.lit("pm"),
        exercise=pl.lit("american" if premium else "european"),
    )


def surface_quotes(days=DAYS, width=3.0, count=31, **options):
    """Quotes of one surface, strikes evenly within `width` standard deviations of the forward."""
    spot = options.get("spot", 100.0)
    slices = []
    for each in days:
        tau = each / 365
        k = np.linspace(-width, width, count) * 0.28 * np.sqrt(tau)
        slices.append(slice_quotes(each, np.round(forward_of(tau, spot) * np.exp(k), 2), **options))
    return check(pl.concat(slices), QUOTES, "made up")
