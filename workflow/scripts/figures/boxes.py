"""Distributions as boxes: quartiles and median, whiskers to the quantiles of 5 and 95 %."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.ticker import LogLocator, NullLocator

QUANTILES = {"whislo": 0.05, "q1": 0.25, "med": 0.5, "q3": 0.75, "whishi": 0.95}
WHISKERS = "boxes: quartiles and median; whiskers: 5 and 95 %"
MARKS = f"{WHISKERS}; dots: surfaces with a penalty; lines: means; numbers: surfaces with a penalty (%)"


def boxes(axes: Axes, places: Sequence[float], samples: Sequence[np.ndarray], colour: str, width: float) -> list[float]:
    """One box a sample at its place; nothing where a sample is empty. Returns the ends of the whiskers."""
    kept = [(place, sample) for place, sample in zip(places, samples, strict=True) if len(sample)]
    if not kept:
        return []
    drawn = [
        {name: float(np.quantile(sample, level)) for name, level in QUANTILES.items()} | {"fliers": []}
        for _, sample in kept
    ]
    line = {"color": colour, "linewidth": 0.8}
    axes.bxp(
        drawn,
        positions=[place for place, _ in kept],
        widths=width,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": to_rgba(colour, 0.35), "edgecolor": colour, "linewidth": 0.8},
        medianprops={"color": colour, "linewidth": 1.6},
        whiskerprops=line,
        capprops=line,
        manage_ticks=False,
    )
    return [each[end] for each in drawn for end in ("whislo", "whishi")]


def dots(axes: Axes, places: Sequence[float], samples: Sequence[np.ndarray], colour: str, width: float) -> list[float]:
    """Every value above zero as a dot, by rank from left to right, the mean of all as a line, and below their share.

    For losses that are mostly exactly zero, of which a box would show nothing. Returns what was drawn.
    """
    drawn: list[float] = []
    for place, sample in zip(places, samples, strict=True):
        if not len(sample):
            continue
        positive = np.sort(sample[sample > 0])
        if positive.size:
            across = np.linspace(-0.4, 0.4, positive.size) if positive.size > 1 else np.zeros(1)
            axes.plot(place + width * across, positive, ".", color=colour, ms=2.5, alpha=0.7, mew=0)
            axes.plot([place - width / 2, place + width / 2], [sample.mean()] * 2, color=colour, linewidth=1.2)
            drawn += [*positive.tolist(), float(sample.mean())]
        share = f"{100 * positive.size / len(sample):.0f}"
        axes.text(place, 0.02, share, transform=axes.get_xaxis_transform(), color=colour, ha="center", fontsize=4.5)
    return drawn


def log_axis(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis that holds every positive value, with room below for the shares."""
    axes.set_yscale("log")
    positive = [value for value in values if value > 0]
    if not positive:
        axes.set_ylim(0.1, 1)
        axes.set_yticks([])
        axes.text(0.5, 0.5, "zero throughout", transform=axes.transAxes, ha="center")
        return
    low, high = np.log10(min(positive)), np.log10(max(positive))
    margin = 0.05 * max(high - low, 1)
    axes.set_ylim(10 ** (low - 3 * margin), 10 ** (high + margin))
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
