"""The study's surfaces by tier and part of the split, and what was dropped on the way, by reason."""

import polars as pl

from workflow.scripts.tables.typesetting import escape, options, source, table, write

HEADER = ("", "symbols", "days", "surfaces", "points a surface", "of them hidden")


def noise(violations: pl.DataFrame) -> str:
    """How far the quotes are from free of static arbitrage themselves."""
    total = violations["constraints"].sum()
    at_mid = 100 * violations["violated_at_mid"].sum() / total
    text = f"Of the no-arbitrage constraints among the quotes of {violations['surface_id'].n_unique()} surfaces, "
    text += rf"{at_mid:.2f}\,\% are violated at the mid"
    traded = violations.drop_nulls("executable")
    if traded.height:
        share = 100 * traded["executable"].sum() / traded["constraints"].sum()
        text += rf" and {share:.2f}\,\% even between bid and ask"
    return f"{text}."


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "points", "split", "rejections", "violations")
    points = pl.read_parquet(chosen.points[0]).with_columns(date=pl.col("quote_time").dt.date())
    counted = (
        points.join(pl.read_parquet(chosen.split[0]), on="date")
        .group_by("tier", "split", "surface_id", maintain_order=True)
        .agg(pl.col("symbol").first(), pl.col("date").first(), points=pl.len(), hidden=(~pl.col("visible")).sum())
    )
    parts = counted.group_by("tier", "split", maintain_order=True).agg(
        pl.col("symbol").n_unique(),
        pl.col("date").n_unique(),
        pl.len().alias("surfaces"),
        pl.col("points").median(),
        pl.col("hidden").median(),
    )
    order = ["train", "validation", "test", "purged", "embargoed"]
    blocks = {}
    for tier in parts["tier"].unique().sort().to_list():
        rows = {row["split"]: row for row in parts.filter(pl.col("tier") == tier).iter_rows(named=True)}
        blocks[escape(f"{tier} tier")] = [
            (part, *(f"{row[name]:,.0f}" for name in ("symbol", "date", "surfaces", "points", "hidden")))
            for part in order
            if (row := rows.get(part))
        ]
    dropped = pl.read_parquet(chosen.rejections[0]).group_by("reason", maintain_order=True).agg(pl.col("quotes").sum())
    reasons = dropped.sort("quotes", "reason", descending=[True, False]).iter_rows()
    listed = "; ".join(f"{escape(reason.replace('_', ' '))} {count:,}" for reason, count in reasons)
    caption = (
        "Surfaces of the study; medians of points a surface, and of those among them that no method is shown. "
        f"Dropped quotes: {listed or 'none'}. {noise(pl.read_parquet(chosen.violations[0]))} "
    )
    write(table(caption + source(chosen.settings), "data", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
