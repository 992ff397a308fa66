"""Three losses, train and validation, by epoch, in both phases."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes

from workflow.scripts.figures.drawing import options, save
from workflow.scripts.figures.loss_axes import count_epochs, scale_losses
from workflow.scripts.figures.palette import SPLITS
from workflow.scripts.names import data_label, seeds_of

LOSSES = {"fit": "fit loss (squared vol)", "calendar": "calendar penalty", "butterfly": "butterfly penalty"}
PHASES = {"pretrain": "pre-training", "finetune": "fine-tuning"}


def read(paths) -> pl.DataFrame:
    """Mean losses of each epoch, seed by seed."""
    tables = [pl.read_parquet(path).with_columns(seed=pl.lit(number)) for number, path in enumerate(paths)]
    return pl.concat(tables).filter(pl.col("record") == "epoch")


def draw(axes: Axes, history: pl.DataFrame) -> None:
    """One line a seed; training solid, validation dashed."""
    for (split, _), seed in history.group_by("split", "seed", maintain_order=True):
        line = "-" if split == "train" else "--"
        axes.plot(seed["epoch"] + 1, seed["value"], line, marker=".", color=SPLITS[split], alpha=0.8)
    scale_losses(axes, history["value"])
    count_epochs(axes)


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "pretrain", "finetune")
    figure, rows = plt.subplots(2, 3, figsize=(7.2, 4.0), squeeze=False)
    for row, (phase, title) in zip(rows, PHASES.items(), strict=True):
        history = read(getattr(chosen, phase))
        for axes, (loss, label) in zip(row, LOSSES.items(), strict=True):
            draw(axes, history.filter(pl.col("loss") == loss))
            axes.set_title(f"{title}: {label}")
    for split, line in (("train", "-"), ("validation", "--")):
        rows[0][0].plot([], [], line, color=SPLITS[split], label=split)
    rows[0][0].legend()
    figure.suptitle(f"Losses in training, {seeds_of([len(chosen.pretrain)])}; {data_label(chosen.settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
