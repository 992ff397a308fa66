"""Figures of the report on errors; each is a function of the tables that the library makes of errors and answers."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from workflow.scripts.figures.drawing import plain_log_ticks
from workflow.scripts.figures.palette import QUOTES, colour, face

MAX_SLICES = 6  # panels of an example surface
MAX_DATES = 5  # that are named along an axis
MAX_NAMES = 30  # symbols that are drawn
WIDTH = 7.2  # inches


def cumulative(surfaces: pl.DataFrame, labels: dict[str, str]) -> Figure:
    """Share of the surfaces on which each method's RMSE is at most so large."""
    figure, axes = plt.subplots(figsize=(5.5, 3.2))
    for method, label in labels.items():
        values = np.sort(surfaces.filter(pl.col("run") == method)["rmse"].to_numpy())
        share = np.arange(1, values.size + 1) / values.size
        line = "-" if "." in method else "--"
        axes.step(values, share, where="post", linestyle=line, color=colour(method), label=label)
    axes.set_xscale("log")
    plain_log_ticks(axes.xaxis)
    axes.set(xlabel="RMSE of a surface (vol points)", ylabel="share of surfaces", ylim=(0, 1.02))
    axes.legend(loc="lower right")
    return figure


def bucket_maps(buckets: dict[str, pl.DataFrame], z: list[str], tau: list[str]) -> Figure:
    """RMSE (above) and bias (below) by bucket of standardised moneyness and maturity, one column a method."""
    figure, grid = plt.subplots(2, len(buckets), figsize=(WIDTH, 4.2), squeeze=False)
    tables = list(buckets.values())
    errors = pl.concat([table["rmse"] for table in tables])
    bias = max(float(table["bias"].abs().max()) for table in tables) or 1.0
    norms = (Normalize(errors.min(), errors.max()), TwoSlopeNorm(0.0, -bias, bias))
    columns, shades = ("rmse", "bias"), ("viridis_r", "RdBu_r")
    for panels, column, norm, shade in zip(grid, columns, norms, shades, strict=True):
        for axes, (label, table) in zip(panels, buckets.items(), strict=True):
            cells = {(row["z_bucket"], row["tau_bucket"]): row[column] for row in table.iter_rows(named=True)}
            values = np.array([[cells.get((one, other), np.nan) for one in z] for other in tau])
            image = axes.imshow(values, aspect="auto", cmap=shade, norm=norm, origin="lower")
            _write_cells(axes, values, column)
            axes.set_xticks(range(len(z)), z)
            axes.set_yticks(range(len(tau)), tau)
            axes.set_title(f"{label}: {'RMSE' if column == 'rmse' else 'bias'} (vol points)")
            axes.set_xlabel("z (standard deviations)")
            axes.grid(False)
        panels[0].set_ylabel("τ (years)")
        figure.colorbar(image, ax=panels.tolist(), format="%.2g").ax.minorticks_off()
    return figure


def _write_cells(axes: Axes, values: np.ndarray, column: str) -> None:
    for (row, place), value in np.ndenumerate(values):
        if np.isfinite(value):
            text = f"{value:+.2f}" if column == "bias" else f"{value:.2f}"
            box = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1}
            axes.text(place, row, text, ha="center", va="center", fontsize=7, bbox=box)


def by_day(days: pl.DataFrame, labels: dict[str, str]) -> Figure:
    """Mean RMSE of a day's surfaces, one line a method; lines join neighbouring test days of the table."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.6))
    dates = days["date"].unique().sort().to_list()
    place = {date: number for number, date in enumerate(dates)}
    for method, label in labels.items():
        own = days.filter(pl.col("run") == method)
        line = "-" if "." in method else "--"
        places, look = [place[date] for date in own["date"]], {"color": colour(method), "mfc": face(method)}
        axes.plot(places, own["rmse"], line, marker="o", markersize=3, label=label, **look)
    axes.set_yscale("log")
    plain_log_ticks(axes.yaxis)
    named = np.unique(np.linspace(0, len(dates) - 1, min(len(dates), MAX_DATES)).round().astype(int))
    axes.set_xticks(named, [str(dates[number]) for number in named])
    axes.set(xlabel="test day", ylabel="RMSE (vol points)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def by_symbol(symbols: pl.DataFrame, labels: dict[str, str]) -> Figure:
    """Mean RMSE of a symbol's surfaces, one marker a method; those with the largest errors where there are many."""
    order = (
        symbols.group_by("symbol", maintain_order=True)
        .agg(pl.col("rmse").mean())
        .sort("rmse", "symbol")["symbol"]
        .tail(MAX_NAMES)
    )
    place = {symbol: number for number, symbol in enumerate(order)}
    figure, axes = plt.subplots(figsize=(5.5, 1.2 + 0.22 * len(place)))
    for method, label in labels.items():
        own = symbols.filter((pl.col("run") == method) & pl.col("symbol").is_in(order.implode()))
        marker = "o" if "." in method else "s"
        places = [place[symbol] for symbol in own["symbol"]]
        axes.plot(own["rmse"], places, marker, color=colour(method), mfc=face(method), label=label)
    axes.set_xscale("log")
    plain_log_ticks(axes.xaxis)
    axes.set_yticks(range(len(place)), list(place))
    axes.set_xlabel("RMSE (vol points)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def side_by_side(pairs: pl.DataFrame, one: str, other: str) -> Figure:
    """Each surface's error under two methods."""
    figure, axes = plt.subplots(figsize=(3.6, 3.4))
    axes.plot(pairs["rmse_other"], pairs["rmse"], ".", color=QUOTES["shown"], alpha=0.5)
    low = min(pairs["rmse"].min(), pairs["rmse_other"].min())
    high = max(pairs["rmse"].max(), pairs["rmse_other"].max())
    axes.plot([low, high], [low, high], color=QUOTES["hidden"], linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel=f"{other} (vol points)", ylabel=f"{one} (vol points)")
    for axis in (axes.xaxis, axes.yaxis):
        plain_log_ticks(axis)
    return figure


def surface(asked: pl.DataFrame, shown: pl.DataFrame, method: str) -> Figure:
    """Slices of one surface: points shown, points asked, bid and ask, and the answers."""
    maturities = asked["time_to_maturity"].unique().sort()
    places = np.unique(np.linspace(0, len(maturities) - 1, min(len(maturities), MAX_SLICES)).round().astype(int))
    columns = min(3, len(places))
    rows = -(-len(places) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(WIDTH, 2.0 * rows + 0.4), squeeze=False)
    for axes, place in zip(grid.flat, places.tolist(), strict=False):
        at = pl.col("time_to_maturity") == maturities[place]
        _draw_slice(axes, asked.filter(at).sort("log_moneyness"), shown.filter(at), method)
        axes.set_title(f"τ = {365 * maturities[place]:.0f} days")
        axes.set_xlabel("log-moneyness k")
        axes.locator_params(axis="x", nbins=5)
    for axes in grid.flat[len(places) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("implied vol σ (%)")
    pairs = [pair for axes in grid.flat for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    handles = {label: handle for handle, label in pairs}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure


def _draw_slice(axes: Axes, asked: pl.DataFrame, shown: pl.DataFrame, method: str) -> None:
    quoted = asked.drop_nulls(["implied_vol_bid", "implied_vol_ask"])
    if quoted.height:
        bounds = (100 * quoted[name] for name in ("implied_vol_bid", "implied_vol_ask"))
        axes.vlines(quoted["log_moneyness"], *bounds, QUOTES["spread"], label="bid to ask")
    k = asked["log_moneyness"]
    axes.plot(k, 100 * asked["implied_vol"], "o", mfc="white", mec=QUOTES["hidden"], label="asked")
    axes.plot(k, 100 * asked["implied_vol_fitted"], "-", marker=".", color=colour(method), label="answer")
    axes.plot(shown["log_moneyness"], 100 * shown["implied_vol"], "o", color=QUOTES["shown"], label="shown")
