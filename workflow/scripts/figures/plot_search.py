"""Three validation losses of every trial: by epoch, and after the last one by blocks and dimension."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes

from workflow.scripts.figures.drawing import options, save
from workflow.scripts.figures.loss_axes import count_epochs, scale_losses
from workflow.scripts.figures.palette import SEQUENCE
from workflow.scripts.losses import LOSSES
from workflow.scripts.names import data_label

MARKERS = "os^Dv"  # by dimension, in ascending order
SPREAD = 0.12  # between trials of one combination, of the width of a category


def label(blocks: int, dimension: int) -> str:
    """How a combination is called on an axis."""
    return f"{blocks} × {dimension}"


def draw_epochs(axes: Axes, trials: pl.DataFrame, styles: dict) -> None:
    """One line a trial; the grid's solid, random ones dashed."""
    for (name,), trial in trials.sort("epoch").group_by("trial", maintain_order=True):
        colour, marker, face = styles[name]
        line = "-" if name.startswith("grid") else "--"
        axes.plot(trial["epoch"], trial["value"], line, color=colour, marker=marker, mfc=face, linewidth=0.9)
    scale_losses(axes, trials["value"])
    count_epochs(axes)


def draw_combinations(axes: Axes, last: pl.DataFrame, styles: dict, best: str) -> None:
    """One marker a trial above its combination of blocks and dimension."""
    combinations = last.select("blocks", "dimension").unique().sort("blocks", "dimension").rows()
    for place, (blocks, dimension) in enumerate(combinations):
        shown = last.filter((pl.col("blocks") == blocks) & (pl.col("dimension") == dimension)).sort("trial")
        for number, row in enumerate(shown.iter_rows(named=True)):
            colour, marker, face = styles[row["trial"]]
            x = place + SPREAD * (number - (shown.height - 1) / 2)
            axes.plot(x, row["value"], marker, color=colour, mfc=face)
            if row["trial"] == best:
                axes.plot(x, row["value"], "o", color="black", mfc="none", ms=9, mew=0.8)
    scale_losses(axes, last["value"])
    axes.set_xticks(range(len(combinations)), [label(*each) for each in combinations], rotation=40, ha="right")
    axes.set_xlim(-0.6, len(combinations) - 0.4)
    axes.set_xlabel("blocks × dimension")


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "losses", "ranking")
    table = pl.read_parquet(chosen.losses[0])
    trials = table.filter(pl.col("split") == "validation")
    ranking = pl.read_parquet(chosen.ranking[0])
    last = table.filter(pl.col("split") == "judged")  # at the same points, whatever the batch size
    blocks, dimensions = (sorted(trials[name].unique()) for name in ("blocks", "dimension"))
    styles = {}
    for row in ranking.iter_rows(named=True):
        colour = SEQUENCE[blocks.index(row["blocks"]) % len(SEQUENCE)]
        marker = MARKERS[dimensions.index(row["dimension"]) % len(MARKERS)]
        styles[row["trial"]] = colour, marker, colour if row["trial"].startswith("grid") else "white"
    figure, rows = plt.subplots(2, 3, figsize=(7.2, 4.6))
    for top, bottom, (loss, name) in zip(*rows, LOSSES.items(), strict=True):
        draw_epochs(top, trials.filter(pl.col("loss") == loss), styles)
        draw_combinations(bottom, last.filter(pl.col("loss") == loss), styles, ranking["trial"][0])
        top.set_title(name)
    rows[0][0].set_ylabel("validation while training")
    rows[1][0].set_ylabel("validation, same points")
    for row in ranking.unique(["blocks", "dimension"]).sort("blocks", "dimension").iter_rows(named=True):
        colour, marker, _ = styles[row["trial"]]
        rows[0][0].plot([], [], marker, color=colour, label=label(row["blocks"], row["dimension"]))
    handles, labels = rows[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=9, title="blocks × dimension")
    counts = f"{ranking['training_surfaces'][0]} training and {ranking['validation_surfaces'][0]} validation surfaces"
    figure.suptitle(
        f"Search: {ranking.height} trials, {counts}, one seed; filled: grid, hollow: random, ring: chosen\n"
        f"{data_label(chosen.settings)}"
    )
    save(figure, chosen)


if __name__ == "__main__":
    main()
