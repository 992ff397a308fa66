"""Distributions of the three losses over test surfaces, by period and by mask: the model and the best baselines."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from workflow.scripts.analyses import LOSSES, shown_methods, surface_losses
from workflow.scripts.figures.boxes import MARKS, boxes, dots, log_axis
from workflow.scripts.figures.drawing import options, save
from workflow.scripts.figures.palette import colour
from workflow.scripts.names import data_label, headline_mask, mask_label, mask_order, method_label, seeds_of

FILLED = 0.8  # of the room between two groups that boxes take


def draw(axes: Axes, rows: pl.DataFrame, column: str, groups: list[str], loss: str) -> list[float]:
    """The methods side by side in each group: boxes of the fit loss, dots of the penalties, which are mostly zero.

    Returns values that the axis must hold.
    """
    methods = rows["run"].unique(maintain_order=True).to_list()
    width, drawn = FILLED / len(methods), []
    for number, method in enumerate(methods):
        own = rows.filter((pl.col("run") == method) & pl.col(loss).is_not_null())
        samples = [own.filter(pl.col(column) == group)[loss].to_numpy() for group in groups]
        places = [place + (number - (len(methods) - 1) / 2) * width for place in range(len(groups))]
        mark = boxes if loss == next(iter(LOSSES)) else dots
        drawn += mark(axes, places, samples, colour(method), 0.8 * width)
    axes.grid(visible=False, axis="x")
    axes.set_xlim(-0.6, len(groups) - 0.4)
    return drawn


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "losses")
    settings, tier = chosen.settings, chosen.settings["tier"]
    table = pl.read_parquet(chosen.losses[0])
    run = settings["evaluation"]["reference"].split(".")[0]
    methods = shown_methods(table, tier, run, settings["decomposition"]["baselines"])
    rows = surface_losses(table.filter((pl.col("tier") == tier) & pl.col("run").is_in(methods)))
    rows = (
        rows.with_columns(pl.col("run").cast(pl.Enum(methods))).sort("run").with_columns(pl.col("run").cast(pl.String))
    )
    masks = sorted(rows["mask"].unique().to_list(), key=mask_order)
    headline = headline_mask(tier, masks)
    panels = {
        "period": (rows.filter(pl.col("mask") == headline), rows["period"].unique().sort().to_list()),
        "mask": (rows, masks),
    }
    sizes = [max(3, len(groups)) for _, groups in panels.values()]
    figure, grid = plt.subplots(len(LOSSES), 2, figsize=(7.2, 6.2), sharex="col", sharey="row", width_ratios=sizes)
    for row, (loss, label) in zip(grid, LOSSES.items(), strict=True):
        drawn = []
        for axes, (column, (cells, groups)) in zip(row, panels.items(), strict=True):
            drawn += draw(axes, cells, column, groups, loss)
            names = groups if column == "period" else [mask_label(mask) for mask in groups]
            axes.set_xticks(range(len(groups)), names, rotation=40, ha="right")
        row[0].set_ylabel(label)
        log_axis(row[0], drawn)
    grid[0][0].set_title(f"by period, {mask_label(headline)}")
    grid[0][1].set_title("by mask")
    handles = [Patch(color=colour(method), label=method_label(method, settings)) for method in methods]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(methods), title=MARKS, title_fontsize=7)
    counts = [rows.filter(pl.col("run") == method)["seed"].n_unique() for method in methods]
    surfaces = rows["surface_id"].n_unique()
    text = f"Losses of each of {surfaces} test surfaces, {tier} tier, {seeds_of(counts)}"
    figure.suptitle(f"{text}\n{data_label(settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
