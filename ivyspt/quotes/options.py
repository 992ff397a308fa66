"""An adapter's own keys of the configuration."""

from typing import TypeVar

from pydantic import ValidationError

from ivyspt.columns import DataError
from ivyspt.config import Data, Section
from ivyspt.quotes.column_map import TimeOfDay

Options = TypeVar("Options", bound=Section)


class NoOptions(Section):
    """Of an adapter without keys of its own."""


class QuoteTime(Section):
    """Of an adapter whose files give a date only."""

    quote_time: TimeOfDay = "16:00"  # exchange-local


def options_of(data: Data, section: type[Options]) -> Options:
    """`data.options`, checked.

    Raises
    ------
    DataError
        A key is unknown or missing, or its value is not admissible.
    """
    try:
        return section.model_validate(data.options)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in ("data", "options", *problem["loc"]))
        raise DataError(f"{key}: {problem['msg']}, got {problem['input']!r}") from error
