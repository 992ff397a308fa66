"""IvyDB's zero curve: interpolation, what it looks at, and what it refuses."""

import gzip

import numpy as np
import polars as pl
import pytest

from ivyspt.columns import DataError
from ivyspt.config import Forwards
from ivyspt.quotes.rates import prior_rate, read_rate_curve
from ivyspt.quotes.zero_curve import read_zero_curve
from tests.quotes.written import write

HEADER = "date,days,rate"
# the second date has other maturities than the first, as the vendor's dates do; rows stand in no order
ROWS = ("2020-03-03,30,1.50", "2020-03-02,365,2.00", "2020-03-02,73,1.00", "2020-03-04,10,9.00")


@pytest.fixture
def zero_curve(tmp_path):
    return str(write(tmp_path, *ROWS, name="zerocd.csv", header=HEADER))


def rate_on(path, day, tau):
    dates = pl.Series([day] * len(tau)).str.to_date()
    return prior_rate(read_rate_curve(Forwards(zero_curve=path)), dates, np.array(tau), flat=0.5)


def test_percent_is_interpolated_in_maturity_and_flat_beyond_the_ends(zero_curve):
    # 219 days lie half-way between 73 and 365
    found = rate_on(zero_curve, "2020-03-03", [1 / 365, 73 / 365, 219 / 365, 1.0, 30.0])
    assert found == pytest.approx([0.01, 0.01, 0.015, 0.02, 0.02], abs=1e-15)


def test_the_last_earlier_date_counts_and_a_later_rate_is_not_seen(zero_curve, tmp_path):
    assert rate_on(zero_curve, "2020-03-04", [0.5]) == pytest.approx(0.015)  # its own 9 % is of after the close
    assert rate_on(zero_curve, "2020-03-09", [0.5]) == pytest.approx(0.09)
    planted = write(tmp_path, *ROWS, "2020-03-05,182,55", name="planted.csv", header=HEADER)
    assert (rate_on(str(planted), "2020-03-05", [0.1, 0.5]) == rate_on(zero_curve, "2020-03-05", [0.1, 0.5])).all()
    assert rate_on(str(planted), "2020-03-06", [0.5]) == pytest.approx(0.55)


def test_each_slice_has_its_own_date(zero_curve):
    dates = pl.Series(["2020-03-09", "2020-03-03", "2020-03-04"]).str.to_date()
    found = prior_rate(read_zero_curve(zero_curve), dates, np.array([0.5, 1.0, 1.0]), flat=0.0)
    assert found == pytest.approx([0.09, 0.02, 0.015])


def test_a_curve_that_begins_too_late_is_refused(zero_curve):
    with pytest.raises(DataError, match=r"must begin before the first quote, got 2020-03-02, 2020-03-02"):
        rate_on(zero_curve, "2020-03-02", [1.0])


def test_unknown_rates_do_not_count_and_formats_do_not_matter(zero_curve, tmp_path):
    unknown = write(tmp_path, *ROWS, ROWS[0], "2020-03-03,60,-99.99", "2020-03-03,90,", name="u.csv", header=HEADER)
    assert read_zero_curve(str(unknown)).rates.equals(read_zero_curve(zero_curve).rates)
    table = pl.read_csv(zero_curve, try_parse_dates=True)
    table.with_columns(pl.col("date").cast(pl.Datetime)).rename(str.upper).write_parquet(tmp_path / "z.parquet")
    assert read_zero_curve(str(tmp_path / "z.parquet")).rates.equals(read_zero_curve(zero_curve).rates)
    text = "\n".join((HEADER, *ROWS)).replace("2020-03-0", "2020030")
    (tmp_path / "z.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert read_zero_curve(str(tmp_path / "z.csv.gz")).rates.equals(read_zero_curve(zero_curve).rates)


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (("2020-03-02,30,low",), HEADER, r"row 1: column rate must hold a number, got low"),
        (("2020-03-02,30,1", "March,30,1"), HEADER, r"row 2: column date must hold a date, got March"),
        (("2020-03-02,0,1",), HEADER, "must have a date and positive days, got 2020-03-02 and 0"),
        ((",30,1",), HEADER, "must have a date and positive days, got None"),
        (("2020-03-02,30,1", "2020-03-02,30,2"), HEADER, "one rate a date, got several for 30 days on 2020-03-02"),
        (("2020-03-02,30,-99.99",), HEADER, "must hold a rate, got none"),
        (("2020-03-02,30",), "date,days", "must have the columns date, days, rate, got none named rate"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path, rows, header, message):
    with pytest.raises(DataError, match=message):
        read_zero_curve(str(write(tmp_path, *rows, header=header)))


def test_a_missing_file_and_two_curves_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"surfaces\.forwards\.zero_curve must name a file, got .*absent"):
        read_zero_curve(str(tmp_path / "absent.csv"))
    with pytest.raises(DataError, match="must name one rate curve, got both"):
        read_rate_curve(Forwards(rates_dir="a", zero_curve="b"))
    assert read_rate_curve(Forwards()) is None
