"""Tables of OptionMetrics IvyDB other than quotes: plain columns of secids, dates, numbers and codes."""

from pathlib import Path
from typing import Literal

import polars as pl

from ivyspt.columns import DataError
from ivyspt.quotes.files import Files, sources_of

DATE_FORMATS = ("%Y-%m-%d", "%Y%m%d")
MISSING = -99.99  # the vendor's number for "unknown"
BLANK = ("", ".", "NA", "NaN", "nan")

Kind = Literal["date", "number", "code"]


def read_table(path: str, key: str, kinds: dict[str, Kind], may_be_absent: tuple[str, ...] = ()) -> pl.DataFrame:
    """The named columns of a CSV (plain, compressed, zipped) or parquet file; null where blank or unknown.

    A code (secid, type, flag, ticker) is text in capitals without spaces around it or a float's `.0`; an absent column
    of `may_be_absent` is all null. `key` is the key of the configuration that names the file.

    Raises
    ------
    DataError
        The file is missing, damaged or empty, lacks a column, or holds what is no date or number.
    """
    if not Path(path).is_file():
        raise DataError(f"{key} must name a file, got {path}")
    files = Files(sources_of([Path(path)]))
    tables = []
    for lazy in files.tables:
        schema = lazy.collect_schema()
        names = {name.lower(): name for name in schema}
        lacking = [name for name in kinds if name not in names and name not in may_be_absent]
        if lacking:
            raise DataError(f"{path}: must have the columns {', '.join(kinds)}, got none named {lacking[0]}")
        columns, problems = [], [pl.lit(None, dtype=pl.String)]
        for name, kind in kinds.items():
            raw = names.get(name)
            text = pl.lit(None, dtype=pl.String) if raw is None else _text(raw)
            value = _value(text, kind)
            wrong = value.is_null() & text.is_not_null()
            message = pl.format("column {} must hold a {}, got {}", pl.lit(name), pl.lit(kind), text)
            problems.append(pl.when(wrong).then(message))
            columns.append(_known(value, kind).alias(name))
        tables.append(lazy.select(*columns, pl.coalesce(problems).alias("problem"), "file", "row"))
    rows = files.collect(pl.concat(tables))
    files.refuse(rows.filter(pl.col("problem").is_not_null()))
    return rows.drop("problem")


def _text(raw: str) -> pl.Expr:
    text = pl.col(raw).cast(pl.String).str.strip_chars()
    return pl.when(text.is_in(BLANK)).then(None).otherwise(text)


def _value(text: pl.Expr, kind: Kind) -> pl.Expr:
    if kind == "number":
        return text.cast(pl.Float64, strict=False)
    if kind == "date":  # a parquet date or time, as text, begins with the ISO date
        day = text.str.replace(r"[ T]00:00:00(\.0+)?$", "")
        return pl.coalesce(day.str.to_date(form, strict=False) for form in DATE_FORMATS)
    return text.str.to_uppercase().str.strip_suffix(".0")


def _known(value: pl.Expr, kind: Kind) -> pl.Expr:
    return pl.when(value.is_finite() & (value != MISSING)).then(value) if kind == "number" else value
