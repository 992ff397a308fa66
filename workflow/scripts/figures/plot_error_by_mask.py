"""Error of the model and of every baseline, mask by mask: how it grows as less is shown."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes

from workflow.scripts.comparison import read
from workflow.scripts.figures.drawing import options, plain_log_ticks, save
from workflow.scripts.figures.palette import colour, face, marker
from workflow.scripts.names import data_label, mask_label, mask_order, method_label, seeds_of


def draw(axes: Axes, cells: pl.DataFrame, settings: dict) -> None:
    """One broken line a method; lines join masks of one kind alone."""
    masks = sorted(cells["mask"].unique().to_list(), key=mask_order)
    for method in cells["run"].unique().sort().to_list():
        found = {row["mask"]: row for row in cells.filter(pl.col("run") == method).iter_rows(named=True)}
        label = method_label(method, settings)
        for kind in dict.fromkeys(mask.split("_")[0] for mask in masks):
            places = [place for place, mask in enumerate(masks) if mask.split("_")[0] == kind and mask in found]
            axes.errorbar(
                places,
                [found[masks[place]]["mean"] for place in places],
                [found[masks[place]]["std"] or 0.0 for place in places],
                fmt=f"{marker(method)}-",
                color=colour(method),
                mfc=face(method),
                linewidth=0.9,
                capsize=1.5,
                label=label,
            )
            label = None
    axes.set_xticks(range(len(masks)), [mask_label(mask) for mask in masks], rotation=40, ha="right")
    axes.set_yscale("log")
    plain_log_ticks(axes.yaxis)


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "comparison")
    comparison = read(chosen.comparison).filter(pl.col("metric") == "rmse")
    tiers = comparison["tier"].unique().sort().to_list()
    figure, panels = plt.subplots(1, len(tiers), figsize=(7.2, 3.9), sharey=True, squeeze=False)
    for axes, tier in zip(panels[0], tiers, strict=True):
        draw(axes, comparison.filter(pl.col("tier") == tier), chosen.settings)
        axes.set_title(f"{tier} tier")
    panels[0][0].set_ylabel("RMSE (vol points), mean over surfaces")
    named = {}
    for axes in panels[0]:
        named |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=4)
    seeds = seeds_of(comparison["seeds"].to_list())
    figure.suptitle(f"Error by mask on the test days, {seeds}\n{data_label(chosen.settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
