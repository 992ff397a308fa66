"""The market's daily series from OptionMetrics IvyDB: index return and VIX from its prices, a rate from its zero curve.

IvyDB knows indices as securities: SPX is secid 108105, VIX 117801 (IvyDB File and Data Reference Manual).
"""

import numpy as np
import polars as pl

from ivyspt.columns import DataError
from ivyspt.config import Data, MarketFeatures
from ivyspt.quotes.option_metrics import closes_of
from ivyspt.quotes.zero_curve import DAYS_PER_YEAR, read_zero_curve

NEEDED = ("data_dir", "zero_curve", "index_secid", "vol_secid")


def daily_series(data: Data, settings: MarketFeatures, rate_days: float) -> dict[str, pl.DataFrame]:
    """Daily `date` and `value` of market_return, market_vol and treasury_rate (of `rate_days`), as decimals.

    The index's return is from close to close of the days that the table has, its price alone; VIX is in percent there.

    Raises
    ------
    DataError
        The settings lack a key that this source needs, a table does not parse, or an index has no close.
    """
    absent = [key for key in NEEDED if getattr(settings, key) is None]
    if absent:
        raise DataError(f"market_features.{absent[0]} must be set where source is option_metrics, got null")
    own = data.model_copy(update={"data_dir": settings.data_dir})
    closes = closes_of(own, [settings.index_secid, settings.vol_secid])
    index, vix = (_series(closes, getattr(settings, key), key) for key in ("index_secid", "vol_secid"))
    curve = read_zero_curve(settings.zero_curve)
    dates = curve.rates["date"].unique().sort()
    # the curve answers for the day after, so that the value stands at the date of the curve itself
    rate = curve.rate(dates.dt.offset_by("1d"), np.full(len(dates), rate_days / DAYS_PER_YEAR))
    return {
        "market_return": index.with_columns(pl.col("value") / pl.col("value").shift(1) - 1),
        "market_vol": vix.with_columns(pl.col("value") / 100),
        "treasury_rate": pl.DataFrame({"date": dates, "value": rate}),
    }


def _series(closes: pl.DataFrame, secid: str, key: str) -> pl.DataFrame:
    own = closes.filter((pl.col("secid") == secid) & (pl.col("close") > 0))
    if own.is_empty():
        raise DataError(f"market_features.{key} must name a security with a close, got {secid}, which has none")
    return own.select("date", value="close").sort("date")
