"""Training lowers the losses, repeats itself, and resumes bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ivyspt.batches.surface import Surface
from ivyspt.columns import DataError
from ivyspt.config import Losses, Masking, Model, Phase, Training
from ivyspt.losses.gradnorm import GradNorm
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.checkpoint import load_weights, save_state, save_weights
from ivyspt.training.loop import Plan, train
from ivyspt.training.optimiser import make_optimiser, schedule
from tests.conftest import make_pair

MODEL = Model(dimension=8, blocks=1, heads=2, feed_forward=2, dropout=0.1)
PHASE = Phase(epochs=4, batch_size=4, learning_rate=5e-3)


def surface(index: int) -> Surface:
    context, _ = make_pair(np.random.default_rng(index), 20, 0, f"surface {index}")
    return Surface(
        context.surface_id,
        "A",
        context.log_moneyness,
        context.time_to_maturity,
        context.implied_vol,
        np.arange(20),
        context.market,
        {p: np.arange(20) % 3 for p in Masking().proportions},
    )


def plan(**changes) -> Plan:
    training = Training(pretrain=PHASE, finetune=PHASE, checkpoint_every=1)
    losses = Losses(collocation_points=4)
    return replace(Plan(PHASE, training, losses, Masking(), seed=1, number=0, name="test"), **changes)


def model(**settings) -> IvySPT:
    return IvySPT(MODEL.model_copy(update=settings), torch.Generator().manual_seed(0))


SURFACES = [surface(index) for index in range(10)]


def test_training_lowers_the_fit_loss():
    long = Phase(epochs=25, batch_size=5, learning_rate=1e-2)
    history = train(model(level="erased"), SURFACES, SURFACES[:3], plan(phase=long))
    fit = [
        row["value"] for row in history if (row["record"], row["split"], row["loss"]) == ("epoch", "validation", "fit")
    ]
    assert len(fit) == 25
    assert fit[-1] < 0.5 * fit[0]


def test_training_repeats_itself_and_follows_the_seed():
    one, two, other = (train(model(), SURFACES, [], plan(seed=seed)) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_an_interrupted_training_ends_as_an_undisturbed_one(tmp_path, monkeypatch):
    undisturbed = model()
    expected = train(undisturbed, SURFACES, SURFACES[:3], plan())
    path = tmp_path / "checkpoint.safetensors"

    def stop(*_):
        if path.exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ivyspt.training.loop._report", stop)
        with pytest.raises(KeyboardInterrupt):
            train(model(), SURFACES, SURFACES[:3], plan(checkpoint=path))
    resumed = model()
    history = train(resumed, SURFACES, SURFACES[:3], plan(checkpoint=path))
    assert history == expected
    for name, tensor in undisturbed.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    wider = model(dimension=16)
    save_state(path, wider, make_optimiser(wider, plan().training, PHASE), GradNorm(Losses()), {"epoch": 1})
    with pytest.raises(DataError, match="must fit the model that resumes"):
        train(model(), SURFACES, [], plan(checkpoint=path))


def test_weights_survive_the_file(tmp_path):
    one = model()
    train(one, SURFACES, [], plan())
    save_weights(one, tmp_path / "w.safetensors", {"seed": 1})
    two = load_weights(tmp_path / "w.safetensors")
    assert two.settings == one.settings
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    assert set(load_file(tmp_path / "w.safetensors")) == set(one.state_dict())


def test_truncated_weights_are_one_clear_error(tmp_path):
    save_weights(model(), tmp_path / "w.safetensors", {})
    whole = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="must be a whole safetensors file"):
        load_weights(tmp_path / "w.safetensors")


def test_nothing_to_train_on_is_one_clear_error():
    with pytest.raises(DataError, match="at least one surface, got none"):
        train(model(), [], [], plan())


def test_without_penalties_the_weights_of_the_losses_stay():
    history = train(model(), SURFACES, [], plan(losses=Losses(penalties=False)))
    assert {row["weight"] for row in history if row["loss"] == "fit"} == {1.0}


def test_layers_learn_faster_towards_the_output():
    training = Training(pretrain=PHASE, finetune=PHASE)
    deep = model(blocks=3)
    optimiser = make_optimiser(deep, training, PHASE.model_copy(update={"layer_decay": 0.5}))
    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    names = ("mask_token", "encoder.blocks.0.", "encoder.blocks.1.", "encoder.blocks.2.", "head.")
    rates = [rate[id(next(p for n, p in deep.named_parameters() if n.startswith(name)))] for name in names]
    assert rates == pytest.approx([PHASE.learning_rate * 0.5**depth for depth in (4, 3, 2, 1, 0)])


def test_every_parameter_is_optimised_once_and_the_kernels_scale_never_decays():
    made = model()
    optimiser = make_optimiser(made, Training(pretrain=PHASE, finetune=PHASE), PHASE)
    listed = [id(p) for group in optimiser.param_groups for p in group["params"]]
    assert sorted(listed) == sorted(id(p) for p in made.parameters())
    for group in optimiser.param_groups:
        if group["weight_decay"]:
            assert all(p is not made.embedding.log_scale for p in group["params"])
            assert all(p is not made.positional_encoding.log_base for p in group["params"])


def test_schedule_warms_up_and_ends_at_the_final_rate():
    phase = Phase(epochs=1, learning_rate=1e-3, final_learning_rate=1e-5, warmup=0.2)
    shares = [schedule(step, 100, phase) for step in range(100)]
    assert shares[0] == pytest.approx(1 / 20)  # never zero, as in the published code
    assert max(shares) == pytest.approx(1)
    assert shares[19] == pytest.approx(1)
    assert shares[-1] == pytest.approx(1e-2)
    assert shares[20:] == sorted(shares[20:], reverse=True)


def test_as_published_the_first_epoch_does_not_learn_and_rates_move_by_epoch():
    phase = Phase(epochs=10, warmup=0.2, schedule_by="epoch")
    shares = [schedule(step, 100, phase) for step in range(100)]
    assert shares[:10] == [0.0] * 10
    assert len(set(shares[20:30])) == 1
    assert shares[10:20] == [0.5] * 10
    assert shares[20] == 1.0


def test_as_published_layer_decay_is_upside_down():
    phase = PHASE.model_copy(update={"layer_decay": 0.5, "layer_decay_from": "input"})
    made = model(level="erased")
    optimiser = make_optimiser(made, Training(pretrain=PHASE, finetune=PHASE), phase)
    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    assert rate[id(made.mask_token)] == phase.learning_rate
    assert rate[id(made.head.weight)] == phase.learning_rate * 0.5**2  # one block and the read-out


def test_as_published_evaluation_mode_is_never_left_once_validated_in():
    trained = {}
    for flag in (False, True):
        made, modes = model(level="erased"), []
        made.register_forward_pre_hook(lambda module, _, modes=modes: modes.append(module.training))
        training = Training(pretrain=PHASE, finetune=PHASE, stays_in_evaluation=flag)
        train(made, SURFACES, SURFACES[:3], plan(training=training))
        trained[flag] = sum(modes)
    assert trained[False] == PHASE.epochs * trained[True] > 0
