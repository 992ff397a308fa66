"""Error against arbitrage, method by method: an unfit flat surface is free of arbitrage too."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes

from workflow.scripts.comparison import headline, read
from workflow.scripts.figures.drawing import options, plain_log_ticks, save
from workflow.scripts.figures.palette import colour, face, marker
from workflow.scripts.names import data_label, mask_label, method_label, seeds_of

VERDICTS = {
    "violating_derivatives": "by derivatives: g < 0, ∂w/∂τ < 0 or a wing too steep",
    "violating_prices": "by prices: a spread of negative cost",
}


def draw(axes: Axes, cells: pl.DataFrame, verdict: str, settings: dict) -> None:
    """One marker a method that the test judged."""
    wide = cells.pivot("metric", index="run", values="mean").sort("run")
    if verdict not in wide.columns:
        return
    for row in wide.drop_nulls([verdict, "rmse"]).iter_rows(named=True):
        method = row["run"]
        axes.plot(
            row["rmse"],
            100 * row[verdict],
            marker(method),
            color=colour(method),
            mfc=face(method),
            ms=6,
            label=method_label(method, settings),
            clip_on=False,
        )
    axes.set_ylim(-5, 108)


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "comparison")
    comparison = read(chosen.comparison)
    tiers = comparison["tier"].unique().sort().to_list()
    figure, grid = plt.subplots(2, len(tiers), figsize=(7.2, 5.2), sharex="col", sharey=True, squeeze=False)
    named = {}
    for column, tier in enumerate(tiers):
        cells = headline(comparison, tier)
        shown = f"{tier} tier, {mask_label(cells['mask'][0])}"
        for row, (verdict, wording) in enumerate(VERDICTS.items()):
            axes = grid[row][column]
            draw(axes, cells, verdict, chosen.settings)
            axes.set_title(f"{shown}\n{wording}")
            named |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        grid[1][column].set_xlabel("RMSE (vol points)")
        grid[1][column].set_xscale("log")
        errors = cells.filter(pl.col("metric") == "rmse")["mean"]
        grid[1][column].set_xlim(0.7 * errors.min(), 1.4 * errors.max())
        plain_log_ticks(grid[1][column].xaxis)
    for row in grid:
        row[0].set_ylabel("surfaces violating (%)")
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=4)
    seeds = seeds_of(comparison["seeds"].to_list())
    figure.suptitle(f"Error and arbitrage on the test days, {seeds}\n{data_label(chosen.settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
