"""An example surface, slice by slice: what every method was shown, what it answered, and what was quoted there."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes

from workflow.scripts.figures.drawing import options, save
from workflow.scripts.figures.palette import QUOTES, colour
from workflow.scripts.names import data_label, method_label

# the first of these masks that the sparse tier has: its hidden points, else a surface shown in part
MASKS = ("visible", "random_20", "random_9", "random_5", "clustered_0.5")
SLICES = 6  # at most, from the shortest to the longest


def example(predictions: pl.DataFrame) -> pl.DataFrame:
    """Target rows of the sparse tier's surface whose error is the median one: neither the best nor the worst."""
    targets = predictions.filter((pl.col("set") == "target") & (pl.col("tier") == "sparse"))
    mask = next(mask for mask in MASKS if mask in targets["mask"].unique())
    targets = targets.filter(pl.col("mask") == mask)
    squared = (pl.col("implied_vol_fitted") - pl.col("implied_vol")) ** 2
    errors = (
        targets.group_by("surface_id", maintain_order=True).agg(squared.mean().alias("mse")).sort("mse", "surface_id")
    )
    return targets.filter(pl.col("surface_id") == errors["surface_id"][(errors.height - 1) // 2])


def answers(predictions: Sequence[Path], asked: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Every method's rows at the targets of `asked`, the model of `asked` last, so that it is drawn on top."""
    found = {asked["run"][0]: asked}
    for path in predictions:
        rows = pl.read_parquet(path).join(asked, on=["mask", "surface_id", "point"], how="semi")
        found[rows["run"][0]] = rows.sort("time_to_maturity", "log_moneyness")
    return dict(reversed(found.items()))


def draw(axes: Axes, shown: pl.DataFrame, asked: pl.DataFrame, fits: dict[str, pl.DataFrame], settings: dict) -> None:
    """One slice: implied vol, in per cent, by log-moneyness."""
    spread = asked.drop_nulls(["implied_vol_bid", "implied_vol_ask"])
    if spread.height:
        bounds = (100 * spread[name] for name in ("implied_vol_bid", "implied_vol_ask"))
        axes.vlines(spread["log_moneyness"], *bounds, QUOTES["spread"], linewidth=2.5, label="bid to ask")
    for method, fit in fits.items():
        ours = method == asked["run"][0]
        width, line = (1.4, "-") if ours else (0.7, "--" if method.endswith(".pretrain") else "-")
        fitted = 100 * fit["implied_vol_fitted"]
        label = method_label(method, settings)
        axes.plot(fit["log_moneyness"], fitted, line, color=colour(method), linewidth=width, label=label)
    hidden = {"mfc": "white", "mec": QUOTES["hidden"], "markersize": 3.5, "zorder": 3}
    axes.plot(asked["log_moneyness"], 100 * asked["implied_vol"], "o", label="hidden point", **hidden)
    axes.plot(
        shown["log_moneyness"],
        100 * shown["implied_vol"],
        "o",
        color=QUOTES["shown"],
        markersize=3.5,
        zorder=3,
        label="shown point",
    )


def limits(quoted: pl.Series) -> tuple[float, float]:
    """Of the vertical axis, in per cent: the quotes and a quarter of their range; a fit that leaves it is cut."""
    low, high = 100 * quoted.min(), 100 * quoted.max()
    return low - 0.25 * (high - low), high + 0.25 * (high - low)


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "points", "masks", "predictions")
    asked = example(pl.read_parquet(chosen.predictions[0])).sort("time_to_maturity", "log_moneyness")
    surface, mask = asked["surface_id"][0], asked["mask"][0]
    fits = answers(chosen.predictions[1:], asked)
    context = pl.read_parquet(chosen.masks[0]).filter(
        (pl.col("mask") == mask) & (pl.col("surface_id") == surface) & (pl.col("role") == "context")
    )
    points = pl.read_parquet(chosen.points[0]).join(context, on=["surface_id", "point"], how="semi")
    maturities = asked["time_to_maturity"].unique().sort()
    step = max(1, -(-len(maturities) // SLICES))
    maturities = maturities.gather_every(step).to_list()
    columns = min(3, len(maturities))
    rows = -(-len(maturities) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(7.2, 2.2 * rows + 0.5 + 0.05 * len(fits)), sharey=True, squeeze=False
    )
    for axes, tau in zip(grid.flat, maturities, strict=False):
        at_tau = pl.col("time_to_maturity") == tau
        here = {method: fit.filter(at_tau) for method, fit in fits.items()}
        draw(axes, points.filter(at_tau), asked.filter(at_tau), here, chosen.settings)
        axes.set_ylim(limits(pl.concat([points["implied_vol"], asked["implied_vol"]])))
        axes.set_title(f"τ = {365 * tau:.0f} days")
        axes.set_xlabel("log-moneyness k")
    for axes in grid.flat[len(maturities) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("implied vol σ (%)")
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=4)
    quoted = f"{asked['symbol'][0]}, {asked['quote_time'][0]:%Y-%m-%d}, {points.height} points shown"
    figure.suptitle(f"The test surface of median error: {quoted}\n{data_label(chosen.settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
