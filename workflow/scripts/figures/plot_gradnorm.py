"""GradNorm at every step: weights of the losses, gradient norms against targets, and what it does for the losses."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes

from workflow.scripts.figures.drawing import options, plain_log_ticks, save
from workflow.scripts.figures.loss_axes import count_epochs, scale_losses
from workflow.scripts.figures.palette import BALANCE
from workflow.scripts.losses import LOSSES
from workflow.scripts.names import data_label, seeds_of

DECADES = 1e7  # from the largest norm that is shown to the smallest


def continued(table: pl.DataFrame, count: str) -> pl.DataFrame:
    """Steps or epochs of fine-tuning, counted on from those of pre-training."""
    before = (
        table.filter(pl.col("phase") == "pretrain")
        .group_by("run", "seed", maintain_order=True)
        .agg(pl.col(count).max().alias("before"))
    )
    later = pl.when(pl.col("phase") == "finetune").then(pl.col("before")).otherwise(0)
    return table.join(before, on=["run", "seed"]).with_columns(pl.col(count) + later).sort(count)


def lines(axes: Axes, table: pl.DataFrame, count: str, value: str, *style, **look) -> None:
    """One line a seed and phase, the first one named."""
    for _, part in table.group_by("seed", "phase", maintain_order=True):
        axes.plot(part[count], part[value], *style, **look)
        look.pop("label", None)


def draw_norms(axes: Axes, table: pl.DataFrame) -> None:
    """Norm and target of each step as dots; where a hinge touched nothing both are zero, and there is no dot."""
    shown = table.filter((pl.col("gradient_norm") > 0) & (pl.col("target_norm") > 0))
    lines(axes, shown, "step", "target_norm", "o", ms=1.6, mew=0, color=BALANCE["target"], label="its target")
    lines(axes, shown, "step", "gradient_norm", "o", ms=1.6, mew=0, color=BALANCE["norm"], label="λ·gradient norm")
    axes.set_yscale("log")
    if shown.height:
        largest = max(shown[name].max() for name in ("gradient_norm", "target_norm"))
        axes.set_ylim(largest / DECADES, 2 * largest)
    axes.set_title(f"zero at {1 - shown.height / table.height:.0%} of the steps")


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "steps", "epochs")
    run, against = (chosen.settings["gradnorm"][name] for name in ("run", "against"))
    steps, epochs = (
        continued(pl.read_parquet(path[0]), count) for path, count in ((chosen.steps, "step"), (chosen.epochs, "epoch"))
    )
    balanced = steps.filter(pl.col("run") == run)
    seeds = balanced["seed"].unique()
    figure, rows = plt.subplots(3, 3, figsize=(7.2, 6.2), sharex="row")
    for column, (loss, name) in zip(zip(*rows, strict=True), LOSSES.items(), strict=True):
        weights, norms, losses = column
        of_loss = balanced.filter(pl.col("loss") == loss)
        fixed = steps.filter(
            (pl.col("run") == against) & (pl.col("loss") == loss) & pl.col("seed").is_in(seeds.implode())
        )
        lines(weights, of_loss, "step", "weight", color=BALANCE["gradnorm"], label="GradNorm")
        lines(weights, fixed, "step", "weight", "--", color=BALANCE["fixed"], label="fixed weights")
        weights.set_yscale("log")
        plain_log_ticks(weights.yaxis)
        draw_norms(norms, of_loss)
        for axes in (weights, norms):
            axes.set_xlabel("step")
        validation = epochs.filter((pl.col("split") == "validation") & (pl.col("loss") == loss))
        validation = validation.filter(pl.col("seed").is_in(seeds.implode()) & pl.col("run").is_in([run, against]))
        for who, line, colour in ((run, "-", BALANCE["gradnorm"]), (against, "--", BALANCE["fixed"])):
            lines(losses, validation.filter(pl.col("run") == who), "epoch", "value", line, marker=".", color=colour)
        scale_losses(losses, validation["value"])
        count_epochs(losses)
        weights.set_title(name)
        for axes, table, count in ((weights, balanced, "step"), (norms, balanced, "step"), (losses, epochs, "epoch")):
            axes.axvline(table.filter(pl.col("phase") == "pretrain")[count].max() + 0.5, color="#999999", linewidth=0.6)
    for row, label in zip(rows, ("weight λ", "norm at the last shared layer", "validation loss"), strict=True):
        row[0].set_ylabel(label)
    handles = [line for axes in (rows[0][0], rows[1][0]) for line in axes.get_legend_handles_labels()[0]]
    figure.legend(handles, [handle.get_label() for handle in handles], loc="outside lower center", ncols=4)
    figure.suptitle(
        f"GradNorm, {seeds_of([len(seeds)])}: every step of pre-training, then (grey line) of fine-tuning\n"
        f"{data_label(chosen.settings)}"
    )
    save(figure, chosen)


if __name__ == "__main__":
    main()
