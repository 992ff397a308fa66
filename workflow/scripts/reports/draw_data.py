"""Figures of the data report; each is a function of the tables that the library makes of a study's data."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from workflow.scripts.figures.drawing import plain_log_ticks
from workflow.scripts.figures.palette import QUOTES

TIERS = {"liquid": "#332288", "sparse": "#cc6677", "unused": "#999999"}
OFF = "#d55e00"  # points that lie off their neighbours
SHADES = "viridis"
MAX_NAMES = 40  # symbols that are still named along an axis
MAX_DATES = 5  # that are named along an axis
MAX_LEVEL = 8  # names along an axis that are not turned upright
MAX_CURVES = 8  # days whose term structures are drawn
MAX_SLICES = 6  # panels of an example surface
OFF_BY = 5.0  # times the surface's noise
LEAST_SHARE = 1e-3  # of the quotes; the darkest shade of a map
LEAST_RESIDUAL = 0.01  # basis points; smaller ones are drawn there
WIDTH = 7.2  # inches


def spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` places among `count`, evenly from the first to the last."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(int)).tolist()


def _grid(cells: pl.DataFrame, rows: list, columns: list) -> np.ndarray:
    """The third column of `cells`, whose first two name a row and a column; NaN where there is none."""
    grid = np.full((len(rows), len(columns)), np.nan)
    down, right = ({name: place for place, name in enumerate(names)} for names in (rows, columns))
    for row, column, value in cells.iter_rows():
        grid[down[row], right[column]] = value
    return grid


def _name_columns(axes: Axes, names: list) -> None:
    """Symbols all or none, dates now and then."""
    symbols = isinstance(names[0], str)
    if symbols and len(names) > MAX_NAMES:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(names)} symbols, by name")
        return
    places = spread(len(names), MAX_NAMES if symbols else MAX_DATES)
    axes.set_xticks(places, [str(names[place]) for place in places], rotation=90 if len(places) > MAX_LEVEL else 0)


def coverage_map(surfaces: pl.DataFrame, symbols: list[str]) -> Figure:
    """Points of each symbol's surface on each day (the largest, where a day has several); white: no surface."""
    largest = surfaces.group_by("date", "symbol", maintain_order=True).agg(pl.max("points"))
    days = largest["date"].unique().sort().to_list()
    grid = _grid(largest.select("symbol", "date", "points"), symbols, days)
    height = 0.8 + 0.16 * min(len(symbols), MAX_NAMES)
    figure, axes = plt.subplots(figsize=(WIDTH, height))
    low, high = float(np.nanmin(grid)), float(np.nanmax(grid))
    norm = LogNorm(low, high) if high > low else None
    image = axes.imshow(grid, aspect="auto", cmap=SHADES, norm=norm, interpolation="nearest")
    bar = figure.colorbar(image, label="points", aspect=6 * height)
    bar.ax.minorticks_off()
    ticks = np.geomspace(low, high, 4) if high > low else [low]
    bar.set_ticks(ticks, labels=[f"{tick:.0f}" for tick in ticks])
    _name_columns(axes, days)
    if len(symbols) <= MAX_NAMES:
        axes.set_yticks(range(len(symbols)), symbols)
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(symbols)} symbols, richest on top")
    axes.grid(False)
    return figure


def cumulative(frame: pl.DataFrame, value: str, label: str) -> Figure:
    """Share of each tier's surfaces that have at most so much of a quantity."""
    figure, axes = plt.subplots(figsize=(4.2, 2.4))
    for tier, rows in sorted(frame.drop_nulls(value).partition_by("tier", as_dict=True).items()):
        values = np.sort(rows[value].to_numpy())
        share = np.arange(1, values.size + 1) / values.size
        axes.step(values, share, where="post", color=TIERS[tier[0]], label=tier[0])
    axes.set_xscale("log")
    plain_log_ticks(axes.xaxis)
    axes.set(xlabel=label, ylabel="share of surfaces", ylim=(0, 1.02))
    axes.legend(loc="lower right")
    return figure


def dropped_map(shares: pl.DataFrame, columns: list, reasons: list[str]) -> Figure:
    """Share of the quotes that each reason drops, by day or symbol (the first column); white: none."""
    dropped = shares.filter(pl.col("share") > 0)
    grid = _grid(dropped.select("reason", shares.columns[0], "share"), reasons, columns)
    height = 1.1 + 0.18 * len(reasons)
    figure, axes = plt.subplots(figsize=(WIDTH, height))
    shown = np.ma.masked_invalid(np.maximum(grid, LEAST_SHARE))
    image = axes.imshow(shown, aspect="auto", cmap=SHADES, norm=LogNorm(LEAST_SHARE, 1.0), interpolation="nearest")
    bar = figure.colorbar(image, label="share of quotes", aspect=6 * height)
    bar.set_ticks([0.001, 0.01, 0.1, 1.0], labels=["≤ 0.1 %", "1 %", "10 %", "100 %"])
    bar.ax.minorticks_off()
    axes.set_yticks(range(len(reasons)), [reason.replace("_", " ") for reason in reasons])
    _name_columns(axes, columns)
    axes.grid(False)
    return figure


def parity_scatter(slices: pl.DataFrame) -> Figure:
    """Residual of near pairs about the forward of each slice that parity speaks for, by time to maturity."""
    used = slices.filter(pl.col("quotes_used") > 0).drop_nulls("residual")
    figure, axes = plt.subplots(figsize=(4.2, 2.4))
    residual = (1e4 * used["residual"]).clip(lower_bound=LEAST_RESIDUAL)
    axes.plot(365 * used["time_to_maturity"], residual, ".", markersize=2, alpha=0.4, color=TIERS["liquid"])
    axes.set(xscale="log", yscale="log", xlabel="time to maturity (days)", ylabel="residual (bp of the forward)")
    plain_log_ticks(axes.xaxis)
    return figure


def term_structures(growth: pl.DataFrame, symbols: list[str]) -> Figure:
    """Growth of the forward with time to maturity on some days, from the earliest (dark) to the latest (light)."""
    columns = min(3, len(symbols))
    rows = -(-len(symbols) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(WIDTH, 1.9 * rows + 0.3), squeeze=False)
    for axes, symbol in zip(grid.flat, symbols, strict=False):
        own = growth.filter(pl.col("symbol") == symbol)
        names = own["surface_id"].unique(maintain_order=True)
        places = spread(len(names), MAX_CURVES)
        for shade, place in zip(np.linspace(0, 0.85, len(places)), places, strict=True):
            curve = own.filter(pl.col("surface_id") == names[place])
            axes.plot(
                365 * curve["time_to_maturity"], curve["growth"], ".-", color=plt.get_cmap(SHADES)(shade), linewidth=0.8
            )
        axes.set_title(symbol)
        axes.set_xlabel("days")
    for axes in grid.flat[len(symbols) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("ln F − ln F of the\nshortest slice (bp)")
    return figure


def surface(residuals: pl.DataFrame, noise: float) -> Figure:
    """Slices of one surface of `smile_residuals`: points, bid and ask, and what neighbours say."""
    maturities = residuals["time_to_maturity"].unique().sort()
    chosen = [maturities[place] for place in spread(len(maturities), MAX_SLICES)]
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(WIDTH, 2.0 * rows + 0.4), squeeze=False)
    for axes, tau in zip(grid.flat, chosen, strict=False):
        _draw_slice(axes, residuals.filter(pl.col("time_to_maturity") == tau).sort("log_moneyness"), noise)
        axes.set_title(f"τ = {365 * tau:.0f} days")
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel("log-moneyness k")
    for axes in grid.flat[len(chosen) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("implied vol σ (%)")
    pairs = [pair for axes in grid.flat for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    handles = {label: handle for handle, label in pairs}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure


def _draw_slice(axes: Axes, points: pl.DataFrame, noise: float) -> None:
    quoted = points.drop_nulls(["implied_vol_bid", "implied_vol_ask"])
    if quoted.height:
        bounds = (100 * quoted[name] for name in ("implied_vol_bid", "implied_vol_ask"))
        axes.vlines(quoted["log_moneyness"], *bounds, QUOTES["spread"], label="bid to ask")
    said = points.drop_nulls("neighbour_vol")
    k, said = said["log_moneyness"], 100 * said["neighbour_vol"]
    axes.plot(k, said, "-", color=TIERS["liquid"], linewidth=0.8, label="neighbours")
    off = pl.col("residual").abs() > OFF_BY * noise
    near, far = points.filter(~off.fill_null(False)), points.filter(off)
    axes.plot(near["log_moneyness"], 100 * near["implied_vol"], ".", color=QUOTES["shown"], label="point")
    if far.height:
        label = f"point off by over {OFF_BY:.0f} times the noise"
        axes.plot(far["log_moneyness"], 100 * far["implied_vol"], "x", color=OFF, label=label)
