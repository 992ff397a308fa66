"""What a study's data are: surfaces by day and symbol, points a surface, and quotes dropped by reason."""

import polars as pl

from ivyspt.columns import DataError

MATURITY_DAYS = (14, 45, 120, 365)  # bounds of the classes of time to maturity that reports tell apart
MATURITIES = ["to 14 days", "15 to 45 days", "46 to 120 days", "121 to 365 days", "over 365 days"]
MATURITY_CLASS = pl.Enum(MATURITIES)
CELL = ("date", "symbol")


def maturity_class() -> pl.Expr:
    """Class of `time_to_maturity` (years, ACT/365), rounded to whole days; classes sort from short to long."""
    days = (365 * pl.col("time_to_maturity")).round()
    place = pl.sum_horizontal(days > bound for bound in MATURITY_DAYS)
    return place.replace_strict(range(len(MATURITIES)), MATURITIES, return_dtype=MATURITY_CLASS).alias("maturity")


def surface_counts(points: pl.DataFrame, tiers: pl.DataFrame) -> pl.DataFrame:
    """One row a surface of `points` (POINTS), by date and symbol.

    Returns
    -------
    polars.DataFrame
        `surface_id`, `date`, `symbol`, `tier` (TIERS), number of `points` and `slices`, `shortest` and `longest` time
        to maturity in days.
    """
    days = 365 * pl.col("time_to_maturity")
    counted = points.group_by("surface_id").agg(
        pl.col("quote_time").first().dt.date().alias("date"),
        pl.col("symbol").first(),
        pl.len().alias("points"),
        pl.col("time_to_maturity").n_unique().alias("slices"),
        days.min().alias("shortest"),
        days.max().alias("longest"),
    )
    return counted.join(tiers.select("symbol", "tier"), on="symbol", how="left").sort("date", "symbol", "surface_id")


def coverage_by_symbol(surfaces: pl.DataFrame) -> pl.DataFrame:
    """One row a symbol of `surface_counts`, richest first.

    `days_covered` is the share of the days on which any symbol has a surface; `points` and `slices` are medians a
    surface, `fewest` and `most` the extreme numbers of points.
    """
    days = surfaces["date"].n_unique()
    counted = surfaces.group_by("symbol").agg(
        pl.col("tier").first(),
        pl.len().alias("surfaces"),
        (pl.col("date").n_unique() / days).alias("days_covered"),
        pl.col("points").median(),
        pl.col("points").min().alias("fewest"),
        pl.col("points").max().alias("most"),
        pl.col("slices").median(),
        pl.col("longest").median(),
    )
    return counted.sort(["points", "symbol"], descending=[True, False])


def coverage_by_day(surfaces: pl.DataFrame) -> pl.DataFrame:
    """One row a day of `surface_counts`: how many symbols, surfaces and points."""
    counted = surfaces.group_by("date").agg(pl.col("symbol").n_unique(), pl.len().alias("surfaces"), pl.sum("points"))
    return counted.rename({"symbol": "symbols"}).sort("date")


def points_by_tier(surfaces: pl.DataFrame) -> pl.DataFrame:
    """Symbols, surfaces and quantiles of points a surface, by tier."""
    points = pl.col("points")
    counted = surfaces.group_by("tier").agg(
        pl.col("symbol").n_unique().alias("symbols"),
        pl.len().alias("surfaces"),
        points.min().alias("fewest"),
        points.quantile(0.1, "linear").alias("q10"),
        points.median().alias("median"),
        points.quantile(0.9, "linear").alias("q90"),
        points.max().alias("most"),
        pl.col("slices").median().alias("slices"),
    )
    return counted.sort("tier")


def quote_counts(points: pl.DataFrame, slices: pl.DataFrame | None, dropped: pl.DataFrame) -> pl.DataFrame:
    """How many quotes of each date and symbol were read, used and dropped: `read` = `used` + `dropped`.

    Parameters
    ----------
    points : polars.DataFrame
        Table POINTS.
    slices : polars.DataFrame or None
        One row a slice with its `quotes` and `quotes_used`; None where the data are surfaces and a row is a point.
    dropped : polars.DataFrame
        Table REJECTIONS, of reading and building together.

    Raises
    ------
    DataError
        Quotes of a slice are neither used nor counted as dropped.
    """
    if slices is None:
        used = points.group_by(pl.col("quote_time").dt.date().alias("date"), "symbol").agg(used=pl.len())
    else:
        date = pl.col("quote_time").dt.date().alias("date")
        used = slices.group_by(date, "symbol").agg(used=pl.sum("quotes_used"), held=pl.sum("quotes"))
    counted = used.join(dropped.group_by(CELL).agg(dropped=pl.sum("quotes")), on=CELL, how="full", coalesce=True)
    counted = counted.with_columns(pl.col("used", "dropped").fill_null(0).cast(pl.Int64))
    counted = counted.with_columns(read=pl.col("used") + pl.col("dropped")).sort(CELL)
    if slices is not None:
        lost = counted.filter(pl.col("read") < pl.col("held"))
        if lost.height:
            first = lost.row(0, named=True)
            raise DataError(
                f"every quote must be used or counted as dropped, got {first['read']} of {first['held']} quotes, "
                f"first {first['symbol']} {first['date']}"
            )
    return counted.select(*CELL, "read", "used", "dropped")


def without_surface(counts: pl.DataFrame) -> list[str]:
    """Symbols of `quote_counts` none of whose quotes is used."""
    used = counts.group_by("symbol").agg(pl.sum("used"))
    return used.filter(pl.col("used") == 0)["symbol"].sort().to_list()


def dropped_by_reason(dropped: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """One row a reason, most quotes first: `quotes`, their `share` of all that were read, and where they are.

    `symbols` and `days` count those concerned; `worst_symbol` lost the largest part of its own quotes, `worst_share`.
    A reason of no quotes is a note: rows that were looked at and kept.
    """
    of_symbol = counts.group_by("symbol").agg(read=pl.sum("read"))
    shares = dropped.group_by("reason", "symbol").agg(pl.sum("quotes")).join(of_symbol, on="symbol", how="left")
    shares = shares.with_columns(own=pl.col("quotes") / pl.col("read")).sort(
        "reason", "own", "symbol", descending=[False, True, False]
    )
    worst = shares.group_by("reason", maintain_order=True).agg(
        worst_symbol=pl.col("symbol").first(), worst_share=pl.col("own").first()
    )
    total = counts["read"].sum()
    counted = dropped.group_by("reason").agg(
        pl.sum("quotes").cast(pl.Int64),
        (pl.sum("quotes") / total).alias("share"),
        pl.col("symbol").n_unique().alias("symbols"),
        pl.col("date").n_unique().alias("days"),
    )
    return counted.join(worst, on="reason").sort(["quotes", "reason"], descending=[True, False])


def dropped_shares(dropped: pl.DataFrame, counts: pl.DataFrame, key: str) -> pl.DataFrame:
    """Share of the quotes read that each reason drops, by `key` (`date` or `symbol`) and `reason`."""
    read = counts.group_by(key).agg(pl.sum("read"))
    counted = dropped.group_by(key, "reason").agg(pl.sum("quotes")).join(read, on=key, how="left")
    return counted.select(key, "reason", share=pl.col("quotes") / pl.col("read")).sort(key, "reason")
