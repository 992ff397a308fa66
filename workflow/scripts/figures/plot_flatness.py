"""Where a training starts and ends: magnitudes of the gradient's entries, Hessian spectra, slices of the objective."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes

from workflow.scripts.figures.drawing import options, save
from workflow.scripts.figures.palette import DIRECTIONS, LOSS_COLOURS
from workflow.scripts.losses import SHORT, STATES
from workflow.scripts.names import data_label

DECADES = 8  # of |eigenvalue| that are shown below the largest; smaller ones are counted at zero
BINS_PER_DECADE = 2


def plural(count: int, word: str) -> str:
    """A counted word."""
    return f"{count} {word}{'s' * (count > 1)}"


def draw_magnitudes(axes: Axes, table: pl.DataFrame) -> None:
    """Share of the parameters whose gradient entry has a magnitude, by decade."""
    for loss, colour in LOSS_COLOURS.items():
        rows = table.filter(pl.col("loss") == loss)
        bins = rows.drop_nulls().sort("log10_from")
        if bins.is_empty():
            continue
        edges = [*bins["log10_from"], bins["log10_to"][-1]]
        axes.stairs(bins["entries"] / rows["entries"].sum(), edges, color=colour, linewidth=1.1)
    objective = table.filter(pl.col("loss") == "objective")
    zero = objective.filter(pl.col("log10_from").is_null())["entries"].sum() / objective["entries"].sum()
    axes.set(xlabel="log₁₀ |∂L/∂θ|", ylabel="share of parameters")
    axes.margins(y=0.18)  # room for the line below
    axes.autoscale_view()
    axes.set_ylim(bottom=0)
    axes.text(0.02, 0.92, f"below 10⁻¹⁶: {zero:.1%}", transform=axes.transAxes, fontsize=6)


def draw_spectrum(axes: Axes, table: pl.DataFrame) -> None:
    """Spectral density of each loss: share of the eigenvalues in bins even in the logarithm, either side of zero."""
    floor = np.floor(np.log10(table["eigenvalue"].abs().max())) - DECADES + 1
    size = np.arange(DECADES * BINS_PER_DECADE + 1) / BINS_PER_DECADE
    edges = np.concatenate((-size[::-1] - 0.5, size + 0.5))
    for loss, colour in LOSS_COLOURS.items():
        rows = table.filter(pl.col("loss") == loss)
        values, probes = rows["eigenvalue"].to_numpy(), rows["probe"].n_unique()
        above = np.maximum(np.log10(np.maximum(np.abs(values), 10**-300)) - floor, -1)
        place = np.where(above < 0, 0.0, np.sign(values) * (above + 0.5))
        share, _ = np.histogram(place, edges, weights=rows["weight"].to_numpy() / probes)
        axes.stairs(np.where(share > 0, share, np.nan), edges, color=colour, linewidth=1.1)
    ticks = np.arange(DECADES - 1, 3, -3)[::-1]  # nearer to zero their labels would meet
    labels = [f"10$^{{{floor + tick:.0f}}}$" for tick in ticks]
    axes.set_xticks(
        [*(-ticks[::-1] - 0.5), 0, *(ticks + 0.5)], [*(f"−{label}" for label in labels[::-1]), "0", *labels], fontsize=6
    )
    axes.set(yscale="log", xlabel="eigenvalue of ∂²L/∂θ²", ylabel="share of eigenvalues")


def draw_slices(axes: Axes, table: pl.DataFrame) -> None:
    """The objective along each direction, and dotted the parabola of its slope and curvature."""
    for direction, (colour, line) in DIRECTIONS.items():
        rows = table.filter(pl.col("direction") == direction).sort("distance")
        whole, parabola = (rows.filter(pl.col("loss") == name) for name in ("objective", "parabola"))
        if whole.is_empty():
            continue
        axes.plot(whole["distance"], whole["value"], line, color=colour)
        axes.plot(parabola["distance"], parabola["value"], ":", color=colour, linewidth=0.7)
    objective = table.filter(pl.col("loss") == "objective")["value"]
    axes.set(xlabel="distance in parameters", ylabel="objective")
    axes.set_ylim(min(0.0, objective.min()), 1.1 * objective.max())
    axes.locator_params(axis="x", nbins=3)


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "magnitudes", "eigenvalues", "slices")
    magnitudes, eigenvalues, slices = (
        pl.concat([pl.read_parquet(path) for path in getattr(chosen, name)])
        for name in ("magnitudes", "eigenvalues", "slices")
    )
    first = pl.col("seed") == magnitudes["seed"].min()
    states = [state for state in STATES if state in magnitudes["state"]]
    figure, grid = plt.subplots(len(states), 3, figsize=(7.2, 0.9 + 2.2 * len(states)), squeeze=False)
    for row, state in zip(grid, states, strict=True):
        shown = first & (pl.col("state") == state)
        draw_magnitudes(row[0], magnitudes.filter(shown))
        draw_spectrum(row[1], eigenvalues.filter(shown))
        draw_slices(row[2], slices.filter(shown))
        for axes in row:
            axes.set_title(STATES[state])
    for loss, colour in LOSS_COLOURS.items():
        flat = eigenvalues.filter(first & (pl.col("loss") == loss))["eigenvalue"].abs().max() == 0
        grid[0][0].plot([], [], color=colour, label=SHORT[loss] + (" (zero throughout)" if flat else ""))
    for direction, (colour, line) in DIRECTIONS.items():
        grid[0][2].plot(
            [], [], line, color=colour, label=f"{direction} eigenvector" if direction != "random" else "random"
        )
    handles = [each for axes in (grid[0][0], grid[0][2]) for each in axes.get_legend_handles_labels()[0]]
    figure.legend(handles, [each.get_label() for each in handles], loc="outside lower center", ncols=4)
    settings = chosen.settings["flatness"]
    figure.suptitle(
        f"Gradients, Hessian spectra ({settings['lanczos_steps']} steps, {plural(settings['probes'], 'start')}) "
        f"and slices, {magnitudes['surfaces'][0]} validation surfaces, seed {magnitudes['seed'].min()}\n"
        f"{data_label(chosen.settings)}"
    )
    save(figure, chosen)


if __name__ == "__main__":
    main()
