"""Pools of tabulated surfaces as one safetensors file."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ivyspt.artefacts import whole
from ivyspt.columns import DataError
from ivyspt.corpus.tables import Domain, Tables

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
    content = {"domains": domains, "kept_shares": dict(shares), "settings": settings}
    with whole(path) as temporary:
        save_file(
            {name: each.contiguous() for name, each in tensors.items()}, temporary, {"ivyspt": json.dumps(content)}
        )


def read_pools(path: Path) -> dict[str, Tables]:
    """Read pools by family.

    Raises
    ------
    DataError
        The file is missing or is no file of pools.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: must exist, got no such file")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            domains = json.loads(file.metadata()["ivyspt"])["domains"]
            pools = {}
            for family, (max_x, shortest, longest, paces) in domains.items():
                table = [tensors[f"{family}/{name}"].to(torch.float64) for name in TENSORS]
                domain = Domain(max_x, shortest, longest, tuple(paces))
                pools[family] = Tables(*table, torch.ones_like(table[1]), domain)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: must be a file of pools, got {error}") from error
    return pools
