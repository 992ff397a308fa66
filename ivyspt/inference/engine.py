"""From the quotes of one surface to answers at its targets, arrays in and arrays out."""

import math
from importlib import resources
from pathlib import Path

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import erfcx

from ivyspt.artefacts import require
from ivyspt.columns import DataError
from ivyspt.flagship_config import Flagship
from ivyspt.inference.fit import Problem, fit
from ivyspt.inference.surface import (
    ROOT_HALF,
    ROOT_TWO_PI,
    Frame,
    Slices,
    Surface,
    implied_std,
    log_out_of_the_money,
    place_knots,
)
from ivyspt.inference.trunk import Trunk
from ivyspt.mixture.answers import Answer, Quoted
from ivyspt.tensor_file import read_tensors


class Engine:
    """Trained weights, ready to answer."""

    def __init__(self, weights: dict[str, np.ndarray], settings: Flagship):
        self.settings = settings
        self.trunk = Trunk(weights, settings)
        self.spread = math.exp(float(weights["log_spread"]))

    def answer(self, quoted: Quoted, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Answer:
        """Complete one surface; the same answer as `ivyspt.mixture.method.answer` to single precision of the prior."""
        quoted = quoted.thinned()
        # the network reads single precision
        k, tau, vol = (
            column.astype(np.float32).astype(np.float64)
            for column in (quoted.log_moneyness, quoted.time_to_maturity, quoted.implied_vol)
        )
        log_tau = np.log(tau)
        knots = place_knots(log_tau, self.settings.knots_for(len(k)))
        prior = self.trunk.prior(k, tau, vol, quoted, knots)
        frame = Frame(log_tau, float(np.log(vol).mean()), knots, self.settings.bounds_by_maturity)
        surface, factor = fit(Problem(frame, prior, k, tau, vol), self.settings)
        variance, found = _at_targets(surface, factor, log_moneyness, time_to_maturity)
        return Answer(*found, np.sqrt(self.spread**2 * variance + prior.quote_noise**2))


def _at_targets(surface: Surface, factor: np.ndarray, k: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, tuple]:
    """The posterior's variance of log-vol, and the columns of an answer up to Durrleman's g."""
    value, integrals = surface.frame.basis(np.log(tau))
    slices = surface.slices(k, integrals)
    weights = surface.log_weights[:, None]
    x, each_std = np.abs(k), np.sqrt(slices.w)
    each = weights + log_out_of_the_money(x, each_std)
    total = np.logaddexp.reduce(each)
    start = (np.exp(each - total) * each_std).sum(0)
    std = implied_std(x, total, start, each_std.min(0), each_std.max(0))
    w = std * std
    d1, each_d1 = -x / std + std / 2, -x / each_std + each_std / 2
    density = np.exp(weights + 0.5 * (d1 * d1 - each_d1 * each_d1))
    shares = density * std / each_std
    by_logit = 2 * std * ROOT_TWO_PI * (np.exp(each + 0.5 * d1 * d1) - np.exp(weights + total + 0.5 * d1 * d1))
    jacobian = surface.jacobian(slices, integrals, shares / (2 * w), by_logit / (2 * w), np.float32).reshape(-1, len(k))
    spread = solve_triangular(factor.astype(np.float32), jacobian, lower=True, check_finite=False)
    variance = np.einsum("lp,lp->p", spread, spread).astype(np.float64)
    w_tau = (shares * surface.growth(slices, value)).sum(0) / tau
    g = (shares * _durrleman_g(k, slices)).sum(0)
    w_k = _slope_in_k(k, std, each_std, slices, shares, weights)
    w_kk = 2 * (g - np.square(1 - k * w_k / (2 * w)) + np.square(w_k) / 4 * (1 / w + 0.25))
    return variance, (np.sqrt(w / tau), w, w_k, w_kk, w_tau, g)


def _slope_in_k(k, std, each_std, slices: Slices, shares, weights) -> np.ndarray:
    side = np.where(k >= 0, 1.0, -1.0)
    d1, each_d1 = -k / std + std / 2, -k / each_std + each_std / 2
    scale = np.exp(weights + 0.5 * (d1 * d1 - each_d1 * each_d1))
    tails = _mills(side * (d1 - std)) - (scale * _mills(side * (each_d1 - each_std))).sum(0)
    return (shares * slices.w_k).sum(0) + 2 * std * side * tails


def _mills(d: np.ndarray) -> np.ndarray:
    return erfcx(-d * ROOT_HALF) * math.sqrt(math.pi / 2)


def _durrleman_g(k: np.ndarray, s: Slices) -> np.ndarray:
    return np.square(1 - k * s.w_k / (2 * s.w)) - np.square(s.w_k) / 4 * (1 / s.w + 0.25) + s.w_kk / 2


def find_weights(name: str) -> Path:
    """The file of weights that come with the package, or the one that a path ending in .safetensors names.

    Raises
    ------
    DataError
        There is no such file.
    """
    shipped = Path(str(resources.files("ivyspt"))) / "weights"
    path = Path(name) if name.endswith(".safetensors") else shipped / f"{name}.safetensors"
    if not path.is_file():
        known = sorted(each.stem for each in shipped.glob("*.safetensors"))
        raise DataError(f"weights must be one of {', '.join(known)} or a .safetensors file, got {name}")
    return path


def load_engine(path: Path) -> tuple[Engine, dict]:
    """Read a file of weights; returns the engine and the file's header.

    Raises
    ------
    DataError
        The file is missing, damaged, or not one of the flagship's.
    """
    arrays, header = read_tensors(require(path))
    if "flagship" not in header:
        raise DataError(f"{path}: must hold weights of the flagship, got {', '.join(sorted(header)) or 'no header'}")
    return Engine(arrays, Flagship.model_validate(header["flagship"])), header
