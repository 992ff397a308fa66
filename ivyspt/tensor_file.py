"""Arrays in safetensors files that show when they are damaged: nothing is ever unpickled.

The header holds one entry, `ivyspt`, a JSON object with the provenance, what else is to be known, and the checksum of
the arrays: a bit that flips on a disk shows when the file is read.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ivyspt.artefacts import KEY, whole, writable
from ivyspt.columns import DataError


def write_tensors(arrays: Mapping[str, np.ndarray], header: Mapping, path: Path) -> None:
    """Write arrays; `header` must hold JSON values."""
    copies = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    header = dict(header)
    # one entry, since safetensors writes several in no fixed order
    entry = {KEY: json.dumps(header | {"checksum": _checksum(copies, header)}, sort_keys=True)}
    with whole(path) as temporary, writable(path):
        save_file(copies, temporary, entry)


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and header.

    Raises
    ------
    DataError
        The file is missing or damaged.
    """
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            header = json.loads((file.metadata() or {}).get(KEY, "{}"))
    except (SafetensorError, ValueError, OSError) as error:
        raise DataError(f"{path}: must be a whole safetensors file, got {error}") from error
    if header.pop("checksum", None) != _checksum(arrays, header):
        raise DataError(f"{path}: must hold what was written, got a damaged file: delete it, and run again")
    return arrays, header


def _checksum(arrays: Mapping[str, np.ndarray], header: dict) -> str:
    """SHA-256 of names, types, shapes and values, and of the header."""
    found = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype} {list(array.shape)}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
