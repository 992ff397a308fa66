"""Distributions of the three losses by bucket of (z, tau): where on the surface a method errs."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from workflow.scripts.analyses import LOSSES, bucket_label, bucket_order, shown_methods
from workflow.scripts.figures.boxes import MARKS, log_axis
from workflow.scripts.figures.drawing import options, save
from workflow.scripts.figures.palette import colour
from workflow.scripts.figures.plot_decomposition import draw
from workflow.scripts.names import data_label, headline_mask, mask_label, seeds_of


def shown_rows(table: pl.DataFrame, tier: str, methods: list[str]) -> pl.DataFrame:
    """Buckets of the methods' surfaces on a tier's headline mask, methods in their order."""
    of_tier = table.filter(pl.col("tier") == tier)
    mask = headline_mask(tier, of_tier["mask"].unique().to_list())
    rows = of_tier.filter((pl.col("mask") == mask) & pl.col("run").is_in(methods))
    order = pl.col("run").replace_strict({method: place for place, method in enumerate(methods)})
    return rows.with_columns(order=order, bucket=pl.col("tau_bucket") + pl.col("z_bucket")).sort("order")


def draw_tier(panels: Sequence[Axes], rows: pl.DataFrame) -> dict[str, list[float]]:
    """A column of panels: one a loss, buckets of z within buckets of maturity. Returns what each must hold."""
    drawn = {}
    buckets = sorted(rows.select("tau_bucket", "z_bucket").unique().iter_rows(), key=bucket_order)
    maturities = [tau for tau, _ in buckets]
    for axes, loss in zip(panels, LOSSES, strict=True):
        drawn[loss] = draw(axes, rows, "bucket", [tau + z for tau, z in buckets], loss)
        for place in range(1, len(buckets)):
            if maturities[place] != maturities[place - 1]:
                axes.axvline(place - 0.5, color="black", linewidth=0.6)
    for tau in dict.fromkeys(maturities):
        middle = maturities.index(tau) + (maturities.count(tau) - 1) / 2
        label = f"τ {bucket_label(tau, ' d', 365)}"
        place = panels[0].get_xaxis_transform()
        panels[0].text(middle, 1.02, label, transform=place, ha="center", fontsize=6.5)
    panels[-1].set_xticks(range(len(buckets)), [bucket_label(z) for _, z in buckets], rotation=90)
    panels[-1].set_xlabel("z (standard deviations)")
    return drawn


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "losses")
    settings = chosen.settings
    table = pl.read_parquet(chosen.losses[0])
    run = settings["evaluation"]["reference"].split(".")[0]
    tiers = table["tier"].unique().sort().to_list()
    figure, grid = plt.subplots(len(LOSSES), len(tiers), figsize=(7.2, 6.0), sharex="col", sharey="row", squeeze=False)
    methods = {tier: shown_methods(table, tier, run, settings["decomposition"]["baselines"]) for tier in tiers}
    rows = {tier: shown_rows(table, tier, methods[tier]) for tier in tiers}
    drawn = {tier: draw_tier(grid[:, column], rows[tier]) for column, tier in enumerate(tiers)}
    for column, tier in enumerate(tiers):
        grid[0][column].set_title(f"{tier} tier, {mask_label(rows[tier]['mask'][0])}", pad=16)
    every = pl.concat(rows.values())
    for row, (loss, label) in zip(grid, LOSSES.items(), strict=True):
        row[0].set_ylabel(label)
        log_axis(row[0], [value for tier in tiers for value in drawn[tier][loss]])
    names = {settings["runs"][run]["label"]: methods[tiers[0]][0]}
    names |= {settings["baselines"][name]["label"]: name for tier in tiers for name in methods[tier][1:]}
    handles = [Patch(color=colour(method), label=label) for label, method in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), title=MARKS, title_fontsize=7)
    counts = every.group_by("run", maintain_order=True).agg(pl.col("seed").n_unique())["seed"].to_list()
    text = f"Losses of test surfaces by bucket of z and of maturity, {seeds_of(counts)}"
    figure.suptitle(f"{text}\n{data_label(settings)}")
    save(figure, chosen)


if __name__ == "__main__":
    main()
