"""Weights, and the whole state of a training, as safetensors files: nothing is ever unpickled."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ivyspt.artefacts import whole
from ivyspt.columns import DataError
from ivyspt.config import Model
from ivyspt.losses.gradnorm import GradNorm
from ivyspt.model.ivyspt import IvySPT


def save_weights(model: IvySPT, path: Path, provenance: dict) -> None:
    """Write weights and buffers; the model's settings and the provenance travel in the header."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    header = {"model": model.settings.model_dump_json(), "ivyspt": json.dumps(provenance, sort_keys=True)}
    with whole(path) as temporary:
        save_file(tensors, temporary, header)


def load_weights(path: Path) -> IvySPT:
    """Rebuild a model from its file, in evaluation mode.

    Raises
    ------
    DataError
        The file is missing or is not a whole safetensors file of this model.
    """
    tensors, header = _read(path)
    model = IvySPT(Model.model_validate_json(header["model"]), torch.Generator().manual_seed(0))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise DataError(f"{path}: weights must fit the model named in the file, got {error}") from error
    return model.eval()


def save_state(path: Path, model: IvySPT, optimiser: torch.optim.Optimizer, gradnorm: GradNorm, progress: dict) -> None:
    """Write all that a training needs to go on bit for bit; `progress` must hold JSON values."""
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"gradnorm/{name}": tensor for name, tensor in gradnorm.state_dict().items()}
    for owner, state in (("optimiser", optimiser), ("weigher", gradnorm.optimiser)):
        for index, values in state.state_dict()["state"].items():
            tensors |= {f"{owner}/{index}/{name}": tensor for name, tensor in values.items()}
    with whole(path) as temporary:
        save_file(
            {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()},
            temporary,
            {"progress": json.dumps(progress)},
        )


def load_state(path: Path, model: IvySPT, optimiser: torch.optim.Optimizer, gradnorm: GradNorm) -> dict:
    """Put a saved state back in place and return its progress."""
    tensors, header = _read(path)
    for owner, module in (("model", model), ("gradnorm", gradnorm)):
        _load_module(module, owner, tensors, path)
    for owner, target in (("optimiser", optimiser), ("weigher", gradnorm.optimiser)):
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"{owner}/"):
                _, index, key = name.split("/")
                state.setdefault(int(index), {})[key] = tensor
        target.load_state_dict({"state": state, "param_groups": target.state_dict()["param_groups"]})
    return json.loads(header["progress"])


def _load_module(module: nn.Module, owner: str, tensors: dict[str, Tensor], path: Path) -> None:
    own = {name.removeprefix(f"{owner}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{owner}/")}
    try:
        module.load_state_dict(own)
    except RuntimeError as error:
        raise DataError(f"{path}: a checkpoint must fit the model that resumes from it, got {error}") from error


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not Path(path).exists():
        raise DataError(f"{path}: must exist, got no such file")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise DataError(f"{path}: must be a whole safetensors file, got {error}") from error
