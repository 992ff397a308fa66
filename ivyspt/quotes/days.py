"""Whole chains that are no market of their day: copies of the day before, and what splits leave behind."""

import math

import polars as pl

from ivyspt.columns import REJECTIONS

COMPARED = ("strike", "option_type", "root", "bid", "ask", "mark", "underlying_price", "volume")
OFF_FACTOR = 1.4  # a 3-for-2 split is the smallest that leaves the number of contracts as it is
OFF_SHARE = 0.2  # of pairs
OFF_PAIRS = 5
OFF_SPREAD = 0.15  # third quartile of the absolute deviation of the factor's logarithm from its median
JUMP = 0.3  # absolute log change of the underlying from one quote time to the next that is noted
SAME_JUMP = 0.15  # by which the strikes' log change may differ from it in a split


def apart(quotes: pl.DataFrame, chains: pl.DataFrame, reason: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Quotes that are not of the chains (symbol, quote_time), and those that are, with a reason; in order."""
    if not chains.height:
        return quotes, quotes.clear().with_columns(reason=pl.lit(reason))
    marked = quotes.join(
        chains.with_columns(reason=pl.lit(reason)), on=["symbol", "quote_time"], how="left", maintain_order="left"
    )
    return marked.filter(pl.col("reason").is_null()).drop("reason"), marked.filter(pl.col("reason").is_not_null())


def inconsistent_chains(quotes: pl.DataFrame) -> pl.DataFrame:
    """Columns symbol and quote_time of the chains whose underlying price is not of their contracts.

    Feeds do so around splits, where old contracts stay listed beside or instead of the adjusted ones, and where they
    adjust past prices of the underlying. By parity call - put + strike is the underlying's price but for carry: a chain
    is given up where more than a fifth of its pairs, and at least five, are off by a factor of 1.4 or more that is one
    and the same (three quarters of them within 15 % of their median); stale prices are off by any factor. `quotes` are
    in order, so that a put follows the call of its strike.
    """
    contract = ("symbol", "quote_time", "root", "expiry", "strike")
    pair = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in contract)
    price = pl.coalesce((pl.col("bid") + pl.col("ask")) / 2, pl.col("mark"))
    factor = ((price.shift(1) - price + pl.col("strike")) / pl.col("underlying_price")).log()
    off = pl.col("factor").filter(pl.col("factor").abs() > math.log(OFF_FACTOR))
    return (
        quotes.lazy()
        .select("symbol", "quote_time", factor=pl.when(pair).then(factor).fill_nan(None))
        .drop_nulls("factor")
        .group_by("symbol", "quote_time")
        .agg(pairs=pl.len(), off=off.len(), spread=(off - off.median()).abs().quantile(0.75))
        .filter(
            (pl.col("off") > OFF_SHARE * pl.col("pairs"))
            & (pl.col("off") >= OFF_PAIRS)
            & (pl.col("spread") < OFF_SPREAD)
        )
        .select("symbol", "quote_time")
        .collect()
    )


def with_previous(quotes: pl.DataFrame) -> pl.DataFrame:
    """Columns symbol, quote_time, previous: the times of each symbol's quotes and the time before."""
    times = quotes.select("symbol", "quote_time").unique().sort("symbol", "quote_time")
    return times.with_columns(previous=pl.col("quote_time").shift(1).over("symbol")).drop_nulls("previous")


def stale_chains(quotes: pl.DataFrame) -> pl.DataFrame:
    """Columns symbol and quote_time of the chains that copy the one before, as vendors do on holidays.

    A copy has the same contracts, but for those that expired between, at the same prices and volumes and with the same
    price of the underlying. Open interest and vendors' vols may differ: some feeds go on computing them.
    """
    chains = quotes.group_by("symbol", "quote_time", "expiry").agg(
        content=pl.struct(COMPARED).hash().sum(), rows=pl.len().cast(pl.UInt64)
    )
    pairs = with_previous(quotes)
    sums = pl.col("content").sum(), pl.col("rows").sum()
    now = chains.join(pairs, on=["symbol", "quote_time"]).group_by("symbol", "quote_time").agg(*sums)
    before = (
        pairs.join(chains, left_on=["symbol", "previous"], right_on=["symbol", "quote_time"])
        .filter(pl.col("expiry") > pl.col("quote_time"))
        .group_by("symbol", "quote_time")
        .agg(*sums)
    )
    return now.join(before, on=["symbol", "quote_time", "content", "rows"]).select("symbol", "quote_time")


def jumps(quotes: pl.DataFrame) -> pl.DataFrame:
    """Rows of `REJECTIONS` that note, with 0 quotes, where the underlying's price jumped since the quote time before.

    `split`: the strikes of the expiries quoted at both times moved with it, so each day is consistent in itself and in
    log-moneyness, and nothing is dropped. `underlying_jump`: the strikes did not.
    """
    levels = quotes.group_by("symbol", "quote_time").agg(pl.col("underlying_price").median())
    strikes = quotes.group_by("symbol", "quote_time", "expiry").agg(pl.col("strike").median())
    now, before = ["symbol", "quote_time"], ["symbol", "previous"]
    moved = (
        with_previous(quotes)
        .join(levels, on=now)
        .join(levels, left_on=before, right_on=now, suffix="_before")
        .with_columns(move=(pl.col("underlying_price") / pl.col("underlying_price_before")).log())
        .filter(pl.col("move").abs() > JUMP)
    )
    rescaled = (
        moved.join(strikes, on=now)
        .join(strikes, left_on=[*before, "expiry"], right_on=[*now, "expiry"], suffix="_before")
        .group_by(now)
        .agg(strike_move=(pl.col("strike") / pl.col("strike_before")).log().median())
    )
    split = ((pl.col("strike_move") - pl.col("move")).abs() < SAME_JUMP).fill_null(False)
    notes = moved.join(rescaled, on=now, how="left").select(
        "symbol",
        date=pl.col("quote_time").dt.date(),
        reason=pl.when(split).then(pl.lit("split")).otherwise(pl.lit("underlying_jump")),
        quotes=pl.lit(0),
    )
    return notes.unique().cast(REJECTIONS.columns).select(*REJECTIONS.columns)
