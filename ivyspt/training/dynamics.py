"""What happened in training, from the histories of runs and seeds."""

from collections.abc import Iterable

import polars as pl

from ivyspt.training.phases import HISTORY

OF = ["run", "phase"]  # a run's phase, over its seeds


def joined(histories: Iterable[tuple[str, str, int, pl.DataFrame]]) -> pl.DataFrame:
    """Histories (run, phase, seed, table) as one table with columns `run`, `phase` and `seed` before HISTORY's."""
    named = [
        table.select(pl.lit(run).alias("run"), pl.lit(phase).alias("phase"), pl.lit(seed).alias("seed"), *HISTORY)
        for run, phase, seed, table in histories
    ]
    return pl.concat(named)


def epoch_losses(histories: pl.DataFrame) -> pl.DataFrame:
    """Mean over seeds of each loss by run, phase, split and epoch (from 1), its `std` and the number of `seeds`."""
    rows = histories.filter(pl.col("record") == "epoch").sort("seed")
    keys = [*OF, "loss", "split", "epoch"]
    means = rows.group_by(keys, maintain_order=True).agg(
        pl.col("value").mean(), std=pl.col("value").std(), seeds=pl.len()
    )
    return means.with_columns(pl.col("epoch") + 1).sort(keys)


def summary(histories: pl.DataFrame) -> pl.DataFrame:
    """One row a run and phase: how long it trained and where its fit loss went, means over seeds.

    Returns
    -------
    `seeds`, `epochs`, `steps`; of the fit loss (vol or total variance squared) `first` and `last` on validation days,
    `std` of the last over seeds, `best_epoch` (median over seeds, from 1), `over_best`, the last over the least one,
    and `gap`, the last on validation days over the last on training days.
    """
    fit = histories.filter(pl.col("loss") == "fit")
    epochs = fit.filter(pl.col("record") == "epoch").sort(*OF, "seed", "split", "epoch")
    seed = [*OF, "seed"]
    validation = epochs.filter(pl.col("split") == "validation").group_by(seed, maintain_order=True)
    shown = validation.agg(
        epochs=pl.len(),
        first=pl.col("value").first(),
        last=pl.col("value").last(),
        least=pl.col("value").min(),
        best_epoch=pl.col("value").arg_min() + 1,
    )
    trained = epochs.filter(pl.col("split") == "train").group_by(seed, maintain_order=True)
    both = shown.join(trained.agg(trained=pl.col("value").last()), on=seed)
    steps = fit.filter(pl.col("record") == "step").group_by(seed).agg(steps=pl.len())
    return (
        both.join(steps, on=seed)
        .sort(seed)
        .group_by(OF, maintain_order=True)
        .agg(
            seeds=pl.len(),
            epochs=pl.col("epochs").max(),
            steps=pl.col("steps").max(),
            first=pl.col("first").mean(),
            last=pl.col("last").mean(),
            std=pl.col("last").std(),
            best_epoch=pl.col("best_epoch").median(),
            over_best=(pl.col("last") / pl.col("least")).mean(),
            gap=(pl.col("last") / pl.col("trained")).mean(),
        )
    )


def step_losses(histories: pl.DataFrame) -> pl.DataFrame:
    """Spread of each loss over the steps of a run and phase, all seeds together.

    Returns
    -------
    `zero`, the share of steps on which it was exactly zero (a hinge that nothing touched), its `median`, `q99` and
    `largest`, and `spike`, the largest over the median (null where that is zero).
    """
    steps = histories.filter(pl.col("record") == "step")
    value = pl.col("value")
    spread = steps.group_by(*OF, "loss").agg(
        steps=pl.len(),
        zero=(value == 0).mean(),
        median=value.median(),
        q99=value.quantile(0.99, "linear"),
        largest=value.max(),
    )
    spike = pl.when(pl.col("median") > 0).then(pl.col("largest") / pl.col("median"))
    return spread.with_columns(spike=spike).sort(*OF, "loss")


def weight_ranges(histories: pl.DataFrame) -> pl.DataFrame:
    """Weight of each loss at the first and last step, and the least and largest on the way, means over seeds."""
    steps = histories.filter(pl.col("record") == "step").sort("step")
    weight = pl.col("weight")
    by_seed = steps.group_by(*OF, "loss", "seed", maintain_order=True).agg(
        first=weight.first(), last=weight.last(), least=weight.min(), largest=weight.max()
    )
    means = (pl.col(name).mean() for name in ("first", "last", "least", "largest"))
    return by_seed.sort(*OF, "loss", "seed").group_by(*OF, "loss", maintain_order=True).agg(*means)


def balanced(histories: pl.DataFrame) -> list[str]:
    """Runs whose weights moved, in order of their names."""
    ranges = weight_ranges(histories)
    return ranges.filter(pl.col("largest") > pl.col("least"))["run"].unique().sort().to_list()
