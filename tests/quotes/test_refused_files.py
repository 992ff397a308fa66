"""Files, selections and column maps that are refused, each in one sentence."""

import gzip

import pytest
import zstandard

from ivyspt.columns import DataError
from ivyspt.quotes import mapped
from tests.quotes.written import HEADER, OPTIONS, chain, mapped_data, write

REFUSED = [
    (
        "text in a number",
        "AAPL,2026-06-09,2026-07-17,120,C,one,1.2,20,100,0,0",
        r"row 11: column bid must hold a number, got one",
    ),
    (
        "no date",
        "AAPL,09/06/2026,2026-07-17,120,C,1,1.2,20,100,0,0",
        r"row 11: column day must hold a date, got 09/06/2026",
    ),
    ("no day", "AAPL,,2026-07-17,120,C,1,1.2,20,100,0,0", r"row 11: column day must hold a date, got nothing"),
    ("no expiry", "AAPL,2026-06-09,,120,C,1,1.2,20,100,0,0", r"row 11: column expiry must hold a date, got nothing"),
    (
        "no symbol",
        " ,2026-06-09,2026-07-17,120,C,1,1.2,20,100,0,0",
        r"row 11: column symbol must hold a name, got nothing",
    ),
    (
        "no side",
        "AAPL,2026-06-09,2026-07-17,120,X,1,1.2,20,100,0,0",
        r"row 11: column type must hold C or CALL or P or PUT, got X",
    ),
]


@pytest.mark.parametrize(("what", "row", "message"), REFUSED, ids=[what for what, *_ in REFUSED])
def test_what_does_not_parse_is_refused_by_file_row_and_column(tmp_path, what, row, message):
    write(tmp_path, *chain(), name="good.csv")
    write(tmp_path, *chain(symbol="MSFT"), row, name="second.csv")
    with pytest.raises(DataError, match=r"second\.csv " + message):
        mapped.read(mapped_data(tmp_path))


def test_damaged_files_are_refused_by_name(tmp_path):
    text = "\n".join([HEADER, *[row for day in range(10, 27) for row in chain(day=f"2026-05-{day}")]]).encode()
    broken = {
        "cut.csv.gz": gzip.compress(text)[:-40],
        "cut.csv.zst": zstandard.compress(text)[:-40],
        "latin.csv": text + "\nCafé,2026-06-09".encode("latin-1"),
        "empty.csv": b"",
        "noise.parquet": b"PAR1 no parquet PAR1",
        "cut.zip": b"PK\x03\x04 no zip",
    }
    for name, content in broken.items():
        folder = tmp_path / name.replace(".", "_")
        write(folder, *chain())
        (folder / name).write_bytes(content)
        with pytest.raises(DataError, match=name.replace(".", r"\.") + ": must "):
            mapped.read(mapped_data(folder))


def test_files_of_several_encodings(tmp_path):
    """A byte-order mark before UTF-8 is read over; other encodings are refused by the name of their file."""
    write(tmp_path, *chain(), name="plain.csv")
    marked = "\n".join([HEADER, *chain(symbol="MSFT")]).encode("utf-8-sig")
    (tmp_path / "quotes.csv").write_bytes(marked)
    quotes, _ = mapped.read(mapped_data(tmp_path))
    assert quotes.group_by("symbol").len().sort("symbol").rows() == [("AAPL", 10), ("MSFT", 10)]
    for encoding, symbol in (("utf-16", "MSFT"), ("latin-1", "CAFÉ"), ("cp1252", "“M”")):
        (tmp_path / "quotes.csv").write_bytes("\n".join([HEADER, *chain(symbol=symbol)]).encode(encoding))
        with pytest.raises(DataError, match=r"quotes\.csv: must "):
            mapped.read(mapped_data(tmp_path))


def test_missing_columns_and_files_are_refused(tmp_path):
    write(tmp_path, *chain(), header=HEADER.replace("bid", "offer"))
    with pytest.raises(DataError, match=r"quotes\.csv: must have the column 'bid' \(bid\), got .*offer"):
        mapped.read(mapped_data(tmp_path))
    write(tmp_path, *chain(), header=HEADER.replace("vol,", "bid,", 1))
    with pytest.raises(DataError, match=r"columns must differ in name, got 'bid' twice"):
        mapped.read(mapped_data(tmp_path))
    with pytest.raises(DataError, match=r"data\.data_dir must exist"):
        mapped.read(mapped_data(tmp_path / "nowhere"))
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="must hold a file that matches"):
        mapped.read(mapped_data(tmp_path / "none"))


def test_a_selection_that_leaves_nothing_is_refused(tmp_path):
    write(tmp_path, *chain())
    with pytest.raises(DataError, match=r"data\.symbols must be quoted within the dates, got MSFT"):
        mapped.read(mapped_data(tmp_path, symbols=["AAPL", "MSFT"]))
    with pytest.raises(DataError, match="must hold quotes, got none"):
        mapped.read(mapped_data(tmp_path, first_date="2030-01-01"))
    write(tmp_path, *chain(day="2026-06-07"))
    with pytest.raises(DataError, match="must hold a quote that can be used, got 10 that are all dropped"):
        mapped.read(mapped_data(tmp_path))


def test_files_without_rows_are_named_in_the_log(tmp_path, caplog):
    write(tmp_path, *chain(), name="full.csv")
    write(tmp_path, name="holiday.csv")
    quotes, _ = mapped.read(mapped_data(tmp_path))
    assert quotes.height == 10
    assert "holiday.csv: holds no rows" in caplog.text
    write(tmp_path, name="full.csv")
    with pytest.raises(DataError, match="must hold rows, got none"):
        mapped.read(mapped_data(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"columns": {"symbol": "s"}},
            "must name expiry, strike, option_type, quote_date or quote_time, bid and ask, or mark",
        ),
        ({"columns": {**OPTIONS["columns"], "delta": "d"}}, "columns must be among .* got delta"),
        (
            {"columns": {**OPTIONS["columns"], "underlying_bid": "u"}},
            "underlying_bid and underlying_ask must come together",
        ),
        ({"call": {"bid": "b"}}, "call and put must come together"),
        ({"constants": {"settlement": "noon"}}, "constant settlement must be am or pm, got noon"),
        ({"constants": {"expiry": "2026-07-17"}}, "constants must be numbers or among .* got expiry"),
        ({"time_zone": "New York"}, "time_zone must be a zone of the IANA data base"),
        ({"quote_time": "25:00"}, "data.options.quote_time"),
        ({"nonsense": 1}, "data.options.nonsense"),
    ],
)
def test_column_maps_that_make_no_sense_are_refused(tmp_path, change, message):
    write(tmp_path, *chain())
    with pytest.raises(DataError, match=message):
        mapped.read(mapped_data(tmp_path, options={**OPTIONS, **change}))
