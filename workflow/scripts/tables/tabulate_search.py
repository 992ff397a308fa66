"""Every trial of the hyper-parameter search, the best first: its values, its losses and their mean rank."""

import polars as pl

from workflow.scripts.tables.typesetting import escape, number, options, source, table, write

HEADER = (
    "trial",
    "blocks",
    "$d$",
    "rate",
    "batch",
    "dropout",
    r"$L_\mathrm{fit}$",
    r"$L_\mathrm{cal}$",
    r"$L_\mathrm{but}$",
    "mean rank",
    "parameters",
)


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "ranking")
    ranking = pl.read_parquet(chosen.ranking[0])
    rows = [
        (
            escape(row["trial"].partition("_")[0]),
            str(row["blocks"]),
            str(row["dimension"]),
            number(row["learning_rate"]),
            str(row["batch_size"]),
            number(row["dropout"], 2),
            *(number(row[f"value_{loss}"]) for loss in ("fit", "calendar", "butterfly")),
            f"${row['mean_rank']:.2f}$",
            f"{row['parameters']:,}",
        )
        for row in ranking.iter_rows(named=True)
    ]
    search, first = chosen.settings["search"], ranking.row(0, named=True)
    wanted = f"{100 * search['subset']['share']:g}"
    tiers = " and ".join(search["subset"]["tiers"])
    caption = (
        rf"Hyper-parameter search: validation losses after {search['epochs']} epochs on {first['training_surfaces']} "
        f"surfaces of training days, measured on {first['validation_surfaces']} of validation days "
        rf"({wanted}\,\% of all surfaces of the {tiers} tiers, or as many as those days have), by mean rank over the "
        "three losses, at the same masks and collocation points for all; the first row is chosen. "
        f"One seed ({first['seed']}) a trial, so that neighbours in rank may change places under another. "
    )
    write(table(caption + source(chosen.settings), "search", HEADER, {"": rows}), chosen.tex)


if __name__ == "__main__":
    main()
