"""Polynomial regression on each surface, ridge-penalised."""

from collections.abc import Sequence

import numpy as np

from ivyspt.baselines.coordinates import Fitted, Kind, Response, completion_of, coordinates, response
from ivyspt.completion import Completion, Context, Targets


class Polynomial:
    """Least squares on monomials u^a v^b with a + b <= degree and b < the number of the context's maturities.

    `ridge` weighs the squared coefficients, on columns of unit variance and without the intercept, against the mean
    squared error. Derivatives are those of the polynomial.
    """

    def __init__(self, degree: int, ridge: float, coordinates: Kind, response: Response) -> None:
        self.degree, self.ridge = degree, ridge
        self.coordinates, self.response = coordinates, response

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Do nothing: each surface is fitted on its own."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Fit the context and evaluate where asked."""
        shown = coordinates(self.coordinates, context, context.log_moneyness, context.time_to_maturity)
        at = coordinates(self.coordinates, context, log_moneyness, time_to_maturity)
        maturities = np.unique(context.time_to_maturity).size
        powers = [
            (a, b) for b in range(min(self.degree, maturities - 1) + 1) for a in range(self.degree - b + 1) if a + b > 0
        ]
        y = response(self.response, context.implied_vol, context.time_to_maturity)
        centre = shown.points.mean(axis=0)
        columns = _monomials(shown.u - centre[0], shown.v - centre[1], powers)
        mean, scale = columns.mean(axis=0), columns.std(axis=0)
        scale[scale == 0] = 1.0
        standard = (columns - mean) / scale
        penalty = np.sqrt(self.ridge * y.size) * np.eye(len(powers))
        beta = np.linalg.lstsq(
            np.vstack([standard, penalty]), np.concatenate([y - y.mean(), np.zeros(len(powers))]), rcond=None
        )[0]
        beta = beta / scale
        u, v = at.u - centre[0], at.v - centre[1]
        fitted = Fitted(
            y.mean() + (_monomials(u, v, powers) - mean) @ beta,
            _monomials(u, v, powers, along_u=1) @ beta,
            _monomials(u, v, powers, along_u=2) @ beta,
            _monomials(u, v, powers, along_v=1) @ beta,
        )
        return completion_of(self.response, fitted, at, time_to_maturity)


def _monomials(
    u: np.ndarray, v: np.ndarray, powers: list[tuple[int, int]], along_u: int = 0, along_v: int = 0
) -> np.ndarray:
    """Monomials u^a v^b, or their derivatives of the orders given, as an array (point, monomial)."""
    return np.column_stack([_power(u, a, along_u) * _power(v, b, along_v) for a, b in powers])


def _power(x: np.ndarray, exponent: int, order: int) -> np.ndarray:
    if order > exponent:
        return np.zeros_like(x)
    factor = np.prod(np.arange(exponent - order + 1, exponent + 1))
    return factor * x ** (exponent - order)
