"""Forwards of slices as data: how they were found, how well pairs agree on them, and how they grow with maturity."""

import polars as pl

from ivyspt.surfaces.coverage import maturity_class

BASIS_POINT = 1e-4


def slices_of(points: pl.DataFrame) -> pl.DataFrame:
    """One row a slice of `points` (POINTS): where it is, `forward` and `discount_factor`, number of `points`."""
    key = ["surface_id", "symbol", "quote_time", "expiry", "time_to_maturity"]
    counted = points.group_by(key).agg(pl.col("forward", "discount_factor").first(), points=pl.len())
    return counted.sort("quote_time", "symbol", "time_to_maturity")


def routes(slices: pl.DataFrame) -> pl.DataFrame:
    """How the forward was found, over the slices that have quotes in a surface, by `route`.

    `parity`: from the slice's own pairs; `carry`: from the neighbouring expiries' carry more than its own pairs;
    `spot`: from the spot price and the rate, without dividends. `slices` and their `share`, quotes used and their
    `quotes_share`, and the median number of near `pairs`.
    """
    used = slices.filter(pl.col("quotes_used") > 0)
    slice_count, quote_count = used.height, used["quotes_used"].sum()
    counted = used.group_by("route").agg(
        pl.len().alias("slices"),
        (pl.len() / slice_count).alias("share"),
        pl.sum("quotes_used").alias("quotes"),
        (pl.sum("quotes_used") / quote_count).alias("quotes_share"),
        pl.col("pairs").median(),
    )
    return counted.sort(["slices", "route"], descending=[True, False])


def parity_residuals(slices: pl.DataFrame) -> pl.DataFrame:
    """How far near pairs lie from the forward that they imply, by class of maturity, in basis points of the forward.

    Over slices in use: `by_parity` is the share with a forward from their own pairs; `median`, `q90` and `q99` are
    quantiles over these of the slice's residual, the weighted median of |K + (C - P) / D - F| / F over its pairs.
    """
    used = slices.filter(pl.col("quotes_used") > 0).with_columns(maturity_class())
    size = pl.col("residual") / BASIS_POINT
    counted = used.group_by("maturity").agg(
        pl.len().alias("slices"),
        (pl.col("route") == "parity").mean().alias("by_parity"),
        size.median().alias("median"),
        size.quantile(0.9, "linear").alias("q90"),
        size.quantile(0.99, "linear").alias("q99"),
    )
    return counted.sort("maturity")


def forward_growth(slices: pl.DataFrame) -> pl.DataFrame:
    """`slices` with the forward's `growth` and its `kink`, both in basis points.

    `growth` is ln F less that of the surface's shortest slice. `kink` is ln F less the straight line between the
    neighbouring slices in time to maturity: zero under a constant carry, moved by dividends between them and by
    errors of the forward; null for the shortest and the longest slice.
    """
    slices = slices.sort("surface_id", "time_to_maturity")
    tau, level = pl.col("time_to_maturity"), pl.col("forward").log()

    def beside(value: pl.Expr, places: int) -> pl.Expr:
        return value.shift(places).over("surface_id")

    share = (tau - beside(tau, 1)) / (beside(tau, -1) - beside(tau, 1))
    line = (1 - share) * beside(level, 1) + share * beside(level, -1)
    return slices.with_columns(
        growth=(level - level.first().over("surface_id")) / BASIS_POINT, kink=(level - line) / BASIS_POINT
    )


def carry_by_symbol(growth: pl.DataFrame) -> pl.DataFrame:
    """One row a symbol of `forward_growth`: its carry and how smooth it is.

    `carry` is the median over surfaces of ln(F_last / F_first) / (tau_last - tau_first), annualised, with quartiles
    `carry_q25` and `carry_q75`; `kink` the median of its absolute value, in basis points. Surfaces of one slice have
    neither.
    """
    tau = pl.col("time_to_maturity")
    surfaces = growth.group_by("symbol", "surface_id").agg(
        slices=pl.len(), carry=pl.col("growth").last() * BASIS_POINT / (tau.last() - tau.first())
    )
    carry = pl.col("carry")
    carries = (
        surfaces.filter(pl.col("slices") > 1)
        .group_by("symbol")
        .agg(
            pl.len().alias("surfaces"),
            carry.median().alias("carry"),
            carry.quantile(0.25, "linear").alias("carry_q25"),
            carry.quantile(0.75, "linear").alias("carry_q75"),
        )
    )
    kinks = growth.group_by("symbol").agg(pl.col("kink").abs().median())
    return carries.join(kinks, on="symbol", how="left").sort("symbol")
