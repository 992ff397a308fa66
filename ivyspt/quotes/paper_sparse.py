"""The paper's own sparse tier, for its replication: surfaces of AIN, AZPN, PNNT, RWO and SCOR, January to June 2013.

One CSV of points, not quotes: no strike, no forward, no bid or ask. Every (date, symbol, log-moneyness, maturity)
stands twice, call and put, and nothing says which is which; log-moneyness is built on a dividend-adjusted price and a
rate a hundred times too large; maturities are calendar days over 252, 1.45 times too long (date and days give the
Saturday after a third Friday, every time). Good for what the paper published, nothing else.
"""

import polars as pl

from ivyspt.columns import POINTS, REJECTIONS, TIME, DataError, check, listed
from ivyspt.config import Data, Surfaces
from ivyspt.quotes.dates import bounds_of
from ivyspt.quotes.files import Files, find, sources_of
from ivyspt.quotes.options import QuoteTime, options_of
from ivyspt.quotes.trading_days import settlement_times

YEAR = 252  # days, as published; of calendar days a year has 365
LONGEST = 100  # years to maturity; beyond, a row is damaged
COLUMNS = {
    "date": "Datetime",
    "symbol": "Symbol",
    "log_moneyness": "Log Moneyness",
    "time_to_maturity": "Time to Maturity",
    "implied_vol": "Implied Volatility",
    "market_return": "Market Return",
    "market_vol": "Market Volatility",
    "treasury_rate": "Treasury Rate",
}
FEATURES = ["market_return", "market_vol", "treasury_rate"]
SURFACE = ["date", "symbol"]


def read(data: Data, surfaces: Surfaces) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Points of the published surfaces, and the rows dropped by reason.

    Returns
    -------
    points : polars.DataFrame
        Table POINTS, and `twin`: true for the second point of a pair at one log-moneyness and maturity. Both points of
        a pair are one mask group. The forward is 1 and strikes are multiples of it; the maturity is as published, the
        expiry as its days say.
    rejections : polars.DataFrame
        Table REJECTIONS.

    Raises
    ------
    DataError
        The file is damaged, or nothing is left of it.
    """
    quote_time = options_of(data, QuoteTime).quote_time
    rows = _selected(_rows(data), data)
    reason = pl.when(pl.col("implied_vol") <= 0).then(pl.lit("implied_vol_not_positive"))
    rows = rows.with_columns(reason=reason)
    small = pl.len().over(SURFACE) < surfaces.min_points
    few = pl.col("time_to_maturity").n_unique().over(SURFACE) < surfaces.min_expiries
    kept = rows.filter(pl.col("reason").is_null()).with_columns(
        reason=pl.when(small | few).then(pl.lit("surface_small"))
    )
    dropped = pl.concat([rows.filter(pl.col("reason").is_not_null()), kept.filter(pl.col("reason").is_not_null())])
    kept = kept.filter(pl.col("reason").is_null())
    if kept.is_empty():
        raise DataError(f"{data.label}: at least one surface must be left, got none of {rows.height} rows")
    counts = dropped.group_by(REJECTIONS.key).len("quotes").sort(REJECTIONS.key)
    points = _points(kept, quote_time)
    checked = check(points, POINTS, data.label).with_columns(points["twin"])
    return checked, check(counts, REJECTIONS, data.label)


def read_market_features(data: Data) -> pl.DataFrame:
    """The file's market features by date: daily market return, VIX and Treasury rate as decimals.

    The file holds VIX and rate in percent; the paper's authors took the rate for a decimal.
    """
    rows = _rows(data).select("date", *FEATURES).unique().sort("date")
    twice = rows.filter(pl.col("date").is_duplicated())
    if twice.height:
        raise DataError(
            f"{data.data_dir}: a day must have one value of each feature, got several on {twice['date'][0]}"
        )
    return rows.with_columns(pl.col("market_vol") / 100, pl.col("treasury_rate") / 100)


def _rows(data: Data) -> pl.DataFrame:
    files = Files(sources_of(find(data, "*.csv")))
    numbers = [name for name in COLUMNS if name not in SURFACE]
    tables = []
    for lazy in files.tables:
        found = lazy.collect_schema()
        missing = [raw for raw in COLUMNS.values() if raw not in found]
        if missing:
            raise DataError(f"{files.name}: must have the column {missing[0]!r}, got {listed(found)}")
        parsed = [pl.col(raw).str.strip_chars().alias(name) for name, raw in COLUMNS.items()]
        typed = [pl.col("date").str.to_date(strict=False), *(pl.col(n).cast(pl.Float64, strict=False) for n in numbers)]
        bad = pl.any_horizontal(pl.col(name).is_null() for name in COLUMNS)
        bad = bad | ~pl.all_horizontal(pl.col(name).is_finite() for name in numbers)
        bad = bad | (pl.col("time_to_maturity").abs() > LONGEST)
        got = pl.concat_str(pl.col(list(COLUMNS.values())).fill_null("nothing"), separator=", ")
        message = pl.format("must hold a date, a symbol and numbers, got {}", got)
        table = lazy.select(*parsed, message.alias("message"), "file", "row").with_columns(typed)
        tables.append(table.with_columns(problem=pl.when(bad).then(pl.col("message"))))
    rows = files.collect(pl.concat(tables))
    files.refuse(rows.filter(pl.col("problem").is_not_null()))
    return rows.drop("file", "row", "message", "problem")


def _selected(rows: pl.DataFrame, data: Data) -> pl.DataFrame:
    rows = rows.filter(pl.col("date").is_between(*bounds_of(data)))
    if data.symbols is not None:
        rows = rows.filter(pl.col("symbol").is_in(data.symbols))
    days = rows["date"].unique().sort()[: data.max_days]
    rows = rows.filter(pl.col("date").is_in(days.implode()))
    ranked = rows.group_by("symbol").len().sort(["len", "symbol"], descending=[True, False])["symbol"]
    return rows.filter(pl.col("symbol").is_in(ranked[: data.max_symbols].implode()))


def _points(rows: pl.DataFrame, quote_time: str) -> pl.DataFrame:
    hours, minutes = quote_time.split(":")
    at = pl.col("date").cast(TIME) + pl.duration(hours=int(hours), minutes=int(minutes))
    days = (pl.col("time_to_maturity") * YEAR).round().cast(pl.Int64)
    rows = rows.with_columns(expiry_date=pl.col("date") + pl.duration(days=days))
    settlements = settlement_times(rows["expiry_date"].unique().to_list(), checked=True)
    pair = ["date", "symbol", "time_to_maturity", "log_moneyness"]
    rows = rows.join(settlements, on="expiry_date", how="left").sort(pair, maintain_order=True)
    return rows.with_columns(
        quote_time=at,
        surface_id=pl.format("{}_{}", "symbol", at.dt.strftime("%Y-%m-%dT%H:%M")),
        expiry=pl.col("pm"),
        strike=pl.col("log_moneyness").exp(),
        forward=pl.lit(1.0),
        point=pl.int_range(pl.len()).over(SURFACE),
        twin=pl.int_range(pl.len()).over(pair) > 0,
    ).with_columns(mask_group=pl.col("point").first().over(pair))
