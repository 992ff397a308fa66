"""What a market feature of another day does to answers and errors, beside what its derivative foretells."""

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from workflow.scripts import sensitivity
from workflow.scripts.analyses import FEATURES
from workflow.scripts.figures.drawing import options, save
from workflow.scripts.figures.palette import colour
from workflow.scripts.names import data_label, method_label, seeds_of

ROWS = FEATURES | {"all": "all five together"}
MARKS = {
    "move": ("o", "white", "by derivative: one standard deviation of the feature"),
    "change": ("o", None, "by permutation: the feature of another day"),
    "rmse": ("|", None, "change of the RMSE (its range over repeats and seeds)"),
}


def draw(axes: Axes, moves: dict[str, float], effects: dict[str, dict], method: str) -> None:
    """Three marks a feature."""
    own = colour(method)
    for height, name in enumerate(reversed(ROWS)):
        if name in moves:
            axes.plot(moves[name], height + 0.15, "o", color=own, mfc="white")
        effect = effects.get(name)
        if effect:
            axes.plot(effect["change"], height + 0.15, "o", color=own, ms=3)
            axes.plot([effect["best"], effect["worst"]], [height - 0.2] * 2, "-", color=own, linewidth=1)
            axes.plot(effect["rmse_change"], height - 0.2, "|", color=own, ms=6)
    axes.axvline(0, color="black", linewidth=0.6, zorder=0.5)
    axes.set_yticks(range(len(ROWS)), list(reversed(ROWS.values())))
    axes.set_xlabel("vol points")
    axes.margins(x=0.1)
    axes.set_ylim(-0.6, len(ROWS) - 0.4)


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "derivatives", "permutations", "days")
    days = pl.read_parquet(chosen.days[0])
    slopes = sensitivity.derivatives(chosen.derivatives, days)
    moves, effects = (
        sensitivity.moments(slopes),
        sensitivity.effects(sensitivity.permutations(chosen.permutations, days)),
    )
    panels = sensitivity.groups(slopes)
    height = -(-len(panels) // 2)
    figure, grid = plt.subplots(height, 2, figsize=(7.2, 0.9 + 1.7 * height), squeeze=False, sharey=True)
    for axes, (method, tier) in zip(grid.flat, panels, strict=False):
        move = dict(moves.filter(pl.col("run") == method).select("feature", "move_vol_points").iter_rows())
        rows = effects.filter(pl.col("run") == method).iter_rows(named=True)
        by_feature = {row["feature"]: row for row in rows}
        draw(axes, move, by_feature, method)
        error = by_feature["all"]["rmse"]
        axes.set_title(f"{method_label(method, chosen.settings)}, {tier} tier\nRMSE {error:.3g} vol points")
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    handles = [
        Line2D([], [], color="black", linestyle="", marker=m, mfc=f or "black", label=t) for m, f, t in MARKS.values()
    ]
    handles[1].set_markersize(3)
    figure.legend(handles=handles, loc="outside lower center", ncols=1)
    counts = moves["seeds"].to_list()
    text = f"Permuted market features as the null, validation and test days, {seeds_of(counts)}"
    figure.suptitle(f"{text}\n{data_label(chosen.settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
