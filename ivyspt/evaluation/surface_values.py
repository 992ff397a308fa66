"""Every measure of every surface in one long table, lower is better, for the comparison of methods."""

import polars as pl

KEYS = ["run", "seed", "tier", "mask", "surface_id", "date"]
ERRORS = (
    *("rmse", "mae", "mape", "mse", "vega_weighted_rmse", "price_error", "outside_bid_ask"),
    *("calendar_loss", "butterfly_loss"),
)
AUDITED = (
    "butterfly_share",
    "calendar_share",
    "negative_mass",
    "violating_derivatives",
    "violating_prices",
    "violating",
)


def surface_values(errors: pl.DataFrame, audit: pl.DataFrame) -> pl.DataFrame:
    """Rows (run, seed, tier, mask, surface_id, date, metric, points, value) of what was measured; nulls are left out.

    Metrics are the columns of the errors over all targets; `rmse_inside` and `rmse_outside` of the hull;
    `failed_share` of the targets; and of the audit grid its shares, verdicts, `negative_mass`, `butterfly_depth` and
    `calendar_depth` (how far the least g and the least w_tau lie below zero) and its losses `…_loss_audit`.
    """
    errors, audit = (table.with_columns(date=pl.col("quote_time").dt.date()) for table in (errors, audit))
    everywhere = errors.filter(pl.col("region") == "all").with_columns(
        failed_share=pl.col("failures") / pl.col("points")
    )
    tables = [_long(everywhere, "points", [*ERRORS, "failed_share"])]
    for region in ("inside", "outside"):
        part = errors.filter(pl.col("region") == region).rename({"rmse": f"rmse_{region}"})
        tables.append(_long(part, "points", [f"rmse_{region}"]))
    audited = audit.with_columns(
        butterfly_depth=(-pl.col("min_g")).clip(lower_bound=0),
        calendar_depth=(-pl.col("min_w_tau")).clip(lower_bound=0),
        butterfly_loss_audit=pl.col("butterfly_loss"),
        calendar_loss_audit=pl.col("calendar_loss"),
    )
    depths = ("butterfly_depth", "calendar_depth", "butterfly_loss_audit", "calendar_loss_audit")
    tables.append(_long(audited, "nodes", [*AUDITED, *depths]))
    return pl.concat(tables).sort(*KEYS, "metric")


def _long(table: pl.DataFrame, weight: str, metrics: list[str]) -> pl.DataFrame:
    kept = table.select(
        *KEYS, pl.col(weight).cast(pl.UInt32).alias("points"), *(pl.col(name).cast(pl.Float64) for name in metrics)
    )
    long = kept.unpivot(metrics, index=[*KEYS, "points"], variable_name="metric", value_name="value")
    return long.filter(pl.col("value").is_not_null())
