"""Between tensors and the plain arrays that files hold."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Record = TypeVar("Record")


def arrays_of(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Plain arrays of tensors on any device."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def tensors_of(arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Tensors of plain arrays, which they do not share memory with."""
    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}


def rows_of(record: Record, rows: Tensor) -> Record:
    """Some rows of a dataclass of tensors."""
    return type(record)(*(getattr(record, field.name)[rows] for field in fields(record)))
