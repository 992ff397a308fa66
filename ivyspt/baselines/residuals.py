"""How far fitted slices lie from quoted vols, and what that asks of the parameters at each node."""

import numpy as np

from ivyspt.baselines.padded import Padded
from ivyspt.baselines.wing_slices import total_variance


def at_nodes(
    data: Padded, rows: np.ndarray, nodes: np.ndarray, noise: float, huber: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pseudo-Huber loss of the residuals and its Gauss-Newton derivatives in the parameters of each node.

    A residual is the error of vol over `noise` times the surface's median vol; beyond `huber` such units the loss grows
    linearly, so that a stale quote does not bend the surface.

    Parameters
    ----------
    data : Padded
        All surfaces.
    rows : array of int
        The surfaces asked for.
    nodes : array, shape (surface, node, 3)
        Level, left and right of each slice of these surfaces.
    noise, huber : float
        As above.

    Returns
    -------
    value (surface,), gradient (surface, node, 3), curvature (surface, node, 3, 3)
    """
    node = data.node[rows]
    at_points = np.take_along_axis(nodes, node[..., None], axis=1)
    tau = data.time_to_maturity[rows]
    w, slope = total_variance(data.log_moneyness[rows], tau, *np.moveaxis(at_points, -1, 0))
    vol, unit = np.sqrt(w / tau), noise * data.level[rows, None]
    quoted = data.quoted[rows]
    residual = np.where(quoted, (vol - data.implied_vol[rows]) / unit, 0.0)
    slope = np.where(quoted, 1 / (2 * vol * tau * unit), 0.0)[..., None] * slope
    root = np.sqrt(1 + (residual / huber) ** 2)
    of_node = (node[..., None] == np.arange(nodes.shape[1])).astype(float).swapaxes(1, 2)  # (surface, node, point)
    gradient = of_node @ ((residual / root)[..., None] * slope)
    square = (slope / root[..., None])[..., :, None] * slope[..., None, :]
    curvature = (of_node @ square.reshape(*node.shape, 9)).reshape(*nodes.shape, 3)
    return (residual**2 / (1 + root)).sum(axis=1), gradient, curvature  # huber^2 (root - 1), without cancellation
