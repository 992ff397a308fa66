"""Figures of the report on training; each is a function of the tables that the library makes of the histories."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.figure import Figure

from workflow.scripts.figures.loss_axes import count_epochs, scale_losses
from workflow.scripts.figures.palette import OURS, SPLITS

LOSSES = {"fit": "fit loss", "calendar": "calendar penalty", "butterfly": "butterfly penalty"}
LOSS_COLOURS = {"fit": "#332288", "calendar": "#ddaa33", "butterfly": "#cc6677"}
SHADES = ("#332288", "#117733", "#cc6677", "#ddaa33", "#44aa99", "#882255", "#6699cc", "#999933", "#aa4499", "#777777")
MANY_STEPS = 400  # above which a path of steps is drawn by the medians of as many stretches
WIDTH = 7.2  # inches


def loss_curves(losses: pl.DataFrame, phases: dict[str, str]) -> Figure:
    """The three losses of one run by epoch, training and validation, phase by phase; bars: std over seeds."""
    figure, grid = plt.subplots(len(phases), 3, figsize=(WIDTH, 2.0 * len(phases)), squeeze=False)
    for row, (phase, title) in zip(grid, phases.items(), strict=True):
        for axes, (loss, label) in zip(row, LOSSES.items(), strict=True):
            own = losses.filter((pl.col("phase") == phase) & (pl.col("loss") == loss))
            for split, line in (("train", ".-"), ("validation", ".--")):
                path = own.filter(pl.col("split") == split)
                spread = path["std"].fill_null(0.0)
                axes.errorbar(path["epoch"], path["value"], spread, fmt=line, color=SPLITS[split], label=split)
            scale_losses(axes, own["value"])
            axes.set_title(f"{title}: {label}")
            count_epochs(axes)
    grid[0][0].legend()
    return figure


def runs_by_epoch(losses: pl.DataFrame, labels: dict[str, str], phases: dict[str, str]) -> Figure:
    """Fit loss on validation days by epoch, one line a run."""
    figure, panels = plt.subplots(1, len(phases), figsize=(WIDTH, 3.0), squeeze=False)
    for axes, (phase, title) in zip(panels[0], phases.items(), strict=True):
        for number, (run, label) in enumerate(labels.items()):
            chosen = (pl.col("run") == run) & (pl.col("phase") == phase)
            own = losses.filter(chosen & (pl.col("loss") == "fit") & (pl.col("split") == "validation"))
            colour, width = (OURS, 2.0) if number == 0 else (SHADES[number % len(SHADES)], 1.0)
            axes.plot(own["epoch"], own["value"], marker=".", color=colour, linewidth=width, label=label)
        axes.set_yscale("log")
        axes.set_title(title)
        count_epochs(axes)
    panels[0][0].set_ylabel("fit loss, validation days")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def stretches(path: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """A path over steps, thinned to the medians of equal stretches where it is long."""
    if path.height <= MANY_STEPS:
        return path.select("step", *columns)
    every = -(-path.height // MANY_STEPS)
    grouped = path.sort("step").group_by(pl.col("step") // every, maintain_order=True)
    return grouped.agg(pl.col("step").median().alias("middle"), *(pl.col(name).median() for name in columns)).select(
        pl.col("middle").alias("step"), *columns
    )


def step_losses(steps: pl.DataFrame) -> Figure:
    """The losses of one run, phase and seed step by step."""
    figure, panels = plt.subplots(1, 3, figsize=(WIDTH, 2.0))
    for axes, (loss, label) in zip(panels, LOSSES.items(), strict=True):
        path = steps.filter(pl.col("loss") == loss)
        axes.plot(path["step"], path["value"], linewidth=0.5, color=LOSS_COLOURS[loss])
        scale_losses(axes, path["value"])
        axes.set_title(label)
        axes.set_xlabel("step")
    return figure


def weights(steps: pl.DataFrame, labels: dict[str, str]) -> Figure:
    """Weights of the losses step by step, and the gradient norms that they even out; a row a run."""
    figure, grid = plt.subplots(len(labels), 2, figsize=(WIDTH, 2.0 * len(labels)), squeeze=False)
    for (left, right), (run, label) in zip(grid, labels.items(), strict=True):
        for loss, name in LOSSES.items():
            path = steps.filter((pl.col("run") == run) & (pl.col("loss") == loss))
            short = stretches(path, ["weight", "norms"])
            left.plot(short["step"], short["weight"], color=LOSS_COLOURS[loss], label=name)
            known = short.filter(pl.col("norms") > 0)
            right.plot(known["step"], known["norms"], color=LOSS_COLOURS[loss], linewidth=0.8)
        left.set_title(f"{label}: weight λ")
        right.set_title("gradient norm of the weighted loss")
        for axes in (left, right):
            axes.set_yscale("log")
            axes.set_xlabel("step")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
