"""Summaries of made-up histories whose values are known."""

import polars as pl
import pytest

from ivyspt.training import dynamics
from ivyspt.training.phases import HISTORY


def row(record, step, epoch, split, loss, value, weight=1.0):
    numbers = {"value": value, "weight": weight, "norms": None, "targets": None}
    return {"record": record, "step": step, "epoch": epoch, "split": split, "loss": loss, **numbers}


def history(validation, shift=0.0, weights=(1.0, 1.0)):
    """A run of two epochs of one step each; the butterfly penalty is zero but for one step."""
    rows = []
    for epoch, (value, weight) in enumerate(zip(validation, weights, strict=True)):
        for loss, spike in (("fit", 1.0), ("butterfly", 0.0 if epoch == 0 else 8.0)):
            rows.append(row("step", epoch, epoch, "train", loss, spike * (value + shift), weight))
            rows.append(row("epoch", None, epoch, "train", loss, spike * (value + shift) / 2))
            rows.append(row("epoch", None, epoch, "validation", loss, spike * (value + shift)))
    return pl.DataFrame(rows, schema=HISTORY)


@pytest.fixture
def joined():
    return dynamics.joined(
        [
            ("ours", "pretrain", 0, history((4.0, 1.0))),
            ("ours", "pretrain", 1, history((4.0, 1.0), shift=2.0)),
            ("moving", "pretrain", 0, history((1.0, 2.0), weights=(1.0, 3.0))),
        ]
    )


def test_epochs_are_means_over_seeds(joined):
    losses = dynamics.epoch_losses(joined).filter((pl.col("run") == "ours") & (pl.col("loss") == "fit"))
    last = losses.row(by_predicate=(pl.col("split") == "validation") & (pl.col("epoch") == 2), named=True)
    assert (last["value"], last["seeds"]) == (2.0, 2)
    assert last["std"] == pytest.approx(2**0.5)  # of 1 and 3


def test_a_summary_says_where_the_fit_loss_went(joined):
    rows = {line["run"]: line for line in dynamics.summary(joined).iter_rows(named=True)}
    ours, moving = rows["ours"], rows["moving"]
    assert (ours["seeds"], ours["epochs"], ours["steps"]) == (2, 2, 2)
    assert (ours["first"], ours["last"], ours["best_epoch"], ours["over_best"]) == (5.0, 2.0, 2.0, 1.0)
    assert ours["gap"] == pytest.approx(2.0)  # training losses are half of the validation's
    assert (moving["best_epoch"], moving["over_best"], moving["std"]) == (1.0, 2.0, None)


def test_steps_at_zero_and_spikes_are_counted(joined):
    rows = dynamics.step_losses(joined)
    spiky = rows.row(by_predicate=(pl.col("run") == "moving") & (pl.col("loss") == "butterfly"), named=True)
    assert (spiky["zero"], spiky["largest"], spiky["median"]) == (0.5, 16.0, 8.0)
    assert spiky["spike"] == 2.0


def test_only_runs_whose_weights_moved_are_balanced(joined):
    assert dynamics.balanced(joined) == ["moving"]
    ranges = dynamics.weight_ranges(joined).filter((pl.col("run") == "moving") & (pl.col("loss") == "fit"))
    assert ranges.select("first", "last", "least", "largest").row(0) == (1.0, 3.0, 1.0, 3.0)
