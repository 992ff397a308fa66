"""Quoted option chains of a simulated market: European, with bid and ask on listed strikes and expiries.

The surfaces behind the quotes are those of `ivyspt.quotes.simulated_market`. Nothing here is real.
"""

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from ivyspt import black
from ivyspt.columns import QUOTES, REJECTIONS, DataError, check
from ivyspt.config import Data
from ivyspt.generators import generator_of
from ivyspt.quotes.dates import bounds_of
from ivyspt.quotes.options import options_of
from ivyspt.quotes.simulated_market import Chain, Options, SymbolPath, simulate, total_variance
from ivyspt.quotes.trading_days import is_open

CLOSE = time(16)
STRIKE_STEPS = np.array([0.5, 1.0, 2.5, 5.0, 10.0, 25.0])  # USD, as exchanges list them


def market_series(data: Data) -> dict[str, pl.DataFrame]:
    """Daily market return, market vol and treasury rate (columns `date` and `value`, decimals), known at the close."""
    market = simulate(options_of(data, Options))
    series = {"market_return": market.market_return, "market_vol": market.market_vol, "treasury_rate": market.rate}
    return {name: pl.DataFrame({"date": market.days, "value": values}) for name, values in series.items()}


def read(data: Data) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Quotes of the simulated market, and the rows unusable at reading: none.

    Returns
    -------
    quotes, dropped : polars.DataFrame
        Tables QUOTES and REJECTIONS. The exact price lies between bid and ask.

    Raises
    ------
    DataError
        The symbols and dates asked for leave nothing.
    """
    options = options_of(data, Options)
    market = simulate(options)
    symbols = [path for path in market.symbols if data.symbols is None or path.symbol in data.symbols]
    first, last = bounds_of(data)
    chosen = [number for number, day in enumerate(market.days) if first <= day <= last]
    chains = [
        _chain(path, day, market.days[day], market.rate[day], options)
        for day in chosen[: data.max_days]
        for path in symbols[: data.max_symbols]
    ]
    if not chains:
        raise DataError(f"{data.label}: symbols and dates must leave a chain to simulate, got none")
    return check(pl.concat(chains), QUOTES, data.label), pl.DataFrame(schema=REJECTIONS.columns)


def expiries(day: date, chain: Chain) -> list[date]:
    """Days on which a symbol's options expire: coming Fridays and third Fridays, or the open day before."""
    fridays = [day + timedelta(days=(4 - day.weekday()) % 7 + 7 * week) for week in range(5 * (chain.expiries + 2))]
    later = [friday for friday in fridays if friday > day]
    third = [friday for friday in later if 15 <= friday.day <= 21]
    listed = sorted({*later[: chain.weeklies], *third[: chain.expiries]})
    closing = [friday if is_open(friday) else friday - timedelta(days=1) for friday in listed]
    return [expiry for expiry in closing if expiry > day]


def _chain(path: SymbolPath, number: int, day: date, rate: float, options: Options) -> pl.DataFrame:
    """All quotes of a symbol on a day."""
    spot, parameters = path.spot[number], path.parameters[number]
    step = STRIKE_STEPS[np.abs(np.log(STRIKE_STEPS / (path.chain.strike_step * spot))).argmin()]
    frames = []
    for expiry in expiries(day, path.chain):
        tau = (expiry - day).days / 365
        forward, discount_factor = spot * np.exp((rate - path.dividend_yield) * tau), np.exp(-rate * tau)
        at_the_money = np.sqrt(total_variance(parameters, np.zeros(1), np.full(1, tau))[0][0])
        ends = forward * np.exp(np.array([-1, 1]) * path.chain.max_z * at_the_money)
        strike = step * np.arange(max(np.ceil(ends[0] / step), 1), np.floor(ends[1] / step) + 1)
        implied_vol = np.sqrt(total_variance(parameters, np.log(strike / forward), np.full(len(strike), tau))[0] / tau)
        vega = discount_factor * black.vega(forward, strike, tau, implied_vol)
        for option_type in ("call", "put"):
            price = discount_factor * black.price(forward, strike, tau, implied_vol, np.array(option_type == "call"))
            generator = generator_of(options.seed, path.symbol, day.isoformat(), expiry.isoformat(), option_type)
            bid, ask = _bid_ask(price, vega, path.chain, options, generator)
            frames.append(
                pl.DataFrame({"strike": strike, "bid": bid, "ask": ask}).with_columns(
                    pl.lit(option_type).alias("option_type"), pl.lit(datetime.combine(expiry, CLOSE)).alias("expiry")
                )
            )
    return pl.concat(frames).with_columns(
        pl.lit(datetime.combine(day, CLOSE)).alias("quote_time"),
        pl.lit(path.symbol).alias("symbol"),
        pl.lit(path.symbol).alias("root"),
        pl.lit(spot).alias("underlying_price"),
        pl.lit("pm").alias("settlement"),
        pl.lit("european").alias("exercise"),
    )


def _bid_ask(
    price: np.ndarray, vega: np.ndarray, chain: Chain, options: Options, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Quotes around an exact price: the mid errs by less than the half spread, and ticks round outwards."""
    half = chain.half_spread * price + chain.half_spread_vol * vega
    mid = price + options.noise * half * generator.uniform(-1, 1, len(price))
    bid, ask = np.maximum(mid - half, 0.0), mid + half
    if options.tick:
        bid, ask = np.floor(bid / options.tick) * options.tick, np.ceil(ask / options.tick) * options.tick
    return bid, ask
