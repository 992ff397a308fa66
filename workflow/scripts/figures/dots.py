"""Methods as rows of dots: error beside arbitrage, tier by tier."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow.scripts.comparison import headline
from workflow.scripts.figures.drawing import plain_log_ticks
from workflow.scripts.figures.palette import colour, face, marker
from workflow.scripts.names import mask_label

MEASURES = {"rmse": ("RMSE (vol points)", 1), "violating": ("surfaces with arbitrage found (%)", 100)}

WIDE = 10  # ratio of the largest error to the smallest from which the axis is logarithmic


def error_and_arbitrage(comparison: pl.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """A row of panels for each tier that the table holds; methods, by their labels, in order of their error."""
    tiers = comparison["tier"].unique().sort().to_list()
    rows = {tier: headline(comparison, tier) for tier in tiers}
    heights = [rows[tier]["run"].n_unique() for tier in tiers]
    figure, grid = plt.subplots(
        len(tiers), 2, figsize=(7.2, 0.9 * len(tiers) + 0.19 * sum(heights)), squeeze=False, height_ratios=heights
    )
    for panels, tier in zip(grid, tiers, strict=True):
        of_tier = rows[tier]
        order = of_tier.filter(pl.col("metric") == "rmse").sort("mean", descending=True)["run"].to_list()
        for axes, (metric, (label, scale)) in zip(panels, MEASURES.items(), strict=True):
            _dots(axes, of_tier.filter(pl.col("metric") == metric), order, scale)
            axes.set_xlabel(label)
            if metric == "rmse":
                _widen(axes, of_tier.filter(pl.col("metric") == metric)["mean"])
            axes.set_title(f"{tier} tier, {mask_label(of_tier['mask'][0])}")
        panels[0].set_yticks(range(len(order)), [labels[method] for method in order])
        panels[1].set_yticks(range(len(order)), [""] * len(order))
        panels[1].set_xlim(-4, 104)
    figure.suptitle(title)
    return figure


def _widen(axes: Axes, means: pl.Series) -> None:
    """A logarithmic axis where the worst method would press all others together."""
    if means.max() < WIDE * means.min():
        return
    axes.set_xscale("log")
    axes.set_xlim(means.min() / 1.5, means.max() * 1.5)
    plain_log_ticks(axes.xaxis)


def _dots(axes: Axes, cells: pl.DataFrame, order: list[str], scale: float) -> None:
    """One dot a method with a bar of one standard deviation over seeds; nothing where nothing was measured."""
    found = {row["run"]: row for row in cells.iter_rows(named=True)}
    for height, method in enumerate(order):
        if method not in found:
            axes.text(
                0.02,
                height,
                "not judged",
                va="center",
                color="#777777",
                fontsize=6,
                transform=axes.get_yaxis_transform(),
            )
            continue
        row = found[method]
        axes.errorbar(
            scale * row["mean"],
            height,
            xerr=scale * (row["std"] or 0.0),
            fmt=marker(method),
            color=colour(method),
            mfc=face(method),
            capsize=2,
        )
    axes.set_ylim(-0.7, len(order) - 0.3)
    furthest = max((scale * (row["mean"] + (row["std"] or 0.0)) for row in found.values()), default=0.0)
    axes.set_xlim(0, 1.08 * furthest or 1.0)
