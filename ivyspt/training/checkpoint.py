"""Weights, and the whole state of a training, as safetensors files: nothing is ever unpickled.

The header of a file holds one entry, `ivyspt`, a JSON object with the provenance, what else is to be known, and the
checksum of the tensors: a bit that flips on a disk shows when the file is read.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ivyspt.artefacts import KEY, require, whole, writable
from ivyspt.columns import DataError
from ivyspt.config import Model
from ivyspt.losses.gradnorm import GradNorm
from ivyspt.model.ivyspt import IvySPT
from ivyspt.provenance import stamp


def save_weights(model: IvySPT, path: Path, provenance: Mapping) -> None:
    """Write weights and buffers; the model's settings and the provenance travel in the header."""
    _write(model.state_dict(), {**stamp(provenance), "model": model.settings.model_dump(mode="json")}, path)


def load_weights(path: Path) -> IvySPT:
    """Rebuild a model from its file, in evaluation mode.

    Raises
    ------
    DataError
        The file is missing, damaged, or not one of this model's.
    """
    tensors, header = _read(require(path))
    if "model" not in header:
        raise DataError(f"{path}: must hold the weights of a model, got {', '.join(sorted(header)) or 'no header'}")
    model = IvySPT(Model.model_validate(header["model"]), torch.Generator().manual_seed(0))
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
    _write(tensors, {"progress": progress}, path)


def load_state(path: Path, model: IvySPT, optimiser: torch.optim.Optimizer, gradnorm: GradNorm) -> dict:
    """Put a saved state back in place and return its progress.

    Raises
    ------
    DataError
        The file is damaged, or another model's.
    """
    tensors, header = _read(path)
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


def _write(tensors: Mapping[str, Tensor], header: dict, path: Path) -> None:
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    # one entry, since safetensors writes several in no fixed order
    entry = {KEY: json.dumps(header | {"checksum": _checksum(copies, header)}, sort_keys=True)}
    with whole(path) as temporary, writable(path):
        save_file(copies, temporary, entry)


def _checksum(tensors: Mapping[str, Tensor], header: dict) -> str:
    """SHA-256 of names, types, shapes and values, and of the header."""
    found = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()


def _read(path: Path) -> tuple[dict[str, Tensor], dict]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            header = json.loads((file.metadata() or {}).get(KEY, "{}"))
    except (SafetensorError, ValueError, OSError) as error:
        raise DataError(f"{path}: must be a whole safetensors file, got {error}") from error
    if header.pop("checksum", None) != _checksum(tensors, header):
        raise DataError(f"{path}: must hold what was written, got a damaged file: delete it, and run again")
    return tensors, header
