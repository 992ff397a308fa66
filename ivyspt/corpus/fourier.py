"""Out-of-the-money option prices of a process whose moments E[(S/F)^p] are known for complex p.

With M(p) = E[(S/F)^p] an out-of-the-money call is (1 / 2 pi i) times the integral of M(p) e^(-(p-1) k) / (p (p - 1))
over a contour that crosses the real axis at some c > 1, a put the same with c < 0 (Lewis 2001, "A simple option
formula for general jump-diffusion processes"; undiscounted, over the forward). Far wings keep all their digits, since
each price takes, of several contours, the one on which the integrand is smallest at the axis (Lord & Kahl 2007,
"Optimal Fourier inversion in semi-analytical option pricing"). Contours are bent hyperbolas, on which the trapezoidal
rule converges exponentially (Boyarchenko & Levendorskii 2019, "Sinh-acceleration", IJTAF 22(3)).
"""

from typing import Protocol

import numpy as np
from jaxtyping import Complex, Float

DISTANCES = np.geomspace(0.05, 60.0, 13)  # of crossings from the nearest pole, in 1 / standard deviations
NODES = 160
WIDEST = 2.0  # scale of a contour, in 1 / standard deviations


class Process(Protocol):
    """Several processes of the log price over the forward; parameters have shape (surface, 1, …, 1)."""

    def log_moment(self, p: Complex[np.ndarray, "surface ..."], tau: Float[np.ndarray, "surface ..."]) -> np.ndarray:
        """log E[(S/F)^p] at tau years, up to multiples of 2 pi i."""
        ...

    def finite(self, p: Float[np.ndarray, "surface ..."], tau: Float[np.ndarray, "surface ..."]) -> np.ndarray:
        """Whether the moment of real order p is finite at tau."""
        ...

    def reach(self, tau: Float[np.ndarray, "surface ..."]) -> np.ndarray:
        """Imaginary part of p beyond which M is negligible in double precision."""
        ...

    def bend(self, side: float, flatness: Float[np.ndarray, "surface ..."]) -> np.ndarray:
        """Angle (radians) by which contours may be bent, to the right (side 1) or to the left (-1).

        `flatness` is a contour's scale over its distance from the origin.
        """
        ...


def out_of_the_money(
    process: Process,
    k: Float[np.ndarray, "surface maturity strike"],
    tau: Float[np.ndarray, "surface maturity"],
    std: Float[np.ndarray, "surface maturity"],
    right: bool,
) -> Float[np.ndarray, "surface maturity strike"]:
    """Undiscounted prices over the forward of calls (`right`, k >= 0) or of puts (k < 0); NaN where no contour serves.

    Parameters
    ----------
    process : Process
        Whose moments are known.
    k : array
        Log-moneyness of the strikes.
    tau : array
        Years.
    std : array
        About the standard deviation of the log price: the unit of all lengths.
    right : bool
        Calls, or puts.
    """
    side = 1.0 if right else -1.0
    distance = DISTANCES / std[..., None]  # surface maturity contour
    times = tau[..., None]
    scale = np.minimum(DISTANCES, WIDEST) / std[..., None]
    crossing = (1.0 if right else 0.0) + side * distance
    with np.errstate(all="ignore"):  # orders whose moment is infinite are masked out
        at_axis = process.log_moment(crossing.astype(complex), times).real - np.log(crossing * (crossing - 1))
        served = process.finite(crossing + side * scale, times) & np.isfinite(at_axis)
        at_axis = np.where(served, at_axis, np.inf)
    size = at_axis[..., None, :] - (crossing - 1)[..., None, :] * k[..., None]  # surface maturity strike contour
    best = size.argmin(-1)
    reach = process.reach(times)
    p, weighted = _contours(process, crossing, scale, reach, times, side)
    rows = np.arange(len(k))[:, None, None], np.arange(k.shape[1])[None, :, None], best
    price = (weighted[rows] * np.exp((1 - p[rows]) * k[..., None])).imag.sum(-1)
    return np.where(np.isfinite(size.min(-1)), price, np.nan)


def _contours(
    process: Process, crossing: np.ndarray, scale: np.ndarray, reach: np.ndarray, times: np.ndarray, side: float
) -> tuple[Complex[np.ndarray, "surface maturity contour node"], Complex[np.ndarray, "surface maturity contour node"]]:
    """Nodes p of each contour's upper half, and M(p) / (p (p - 1)) dp / pi there."""
    angle = process.bend(side, scale / np.abs(crossing))
    last = np.arcsinh(reach / (scale * np.cos(angle)))
    step = last / (NODES - 1)
    y = step[..., None] * np.arange(NODES)
    angle, scale = angle[..., None], scale[..., None]
    p = crossing[..., None] + scale * (side * np.sin(angle) * (np.cosh(y) - 1) + 1j * np.cos(angle) * np.sinh(y))
    slope = scale * (side * np.sin(angle) * np.sinh(y) + 1j * np.cos(angle) * np.cosh(y))
    weight = np.full(NODES, 1 / np.pi)
    weight[0] /= 2
    with np.errstate(all="ignore"):  # contours without finite moments are never chosen
        weighted = np.exp(process.log_moment(p, times[..., None])) / (p * (p - 1)) * slope * step[..., None] * weight
    return p, weighted
