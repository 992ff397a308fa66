"""Random tensors in double precision, from a generator that is passed in."""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor


def uniform(between: Sequence[float], shape: Sequence[int], generator: Generator) -> Float[Tensor, "*shape"]:
    """Uniform numbers between two values."""
    low, high = between
    return low + (high - low) * torch.rand(tuple(shape), generator=generator, dtype=torch.float64)


def log_uniform(between: Sequence[float], shape: Sequence[int], generator: Generator) -> Float[Tensor, "*shape"]:
    """Numbers between two positive values, uniform in their logarithm."""
    low, high = between
    return uniform((math.log(low), math.log(high)), shape, generator).exp()


def normal(std: float, shape: Sequence[int], generator: Generator) -> Float[Tensor, "*shape"]:
    """Normal numbers of mean zero."""
    return std * torch.randn(tuple(shape), generator=generator, dtype=torch.float64)


def happens(probability: float, shape: Sequence[int], generator: Generator) -> Tensor:
    """True with a probability."""
    return torch.rand(tuple(shape), generator=generator, dtype=torch.float64) < probability


def choose(shares: Mapping[str, float], count: int, generator: Generator) -> Int[Tensor, " count"]:
    """Positions in `shares`, each as often as its share of their sum says."""
    weight = torch.tensor(list(shares.values()), dtype=torch.float64)
    return torch.multinomial(weight, count, replacement=True, generator=generator)
