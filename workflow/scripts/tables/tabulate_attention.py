"""How concentrated the last block's attention is, head by head, and on which market features it lies."""

from pathlib import Path

import polars as pl

from workflow.scripts.analyses import FEATURES, read
from workflow.scripts.names import mask_label, method_label, seeds_of
from workflow.scripts.tables.typesetting import escape, number, options, percent, source, table, write

HEADER = (
    "head",
    "entropy",
    r"deficit (\%)",
    "points",
    r"itself (\%)",
    r"market deficit (\%)",
    *(rf"{name} (\%)" for name in ("return", "vol", "rate", "mean", "std")),
)


def rows_of(summary: pl.DataFrame) -> list[tuple[str, ...]]:
    """One row a head: means over targets and seeds."""
    means = summary.group_by("head", "measure", maintain_order=True).agg(pl.col("mean").mean())
    found = {(head, measure): mean for head, measure, mean in means.iter_rows()}
    heads = sorted({head for head, _ in found if head is not None})

    def deficit(head: int, measure: str) -> str:
        share = found.get((head, measure))
        return number(None if share is None else max(0.0, 100 * (1 - share)))

    return [
        (
            str(head + 1),
            number(found[head, "self_entropy"]),
            deficit(head, "self_entropy_share"),
            number(found[head, "self_points"]),
            percent(found[head, "self_on_itself"]),
            deficit(head, "market_entropy_share"),
            *(percent(found.get((head, f"market_on_{name}"))) for name in FEATURES),
        )
        for head in heads
    ]


def gate(summary: pl.DataFrame) -> str:
    """The weight that the gate leaves to the market, in words."""
    weight = summary.filter(pl.col("measure") == "market_weight")["mean"].mean()
    return "no gate" if weight is None else f"weight of the market in the block {weight:.2g}"


def summaries(paths: list[Path]) -> dict[str, pl.DataFrame]:
    """Rows of each method."""
    every = read(paths)
    return {method: every.filter(pl.col("run") == method) for method in every["run"].unique(maintain_order=True)}


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "summaries")
    blocks = {}
    for method, summary in summaries(chosen.summaries).items():
        seeds = summary["seed"].n_unique()
        where = f"{summary['tier'][0]} tier, {mask_label(summary['mask'][0])}, {summary['targets'][0]} targets"
        title = f"{method_label(method, chosen.settings)}: {where}, {seeds_of([seeds])}; {gate(summary)}"
        blocks[escape(title)] = rows_of(summary)
    caption = (
        "Attention of the last block, means over every target of the validation and test days and over seeds. Entropy "
        "(nats) of the weights on the context's points and the target itself; how far it lies below that of equal "
        "weights; as many points of equal weight would have it; weight on the target itself; deficit of the entropy of "
        "the market's tokens; and the weights on market return, market vol, treasury rate, and mean and std of the "
        "visible vols, which reach the answer as far as the gate lets them. A deficit near zero: the head averages. "
    )
    write(table(caption + source(chosen.settings), "attention", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
