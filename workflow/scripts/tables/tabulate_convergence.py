"""Three losses, train and validation, in the first and the last epoch of each phase."""

import polars as pl

from workflow.scripts.losses import LOSSES, PHASES, SYMBOLS
from workflow.scripts.tables.typesetting import escape, number, options, source, table, write

HEADER = (
    "run, loss",
    "train, first",
    "train, last",
    "val., first",
    "val., last",
    "best epoch",
    "last / first",
    "seeds",
)


def row(label: str, losses: pl.DataFrame) -> tuple[str, ...]:
    """A run's loss in a phase: means over seeds, the last validation loss with its standard deviation."""
    ends = (
        losses.sort("epoch")
        .group_by("seed", "split", maintain_order=True)
        .agg(
            first=pl.col("value").first(),
            last=pl.col("value").last(),
            best=pl.col("epoch").get(pl.col("value").arg_min()),
        )
    )
    train, validation = (ends.filter(pl.col("split") == split) for split in ("train", "validation"))
    spread = validation["last"].std()
    last = number(validation["last"].mean()) + (rf" $\pm$ {number(spread, 2)}" if spread is not None else "")
    ratio = validation["last"].mean() / validation["first"].mean() if validation["first"].mean() else None
    return (
        label,
        number(train["first"].mean()),
        number(train["last"].mean()),
        number(validation["first"].mean()),
        last,
        f"{validation['best'].median():.0f}",
        number(ratio),
        str(validation.height),
    )


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "epochs")
    epochs = pl.read_parquet(chosen.epochs[0])
    blocks = {}
    for phase, name in PHASES.items():
        of_phase = epochs.filter(pl.col("phase") == phase)
        if of_phase.is_empty():
            continue
        blocks[name] = [
            row(f"{escape(chosen.settings['runs'][run]['label'])}, {SYMBOLS[loss]}", losses)
            for run in of_phase["run"].unique(maintain_order=True)
            for loss in LOSSES
            if (losses := of_phase.filter((pl.col("run") == run) & (pl.col("loss") == loss))).height
        ]
    caption = (
        r"Convergence: losses in the first and the last epoch, means over seeds ($\pm$ standard deviation); training "
        "losses are means over the steps of an epoch, validation losses are taken after it, under masks and points "
        "of collocation that stay. Best epoch: of the least validation loss, median over seeds. "
    )
    write(table(caption + source(chosen.settings), "convergence", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
