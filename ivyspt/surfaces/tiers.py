"""Which symbols pre-train (liquid) and which fine-tune (sparse)."""

import polars as pl

from ivyspt.columns import TIERS, DataError, check
from ivyspt.config import Tiers


def assign(points: pl.DataFrame, tiers: Tiers) -> pl.DataFrame:
    """Give every symbol its tier: `liquid`, `sparse` or `unused`.

    Parameters
    ----------
    points : polars.DataFrame
        Table POINTS.
    tiers : Tiers
        Rule `named` takes the symbols as they are listed. Rule `ranked` orders symbols by their median number of
        points a surface, ties by name, and takes as many as asked from either end.

    Returns
    -------
    polars.DataFrame
        Table TIERS, from the richest symbol to the poorest.

    Raises
    ------
    DataError
        A named symbol has no surface, a symbol is in both tiers, or there are too few symbols to rank.
    """
    ranking = (
        points.group_by("symbol", "surface_id")
        .len()
        .group_by("symbol")
        .agg(pl.col("len").cast(pl.Float64).median().alias("median_points"))
        .sort(["median_points", "symbol"], descending=[True, False])
    )
    symbols = ranking["symbol"].to_list()
    liquid, sparse = _members(symbols, tiers)
    both = sorted(set(liquid) & set(sparse))
    if both:
        raise DataError(f"a symbol must be in one tier, got {', '.join(both)} in both")
    names = dict.fromkeys(liquid, "liquid") | dict.fromkeys(sparse, "sparse")
    tier = pl.col("symbol").replace_strict(names, default="unused", return_dtype=pl.String)
    return check(ranking.with_columns(tier.alias("tier")), TIERS, "tiers")


def _members(symbols: list[str], tiers: Tiers) -> tuple[list[str], list[str]]:
    if tiers.rule == "named":
        if isinstance(tiers.liquid, int) or isinstance(tiers.sparse, int):
            raise DataError(f"tiers.rule named must come with lists of symbols, got {tiers.liquid} and {tiers.sparse}")
        absent = [name for name in [*tiers.liquid, *tiers.sparse] if name not in symbols]
        if absent:
            raise DataError(f"every named symbol must have a surface, got none of {', '.join(absent)}")
        return tiers.liquid, tiers.sparse
    if not (isinstance(tiers.liquid, int) and isinstance(tiers.sparse, int)):
        raise DataError(f"tiers.rule ranked must come with two counts, got {tiers.liquid} and {tiers.sparse}")
    if tiers.liquid + tiers.sparse > len(symbols):
        raise DataError(f"tiers must ask for at most {len(symbols)} symbols, got {tiers.liquid} + {tiers.sparse}")
    return symbols[: tiers.liquid], symbols[len(symbols) - tiers.sparse :]
