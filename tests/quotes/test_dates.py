"""The days that a study asks for."""

from datetime import date

import pytest

from ivyspt.columns import DataError
from ivyspt.config import Data
from ivyspt.quotes.dates import bounds_of


def data(**bounds):
    return Data(adapter="any", label="any", simulated=True, **bounds)


def test_bounds_are_days_and_open_where_none_is_asked_for():
    assert bounds_of(data(first_date="2024-01-02", last_date="2024-01-02")) == (date(2024, 1, 2), date(2024, 1, 2))
    assert bounds_of(data()) == (date.min, date.max)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"first_date": "2024-13-01"}, "data.first_date must be a date YYYY-MM-DD, got 2024-13-01"),
        ({"last_date": "tomorrow"}, "data.last_date must be a date"),
        ({"first_date": "2024-01-03", "last_date": "2024-01-02"}, "must not lie after"),
    ],
)
def test_bounds_that_are_none_are_refused(bounds, message):
    with pytest.raises(DataError, match=message):
        bounds_of(data(**bounds))
