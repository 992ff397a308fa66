"""Weights and gradient norms of the losses under GradNorm, and validation losses beside fixed weights."""

import polars as pl

from workflow.scripts.losses import LOSSES, PHASES, SYMBOLS
from workflow.scripts.tables.typesetting import escape, number, options, source, table, write

HEADER = (
    "loss",
    r"$\lambda$, first",
    r"$\lambda$, last",
    "norm / target, median",
    "norm, 99th / median",
    "val., GradNorm",
    "val., fixed",
    "ratio",
)


def row(label: str, steps: pl.DataFrame, balanced: pl.Series, fixed: pl.Series) -> tuple[str, ...]:
    """A loss in a phase: its weight, how its gradient keeps to the target, and where it ends."""
    ordered = steps.sort("step")
    first, last = (
        ordered.group_by("seed", maintain_order=True).agg(pl.col("weight").get(place))["weight"].mean()
        for place in (0, -1)
    )
    ratio = (steps["gradient_norm"] / steps["target_norm"]).drop_nans().median()
    middle, high = steps["gradient_norm"].median(), steps["gradient_norm"].quantile(0.99)
    ours, theirs = balanced.mean(), fixed.mean()
    spike, change = (top / bottom if bottom else None for top, bottom in ((high, middle), (ours, theirs)))
    return (label, *(number(each) for each in (first, last, ratio, spike, ours, theirs, change)))


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "steps", "epochs")
    run, against = (chosen.settings["gradnorm"][name] for name in ("run", "against"))
    steps = pl.read_parquet(chosen.steps[0]).filter(pl.col("run") == run)
    seeds = steps["seed"].unique().implode()
    epochs = pl.read_parquet(chosen.epochs[0]).filter((pl.col("split") == "validation") & pl.col("seed").is_in(seeds))
    ends = epochs.filter(pl.col("epoch") == pl.col("epoch").max().over("run", "phase"))
    blocks = {}
    for phase, name in PHASES.items():
        rows = []
        for loss in LOSSES:
            of_loss = (pl.col("phase") == phase) & (pl.col("loss") == loss)
            end = ends.filter(of_loss)
            values = (end.filter(pl.col("run") == each)["value"] for each in (run, against))
            rows.append(row(SYMBOLS[loss], steps.filter(of_loss), *values))
        blocks[name] = rows
    count = steps["seed"].n_unique()
    labels = [escape(chosen.settings["runs"][each]["label"]) for each in (run, against)]
    caption = (
        f"GradNorm (run {labels[0]}) beside fixed weights (run {labels[1]}), {count} seed{'s' * (count > 1)}: weight "
        "of each loss after the first and the last step, the norm of the weighted loss's gradient at the last shared "
        "layer over its target, how far that norm spikes, and validation losses after the last epoch. A median of 1 "
        "says that a norm keeps to its target; where it does not, the weight moved more slowly than what it follows. "
    )
    write(table(caption + source(chosen.settings), "gradnorm", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
