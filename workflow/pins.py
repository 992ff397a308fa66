"""Versions of the packages that a job imports, so that another version reruns what imports the package.

Snakemake's own trigger, a changed environment file, would rerun everything whenever conda takes the place of pip.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml", "mpl_toolkits": "matplotlib"}  # by what is imported


def pinned(environment: Path) -> dict[str, str]:
    """Version of each package of a conda environment's file, from conda and from pip, by lower-case name."""
    entries = yaml.safe_load(environment.read_text())["dependencies"]
    listed = [entry for entry in entries if isinstance(entry, str)]
    listed += [pin for entry in entries if isinstance(entry, Mapping) for pin in entry["pip"]]
    return dict(re.split(r"=+", pin, maxsplit=1) for pin in listed)


def distribution(package: str) -> str:
    """The name on PyPI of what `import package` imports."""
    return DISTRIBUTIONS.get(package, package).lower().replace("_", "-")


def versions(packages: Iterable[str], pins: Mapping[str, str]) -> str:
    """Python's version and those of imported packages, as text; what is not pinned is left out."""
    names = sorted({distribution(package) for package in packages} & set(pins))
    return ", ".join(f"{name} {pins[name]}" for name in ("python", *names))
