"""The history of a training holds GradNorm's quantities at every step."""

import numpy as np
import polars as pl
import pytest

from ivyspt.analyses.histories import epochs, final_weights, steps
from ivyspt.config import Losses
from ivyspt.losses.objective import NAMES
from ivyspt.training.loop import train
from ivyspt.training.phases import HISTORY
from tests.training.test_loop import SURFACES, model, plan

BALANCED = Losses(collocation_points=4, gradnorm_learning_rate=0.05)
STEPS = 4 * 3  # four epochs of ten surfaces in batches of four


@pytest.fixture(scope="module")
def histories() -> dict:
    made = {}
    for run, losses in (("gradnorm", BALANCED), ("ivyspt", Losses(collocation_points=4, weighting="fixed"))):
        # away from the start, whose read-out is zero and whose last shared layer has no gradient
        rows = train(model(level="erased"), SURFACES, SURFACES[:3], plan(losses=losses))
        made[run, 1, "pretrain"] = pl.DataFrame(rows, schema=HISTORY)
    return made


@pytest.fixture(scope="module")
def balanced(histories) -> dict[str, np.ndarray]:
    """(step, loss) tables of the run that GradNorm weighs."""
    table = steps(histories).filter(pl.col("run") == "gradnorm").sort("step")
    columns = ("value", "weight", "gradient_norm", "target_norm")
    return {name: np.stack([table.filter(pl.col("loss") == loss)[name] for loss in NAMES], 1) for name in columns}


def test_every_step_has_every_loss(histories):
    table = steps(histories)
    assert table.group_by("run", "step").len()["len"].unique().to_list() == [3]
    assert table["step"].unique().sort().to_list() == list(range(1, STEPS + 1))


def test_weights_sum_to_the_number_of_losses_and_move(balanced):
    np.testing.assert_allclose(balanced["weight"].sum(1), 3, rtol=1e-6)  # float32
    assert (np.abs(np.diff(balanced["weight"], axis=0)).max(1) > 1e-4).all()


def test_targets_are_those_of_the_paper(balanced):
    """Ḡ(t) r_i(t)^α from the recorded losses and norms alone, r_i = (L_i/L_i(0)) over their mean."""
    start = np.maximum(balanced["value"][0], BALANCED.gradnorm_floor)
    ratio = balanced["value"] / start
    rate = ratio / ratio.mean(1, keepdims=True)
    expected = balanced["gradient_norm"].mean(1, keepdims=True) * rate**BALANCED.gradnorm_alpha
    assert balanced["gradient_norm"].max() > 0
    np.testing.assert_allclose(balanced["target_norm"], expected, rtol=1e-4)  # float32


def test_fixed_weights_have_no_norms(histories):
    fixed = steps(histories).filter(pl.col("run") == "ivyspt")
    assert fixed["gradient_norm"].null_count() == fixed.height
    assert fixed["weight"].n_unique() == 1


def test_epochs_hold_three_losses_of_both_splits(histories):
    table = epochs(histories)
    assert table.group_by("run", "epoch").len()["len"].unique().to_list() == [6]
    assert table["epoch"].unique().sort().to_list() == [1, 2, 3, 4]
    by_hand = steps(histories).filter((pl.col("run") == "ivyspt") & (pl.col("loss") == "fit") & (pl.col("step") > 9))
    last = table.filter(
        (pl.col("run") == "ivyspt") & (pl.col("loss") == "fit") & (pl.col("split") == "train") & (pl.col("epoch") == 4)
    )
    assert last["value"][0] == pytest.approx(by_hand["value"].mean())


def test_final_weights_are_those_of_the_last_step(histories, balanced):
    np.testing.assert_allclose(final_weights(histories["gradnorm", 1, "pretrain"]), balanced["weight"][-1])
