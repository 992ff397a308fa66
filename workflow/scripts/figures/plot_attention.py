"""Attention of the last block for a few targets of one surface: on its points, head by head, and on the market."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from workflow.scripts.analyses import FEATURES
from workflow.scripts.figures.drawing import options, save
from workflow.scripts.figures.palette import QUOTES, RATIO
from workflow.scripts.names import data_label, mask_label, method_label

AREA = 22  # of a point of equal weight, points squared
LARGEST = 6  # times that area at the most
SHARPEST = 1.001  # the bar of colours ends here at the least, so that rounding is not shown as structure
CLIP = 20.0  # and here at the most
TARGET = {"marker": "*", "ms": 9, "mfc": "none", "mec": "black", "mew": 0.9, "linestyle": ""}


def with_ratios(rows: pl.DataFrame) -> pl.DataFrame:
    """Weights as multiples of equal weights over the context and the target itself."""
    keys = pl.len().over("target", "head", "attention")
    return rows.with_columns(ratio=pl.col("weight") * keys)


def draw_self(axes: Axes, rows: pl.DataFrame, norm: LogNorm) -> PathCollection:
    """Context points over (k, τ), their area and colour by the weight on them; the target is a star."""
    shown = rows.drop_nulls("log_moneyness").sort("ratio")
    k, days, ratio = shown["log_moneyness"], 365 * shown["time_to_maturity"], shown["ratio"].to_numpy()
    area = AREA * np.minimum(ratio, LARGEST)
    drawn = axes.scatter(
        k, days, area, ratio, cmap=RATIO, norm=norm, linewidth=0.3, edgecolor=QUOTES["hidden"], zorder=2
    )
    axes.plot(rows["target_log_moneyness"][0], 365 * rows["target_time_to_maturity"][0], zorder=3, **TARGET)
    itself = rows.filter(pl.col("key") == "itself")["ratio"].sum()
    axes.text(0.98, 0.97, f"itself ×{itself:.3g}", transform=axes.transAxes, ha="right", va="top", fontsize=6)
    axes.margins(x=0.12, y=0.3)
    return drawn


def draw_market(axes: Axes, rows: pl.DataFrame, norm: LogNorm) -> None:
    """Weight on each market feature, head by head, in per cent, its colour on the same scale."""
    if rows.is_empty():
        axes.text(0.5, 0.5, "no attention\nto the market", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    wide = rows.pivot("key", index="head", values="weight").sort("head")
    names = [name for name in wide.columns if name != "head"]
    table = wide.select(names).to_numpy()
    axes.imshow(table * len(names), cmap=RATIO, norm=norm, aspect="auto")
    for (head, number), weight in np.ndenumerate(table):
        axes.text(number, head, f"{100 * weight:.1f}", ha="center", va="center", fontsize=5)
    labels = [FEATURES.get(name, name).replace(" of visible", " of") for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=90, fontsize=6)
    axes.set_yticks(range(len(table)), [f"head {head + 1}" for head in wide["head"]], fontsize=6)
    axes.grid(visible=False)


def draw_target(panels: Sequence[Axes], own: pl.DataFrame, market: pl.DataFrame, norm: LogNorm) -> PathCollection:
    """A row of panels for one target: each head on the surface, then all heads on the market."""
    heads = own["head"].unique().sort().to_list()
    for axes, head in zip(panels, heads, strict=False):
        drawn = draw_self(axes, own.filter(pl.col("head") == head), norm)
    draw_market(panels[-1], market, norm)
    z, days = own["target_z"][0], 365 * own["target_time_to_maturity"][0]
    panels[0].set_ylabel(f"target at z = {z:g},\n{days:.0f} days\n\nτ (days)")
    return drawn


def show_scale(figure: Figure, drawn: PathCollection, panels: Sequence[Axes], most: float) -> None:
    """The bar of colours, from the least to the most that a weight may be of equal weights."""
    bar = figure.colorbar(drawn, ax=panels, location="bottom", shrink=0.6, aspect=40, pad=0.02)
    bar.set_label("weight, in multiples of equal weights (area and colour)")
    bar.ax.xaxis.set_major_locator(FixedLocator([1 / most, 1 / np.sqrt(most), 1, np.sqrt(most), most]))
    bar.ax.xaxis.set_minor_locator(NullLocator())
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"×{ratio:.4g}"))


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "maps")
    surface = chosen.settings["surface"]
    maps = pl.concat([pl.read_parquet(path) for path in chosen.maps]).filter(pl.col("surface_id") == surface)
    own, market = (with_ratios(maps.filter(pl.col("attention") == kind)) for kind in ("self", "market"))
    heads, targets = (own[name].unique().sort().to_list() for name in ("head", "target"))
    figure, grid = plt.subplots(
        *(len(targets), len(heads) + 1),
        figsize=(7.2, 1.7 + 1.5 * len(targets)),
        squeeze=False,
        width_ratios=[1] * len(heads) + [1.1],
    )
    ratios = own.drop_nulls("log_moneyness")["ratio"]
    most = min(max(ratios.max(), 1 / max(ratios.min(), 1 / CLIP), SHARPEST), CLIP)
    for axes in grid[:, :-1].flat[1:]:
        axes.sharex(grid[0][0])
        axes.sharey(grid[0][0])
        axes.label_outer()
    for row, target in zip(grid, targets, strict=True):
        of_target = [rows.filter(pl.col("target") == target) for rows in (own, market)]
        drawn = draw_target(row, *of_target, LogNorm(1 / most, most))
    for axes, head in zip(grid[0], heads, strict=False):
        axes.set_title(f"head {head + 1}")
        axes.tick_params(labelbottom=len(grid) == 1)
    grid[0][-1].set_title("on the market (%)")
    for axes in grid[:-1, -1]:
        axes.tick_params(labelbottom=False)
    for axes in grid[-1][:-1]:
        axes.set_xlabel("log-moneyness k")
    show_scale(figure, drawn, list(grid[:, :-1].flat), most)
    label = method_label(maps["run"][0], chosen.settings)
    place = f"{maps['symbol'][0]}, {maps['date'][0]:%Y-%m-%d}, {mask_label(maps['mask'][0])}"
    text = f"Attention of the last block: {place}; {label}, seed {maps['seed'][0]}"
    scale = f"weights are from {ratios.min():.4g} to {ratios.max():.4g} times equal weights; the star is the target"
    figure.suptitle(f"{text}\n{scale}\n{data_label(chosen.settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
