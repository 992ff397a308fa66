"""A cubic spline on each surface: the polyharmonic spline r^3, which knows no grid and answers everywhere."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import lstsq

from ivyspt.baselines.coordinates import Fitted, Kind, Response, completion_of, coordinates, response
from ivyspt.completion import Completion, Context, Targets


class CubicSpline:
    """Smoothing spline f(x) = sum_i c_i |x - x_i|^3 + b_0 + b_1 u + b_2 v, two-dimensional kin of the cubic spline.

    `smoothing` is added to the kernel's diagonal (0 interpolates), as in `scipy.interpolate.RBFInterpolator`, which
    gives the same values; solved here because the derivatives are wanted in closed form. A context on one line (a
    single expiry, say) leaves the plane undetermined; the least-norm solution is then flat across that line.

    References
    ----------
    Fasshauer, Meshfree Approximation Methods with MATLAB (2007), chapters 6 and 19.
    """

    def __init__(self, smoothing: float, coordinates: Kind, response: Response) -> None:
        self.smoothing, self.coordinates, self.response = smoothing, coordinates, response

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Do nothing: each surface is fitted on its own."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Fit the context and evaluate where asked."""
        shown = coordinates(self.coordinates, context, context.log_moneyness, context.time_to_maturity)
        at = coordinates(self.coordinates, context, log_moneyness, time_to_maturity)
        y = response(self.response, context.implied_vol, context.time_to_maturity)
        centre = shown.points.mean(axis=0)
        weights, plane = _solve(shown.points - centre, y - y.mean(), self.smoothing)
        du, dv = at.u[:, None] - shown.u, at.v[:, None] - shown.v
        r = np.hypot(du, dv)
        with np.errstate(invalid="ignore"):
            curvature = np.where(r > 0, r + du**2 / np.where(r > 0, r, 1.0), 0.0)
        fitted = Fitted(
            y.mean() + r**3 @ weights + plane[0] + (at.points - centre) @ plane[1:],
            (3 * r * du) @ weights + plane[1],
            (3 * curvature) @ weights,
            (3 * r * dv) @ weights + plane[2],
        )
        return completion_of(self.response, fitted, at, time_to_maturity)


def _solve(points: np.ndarray, values: np.ndarray, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the kernel and coefficients of the plane; points (point, 2), values (point,)."""
    n = len(points)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    plane = np.column_stack([np.ones(n), points])
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = distance**3 + smoothing * np.eye(n)
    system[:n, n:], system[n:, :n] = plane, plane.T
    solution = lstsq(system, np.concatenate([values, np.zeros(3)]), lapack_driver="gelsy", cond=1e-12)[0]
    return solution[:n], solution[n:]
