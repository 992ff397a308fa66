"""Curvature of a loss over all parameters of a model, without forming the Hessian."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters


class Hessian:
    """Products of a loss's Hessian with vectors, by differentiating twice in reverse (Pearlmutter 1994).

    The graph of the gradient is built once and kept. Where a hinge is inactive its second derivative is zero, and so
    is the product.
    """

    def __init__(self, loss: Float[Tensor, ""], parameters: Sequence[nn.Parameter]):
        self.parameters = list(parameters)
        self._slope = _flat(torch.autograd.grad(loss, self.parameters, create_graph=True, materialize_grads=True))

    @property
    def gradient(self) -> Float[np.ndarray, " parameter"]:
        """∂L/∂θ, the parameters one after another."""
        return self._slope.detach().cpu().double().numpy()

    def __call__(self, vector: Float[np.ndarray, " parameter"]) -> Float[np.ndarray, " parameter"]:
        """∂²L/∂θ² times a vector."""
        if not self._slope.requires_grad:
            return np.zeros_like(vector)
        products = torch.autograd.grad(
            self._slope,
            self.parameters,
            torch.from_numpy(vector).to(self._slope),
            retain_graph=True,
            materialize_grads=True,
        )
        return _flat(products).cpu().double().numpy()


def losses_along(
    losses: Callable[[], Float[Tensor, " loss"]],
    parameters: Sequence[nn.Parameter],
    direction: Float[np.ndarray, " parameter"],
    distances: Sequence[float],
) -> Float[np.ndarray, "distance loss"]:
    """Losses at θ + a u for each distance a along the direction u; the parameters are put back."""
    parameters = list(parameters)
    start = parameters_to_vector(parameters).detach().clone()
    step = torch.from_numpy(direction).to(start)
    values = []
    try:
        for distance in distances:
            vector_to_parameters(start + distance * step, parameters)
            with torch.no_grad():
                values.append(losses().cpu().double().numpy())
    finally:
        vector_to_parameters(start, parameters)
    return np.stack(values)


def _flat(tensors: Sequence[Tensor]) -> Float[Tensor, " parameter"]:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
