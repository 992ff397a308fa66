"""Pools of tabulated surfaces as one safetensors file."""

from collections.abc import Mapping
from pathlib import Path

import torch

from ivyspt.artefacts import require
from ivyspt.columns import DataError
from ivyspt.corpus.tables import Domain, Tables
from ivyspt.provenance import stamp
from ivyspt.tensor_file import read_tensors, write_tensors
from ivyspt.tensors import arrays_of, tensors_of

TENSORS = ("coefficients", "short", "long", "speed")


def write_pools(pools: Mapping[str, Tables], shares: Mapping[str, float], path: Path, settings: dict) -> None:
    """Write pools with what they were made of.

    Parameters
    ----------
    pools : mapping
        By family.
    shares : mapping
        Of each family's surfaces that were drawn, those that were free of arbitrage and hence kept.
    settings : dict
        Of the configuration; kept for the reader.
    path : Path
        Of the file.
    """
    # single precision: 6e-8 of each coefficient of log(w / theta)
    tensors = {
        f"{family}/{name}": getattr(tables, name).float() if name == "coefficients" else getattr(tables, name)
        for family, tables in pools.items()
        for name in TENSORS
    }
    domains = {
        family: [tables.domain.max_x, tables.domain.shortest, tables.domain.longest, list(tables.domain.paces)]
        for family, tables in pools.items()
    }
    header = {**stamp({"settings": settings}), "domains": domains, "kept_shares": dict(shares)}
    write_tensors(arrays_of(tensors), header, path)


def read_pools(path: Path) -> dict[str, Tables]:
    """Read pools by family.

    Raises
    ------
    DataError
        The file is missing or is no file of pools.
    """
    arrays, header = read_tensors(require(path))
    try:
        tensors, pools = tensors_of(arrays), {}
        for family, (max_x, shortest, longest, paces) in header["domains"].items():
            table = [tensors[f"{family}/{name}"].to(torch.float64) for name in TENSORS]
            domain = Domain(max_x, shortest, longest, tuple(paces))
            pools[family] = Tables(*table, torch.ones_like(table[1]), domain)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: must be a file of pools, got {error}") from error
    return pools
