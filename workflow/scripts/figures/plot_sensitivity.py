"""Derivatives of the answers by each market feature, on calm days and on days of stress."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from workflow.scripts import sensitivity
from workflow.scripts.analyses import FEATURES
from workflow.scripts.figures.boxes import WHISKERS, boxes
from workflow.scripts.figures.drawing import options, save
from workflow.scripts.figures.palette import CONDITIONS
from workflow.scripts.names import data_label, method_label, seeds_of

DECADES = 4  # of a logarithmic axis on either side of zero


def draw(axes: Axes, rows: pl.DataFrame) -> None:
    """Two boxes a feature; the axis is logarithmic on both sides of zero."""
    for shift, (condition, colour) in zip((-0.2, 0.2), CONDITIONS.items(), strict=True):
        samples = [
            rows.filter((pl.col("feature") == name) & (pl.col("condition") == condition))["derivative"].to_numpy()
            for name in FEATURES
        ]
        boxes(axes, [place + shift for place in range(len(FEATURES))], samples, colour, 0.32)
    axes.axhline(0, color="black", linewidth=0.6, zorder=0.5)
    largest = np.abs(rows["derivative"].to_numpy()).max(initial=0)
    if largest > 0:
        axes.set_yscale("symlog", linthresh=10.0 ** (np.ceil(np.log10(largest)) - DECADES))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xticks(range(len(FEATURES)), sensitivity.labels())
    axes.grid(visible=False, axis="x")


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "derivatives", "gates", "days")
    rows = sensitivity.derivatives(chosen.derivatives, pl.read_parquet(chosen.days[0]))
    gates = sensitivity.read(chosen.gates)
    panels = sensitivity.groups(rows)
    height = -(-len(panels) // 2)
    figure, grid = plt.subplots(height, 2, figsize=(7.2, 0.8 + 2.4 * height), squeeze=False)
    for axes, (method, tier) in zip(grid.flat, panels, strict=False):
        draw(axes, rows.filter(pl.col("run") == method))
        label = method_label(method, chosen.settings)
        axes.set_title(f"{label}, {tier} tier\n{sensitivity.openness(gates, method)}")
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("∂σ / ∂feature\n(vol points a percentage point)")
    handles = [Patch(facecolor=colour, label=name) for name, colour in CONDITIONS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, title=f"days; {WHISKERS}", title_fontsize=7)
    counts = [rows.filter(pl.col("run") == method)["seed"].n_unique() for method, _ in panels]
    text = f"Sensitivity to market features, every target of the validation and test days, {seeds_of(counts)}"
    figure.suptitle(f"{text}\n{data_label(chosen.settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
