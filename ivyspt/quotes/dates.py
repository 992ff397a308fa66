"""Between which days a study's data lie."""

from datetime import date

from ivyspt.columns import DataError
from ivyspt.config import Data


def bounds_of(data: Data) -> tuple[date, date]:
    """First and last day that `data` asks for, both inclusive; the calendar's ends where it does not say.

    Raises
    ------
    DataError
        A bound is no date, or the first lies after the last.
    """
    first = _date_of("first_date", data.first_date, date.min)
    last = _date_of("last_date", data.last_date, date.max)
    if first > last:
        raise DataError(f"data.first_date must not lie after data.last_date, got {first} and {last}")
    return first, last


def _date_of(key: str, value: str | None, default: date) -> date:
    try:
        return default if value is None else date.fromisoformat(value)
    except ValueError as error:
        raise DataError(f"data.{key} must be a date YYYY-MM-DD, got {value}") from error
