"""The flagship's weights as a file that names its settings and bands."""

from collections.abc import Mapping
from pathlib import Path

from ivyspt.artefacts import require
from ivyspt.columns import DataError
from ivyspt.flagship_config import Flagship
from ivyspt.mixture.bands import Bands
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.provenance import stamp
from ivyspt.tensor_file import read_tensors, write_tensors
from ivyspt.tensors import arrays_of, tensors_of

# settings that may differ from the start's
_ADDED = (
    *("many_quotes", "knots_of_many", "copies_of_many", "quote_kinds", "simulated_kind", "bounds_by_maturity"),
    *("fit_steps", "fit_steps_of_many", "fit_damping", "fit_settled"),
)
_OF_PRIOR = ("of_knots", "of_surface", "start", "apart")


def save_flagship(network: FlagshipNetwork, path: Path, provenance: Mapping, bands: Bands | None = None) -> None:
    """Write weights; settings, bands and provenance travel in the header."""
    header = {**stamp(provenance), "flagship": network.settings.model_dump(mode="json")}
    if bands is not None:
        header["bands"] = bands.as_json()
    write_tensors(arrays_of(network.state_dict()), header, path)


def load_flagship(path: Path) -> tuple[FlagshipNetwork, dict]:
    """Rebuild a network from its file, in evaluation mode; also the file's header.

    Raises
    ------
    DataError
        The file is missing, damaged, or not one of the flagship's.
    """
    arrays, header = read_tensors(require(path))
    if "flagship" not in header:
        raise DataError(f"{path}: must hold weights of the flagship, got {', '.join(sorted(header)) or 'no header'}")
    network = FlagshipNetwork(Flagship.model_validate(header["flagship"]))
    try:
        network.load_state_dict(tensors_of(arrays))
    except RuntimeError as error:
        raise DataError(f"{path}: weights must fit the settings named in the file, got {error}") from error
    return network.eval(), header


def go_on_from(network: FlagshipNetwork, path: Path, fresh_prior: bool = False) -> None:
    """Put a file's weights into a network of the same settings, or of one that has more to read or to say.

    What the file lacks of those parts stays as the network starts, and so does what it says of the prior if that is to
    be `fresh`: under other bounds on its surfaces the same numbers mean others.

    Raises
    ------
    DataError
        The file is missing, damaged, not one of the flagship's, or of a network with other settings.
    """
    start, _ = load_flagship(path)
    wanted = network.settings.model_copy(update={name: getattr(start.settings, name) for name in _ADDED})
    if start.settings != wanted:
        raise DataError(f"{path}: weights must have the settings asked for, {wanted}, got {start.settings}")
    known = start.state_dict()
    if fresh_prior:
        known = {name: value for name, value in known.items() if name.split(".")[0] not in _OF_PRIOR}
    network.load_state_dict({**network.state_dict(), **known})
