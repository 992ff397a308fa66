"""Weights, and the whole state of a training, as files that show when they are damaged."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ivyspt.artefacts import require
from ivyspt.columns import DataError
from ivyspt.config import Model
from ivyspt.losses.gradnorm import GradNorm
from ivyspt.model.ivyspt import IvySPT
from ivyspt.provenance import stamp
from ivyspt.tensor_file import read_tensors, write_tensors
from ivyspt.tensors import arrays_of, tensors_of


def save_weights(model: IvySPT, path: Path, provenance: Mapping) -> None:
    """Write weights and buffers; the model's settings and the provenance travel in the header."""
    header = {**stamp(provenance), "model": model.settings.model_dump(mode="json")}
    write_tensors(arrays_of(model.state_dict()), header, path)


def load_weights(path: Path) -> IvySPT:
    """Rebuild a model from its file, in evaluation mode.

    Raises
    ------
    DataError
        The file is missing, damaged, or not one of this model's.
    """
    arrays, header = read_tensors(require(path))
    if "model" not in header:
        raise DataError(f"{path}: must hold the weights of a model, got {', '.join(sorted(header)) or 'no header'}")
    model = IvySPT(Model.model_validate(header["model"]), torch.Generator().manual_seed(0))
    try:
        model.load_state_dict(tensors_of(arrays))
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
    write_tensors(arrays_of(tensors), {"progress": progress}, path)


def load_state(path: Path, model: IvySPT, optimiser: torch.optim.Optimizer, gradnorm: GradNorm) -> dict:
    """Put a saved state back in place and return its progress.

    Raises
    ------
    DataError
        The file is damaged, or another model's.
    """
    arrays, header = read_tensors(path)
    tensors = tensors_of(arrays)
    if "progress" not in header:
        raise DataError(f"{path}: must hold the state of a training, got {', '.join(sorted(header)) or 'no header'}")
    for owner, module in (("model", model), ("gradnorm", gradnorm)):
        _load_module(module, owner, tensors, path)
    for owner, target in (("optimiser", optimiser), ("weigher", gradnorm.optimiser)):
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"{owner}/"):
                _, index, key = name.split("/")
                state.setdefault(int(index), {})[key] = tensor
        target.load_state_dict({"state": state, "param_groups": target.state_dict()["param_groups"]})
    return header["progress"]


def _load_module(module: nn.Module, owner: str, tensors: dict[str, Tensor], path: Path) -> None:
    own = {name.removeprefix(f"{owner}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{owner}/")}
    try:
        module.load_state_dict(own)
    except RuntimeError as error:
        raise DataError(f"{path}: a checkpoint must fit the model that resumes from it, got {error}") from error
