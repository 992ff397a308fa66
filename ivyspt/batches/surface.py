"""Surfaces as arrays, cut from the tables of points, market features and clusters."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ivyspt.batches.masking import cluster_column
from ivyspt.completion import Context, Targets


@dataclass(frozen=True)
class Surface:
    """Points of one (quote time, symbol) and the market as of then; arrays have one entry a point.

    `labels` maps a mask proportion to the cluster of each point.
    """

    surface_id: str
    symbol: str
    log_moneyness: np.ndarray
    time_to_maturity: np.ndarray
    implied_vol: np.ndarray
    mask_group: np.ndarray
    market: np.ndarray
    labels: dict[float, np.ndarray]

    def divide(self, masked: np.ndarray) -> tuple[Context, Targets]:
        """The points that a mask leaves as context, and those it hides as targets."""
        shown = ~masked
        context = Context(
            self.surface_id,
            self.symbol,
            self.log_moneyness[shown],
            self.time_to_maturity[shown],
            self.implied_vol[shown],
            self.market,
        )
        targets = Targets(self.log_moneyness[masked], self.time_to_maturity[masked], self.implied_vol[masked])
        return context, targets


def surfaces(
    points: pl.DataFrame, market_features: pl.DataFrame, clusters: pl.DataFrame, proportions: list[float]
) -> list[Surface]:
    """Surfaces in the order of their ids, from their visible points alone."""
    table = (
        points.filter(pl.col("visible"))
        .join(clusters, on=["surface_id", "point"], how="inner", validate="1:1")
        .join(market_features, on="surface_id", how="left", validate="m:1")
        .sort("surface_id", "point")
    )
    market = ["market_return", "market_vol", "treasury_rate"]
    made = []
    for (surface_id,), group in table.group_by(["surface_id"], maintain_order=True):
        row = group.select(pl.col(market).cast(pl.Float64).fill_null(float("nan"))).row(0)
        made.append(
            Surface(
                surface_id,
                group["symbol"][0],
                group["log_moneyness"].to_numpy(),
                group["time_to_maturity"].to_numpy(),
                group["implied_vol"].to_numpy(),
                group["mask_group"].to_numpy(),
                np.array(row),
                {p: group[cluster_column(p)].to_numpy() for p in proportions},
            )
        )
    return made
