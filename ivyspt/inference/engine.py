"""From the quotes of one surface to answers at its targets, arrays in and arrays out."""

import math
from importlib import resources
from pathlib import Path

import numpy as np

from ivyspt.artefacts import require
from ivyspt.columns import DataError
from ivyspt.flagship_config import Flagship
from ivyspt.inference.fit import Problem, fit
from ivyspt.inference.surface import Frame, place_knots
from ivyspt.inference.targets import at_targets
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
        variance, found = at_targets(surface, factor, log_moneyness, time_to_maturity)
        return Answer(*found, np.sqrt(self.spread**2 * variance + prior.quote_noise**2))


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
