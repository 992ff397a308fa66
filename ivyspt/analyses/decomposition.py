"""The three losses apart, surface by surface, by period of the study, mask, and bucket of (z, tau).

The paper decomposes its losses by year and by mask proportion (Loss Decomposition Analysis). A table of every surface's
losses, not of their means, leaves the distributions to be seen.
"""

import polars as pl

from ivyspt.columns import Table, check
from ivyspt.config import Evaluation
from ivyspt.evaluation.metrics import BUCKETS, SURFACE, SURFACE_COLUMNS, SURFACE_KEY, in_buckets, point_errors

LOSSES = {  # fit loss and penalties at the quoted points, and their columns with units
    "fit": "fit_loss_vol_squared",
    "calendar": "calendar_loss_per_year_squared",
    "butterfly": "butterfly_loss",  # dimensionless
}
LOSS_TABLE = Table(
    "losses by surface and bucket",
    {
        **SURFACE_COLUMNS,
        "period": pl.String,
        **dict.fromkeys(BUCKETS, pl.String),
        **{"points": pl.UInt32, "derivative_points": pl.UInt32},
        **dict.fromkeys(LOSSES.values(), pl.Float64),
    },
    (*SURFACE_KEY, *BUCKETS),
    frozenset({LOSSES["calendar"], LOSSES["butterfly"]}),  # null for methods without derivatives
)


def decompose_losses(predictions: pl.DataFrame, split: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """Mean losses of each surface, mask and bucket.

    Parameters
    ----------
    predictions : pl.DataFrame
        Table PREDICTIONS.
    split : pl.DataFrame
        Table SPLIT: its days say whether the study is told by years or, within one year, by months.
    evaluation : Evaluation
        Edges of the buckets, and the error booked where a method cannot answer.

    Returns
    -------
    Table LOSS_TABLE: the losses are means over the bucket's `points` (fit) and over those with derivatives,
    `derivative_points` (penalties); weighted so, they add up to the surface's own.
    """
    errors = in_buckets(point_errors(predictions, evaluation), evaluation)
    several = split["date"].dt.year().n_unique() > 1
    period = pl.col("quote_time").dt.strftime("%Y" if several else "%Y-%m").alias("period")
    losses = {
        "fit": (pl.col("error") ** 2).mean(),
        "calendar": ((-pl.col("w_tau")).clip(lower_bound=0) ** 2).mean(),
        "butterfly": ((-pl.col("durrleman_g")).clip(lower_bound=0) ** 2).mean(),
    }
    table = errors.group_by(*SURFACE, period, *BUCKETS, maintain_order=True).agg(
        pl.len().alias("points"),
        pl.col("w_tau").count().alias("derivative_points"),
        *(loss.alias(LOSSES[name]) for name, loss in losses.items()),
    )
    run, seed = predictions["run"][0], predictions["seed"][0]
    return check(table.sort(LOSS_TABLE.key), LOSS_TABLE, f"losses of {run}, seed {seed}")
