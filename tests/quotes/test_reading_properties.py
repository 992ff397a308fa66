"""Whatever stands in a file: quotes that keep the table's rules, or one sentence."""

import gzip
import io
import string
import zipfile

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivyspt.columns import QUOTES, DataError, check
from ivyspt.quotes import mapped
from tests.quotes.written import HEADER, OPTIONS, chain, mapped_data

RELAXED = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ODD = st.sampled_from(
    ["", "nan", "inf", "-inf", "1e400", "-0.0", "0", "None", '"', "1,000", "é", "\x00", "9" * 40, "2026-02-30"]
)
FIELD = st.one_of(
    ODD,
    st.floats(allow_nan=True).map(str),
    st.integers().map(str),
    st.dates().map(str),
    st.text(string.printable, max_size=8),
    st.sampled_from(["AAPL", "C", "P", "2026-06-09", "2026-07-17", "100", "2.5"]),
)
ROW = st.lists(FIELD, min_size=11, max_size=11).map(",".join)
# rows that are nearly good, so that what follows the parsing is reached as well
NEARLY = st.tuples(st.sampled_from(chain()), st.integers(0, 10), FIELD).map(
    lambda parts: ",".join([*parts[0].split(",")[: parts[1]], parts[2], *parts[0].split(",")[parts[1] + 1 :]])
)


def outcome(folder, name: str, content: bytes, options: dict = OPTIONS) -> None:
    """Read a file of any content; a `DataError` in one line, or quotes that keep the rules and a count of the rest."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / name).write_bytes(content)
    try:
        quotes, rejections = mapped.read(mapped_data(folder, options=options))
    except DataError as error:
        message = str(error)
    else:
        message = "read"
        keeps_the_rules(quotes, rejections)
    assert message
    assert "\n" not in message


def keeps_the_rules(quotes: pl.DataFrame, rejections: pl.DataFrame) -> None:
    assert check(quotes, QUOTES, "test").equals(quotes)
    assert (quotes["expiry"] > quotes["quote_time"]).all()
    assert (quotes["strike"] > 0).all()
    assert rejections.filter(pl.col("quotes") > 0)["reason"].null_count() == 0


@RELAXED
@given(rows=st.lists(st.one_of(ROW, NEARLY), max_size=6))
def test_rows_of_anything(tmp_path, rows):
    outcome(tmp_path / "rows", "quotes.csv", "\n".join([HEADER, *chain(), *rows]).encode())


@RELAXED
@given(content=st.binary(max_size=300))
def test_bytes_of_anything(tmp_path, content):
    for name in ("quotes.csv", "quotes.csv.gz", "quotes.csv.zst", "quotes.parquet", "quotes.zip"):
        outcome(tmp_path / "bytes", name, content)


@RELAXED
@given(start=st.integers(0, 400), length=st.integers(0, 40), noise=st.binary(max_size=20))
def test_a_good_file_with_a_hole(tmp_path, start, length, noise):
    good = "\n".join([HEADER, *chain()]).encode()
    outcome(tmp_path / "hole", "quotes.csv", good[:start] + noise + good[start + length :])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("quotes.csv", good)
    for name, packed in (("quotes.csv.gz", gzip.compress(good)), ("quotes.zip", buffer.getvalue())):
        outcome(tmp_path / "hole", name, packed[:start] + noise + packed[start + length :])


@RELAXED
@given(rows=st.lists(NEARLY, max_size=12))
def test_rows_are_quotes_or_counted_and_never_both(tmp_path, rows):
    folder = tmp_path / "counted"
    folder.mkdir(exist_ok=True)
    text = "\n".join([HEADER, *chain(), *rows])
    (folder / "quotes.csv").write_text(text)
    try:
        quotes, rejections = mapped.read(mapped_data(folder))
    except DataError:
        return
    lines = pl.read_csv(text.encode(), infer_schema=False).height
    assert quotes.height + rejections["quotes"].sum() == lines


@RELAXED
@given(symbols=st.lists(st.sampled_from(["A", "B", "C", "D"]), min_size=1, max_size=30), chunk=st.integers(1, 40))
def test_chunks_do_not_change_what_is_read(tmp_path, symbols, chunk):
    folder = tmp_path / "chunks"
    folder.mkdir(exist_ok=True)
    rows = [f"{symbol},2026-06-09,2026-07-17,{number + 1},C,1,1.2,20,100,0,0" for number, symbol in enumerate(symbols)]
    (folder / "quotes.csv").write_text("\n".join([HEADER, *rows]))
    whole = mapped.read(mapped_data(folder))
    chunked = mapped.read(mapped_data(folder, options={**OPTIONS, "chunk_rows": chunk}))
    assert whole[0].equals(chunked[0])
    assert whole[1].equals(chunked[1])


@pytest.mark.parametrize("column", list(HEADER.split(",")))
def test_any_column_of_a_parquet_file_may_be_of_any_type(tmp_path, column):
    good = pl.read_csv("\n".join([HEADER, *chain()]).encode())
    odd = [
        pl.lit(True),
        pl.lit(None),
        pl.lit(7),
        pl.lit(7.5),
        pl.lit("x"),
        pl.lit(b"x"),
        pl.lit(pl.Series([[1, 2]])).first(),
        pl.date(2026, 6, 9),
        pl.datetime(2026, 6, 9, time_zone="UTC"),
        pl.duration(days=1),
        pl.struct(a=1),
    ]
    for value in odd:
        path = tmp_path / "odd.parquet"
        good.with_columns(value.alias(column)).write_parquet(path)
        outcome(tmp_path / "types", "odd.parquet", path.read_bytes())
