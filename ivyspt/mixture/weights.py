"""The flagship's weights as a safetensors file that names its settings and bands: nothing is ever unpickled."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ivyspt.artefacts import KEY, whole
from ivyspt.columns import DataError
from ivyspt.flagship_config import Flagship
from ivyspt.mixture.bands import Bands, bands_of
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.provenance import stamp


def save_flagship(network: FlagshipNetwork, path: Path, provenance: dict, bands: Bands | None = None) -> None:
    """Write weights; settings, bands and provenance travel in the header."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    header = {"flagship": network.settings.model_dump_json(), KEY: json.dumps(stamp(provenance), sort_keys=True)}
    if bands is not None:
        header["bands"] = json.dumps(bands.factors)
    with whole(path) as temporary:
        save_file(tensors, temporary, header)


def load_flagship(path: Path) -> FlagshipNetwork:
    """Rebuild a network from its file, in evaluation mode.

    Raises
    ------
    DataError
        The file is missing or is not a whole safetensors file of this network.
    """
    try:
        with safe_open(_existing(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            header = file.metadata() or {}
        network = FlagshipNetwork(Flagship.model_validate_json(header["flagship"]))
        network.load_state_dict(tensors)
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise DataError(f"{path}: must be a whole file of the flagship's weights, got {error}") from error
    return network.eval()


def load_bands(path: Path) -> Bands:
    """The calibrated bands of a weights file.

    Raises
    ------
    DataError
        The file has none: its weights were never calibrated.
    """
    with safe_open(_existing(path), framework="pt") as file:
        return bands_of(file.metadata() or {}, path)


def load_provenance(path: Path) -> dict:
    """Where the weights come from."""
    with safe_open(_existing(path), framework="pt") as file:
        return json.loads((file.metadata() or {}).get(KEY, "{}"))


def _existing(path: Path) -> Path:
    if not Path(path).is_file():
        raise DataError(f"{path}: must exist, got no such file")
    return path
