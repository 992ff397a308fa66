"""Where a result comes from: the code, settings, seed, packages, device and inputs that each file carries with it.

While a stage runs, `running` holds what is known of it, readers `note` the files that they open, and writers `stamp`
what they write. All of it is the same for the same work wherever and whenever it is done, so that equal results stay
equal byte by byte.
"""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ivyspt.fingerprint import FingerprintError, fingerprint

ROOT = Path(__file__).parents[1]
# distributions that the library imports, by their names on PyPI (a test compares)
PACKAGES = (
    *("arbitragerepair", "arch", "fast-vollib", "jaxtyping", "llvmlite", "numba", "numpy", "pandas", "polars"),
    *("pyarrow", "pydantic", "qmoms", "quantlib", "safetensors", "scikit-learn", "scipy", "statsmodels"),
    *("threadpoolctl", "torch", "zstandard"),
)


@dataclass(frozen=True)
class Origin:
    """A stage at work: its name, the options that it was called with, and the checksums of what it has read so far."""

    stage: str
    settings: Mapping
    options: Mapping  # by keyword; paths, texts and numbers
    inputs: dict[str, str] = field(default_factory=dict)

    def name_of(self, path: Path) -> str:
        """The option that names a path, so that the name does not say where the checkout lies; else the path."""
        for option, value in self.options.items():
            if isinstance(value, list):
                if path in value:
                    return f"{option} {value.index(path) + 1}"
            elif value == path:
                return option
        return str(path)


_ORIGIN: ContextVar[Origin | None] = ContextVar("origin", default=None)


@contextmanager
def running(stage: str, settings: Mapping, options: Mapping) -> Iterator[None]:
    """Let what is written within say that `stage` wrote it, and from what."""
    token = _ORIGIN.set(Origin(stage, settings, options))
    try:
        yield
    finally:
        _ORIGIN.reset(token)


def note(path: Path) -> None:
    """Count a file among the inputs of the stage that runs, if one does."""
    origin = _ORIGIN.get()
    if origin is not None:
        origin.inputs[origin.name_of(Path(path))] = checksum(path)


def stamp(known: Mapping | None = None) -> dict:
    """What a file that is written now says of itself: what the writer knows, and what is known of the running stage."""
    origin = _ORIGIN.get()
    if origin is None:
        return dict(known or {})
    values = {name: value for name, value in origin.options.items() if isinstance(value, str | int)}
    seed = {"seed": origin.settings["seed"]} if "seed" in origin.settings else {}
    return {
        "stage": origin.stage,
        "code": code_of(f"ivyspt.stages.{origin.stage}"),
        "settings": dict(origin.settings),
        **seed,
        **values,
        "inputs": dict(origin.inputs),
        "packages": packages(),
        "device": device(origin.settings),
        **(known or {}),
    }


def checksum(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_of(module: str) -> str | None:
    """Fingerprint of a module of this checkout and of all that it imports, as the workflow takes it; None without it.

    An installed copy may lack a part of its sources.
    """
    try:
        return fingerprint(module, ROOT)
    except FingerprintError:
        return None


def packages() -> dict[str, str]:
    """Versions of Python and of the packages that the library imports; without those that are not installed."""
    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def device(settings: Mapping) -> str:
    """The processor that the numbers come from: `cpu`, or the name of the GPU that a training was given."""
    torch = sys.modules.get("torch")
    wanted = settings.get("training", {}).get("device", "cpu")
    if torch is None or wanted == "cpu" or not torch.cuda.is_available():
        return "cpu"
    return torch.cuda.get_device_name()
