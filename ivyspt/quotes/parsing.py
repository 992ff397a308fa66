"""From a file's columns to quotes: types, units, roots; text that does not parse is an error, never a missing value."""

import polars as pl

from ivyspt.columns import TIME, DataError
from ivyspt.quotes.column_map import NUMBERS, ColumnMap
from ivyspt.quotes.files import one_line
from ivyspt.quotes.trading_days import monthly_expiries

BLANK = ("", ".", "NA", "N/A", "null", "NULL", "None")  # text that stands for "unknown"
OPTION_TYPES = {"C": "call", "CALL": "call", "P": "put", "PUT": "put"}
SETTLEMENTS = {"1": "am", "AM": "am", "A": "am", "0": "pm", "PM": "pm", "P": "pm"}
EXERCISES = {"E": "european", "EUROPEAN": "european", "A": "american", "AMERICAN": "american"}
CONTRACT_CODE = r"\s*\d{6}[CP]\d{8}$"  # what follows the root in a contract's symbol: SPY210129P00345000
WORDS = {"option_type": OPTION_TYPES, "settlement": SETTLEMENTS, "exercise": EXERCISES}
NAMES_OF = ("symbol", "root")
DATES = ("quote_date", "expiry")
REQUIRED = ("symbol", "quote_date", "quote_time", "expiry", "option_type")  # a blank strike is dropped and counted


def present(mapping: ColumnMap, columns: dict[str, str], schema: pl.Schema, where: str) -> dict[str, str]:
    """The mapped columns that a file has.

    Raises
    ------
    DataError
        A column is missing that may not be absent.
    """
    for name, raw in columns.items():
        if raw not in schema and name not in mapping.may_be_absent:
            got = ", ".join(found for found in schema if found not in {"file", "row"})
            raise DataError(f"{where}: must have the column {raw!r} ({name}), got {one_line(got)}")
    return {name: raw for name, raw in columns.items() if raw in schema}


def quotes_of(lazy: pl.LazyFrame, mapping: ColumnMap, where: str) -> list[pl.LazyFrame]:
    """A table's rows as quotes, one lazy table a side, with columns of the canonical table as far as they are known.

    Symbols and roots stand as the file has them, for `clean_names`. Besides these: `quote_date`; `file` and `row`;
    `problem`, which says what of the row does not parse; and `reason`, for which an adapter that put such a column
    into `lazy` drops the row. The order of rows is the table's.
    """
    schema = lazy.collect_schema()
    reason = pl.col("reason") if "reason" in schema else pl.lit(None, dtype=pl.String).alias("reason")
    sides = []
    for option_type, columns in mapping.sides():
        parsed, problem = parse(schema, columns, mapping, where)
        for name, value in mapping.constants.items():
            parsed.setdefault(name, pl.lit(value, dtype=pl.Float64 if name in NUMBERS else pl.String))
        if option_type:
            parsed["option_type"] = pl.lit(option_type)
        if "quote_time" in parsed:
            parsed["quote_date"] = parsed["quote_time"].dt.date()
        if "underlying_bid" in parsed:
            parsed["underlying_price"] = (parsed.pop("underlying_bid") + parsed.pop("underlying_ask")) / 2
        named = [expression.alias(name) for name, expression in parsed.items()]
        sides.append(lazy.select(*named, problem.alias("problem"), reason, "file", "row"))
    return sides


def parse(
    schema: pl.Schema, columns: dict[str, str], mapping: ColumnMap, where: str
) -> tuple[dict[str, pl.Expr], pl.Expr]:
    """Expressions of the canonical columns that a file has, and of what of a row does not parse (null: nothing).

    Raises
    ------
    DataError
        The file lacks a column that may not be absent.
    """
    found = present(mapping, columns, schema, where)
    parsed = {name: _parse(name, raw, schema[raw], mapping) for name, raw in found.items()}
    return parsed, _problem(found, parsed, schema)


def with_monthly_apart(lazy: pl.LazyFrame, mapping: ColumnMap) -> pl.LazyFrame:
    """Mark rows of monthly expiries, for a table that mixes AM- and PM-settled series and does not tell them apart."""
    schema = lazy.collect_schema()
    raw = mapping.columns["expiry"]
    if raw not in schema:
        return lazy  # the missing column is named where the columns are mapped
    monthly = _parse("expiry", raw, schema[raw], mapping).is_in(monthly_expiries())
    return lazy.with_columns(reason=pl.when(monthly).then(pl.lit("settlement_unknown")))


def blank_name(column: str) -> pl.Expr:
    """Whether a symbol is blank."""
    return pl.col(column).str.strip_chars().replace("", None).is_null()


def clean_names(names: pl.Series) -> pl.Series:
    """Symbols or option roots without spaces around them, a contract's code or an index's caret; null where blank."""
    distinct = names.unique()
    clean = distinct.str.strip_chars().str.replace(CONTRACT_CODE, "").str.strip_prefix("^").replace("", None)
    return names.replace_strict(distinct, clean, return_dtype=pl.String)


def _parse(name: str, raw: str, dtype: pl.DataType, mapping: ColumnMap) -> pl.Expr:
    if name in NAMES_OF:  # as it stands: `clean_names` is dear, and millions of rows share few names
        return pl.col(raw).cast(pl.String)
    if name in NUMBERS:
        return _number(name, raw, dtype, mapping)
    if name in WORDS:
        return _text(raw).str.to_uppercase().replace_strict(WORDS[name], default=None, return_dtype=pl.String)
    if name in DATES:
        return (
            pl.col(raw).cast(pl.Date)
            if dtype.is_temporal()
            else _text(raw).str.to_date(mapping.date_format, strict=False)
        )
    return _time(raw, dtype, mapping)


def _time(raw: str, dtype: pl.DataType, mapping: ColumnMap) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        return pl.col(raw).dt.convert_time_zone(mapping.time_zone).dt.replace_time_zone(None).cast(TIME)
    if dtype.is_temporal():
        return pl.col(raw).cast(TIME)
    return _text(raw).str.to_datetime(mapping.time_format, strict=False, time_unit="us")


def _text(raw: str, blank: tuple[str, ...] = BLANK) -> pl.Expr:
    text = pl.col(raw).cast(pl.String).str.strip_chars()
    return pl.when(text.is_in(blank)).then(None).otherwise(text)


def _number(name: str, raw: str, dtype: pl.DataType, mapping: ColumnMap) -> pl.Expr:
    number = pl.col(raw).cast(pl.Float64) if dtype.is_numeric() else _text(raw).cast(pl.Float64, strict=False)
    unknown = ~number.is_finite()
    if name in mapping.missing:
        unknown = unknown | (number == mapping.missing[name])
    factor = mapping.scale.get(name, 1.0)
    if name == "vendor_implied_vol" and mapping.implied_vol_unit == "percent":
        factor /= 100
    return pl.when(unknown).then(None).otherwise(number * factor if factor != 1.0 else number)


def _problem(found: dict[str, str], parsed: dict[str, pl.Expr], schema: pl.Schema) -> pl.Expr:
    """What of a row does not parse, or is blank and may not be; null where nothing is wrong."""
    problems = [pl.lit(None, dtype=pl.String)]
    for name, raw in found.items():
        if name in NUMBERS and schema[raw].is_numeric():
            continue
        text = _text(raw, ("",) if name in NAMES_OF else BLANK)
        required = name in REQUIRED
        if schema[raw].is_temporal() and name not in {*NUMBERS, *NAMES_OF, *WORDS}:
            wrong = pl.col(raw).is_null() & required
        elif name in NUMBERS:
            wrong = text.cast(pl.Float64, strict=False).is_null() & text.is_not_null()
        elif name in NAMES_OF:
            wrong = text.is_null() & required
        else:
            wrong = parsed[name].is_null() & (text.is_not_null() | required)
        message = pl.format(
            "column {} must hold {}, got {}", pl.lit(raw), pl.lit(_kind(name)), text.fill_null("nothing")
        )
        problems.append(pl.when(wrong).then(message))
    return pl.coalesce(problems)


def _kind(name: str) -> str:
    if name in WORDS:
        return " or ".join(WORDS[name])
    return "a number" if name in NUMBERS else "a date" if name in DATES else "a name" if name in NAMES_OF else "a time"
