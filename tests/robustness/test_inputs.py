"""An input that vanished, or is damaged: one sentence, a non-zero status, and no output."""

import inspect
import json
from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml

from ivyspt import stages
from ivyspt.__main__ import main
from ivyspt.columns import DataError
from ivyspt.config import Losses
from ivyspt.losses.gradnorm import GradNorm
from ivyspt.training.checkpoint import load_state, load_weights, save_state, save_weights
from tests.conftest import make_model
from workflow.study import complete

ROOT = Path(__file__).parents[2]
STUDY = complete(yaml.safe_load((ROOT / "config/smoke.yaml").read_text()))
OF_A_BASELINE = {"name": "cubic_spline", "seed": 0, "baseline": STUDY["baselines"]["cubic_spline"]}
ANALYSES = {**STUDY["analyses"], "subset": STUDY["analyses"]["search"]["subset"]}
SECTIONS = {**ANALYSES, **STUDY, **OF_A_BASELINE, "flagship_training": {"steps": 1}}
VALUES = {"run": "ivyspt", "phase": "pretrain", "seed": "0", "trial": "grid_1", "state": "pretrain"}
PLACES = {"histories": "ivyspt/0/pretrain_history.parquet"}  # the path says whose it is
WITHOUT_INPUTS = {"read_quotes", "read_surfaces", "make_corpus"}  # they read what their settings name, or nothing


def arguments(stage: str, folder: Path) -> list[str]:
    """A call of a stage by the smoke study, every path in one folder."""
    module = import_module(f"ivyspt.stages.{stage}")
    settings = {name: SECTIONS.get(name) for name in module.Settings.model_fields}
    words = [stage, "--settings", json.dumps({name: value for name, value in settings.items() if value is not None})]
    for name, parameter in inspect.signature(module.run).parameters.items():
        if name == "settings" or parameter.default is not parameter.empty:
            continue
        path = parameter.annotation in (Path, list[Path])
        words += [f"--{name.replace('_', '-')}", str(folder / PLACES.get(name, name)) if path else VALUES[name]]
    return words


@pytest.mark.parametrize("stage", [name for name in stages.names() if name not in WITHOUT_INPUTS])
def test_a_vanished_input_is_one_sentence(stage, tmp_path, capsys):
    assert main(arguments(stage, tmp_path)) == 1
    error = capsys.readouterr().err
    assert "must exist, got no such file" in error
    assert error.startswith(f"{stage}: ")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\x00" * 500, b"PAR1" + b"\xff" * 200 + b"PAR1"], ids=len)
@pytest.mark.parametrize("stage", [name for name in stages.names() if name not in WITHOUT_INPUTS])
def test_a_damaged_input_is_one_sentence(stage, content, tmp_path, capsys):
    words = arguments(stage, tmp_path)
    paths = [Path(word) for word in words if word.startswith(str(tmp_path))]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{stage}: ")
    assert error.count("\n") == 1
    assert all(path.read_bytes() == content for path in paths)


def flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0b100]) + content[position + 1 :]


def test_a_bit_that_flips_in_weights_is_seen_wherever_it_is(tmp_path):
    model, path = make_model(), tmp_path / "weights.safetensors"
    save_weights(model, path, {"settings": {"learning_rate": 1e-3}, "seed": 1})
    good = path.read_bytes()
    for position in [*range(0, len(good), 397), len(good) - 1]:
        path.write_bytes(flipped(good, position))
        with pytest.raises(DataError, match="weights") as caught:
            load_weights(path)
        assert str(caught.value).startswith(str(path))
    path.write_bytes(good)
    pairs = zip(model.parameters(), load_weights(path).parameters(), strict=True)
    assert all(torch.equal(one.float(), other) for one, other in pairs)


def test_a_bit_that_flips_in_a_checkpoint_is_seen_and_the_sentence_says_what_to_do(tmp_path):
    model, path = make_model(), tmp_path / "checkpoint.safetensors"
    optimiser, gradnorm = torch.optim.Adam(model.parameters()), GradNorm(Losses())
    save_state(path, model, optimiser, gradnorm, {"epoch": 3, "history": [{"value": 0.1 + 0.2}]})
    good = path.read_bytes()
    assert load_state(path, model, optimiser, gradnorm) == {"epoch": 3, "history": [{"value": 0.1 + 0.2}]}
    for position in [*range(0, len(good), 397), len(good) - 1]:
        path.write_bytes(flipped(good, position))
        with pytest.raises(DataError, match="checkpoint"):
            load_state(path, model, optimiser, gradnorm)
    with pytest.raises(DataError, match="must hold what was written, got a damaged file: delete it, and run again"):
        load_state(path, model, optimiser, gradnorm)


def test_weights_are_the_same_bytes_in_every_process(tmp_path):
    """The header has one entry: safetensors writes several in an order that differs from process to process."""
    model = make_model()
    save_weights(model, tmp_path / "weights.safetensors", {"seed": 1, "settings": {}})
    content = (tmp_path / "weights.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert list(header["__metadata__"]) == ["ivyspt"]


@pytest.mark.parametrize(
    "load", [load_weights, lambda path: load_state(path, None, None, None)], ids=["weights", "state"]
)
def test_a_file_of_the_other_kind_is_one_sentence(load, tmp_path):
    model, path = make_model(), tmp_path / "file.safetensors"
    if load is load_weights:
        save_state(path, model, torch.optim.Adam(model.parameters()), GradNorm(Losses()), {"epoch": 1})
    else:
        save_weights(model, path, {"seed": 1})
    with pytest.raises(DataError, match=r"must hold the (weights of a model|state of a training), got"):
        load(path)
