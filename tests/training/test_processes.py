"""Several processes train as one does: same losses, same weights, one checkpoint."""

from dataclasses import replace
from multiprocessing import active_children

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ivyspt.columns import DataError
from ivyspt.config import Losses, Training
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.launch import train_by_processes
from ivyspt.training.loop import train
from ivyspt.training.processes import Processes
from tests.training.test_loop import MODEL, PHASE, SURFACES, plan

# float64, where sums in another order differ by 1e-16 or so; steps of AdamW and GradNorm blow that up, not past this
TOLERANCE = 1e-9
AS_PUBLISHED = {"target_attention": "all", "normalisation": "joint", "normalisation_momentum": 0.0, "level": "erased"}
UNKNOWN = replace(SURFACES[0], market=np.array([0.01, np.nan, 0.05]))  # counted in fewer features than the others
VISITED = [UNKNOWN, *SURFACES[1:]]  # batches of four, four and two


def made(**settings) -> IvySPT:
    return IvySPT(MODEL.model_copy(update={"dropout": 0.0} | settings), torch.Generator().manual_seed(0))


def by(processes: int, losses: Losses | None = None, **changes):
    training = Training(pretrain=PHASE, finetune=PHASE, precision="float64", checkpoint_every=1, processes=processes)
    chosen = {key: changes.pop(key) for key in ("targets_per_surface",) if key in changes}
    return plan(training=training.model_copy(update=chosen), losses=losses or Losses(collocation_points=4), **changes)


def values(history: list[dict]) -> np.ndarray:
    columns = ("value", "weight", "norms", "targets")
    return np.array([[np.nan if row.get(name) is None else row[name] for name in columns] for row in history])


@pytest.mark.parametrize(
    ("processes", "losses", "model", "training"),
    [
        (2, Losses(collocation_points=4, weighting="fixed", weights=[2.5, 0.4, 0.1]), {}, {}),
        (2, Losses(collocation_points=4, weighting="gradnorm"), {}, {}),
        # the last batch has fewer surfaces than there are processes
        (3, Losses(collocation_points=0, gradnorm_leak=True), AS_PUBLISHED, {"targets_per_surface": 1}),
    ],
    ids=["fixed weights", "GradNorm", "as published"],
)
def test_shares_of_a_batch_add_up_to_the_batch(processes, losses, model, training):
    """Two processes on two surfaces each do what one does on four: the mean over points, not the mean of means."""
    one, several = made(**model), made(**model)
    expected = train_by_processes(one, VISITED, VISITED[:3], by(1, losses, **training))
    history = train_by_processes(several, VISITED, VISITED[:3], by(processes, losses, **training))
    assert [(row["record"], row["step"], row["loss"]) for row in history] == [
        (row["record"], row["step"], row["loss"]) for row in expected
    ]
    np.testing.assert_allclose(values(history), values(expected), rtol=TOLERANCE, atol=1e-14)
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(several.state_dict()[name], tensor, rtol=TOLERANCE, atol=1e-12, msg=name)
    assert not active_children()


def test_an_interrupted_training_by_two_ends_as_an_undisturbed_one(tmp_path, monkeypatch):
    undisturbed = made(dropout=0.1)
    expected = train_by_processes(undisturbed, VISITED, [], by(2))
    path = tmp_path / "checkpoint.safetensors"

    def stop(*_):
        if path.exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ivyspt.training.loop._report", stop)
        with pytest.raises(KeyboardInterrupt):
            train_by_processes(made(dropout=0.1), VISITED, [], by(2, checkpoint=path))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    resumed = made(dropout=0.1)
    assert train_by_processes(resumed, VISITED, [], by(2, checkpoint=path)) == expected
    for name, tensor in undisturbed.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_only_the_leading_process_validates_reports_and_writes(tmp_path, capsys):
    path = tmp_path / "checkpoint.safetensors"
    history = train(made(), VISITED, VISITED[:3], by(1, checkpoint=path), Processes(rank=1, count=1))
    assert {row["split"] for row in history} == {"train"}
    assert not path.exists()
    assert capsys.readouterr().err == ""


def test_a_loss_that_is_not_finite_is_one_error_and_leaves_no_process_behind():
    broken = [replace(surface, implied_vol=surface.implied_vol * np.nan) for surface in VISITED]
    with pytest.raises(DataError, match="losses must stay finite"):
        train_by_processes(made(level="erased"), broken, [], by(2))
    assert not active_children()


def test_each_process_needs_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [Processes(rank, 2).device("auto").index for rank in range(2)] == [0, 1]
    assert Processes(0, 3).device("cpu").type == "cpu"
    with pytest.raises(DataError, match="no more than the GPUs, got 3 on 2"):
        Processes(0, 3).device("auto")


def test_one_process_leaves_the_settings_as_they_were():
    assert "processes" not in Training(pretrain=PHASE, finetune=PHASE, processes=1).model_dump()
    assert Training(pretrain=PHASE, finetune=PHASE, processes=2).model_dump()["processes"] == 2


def test_several_processes_do_not_compile():
    with pytest.raises(ValidationError, match="compile must be false with several processes"):
        Training(pretrain=PHASE, finetune=PHASE, processes=2, compile=True)
