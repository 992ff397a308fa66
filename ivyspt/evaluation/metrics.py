"""Errors of completed surfaces at quoted points, one row a surface, mask and region."""

from itertools import pairwise

import numpy as np
import polars as pl

from ivyspt import black
from ivyspt.columns import LEVELS, TIME, Table
from ivyspt.config import Evaluation

# a surface under a mask, by one method and seed
SURFACE_COLUMNS = {
    **{"run": pl.String, "seed": pl.UInt32, "tier": pl.String, "mask": pl.String},
    **{"surface_id": pl.String, "symbol": pl.String, "quote_time": TIME},
}
SURFACE = list(SURFACE_COLUMNS)
SURFACE_KEY = ("run", "seed", "mask", "surface_id")
_PRICED = ("price_error", "outside_bid_ask")  # null where nothing has a bid and an ask
_STATED = (*(f"covered_{level}" for level in LEVELS), "width_90")  # null for methods without intervals
_DERIVED = ("calendar_loss", "butterfly_loss")  # null for methods without derivatives
ERRORS = Table(
    "errors",
    {
        **SURFACE_COLUMNS,
        "region": pl.String,  # all targets, or those inside or outside the context's hull
        "points": pl.UInt32,
        "failures": pl.UInt32,
        **{name: pl.Float64 for name in ("rmse", "mae", "mape", "mse", "bias", "vega_weighted_rmse")},
        **{name: pl.Float64 for name in (*_PRICED, *_DERIVED, *_STATED)},
    },
    (*SURFACE_KEY, "region"),
    frozenset((*_PRICED, *_DERIVED, *_STATED)),
)
BUCKETS = ["z_bucket", "tau_bucket"]
VOL_POINTS = 100  # a vol point is 0.01 of annualised vol


def surface_errors(predictions: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """Errors of each surface and mask, over all its targets and over those inside and outside the context's hull.

    Where a method could not answer, the error is `evaluation.failure_error` and the point counts in `failures`.

    Returns
    -------
    Columns that name the surface, `region` (all, inside or outside), `points`, `failures`, and
    rmse, mae, vega_weighted_rmse (vol points), mape (per cent), mse (vol squared; the paper's), bias (vol points);
    price_error, mean absolute price error over half-spread, and outside_bid_ask, share of answers outside the quoted
    vols (both null where nothing has a bid and an ask);
    calendar_loss and butterfly_loss, means of max(0, -w_tau)^2 and max(0, -g)^2 over the answered targets (null for
    methods without derivatives); covered_90 and covered_50, shares of the targets within the stated intervals, and
    width_90, the mean width of the wider one (vol points; null for methods that state none).
    """
    errors = point_errors(predictions, evaluation)
    regions = {"all": pl.lit(True), "inside": pl.col("inside_hull"), "outside": ~pl.col("inside_hull")}
    tables = []
    for region, chosen in regions.items():
        grouped = errors.filter(chosen).group_by(SURFACE).agg(*_aggregates())
        tables.append(grouped.with_columns(region=pl.lit(region)))
    return pl.concat(tables).sort(*SURFACE, "region")


def bucket_errors(predictions: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """Errors of each symbol's tier and mask by bucket (see `in_buckets`)."""
    errors = in_buckets(point_errors(predictions, evaluation), evaluation)
    keys = ["run", "seed", "tier", "mask", *BUCKETS]
    return errors.group_by(keys).agg(*_aggregates()).sort(keys)


def in_buckets(errors: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """Target rows with their bucket of z = k / (median vol sqrt(tau)) and of time to maturity.

    The median is that of the surface's targets. Edges: `evaluation.z_edges` (standard deviations), `tau_edges` (years).
    """
    vol = pl.col("implied_vol").median().over(SURFACE)
    z = pl.col("log_moneyness") / (vol * pl.col("time_to_maturity").sqrt())
    return errors.with_columns(
        z_bucket=_bucket(z, evaluation.z_edges),
        tau_bucket=_bucket(pl.col("time_to_maturity"), evaluation.tau_edges),
    )


def _bucket(value: pl.Expr, edges: list[float]) -> pl.Expr:
    """Label of the interval, closed on the right, that a value falls into."""
    bounds = ["-inf", *(f"{edge:g}" for edge in sorted(edges)), "inf"]
    labels = [f"({low}, {high}]" for low, high in pairwise(bounds)]
    number = pl.sum_horizontal((value > edge).cast(pl.UInt32) for edge in edges)
    return number.replace_strict(dict(enumerate(labels)), return_dtype=pl.String)


def point_errors(predictions: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """Target rows with their error (decimal vol), vega (per forward), half-spread and price error (over forward)."""
    failed = pl.col("implied_vol_fitted").is_null()
    targets = predictions.filter(pl.col("set") == "target").with_columns(
        failed=failed,
        fitted=pl.when(failed).then(pl.col("implied_vol") + evaluation.failure_error).otherwise("implied_vol_fitted"),
    )
    k, tau = (targets[name].to_numpy() for name in ("log_moneyness", "time_to_maturity"))
    prices = {
        name: pl.Series(_out_of_the_money_price(k, tau, targets[name].to_numpy()))
        for name in ("fitted", "implied_vol", "implied_vol_bid", "implied_vol_ask")
    }
    vega = black.vega(np.ones_like(k), np.exp(k), tau, targets["implied_vol"].to_numpy())
    half_spread = ((prices["implied_vol_ask"] - prices["implied_vol_bid"]) / 2).fill_nan(None)
    return targets.with_columns(
        error=pl.col("fitted") - pl.col("implied_vol"),
        vega=pl.Series(vega),
        half_spread=half_spread.set(half_spread <= 0, None),
        price_error=(prices["fitted"] - prices["implied_vol"]).abs(),
        outside_bid_ask=(pl.col("fitted") < pl.col("implied_vol_bid")) | (pl.col("fitted") > pl.col("implied_vol_ask")),
    )


def _out_of_the_money_price(k: np.ndarray, tau: np.ndarray, implied_vol: np.ndarray) -> np.ndarray:
    """Undiscounted price over forward of the option that is out of the money; NaN where the vol is."""
    return black.price(np.ones_like(k), np.exp(k), tau, implied_vol.astype(float), k >= 0)


def _aggregates() -> list[pl.Expr]:
    error, vega = pl.col("error"), pl.col("vega")
    return [
        pl.len().alias("points"),
        pl.col("failed").sum().alias("failures"),
        (VOL_POINTS * (error**2).mean().sqrt()).alias("rmse"),
        (VOL_POINTS * error.abs().mean()).alias("mae"),
        (100 * (error.abs() / pl.col("implied_vol")).mean()).alias("mape"),
        (error**2).mean().alias("mse"),
        (VOL_POINTS * error.mean()).alias("bias"),
        (VOL_POINTS * ((vega * error**2).sum() / vega.sum()).sqrt()).alias("vega_weighted_rmse"),
        (pl.col("price_error") / pl.col("half_spread")).mean().alias("price_error"),
        pl.col("outside_bid_ask").mean().alias("outside_bid_ask"),
        ((-pl.col("w_tau")).clip(lower_bound=0) ** 2).mean().alias("calendar_loss"),
        ((-pl.col("durrleman_g")).clip(lower_bound=0) ** 2).mean().alias("butterfly_loss"),
        *(
            pl.col("implied_vol").is_between(f"iv_low_{level}", f"iv_high_{level}").mean().alias(f"covered_{level}")
            for level in LEVELS
        ),
        (VOL_POINTS * (pl.col("iv_high_90") - pl.col("iv_low_90")).mean()).alias("width_90"),
    ]
