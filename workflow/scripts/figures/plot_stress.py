"""Every method on test days of market stress, beside its own calm days and beside the model."""

from textwrap import fill

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes

from workflow.scripts.analyses import CONDITIONS, count_days, thresholds
from workflow.scripts.comparison import TIERS, headline, read
from workflow.scripts.figures.drawing import options, plain_log_ticks, save
from workflow.scripts.figures.palette import CALM, colour, face, marker
from workflow.scripts.names import data_label, mask_label, method_label, seeds_of

WIDE = 10  # ratio of the largest error to the smallest from which the axis is logarithmic
Cells = dict[tuple[str, str], dict]  # by method and condition


def draw_errors(axes: Axes, cells: Cells, order: list[str], condition: str) -> None:
    """RMSE on the condition's days, with the interval of its excess over calm days, whose RMSE is a grey tick."""
    for height, method in enumerate(order):
        calm, row = cells.get((method, "calm")), cells.get((method, condition))
        if calm:
            axes.plot(calm["mean"], height, "|", color=CALM, ms=9, mew=1.6, zorder=1.5)
        if not row:
            continue
        if row["excess_low"] is not None:
            ends = [row["mean"] - row["excess"] + row[f"excess_{end}"] for end in ("low", "high")]
            axes.plot(ends, [height, height], "-", color=colour(method), linewidth=1)
        axes.plot(row["mean"], height, marker(method), color=colour(method), mfc=face(method), zorder=3)
    means = [row["mean"] for row in cells.values()]
    if max(means) > WIDE * min(means):
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)
    else:
        axes.set_xlim(left=0)


def draw_differences(axes: Axes, cells: Cells, order: list[str]) -> None:
    """Difference to the model on days of stress, with its interval; that on calm days is a grey tick."""
    axes.axvline(0, color="black", linewidth=0.6)
    for height, method in enumerate(order):
        calm, row = cells.get((method, "calm")), cells.get((method, "stress"))
        if calm and calm["difference"] is not None:
            axes.plot(calm["difference"], height, "|", color=CALM, ms=9, mew=1.6, zorder=1.5)
        if not row or row["difference"] is None:
            continue
        if row["difference_low"] is not None:
            ends = [row["difference_low"], row["difference_high"]]
            axes.plot(ends, [height, height], "-", color=colour(method), linewidth=1)
        axes.plot(row["difference"], height, marker(method), color=colour(method), mfc=face(method), zorder=3)


def draw_tier(panels: list[Axes], rows: pl.DataFrame, tier: str, days: dict[str, int], settings: dict) -> None:
    """A row of panels: the two kinds of stress, and the difference to the model on both."""
    cells = {(row["run"], row["condition"]): row for row in rows.iter_rows(named=True)}
    calm = rows.filter(pl.col("condition") == "calm").sort("mean", descending=True)
    order = (calm if calm.height else rows.sort("mean", descending=True))["run"].unique(maintain_order=True).to_list()
    for axes, condition in zip(panels, ("high_vol", "large_return"), strict=False):
        draw_errors(axes, cells, order, condition)
        axes.set_title(f"{CONDITIONS[condition]} ({days[condition]} days)")
        axes.set_xlabel("RMSE (vol points)")
    draw_differences(panels[2], cells, order)
    panels[2].set_title(f"to the model, either ({days['stress']} days)")
    panels[2].set_xlabel("difference (vol points)")
    panels[0].set_yticks(range(len(order)), [method_label(method, settings) for method in order])
    panels[0].set_ylabel(f"{tier} tier,\n{mask_label(rows['mask'][0])}")
    for axes in panels:
        axes.set_ylim(-0.7, len(order) - 0.3)
        axes.grid(visible=False, axis="y")
        if not (rows["condition"] != "calm").any():
            axes.text(0.5, 0.5, "no such day", ha="center", transform=axes.transAxes)
    for axes in panels[1:]:
        axes.set_yticks(range(len(order)), [""] * len(order))


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "comparison", "days")
    comparison = read(chosen.comparison).filter(pl.col("metric") == "rmse")
    table = pl.read_parquet(chosen.days[0])
    days, words = count_days(table), thresholds(table, chosen.settings)
    tiers = [tier for tier in TIERS.values() if tier in comparison["tier"].unique()]
    rows = {tier: headline(comparison, tier) for tier in tiers}
    heights = [rows[tier]["run"].n_unique() for tier in tiers]
    size = (7.2, 1.5 + 0.6 * len(tiers) + 0.19 * sum(heights))
    figure, grid = plt.subplots(len(tiers), 3, figsize=size, squeeze=False, height_ratios=heights)
    for panels, tier in zip(grid, tiers, strict=True):
        draw_tier(list(panels), rows[tier], tier, days, chosen.settings)
    confidence = f"{100 * chosen.settings['evaluation']['confidence']:.0f} %"
    note = (
        f"Grey ticks: calm days. Bars: {confidence} intervals of the difference to calm days, at right of that to the "
        f"model. High vol: {words['high_vol']}. Large return: {words['large_return']}."
    )
    figure.supxlabel(fill(note, 150), fontsize=6.5)
    text = f"Test days of market stress against {days['calm']} calm ones, {seeds_of(comparison['seeds'].to_list())}"
    figure.suptitle(f"{text}\n{data_label(chosen.settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
