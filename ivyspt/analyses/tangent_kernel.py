"""The neural tangent kernel: how far a step on one answer moves another (Jacot, Gabriel & Hongler 2018)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ivyspt.batches.batch import Batch
from ivyspt.columns import DataError
from ivyspt.model.ivyspt import IvySPT

BYTES = 8  # of a float64


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of a Gram matrix in descending order, and what they say of gradient descent.

    `shares` are the shares of the squared residual that lie along each eigenvector. `rounding` is the size below which
    an eigenvalue cannot be told from zero: the number of outputs times machine precision times the largest.
    """

    eigenvalues: np.ndarray
    shares: np.ndarray
    rounding: float

    @property
    def rank(self) -> int:
        """How many eigenvalues exceed rounding."""
        return int((self.eigenvalues > self.rounding).sum())

    @property
    def condition_number(self) -> float:
        """The largest eigenvalue over the smallest that exceeds rounding."""
        return float(self.eigenvalues[0] / self.eigenvalues[self.rank - 1])

    def loss_left(self, steps: np.ndarray) -> np.ndarray:
        """Share of the squared error that full-batch gradient descent leaves, were the model linear in its parameters.

        The step size is the largest that overshoots in no direction, so a direction's residual shrinks by
        1 - λ_i/λ_max a step.
        """
        shrinking = 1 - self.eigenvalues.clip(0) / self.eigenvalues[0]
        return (self.shares * shrinking ** (2 * np.asarray(steps)[:, None])).sum(1)


def answers(model: IvySPT, batch: Batch) -> Float[Tensor, " output"]:
    """The implied vols that a batch asks for, surface by surface."""
    return model(batch).implied_vol[batch.asked]


def gradients(model: IvySPT, batch: Batch, parameters: Sequence[nn.Parameter]) -> Float[Tensor, "output parameter"]:
    """∂f/∂θ of each answer f of a batch; one backward pass, vectorised over the answers."""
    values = answers(model, batch)
    directions = torch.eye(len(values), dtype=values.dtype, device=values.device)
    slopes = torch.autograd.grad(values, list(parameters), directions, is_grads_batched=True, materialize_grads=True)
    return torch.cat([slope.reshape(len(values), -1) for slope in slopes], 1)


def tangent_kernel(model: IvySPT, batches: Sequence[Batch], memory: float) -> Float[np.ndarray, "output output"]:
    """Θ_ij = ⟨∂f_i/∂θ, ∂f_j/∂θ⟩ over all parameters, for the answers of the batches in order.

    The sum over parameters is taken group by group, so that the gradients held at a time fit into `memory` bytes. It is
    exact; a smaller memory costs more passes.
    """
    outputs = sum(int(batch.asked.sum()) for batch in batches)
    gram = np.zeros((outputs, outputs))
    for group in _groups(list(model.parameters()), outputs, memory):
        slopes = np.empty((outputs, sum(parameter.numel() for parameter in group)))
        filled = 0
        for batch in batches:
            rows = gradients(model, batch, group).cpu().numpy()
            slopes[filled : filled + len(rows)] = rows
            filled += len(rows)
        gram += slopes @ slopes.T
    return gram


def spectrum(gram: Float[np.ndarray, "output output"], residuals: Float[np.ndarray, " output"]) -> Spectrum:
    """Eigenvalues of a Gram matrix, and how the residuals spread over its eigenvectors; nowhere if they all vanish."""
    values, vectors = np.linalg.eigh(gram)
    energies = (vectors.T @ residuals) ** 2
    rounding = len(values) * np.finfo(np.float64).eps * values[-1]
    return Spectrum(values[::-1], (energies / max(energies.sum(), np.finfo(np.float64).tiny))[::-1], float(rounding))


def _groups(parameters: Sequence[nn.Parameter], outputs: int, memory: float) -> Iterator[list[nn.Parameter]]:
    """Parameters in order, in runs whose gradients fit into the memory."""
    largest = max(parameter.numel() for parameter in parameters)
    if outputs * largest * BYTES > memory:
        raise DataError(
            f"the memory for gradients must hold those of the largest parameter, {outputs * largest * BYTES} bytes "
            f"for {outputs} outputs, got {memory:.0f}"
        )
    group, size = [], 0
    for parameter in parameters:
        if group and outputs * (size + parameter.numel()) * BYTES > memory:
            yield group
            group, size = [], 0
        group.append(parameter)
        size += parameter.numel()
    yield group
