"""Where a method's errors are: which surfaces, symbols, days and places."""

import polars as pl

KEY = ["run", "tier", "mask"]
SURFACE = [*KEY, "surface_id", "symbol", "quote_time"]
WORST = 0.1  # share of the surfaces that count as the worst ones
GOOD, TYPICAL, BAD = 0.1, 0.5, 1.0  # ranks of the example surfaces


def by_surface(errors: pl.DataFrame, region: str = "all") -> pl.DataFrame:
    """Table ERRORS of several methods and seeds to one row a method, mask and surface: means over the seeds."""
    rows = errors.filter(pl.col("region") == region).sort("seed")
    measured = ("rmse", "mse", "bias", "outside_bid_ask", "price_error")
    means = (pl.col(name).mean() for name in measured)
    grouped = rows.group_by(SURFACE, maintain_order=True)
    return grouped.agg(*means, points=pl.col("points").first(), seeds=pl.len()).sort(SURFACE)


def distribution(surfaces: pl.DataFrame) -> pl.DataFrame:
    """Quantiles of the RMSE of a method's surfaces, and how much of its squared error the worst of them hold.

    Returns
    -------
    One row a method, tier and mask: `surfaces`, `q10`, `median`, `q90`, `largest` (vol points), and `worst_share`, the
    share of the sum of squared errors that the worst tenth of the surfaces (at least one) holds.
    """
    rmse, squares = pl.col("rmse"), pl.col("mse") * pl.col("points")
    worst = (pl.len() * WORST).ceil().cast(pl.Int64)
    return (
        surfaces.group_by(KEY)
        .agg(
            surfaces=pl.len(),
            q10=rmse.quantile(0.1, "linear"),
            median=rmse.median(),
            q90=rmse.quantile(0.9, "linear"),
            largest=rmse.max(),
            worst_share=squares.sort(descending=True).head(worst).sum() / squares.sum(),
        )
        .sort(KEY)
    )


def by(surfaces: pl.DataFrame, key: str) -> pl.DataFrame:
    """Mean RMSE and bias of a method's surfaces by `symbol` or `date`, beside their number."""
    dated = surfaces.with_columns(date=pl.col("quote_time").dt.date())
    grouped = dated.sort(SURFACE).group_by(*KEY, key, maintain_order=True)
    return grouped.agg(pl.col("rmse").mean(), pl.col("bias").mean(), surfaces=pl.len()).sort(*KEY, key)


def by_hull(errors: pl.DataFrame) -> pl.DataFrame:
    """Share of the targets inside and outside the context's hull, and RMSE pooled over them, means over seeds."""
    rows = errors.filter(pl.col("region") != "all")
    of_seed = rows.sort("surface_id").group_by(*KEY, "region", "seed", maintain_order=True)
    pooled = of_seed.agg(points=pl.col("points").sum(), squares=(pl.col("mse") * pl.col("points")).sum())
    pooled = pooled.with_columns(rmse=100 * (pl.col("squares") / pl.col("points")).sqrt())
    means = pooled.sort(*KEY, "region", "seed").group_by(*KEY, "region", maintain_order=True)
    table = means.agg(pl.col("rmse").mean(), pl.col("points").first())
    return table.with_columns(share=pl.col("points") / pl.col("points").sum().over(KEY)).sort(*KEY, "region")


def by_bucket(buckets: pl.DataFrame) -> pl.DataFrame:
    """Errors by bucket of several methods and seeds to means over the seeds: `rmse`, `bias` (vol points), `points`."""
    keys = [*KEY, "z_bucket", "tau_bucket"]
    grouped = buckets.sort("seed").group_by(keys, maintain_order=True)
    return grouped.agg(pl.col("rmse").mean(), pl.col("bias").mean(), points=pl.col("points").first()).sort(keys)


def beside(surfaces: pl.DataFrame, one: str, other: str) -> pl.DataFrame:
    """RMSE of two methods on the surfaces and masks that both have: `rmse` and `rmse_other`."""
    first, second = (surfaces.filter(pl.col("run") == run).drop("run") for run in (one, other))
    keys = [name for name in SURFACE if name != "run"]
    return first.select(*keys, "rmse").join(second.select(*keys, rmse_other="rmse"), on=keys).sort(keys)


def rank_correlation(pairs: pl.DataFrame) -> float | None:
    """Spearman's correlation of the two methods' errors over surfaces; None where one does not vary."""
    ranks = pairs.select(pl.col("rmse").rank(), pl.col("rmse_other").rank())
    if pairs.height < 3 or ranks["rmse"].n_unique() == 1 or ranks["rmse_other"].n_unique() == 1:
        return None
    return ranks.select(pl.corr("rmse", "rmse_other")).item()


def examples(surfaces: pl.DataFrame, run: str) -> dict[str, str]:
    """Surfaces of a method on one mask by rank of their RMSE: a good one, the typical one and the worst."""
    ranked = surfaces.filter(pl.col("run") == run).sort("rmse", "surface_id")["surface_id"]
    places = {"good": GOOD, "typical": TYPICAL, "worst": BAD}
    return {name: ranked[round(rank * (len(ranked) - 1))] for name, rank in places.items()}
