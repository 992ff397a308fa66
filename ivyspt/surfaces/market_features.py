"""The market as of each surface's quote time: index return, level of market volatility and treasury rate.

Nothing that becomes known after the quote time enters, nor any point that is hidden from the methods.
"""

from datetime import time
from pathlib import Path

import numpy as np
import polars as pl
import qmoms

from ivyspt.columns import MARKET_FEATURES, DataError, check, listed
from ivyspt.config import Data, MarketFeatures
from ivyspt.provenance import note
from ivyspt.quotes import simulated
from ivyspt.quotes.files import whole_file
from ivyspt.surfaces.ivydb_features import daily_series
from ivyspt.surfaces.qmoms_table import YEAR, read_file, read_zero_curve

SERIES = ("market_return", "market_vol", "treasury_rate")
RATE_DAYS = 91  # days; the zero curve's point that stands for the three-month treasury rate
# ASSUME a day's index return and closing VIX are known at 16:00 exchange-local (VIX itself closes at 16:15)
CLOSE = time(16)
PUBLICATION_DAYS = 1  # a day's yield curve is published after its close: it is known at the next day's
LONGEST_AGE = "10d"  # of a value that still stands for the market: holidays are shorter
# qmoms's integration: strikes to moneyness 3 on 1,001 points, Black's formula on the forward, no further moment
MOMENTS = qmoms.default_params | {
    "atmfwd": True,
    **{name: {"compute": False} for name in ("semivars", "mfismfik", "cvix", "rix", "tlm", "slope")},
}
# S&P 500 closes, VIX closes (percent) and three-month treasury rates (percent), as `data_dir` holds them
FILES = {
    "market_return": ("heliar-k_SPX_daily.csv", "date", "close"),
    "market_vol": ("datasets_finance-vix_vix-daily.csv", "DATE", "CLOSE"),
    "treasury_rate": ("heliar-k_fred_rates.csv", "date", "DGS3MO"),
}


def join_as_of(surfaces: pl.DataFrame, series: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Give each surface the latest value of each series that is known at its quote time.

    Parameters
    ----------
    surfaces : polars.DataFrame
        Columns `surface_id` and `quote_time`.
    series : dict of polars.DataFrame
        By feature, columns `known_at` (a date-time) and `value`; blanks are skipped. A series with a column `symbol`
        holds values of its own for each symbol.

    Returns
    -------
    polars.DataFrame
        Table MARKET_FEATURES; null where nothing was known yet or the latest value is older than `LONGEST_AGE`.
    """
    joined = surfaces.sort("quote_time")
    for name in SERIES:
        values = series[name].with_columns(pl.col("value").fill_nan(None)).drop_nulls("value").sort("known_at")
        joined = joined.join_asof(
            values.rename({"value": name}),
            left_on="quote_time",
            right_on="known_at",
            by="symbol" if "symbol" in values.columns else None,
            strategy="backward",
            tolerance=LONGEST_AGE,
            check_sortedness=False,
        ).drop("known_at", strict=False)
    return check(joined.sort("surface_id"), MARKET_FEATURES, "market features")


def at_close(daily: pl.DataFrame, days_later: int = 0) -> pl.DataFrame:
    """Date a daily series (`date`, `value`) by the close at which its value is known, of its day or days later."""
    hours = pl.duration(days=days_later, hours=CLOSE.hour, minutes=CLOSE.minute)
    known_at = pl.col("date").cast(pl.Datetime("us")) + hours
    return daily.select(known_at.alias("known_at"), pl.col("value").cast(pl.Float64))


def from_qmoms(points: pl.DataFrame, settings: MarketFeatures) -> dict[str, pl.DataFrame]:
    """The series that qmoms ships, and the other names' model-free implied vol of the day before in place of VIX.

    `points` is table TIERED_POINTS; hidden points are not read.
    """
    returns = read_file("returns")
    curve = read_zero_curve().filter(pl.col("days") == RATE_DAYS)
    return {
        # the files of French's library appear weeks later, but the day's market return itself is known at the close
        "market_return": at_close(returns.select("date", (pl.col("mktrf") + pl.col("rf")).alias("value"))),
        "market_vol": others_model_free_vol(points, settings.proxy_maturity),
        "treasury_rate": at_close(curve.select("date", pl.col("rate").alias("value")), PUBLICATION_DAYS),
    }


def others_model_free_vol(points: pl.DataFrame, maturity: float) -> pl.DataFrame:
    """For each quote time and symbol, the mean model-free vol of the *other* liquid symbols one quote time earlier.

    Thinned names stay out of the mean: which of them has enough visible points changes from day to day, and with it
    the mean's level.

    Parameters
    ----------
    points : polars.DataFrame
        Table TIERED_POINTS; only visible points of the liquid tier's slices at `maturity` days enter.
    maturity : float
        Days.

    Returns
    -------
    polars.DataFrame
        Columns `symbol`, `known_at` (the later of the two quote times) and `value` (annualised decimal).
    """
    at_maturity = (pl.col("time_to_maturity") * YEAR - maturity).abs() < 0.5
    shown = points.filter((pl.col("tier") == "liquid") & pl.col("visible") & at_maturity)
    slices = shown.group_by("symbol", "quote_time", maintain_order=True)
    own = pl.DataFrame(
        [(*key, model_free_vol(part["log_moneyness"], part["implied_vol"], maturity)) for key, part in slices],
        schema={"symbol": pl.String, "quote_time": points.schema["quote_time"], "own": pl.Float64},
        orient="row",
    ).drop_nulls("own")
    times = points.select(pl.col("quote_time").unique().sort())
    following = times.with_columns(pl.col("quote_time").shift(-1).alias("known_at")).drop_nulls("known_at")
    return (
        points.select(pl.col("symbol").unique())
        .join(own.rename({"symbol": "other"}), how="cross")
        .filter(pl.col("symbol") != pl.col("other"))
        .sort("symbol", "quote_time", "other")  # sums must not depend on the order of rows
        .group_by("symbol", "quote_time", maintain_order=True)
        .agg(pl.col("own").mean().alias("value"))
        .join(following, on="quote_time")
        .select("symbol", "known_at", "value")
    )


def model_free_vol(log_moneyness: np.ndarray, implied_vol: np.ndarray, maturity: float) -> float | None:
    """Square root of a slice's annualised model-free implied variance; None where qmoms has too few points (four).

    Bakshi, Kapadia & Madan (2003), as `qmoms.qmoms_compute` integrates it. With forward and rate divided out the
    result does not depend on the rate.
    """
    moneyness = np.exp(np.asarray(log_moneyness))
    moments = qmoms.qmoms_compute(moneyness, np.asarray(implied_vol), maturity, 0.0, MOMENTS, output="dict")
    return float(np.sqrt(moments["mfiv_bkm"])) if "mfiv_bkm" in moments else None


def from_files(settings: MarketFeatures) -> dict[str, pl.DataFrame]:
    """S&P 500 daily return, VIX and three-month treasury rate, all as decimals, from the files in `data_dir`.

    Raises
    ------
    DataError
        `data_dir` is not set, or a file or column is missing.
    """
    if settings.data_dir is None:
        raise DataError("market_features.data_dir must name a directory where source is files, got null")
    directory = Path(settings.data_dir)
    closes = _read_daily(directory, "market_return").drop_nulls("value").sort("date")
    return {
        "market_return": at_close(closes.with_columns(pl.col("value") / pl.col("value").shift(1) - 1)),
        "market_vol": at_close(_read_daily(directory, "market_vol").with_columns(pl.col("value") / 100)),
        "treasury_rate": at_close(
            _read_daily(directory, "treasury_rate").with_columns(pl.col("value") / 100), PUBLICATION_DAYS
        ),
    }


def from_ivydb(data: Data, settings: MarketFeatures) -> dict[str, pl.DataFrame]:
    """S&P 500 daily return, VIX and 91-day zero rate, as decimals, from OptionMetrics IvyDB's own tables."""
    daily = daily_series(data, settings, RATE_DAYS)
    morning = pl.col("date").cast(pl.Datetime("us")) + pl.duration(days=PUBLICATION_DAYS)  # of the day after
    rate = daily["treasury_rate"].select(morning.alias("known_at"), "value")
    return {name: at_close(daily[name]) for name in ("market_return", "market_vol")} | {"treasury_rate": rate}


def from_simulation(data: Data) -> dict[str, pl.DataFrame]:
    """The simulated market's own series."""
    return {name: at_close(daily) for name, daily in simulated.market_series(data).items()}


def _read_daily(directory: Path, feature: str) -> pl.DataFrame:
    name, date, value = FILES[feature]
    path = directory / name
    if not path.exists():
        raise DataError(f"{path}: must exist for the feature {feature}, got no such file")
    with whole_file(str(path)):
        note(path)
        frame = pl.read_csv(path, infer_schema=False)
    missing = [column for column in (date, value) if column not in frame.columns]
    if missing:
        raise DataError(f"{path}: must have the column {missing[0]}, got {listed(frame.columns)}")
    with whole_file(str(path)):
        return frame.select(pl.col(date).str.to_date().alias("date"), pl.col(value).cast(pl.Float64).alias("value"))
