"""Lanczos' method: extreme eigenvalues and spectral density of a symmetric operator, from its products with vectors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal

# of the operator's size; below it a new direction is rounding, and the space that the start vector spans is exhausted
EXHAUSTED = 1e-12
CONVERGED = 1e-6  # of the largest magnitude; a value known so well is an eigenvalue
SIMPLE = 20.0  # a simple eigenvalue's weight times the size is χ² of one degree, above this once in a hundred thousand


@dataclass(frozen=True)
class Ritz:
    """What one start vector shows of the spectrum, in ascending order of `values`.

    The operator has an eigenvalue within `residuals` of each value. `weights` sum to one: values and weights are the
    Gauss quadrature of the spectrum as the start vector sees it, exact for polynomials of degree below twice the steps
    (Golub & Meurant 2010, chapter 6). The mean over random start vectors estimates the spectral density (Lin, Saad &
    Yang 2016). `vectors` holds a Ritz vector a column.
    """

    values: np.ndarray
    weights: np.ndarray
    residuals: np.ndarray
    vectors: np.ndarray


def lanczos(multiply: Callable[[np.ndarray], np.ndarray], start: np.ndarray, steps: int) -> Ritz:
    """Ritz values after at most `steps` products; fewer where the start vector's invariant space is smaller.

    Every new direction is orthogonalised against all earlier ones, twice, so that no value is found as a ghost of one
    found before (Parlett 1998, section 13.8).
    """
    steps = min(steps, len(start))
    basis = np.zeros((steps, len(start)))
    diagonal, beside = np.zeros(steps), np.zeros(steps)
    basis[0] = start / np.linalg.norm(start)
    taken = steps
    for step in range(steps):
        product = multiply(basis[step])
        diagonal[step] = basis[step] @ product
        for _ in range(2):
            product = product - basis[: step + 1].T @ (basis[: step + 1] @ product)
        beside[step] = np.linalg.norm(product)
        if beside[step] <= EXHAUSTED * max(np.abs(diagonal).max(), beside.max()):
            beside[step], taken = 0.0, step + 1
            break
        if step + 1 < steps:
            basis[step + 1] = product / beside[step]
    values, vectors = eigh_tridiagonal(diagonal[:taken], beside[: taken - 1])
    return Ritz(values, vectors[0] ** 2, np.abs(beside[taken - 1] * vectors[-1]), basis[:taken].T @ vectors)


def density(ritz: Ritz, size: int) -> np.ndarray:
    """The share of an operator's `size` eigenvalues that each Ritz value stands for.

    A simple eigenvalue that has converged counts as one; the quadrature's weights, which scatter about that, share what
    is left among the others.
    """
    known = ritz.residuals <= CONVERGED * np.abs(ritz.values).max()
    known &= ritz.weights * size < SIMPLE
    rest = ritz.weights[~known].sum()
    if not rest > 0:
        return ritz.weights
    return np.where(known, 1 / size, ritz.weights * (1 - known.sum() / size) / rest)


def weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """The smallest value at or below which `share` of the weight lies."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    place = np.searchsorted(cumulative, share * cumulative[-1])
    return float(values[order][min(place, len(values) - 1)])
