"""Axes of losses that span decades and may be exactly zero."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator


def scale_losses(axes: Axes, values: pl.Series) -> None:
    """A logarithmic axis; linear below the least positive loss where some are zero, as a hinge may be."""
    positive = values.filter(values > 0)
    if positive.is_empty():
        axes.text(0.5, 0.6, "zero throughout", transform=axes.transAxes, ha="center")
        axes.set_yticks([0])
    elif len(positive) == len(values):
        axes.set_yscale("log")
    else:
        axes.set_yscale("symlog", linthresh=positive.min())
        axes.set_ylim(bottom=0)


def count_epochs(axes: Axes) -> None:
    """Whole numbers along the x axis."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
