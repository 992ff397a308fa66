"""Every method on test days of market stress: errors and penalties beside calm days, and beside the model."""

import polars as pl

from workflow.scripts.analyses import CONDITIONS, count_days, thresholds
from workflow.scripts.comparison import TIERS, headline, read
from workflow.scripts.names import mask_label, method_label
from workflow.scripts.tables.typesetting import escape, number, options, source, table, write

HEADER = (
    "method",
    "calm",
    "high vol",
    "large return",
    r"either $-$ calm",
    "interval",
    r"either: method $-$ model",
    "interval",
    "seeds",
)
METRICS = {
    "rmse": "RMSE (vol points)",
    "calendar_loss": r"calendar penalty (year$^{-2}$)",
    "butterfly_loss": "butterfly penalty",
}


def bounds(row: dict | None, name: str) -> str:
    """An interval of a difference, as exact as the difference is printed."""
    if not row or row[f"{name}_low"] is None:
        return "--"
    return f"[{number(row[f'{name}_low'])}, {number(row[f'{name}_high'])}]"


def rows_of(cells: pl.DataFrame, settings: dict) -> list[tuple[str, ...]]:
    """One row a method, in order of its mean on calm days."""
    found = {(row["run"], row["condition"]): row for row in cells.iter_rows(named=True)}
    methods = cells.sort("mean")["run"].unique(maintain_order=True).to_list()
    methods.sort(key=lambda method: found.get((method, "calm"), {}).get("mean") or 0.0)
    rows = []
    for method in methods:
        of_method = {condition: found.get((method, condition)) for condition in CONDITIONS}
        either = of_method["stress"]
        rows.append(
            (
                escape(method_label(method, settings)),
                *(
                    number(row["mean"] if (row := of_method[condition]) else None)
                    for condition in ("calm", "high_vol", "large_return")
                ),
                number(either and either["excess"]),
                bounds(either, "excess"),
                number(either and either["difference"]),
                bounds(either, "difference"),
                str(next(row for row in of_method.values() if row)["seeds"]),
            )
        )
    return rows


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "comparison", "days")
    settings = chosen.settings
    comparison, days = read(chosen.comparison), pl.read_parquet(chosen.days[0])
    blocks = {}
    for tier in TIERS.values():
        cells = headline(comparison, tier)
        for metric, label in METRICS.items():
            of_metric = cells.filter(pl.col("metric") == metric)
            if of_metric.height:
                title = f"{tier} tier, {escape(mask_label(cells['mask'][0]))}: {label}"
                blocks[title] = rows_of(of_metric, settings)
    counts, words = count_days(days), thresholds(days, settings)
    evaluation = settings["evaluation"]
    caption = escape(
        f"Test days of market stress against calm ones. High vol: {words['high_vol']}, {counts['high_vol']} test days. "
        f"Large return: {words['large_return']}, {counts['large_return']} test days. Either: {counts['stress']} test "
        f"days; calm: neither, {counts['calm']}. Means over surfaces and "
        f"seeds; differences are of means over days, their {100 * evaluation['confidence']:.0f} % intervals from a "
        f"circular bootstrap over blocks of {evaluation['bootstrap_block_days']} test days, the same for both sides; "
        "none below three days, and with so few days they are rough. "
    )
    write(table(caption + source(settings), "stress", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
