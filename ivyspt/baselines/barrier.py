"""Many small smooth problems minimised at once, each inside its own constraints: Gauss-Newton with a log barrier."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FIRST_BARRIER, LAST_BARRIER, BARRIER_FALL = 0.1, 1e-4, 0.3
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-12, 1e12
TO_THE_BOUNDARY = 0.9  # how far of the way to a constraint a step may go
LONGEST_STEP = 1.0  # of any parameter
STILL = 1e-7  # a step shorter than this ends a problem


@dataclass(frozen=True)
class Local:
    """An objective and its constraints at one point of each problem.

    `value` (problem,), `gradient` (problem, parameter) and `curvature` (problem, parameter, parameter), positive
    definite; `slack` (problem, constraint), positive inside, and its `slack_jacobian` (problem, constraint, parameter).
    """

    value: np.ndarray
    gradient: np.ndarray
    curvature: np.ndarray
    slack: np.ndarray
    slack_jacobian: np.ndarray


def minimise(evaluate: Callable[[np.ndarray, np.ndarray], Local], start: np.ndarray, steps: int = 40) -> np.ndarray:
    """Parameters of least value + barrier * sum(-log slack) of each problem, the barrier falling to `LAST_BARRIER`.

    Damped Gauss-Newton steps that never leave the constraints: what comes back has positive slack throughout.

    Parameters
    ----------
    evaluate : callable
        Given parameters of some problems and the numbers of these problems, their `Local`.
    start : array, shape (problem, parameter)
        Strictly inside the constraints.
    steps : int
        Evaluations at most.

    Notes
    -----
    Nocedal & Wright, Numerical Optimization (2006), chapters 10 (Levenberg-Marquardt) and 19 (barriers).
    """
    found = np.array(start, float)
    rows = np.arange(len(found))
    barrier, damping = np.full(len(found), FIRST_BARRIER), np.full(len(found), FIRST_DAMPING)
    with np.errstate(all="ignore"):  # a trial that overflows is refused below
        here = evaluate(found, rows)
        for _ in range(steps):
            if not rows.size:
                break
            step = _step(here, barrier[rows], damping[rows])
            there = evaluate(found[rows] + step, rows)
            before, after = (_barred(each, barrier[rows]) for each in (here, there))
            better = after <= before + 1e-12 * np.abs(before)
            found[rows[better]] += step[better]
            here = Local(*(_chosen(better, new, old) for new, old in zip(_parts(there), _parts(here), strict=True)))
            damping[rows] = np.where(better, np.maximum(damping[rows] / 10, LEAST_DAMPING), damping[rows] * 10)
            barrier[rows] = np.where(better, np.maximum(barrier[rows] * BARRIER_FALL, LAST_BARRIER), barrier[rows])
            settled = better & (np.abs(step).max(axis=1) < STILL) & (barrier[rows] <= LAST_BARRIER)
            going = ~settled & (damping[rows] < MOST_DAMPING)
            rows, here = rows[going], Local(*(each[going] for each in _parts(here)))
    return found


def _step(local: Local, barrier: np.ndarray, damping: np.ndarray) -> np.ndarray:
    pull = local.slack_jacobian / local.slack[..., None]
    gradient = local.gradient - barrier[:, None] * pull.sum(axis=1)
    curvature = local.curvature + barrier[:, None, None] * (pull.swapaxes(1, 2) @ pull)
    diagonal = np.einsum("bpp->bp", curvature)
    diagonal += damping[:, None] * diagonal
    step = -np.linalg.solve(curvature, gradient[..., None])
    closing = -(pull @ step)[..., 0]
    reach = np.max(closing, axis=1, initial=0.0) / TO_THE_BOUNDARY
    longest = np.abs(step[..., 0]).max(axis=1) / LONGEST_STEP
    return step[..., 0] / np.maximum(1.0, np.maximum(reach, longest))[:, None]


def _barred(local: Local, barrier: np.ndarray) -> np.ndarray:
    """Objective with barrier; infinite outside the constraints."""
    inside = (local.slack > 0).all(axis=1) & np.isfinite(local.value)
    return np.where(inside, local.value - barrier * np.log(local.slack).sum(axis=1), np.inf)


def _parts(local: Local) -> tuple[np.ndarray, ...]:
    return local.value, local.gradient, local.curvature, local.slack, local.slack_jacobian


def _chosen(better: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    return np.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)
