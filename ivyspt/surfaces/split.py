"""Days of training, validation and test: partitions of the time axis, purged and embargoed."""

from collections.abc import Sequence
from datetime import date
from math import floor

import numpy as np
import polars as pl

from ivyspt.columns import SPLIT, DataError, check
from ivyspt.config import Split


def split_days(days: Sequence[date], split: Split) -> pl.DataFrame:
    """Assign each day to train, validation or test, or set it aside as purged or embargoed.

    The days are cut into `partitions` runs of equal length (give or take one). In each, the first `train` share of
    days trains, the next `validation` share validates and the rest tests. The first `purge_days` training days after
    another partition's test are purged; the last `embargo_days` of training before validation, and of validation
    before test, are embargoed.

    Returns
    -------
    polars.DataFrame
        Table SPLIT, one row a day in order of time.

    Raises
    ------
    DataError
        A partition is left with fewer than `min_days` of validation or test, or without a day of training.

    Notes
    -----
    Paper, Data Splitting; purge and embargo after López de Prado (2018), chapter 7.
    """
    if split.train + split.validation >= 1:
        raise DataError(f"split.train + split.validation must be below 1, got {split.train} + {split.validation}")
    ordered = np.array(sorted(set(days)), dtype="datetime64[D]")
    rows = []
    for number, part in enumerate(np.array_split(ordered, split.partitions)):
        names = _names(len(part), split, first=number == 0)
        for name, least in (("train", 1), ("validation", split.min_days), ("test", split.min_days)):
            kept = int(np.sum(names == name))
            if kept < least:
                raise DataError(
                    f"{name} must keep at least {least} days in every partition, "
                    f"got {kept} of {len(part)} days in partition {number} of {split.partitions}"
                )
        rows.append(pl.DataFrame({"partition": [number] * len(part), "date": part, "split": names.tolist()}))
    return check(pl.concat(rows), SPLIT, "split")


def _names(count: int, split: Split, first: bool) -> np.ndarray:
    validation, test = (floor(count * share + 0.5) for share in (split.train, split.train + split.validation))
    names = np.full(count, "train", dtype="<U10")
    names[validation:test] = "validation"
    names[test:] = "test"
    if not first:
        names[: min(split.purge_days, validation)] = "purged"
    if split.embargo_days:
        names[max(validation - split.embargo_days, 0) : validation] = "embargoed"
        names[max(test - split.embargo_days, validation) : test] = "embargoed"
    return names
