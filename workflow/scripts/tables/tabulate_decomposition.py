"""Distributions of the model's three losses over test surfaces, by period, mask and bucket."""

import polars as pl

from workflow.scripts.analyses import LOSSES, TIERS, bucket_label, bucket_order, surface_losses
from workflow.scripts.names import headline_mask, mask_label, mask_order, method_label
from workflow.scripts.tables.typesetting import escape, number, options, percent, source, table, write

HEADER = (
    "",
    "surfaces",
    *("fit: mean", "median", r"95\,\%"),
    *("calendar: mean", r"95\,\%", r"$> 0$ (\%)"),
    *("butterfly: mean", r"95\,\%", r"$> 0$ (\%)"),
)


def cells(rows: pl.DataFrame) -> list[str]:
    """Mean and quantiles of each loss, and how many surfaces have a penalty at all."""
    fit, *penalties = (rows[loss].drop_nulls() for loss in LOSSES)
    listed = [str(rows["surface_id"].n_unique())]
    listed += [number(fit.mean()), number(fit.median()), number(fit.quantile(0.95, "linear"))]
    for loss in penalties:
        listed += [number(loss.mean()), number(loss.quantile(0.95, "linear")), percent((loss > 0).mean())]
    return listed


def block(table: pl.DataFrame, tier: str) -> list[tuple[str, ...]]:
    """Rows of a tier: periods and buckets on its headline mask, then every mask."""
    masks = sorted(table["mask"].unique().to_list(), key=mask_order)
    shown = table.filter(pl.col("mask") == headline_mask(tier, masks))
    whole, every = surface_losses(shown), surface_losses(table)
    rows = [(period, *cells(whole.filter(pl.col("period") == period))) for period in whole["period"].unique().sort()]
    rows += [(escape(mask_label(mask)), *cells(every.filter(pl.col("mask") == mask))) for mask in masks]
    for tau, z in sorted(shown.select("tau_bucket", "z_bucket").unique().iter_rows(), key=bucket_order):
        own = shown.filter((pl.col("tau_bucket") == tau) & (pl.col("z_bucket") == z))
        label = f"$z$ {bucket_label(z)}, $\\tau$ {bucket_label(tau, ' d', 365)}"
        rows.append((label.replace("≤", r"$\le$").replace(">", "$>$"), *cells(own)))
    return rows


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "losses")
    losses = pl.read_parquet(chosen.losses[0])
    run = chosen.settings["evaluation"]["reference"].split(".")[0]
    blocks = {}
    for tier, phase in TIERS.items():
        own = losses.filter((pl.col("tier") == tier) & (pl.col("run") == f"{run}.{phase}"))
        if own.height:
            mask = headline_mask(tier, own["mask"].unique().to_list())
            label = method_label(f"{run}.{phase}", chosen.settings)
            title = f"{label}, {tier} tier; periods and buckets: {mask_label(mask)}; {own['seed'].n_unique()} seeds"
            blocks[escape(title)] = block(own, tier)
    caption = (
        "The three losses at the quoted points, surface by surface: fit loss (squared vol), calendar penalty "
        r"(year$^{-2}$) and butterfly penalty. Mean, median and 95\,\% quantile over test surfaces and seeds, and "
        "share of surfaces with any penalty. Buckets of $z$ in standard deviations and of maturity in days. "
    )
    write(table(caption + source(chosen.settings), "decomposition", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
