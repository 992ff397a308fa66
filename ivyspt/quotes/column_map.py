"""What a vendor's columns mean: the schema of a column map, for vendors' adapters and for a study's own files.

Keys, units and examples are explained in `config/DATA_SOURCES.md`.
"""

from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from ivyspt.columns import QUOTES
from ivyspt.config import Count, Positive, Section

TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]  # HH:MM, exchange-local

NUMBERS = frozenset({"strike", "bid", "ask", "mark", "underlying_price", "underlying_bid", "underlying_ask"}) | {
    "volume",
    "open_interest",
    "vendor_implied_vol",
}
NAMES = frozenset(QUOTES.columns) | {"quote_date", "underlying_bid", "underlying_ask"}
CONSTANTS = {  # admissible values of the constants that are not numbers; None: any text
    "symbol": None,
    "root": None,
    "option_type": ("call", "put"),
    "settlement": ("am", "pm"),
    "exercise": ("european", "american"),
}
SIDED = frozenset({"bid", "ask", "mark", "volume", "open_interest", "vendor_implied_vol", "last_trade_time"})

# Cash-settled European indices, and the option roots that settle on the opening auction of the expiry date.
INDEX_SYMBOLS = ["SPX", "XSP", "NDX", "RUT", "DJX", "VIX", "XEO"]
AM_ROOTS = ["SPX", "NDX", "RUT", "DJX", "VIX", "VIXW"]


class ColumnMap(Section):
    """How a table of option quotes becomes the canonical one: its columns, units, formats and constants."""

    files: str = "**/*"  # glob under data.data_dir
    separator: str = ","
    columns: dict[str, str]  # canonical name: the file's name
    call: dict[str, str] = Field(default={})  # the call's columns where a row holds a call and a put
    put: dict[str, str] = Field(default={})
    constants: dict[str, str | float] = Field(default={})  # canonical name: value of every row
    may_be_absent: list[str] = Field(default=[])  # canonical names whose column a file may lack
    date_format: str = "%Y-%m-%d"  # of quote_date and expiry where they are text
    time_format: str = "%Y-%m-%d %H:%M"  # of quote_time and last_trade_time where they are text
    time_zone: str = "America/New_York"  # the exchange's, to which times that carry a zone are converted
    scale: dict[str, Positive] = Field(default={})  # canonical name: factor on the file's numbers
    missing: dict[str, float] = Field(default={})  # canonical name: the number that stands for "unknown"
    implied_vol_unit: Literal["decimal", "percent"] = "decimal"
    quote_time: TimeOfDay = "16:00"  # exchange-local, where the file gives a date only
    index_quote_time: TimeOfDay = "16:15"  # the same, of index_symbols
    index_symbols: list[str] = INDEX_SYMBOLS  # European exercise where the file does not say
    am_roots: list[str] = AM_ROOTS  # AM settlement where the file does not say
    calendar: Literal["nyse", "none"] = "nyse"  # whose closed days bear neither quotes nor expiries
    chunk_rows: Count = 1_000_000  # rows of a file that are held in memory at once, by whole symbols or days

    @model_validator(mode="after")
    def _check_names(self):
        named = set(self.columns) | set(self.call) | set(self.put) | set(self.constants)
        unknown = (named | set(self.scale) | set(self.missing)) - NAMES
        if unknown:
            raise ValueError(f"columns must be among {', '.join(sorted(NAMES))}, got {sorted(unknown)[0]}")
        if bool(self.call) != bool(self.put) or (self.call and "option_type" in named):
            raise ValueError("call and put must come together and without option_type")
        if (set(self.call) | set(self.put)) - SIDED:
            raise ValueError(f"call and put may hold {', '.join(sorted(SIDED))} only")
        if ("underlying_bid" in named) != ("underlying_ask" in named):
            raise ValueError("underlying_bid and underlying_ask must come together")
        wanted = ["symbol", "expiry", "strike"] + ([] if self.call else ["option_type"])
        absent = [name for name in wanted if name not in named]
        if not {"quote_date", "quote_time"} & named:
            absent.append("quote_date or quote_time")
        if not {"bid", "mark"} & named or ("bid" in named) != ("ask" in named):
            absent.append("bid and ask, or mark")
        if absent:
            raise ValueError(f"columns, call, put and constants must name {', '.join(absent)}")
        return self

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("time_zone must be a zone of the IANA data base, such as America/New_York")
        return value

    @model_validator(mode="after")
    def _check_constants(self):
        for name, value in self.constants.items():
            if name in NUMBERS and isinstance(value, float):
                continue
            if name not in CONSTANTS or not isinstance(value, str):
                raise ValueError(f"constants must be numbers or among {', '.join(CONSTANTS)}, got {name}: {value}")
            if CONSTANTS[name] and value not in CONSTANTS[name]:
                raise ValueError(f"constant {name} must be {' or '.join(CONSTANTS[name])}, got {value}")
        return self

    def sides(self) -> list[tuple[str | None, dict[str, str]]]:
        """Each option type that a row holds with its columns; the type is None where a column gives it."""
        if not self.call:
            return [(None, self.columns)]
        return [("call", {**self.columns, **self.call}), ("put", {**self.columns, **self.put})]
