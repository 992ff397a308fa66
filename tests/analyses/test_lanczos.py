"""Lanczos finds what dense linear algebra finds."""

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, eigsh

from ivyspt.analyses.lanczos import density, lanczos, weighted_quantile

SIZE = 60


def matrix(eigenvalues: np.ndarray, seed: int = 0) -> np.ndarray:
    """A symmetric matrix of known spectrum."""
    orthogonal, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(eigenvalues), len(eigenvalues))))
    return (orthogonal * eigenvalues) @ orthogonal.T


@pytest.fixture
def dense() -> np.ndarray:
    """A spectrum like a loss's: a bulk near zero, few large values, some negative."""
    bulk = np.random.default_rng(1).normal(scale=1e-3, size=SIZE - 4)
    return matrix(np.concatenate((bulk, [-0.5, 1.0, 3.0, 10.0])))


def start(seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1.0, 1.0], SIZE)


def test_all_steps_give_the_whole_spectrum(dense):
    found = lanczos(lambda v: dense @ v, start(), SIZE)
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(dense), atol=1e-12)


def test_few_steps_give_the_extremes_that_arpack_gives(dense):
    found = lanczos(lambda v: dense @ v, start(), 12)
    both = eigsh(LinearOperator(dense.shape, lambda v: dense @ v), k=2, which="BE", return_eigenvectors=False)
    assert [found.values[0], found.values[-1]] == pytest.approx(sorted(both), rel=1e-8)
    vector = found.vectors[:, -1]
    np.testing.assert_allclose(dense @ vector, found.values[-1] * vector, atol=1e-6)


@pytest.mark.parametrize("steps", [2, 4, 8])
def test_an_eigenvalue_lies_within_the_stated_distance(dense, steps):
    exact = np.linalg.eigvalsh(dense)
    found = lanczos(lambda v: dense @ v, start(), steps)
    nearest = np.abs(found.values[:, None] - exact).min(1)
    assert (nearest <= found.residuals + 1e-12).all()
    assert found.residuals.max() > 1e-6  # too few steps are told as such


def test_values_and_weights_are_a_gauss_quadrature(dense):
    """Exact for polynomials of degree up to 2 steps - 1: here the moments vᵀAᵏv of 5 steps."""
    found = lanczos(lambda v: dense @ v, start(), 5)
    unit, power = start() / np.sqrt(SIZE), start() / np.sqrt(SIZE)
    for degree in range(10):
        assert found.weights @ found.values**degree == pytest.approx(unit @ power, rel=1e-9)
        power = dense @ power


def test_the_mean_over_a_basis_is_the_spectral_density(dense):
    """Over an orthonormal set of starts the moments are those of the spectrum itself."""
    runs = [lanczos(lambda v: dense @ v, axis, 6) for axis in np.eye(SIZE)]
    for degree in range(4):
        mean = np.mean([run.weights @ run.values**degree for run in runs])
        assert mean == pytest.approx(np.mean(np.linalg.eigvalsh(dense) ** degree), rel=1e-9)


def test_eigenvalues_that_have_converged_count_as_one_each(dense):
    """So one start suffices: the second moment is that of the spectrum, where the plain quadrature is far off."""
    exact = (np.linalg.eigvalsh(dense) ** 2).mean()
    errors = []
    for seed in range(5):
        found = lanczos(lambda v: dense @ v, start(seed), 12)
        shares = density(found, SIZE)
        assert shares.sum() == pytest.approx(1)
        assert shares[-1] == pytest.approx(1 / SIZE)
        assert shares @ found.values**2 == pytest.approx(exact, rel=1e-4)
        errors.append(abs(found.weights @ found.values**2 / exact - 1))
    assert max(errors) > 0.1
    nothing = lanczos(np.zeros_like, start(), 10)
    assert density(nothing, SIZE).tolist() == [1.0]


def test_a_zero_operator_has_the_eigenvalue_zero():
    found = lanczos(np.zeros_like, start(), 10)
    assert found.values.tolist() == [0.0]
    assert found.weights.tolist() == [1.0]


def test_an_exhausted_space_ends_the_search_without_ghosts():
    """Three distinct eigenvalues need three steps; more would find the largest again and again."""
    low_rank = matrix(np.concatenate((np.zeros(SIZE - 2), [1.0, 5.0])))
    found = lanczos(lambda v: low_rank @ v, start(), 30)
    np.testing.assert_allclose(found.values, [0.0, 1.0, 5.0], atol=1e-12)


def test_quantiles_follow_the_weights():
    values, weights = np.array([5.0, 1.0, 3.0]), np.array([0.1, 0.6, 0.3])
    assert [weighted_quantile(values, weights, share) for share in (0.5, 0.7, 0.95)] == [1.0, 3.0, 5.0]
