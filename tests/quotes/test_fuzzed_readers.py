"""Every reader of a vendor's files, on files that are wrong in any way: checked tables, or one sentence."""

import os
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivyspt.columns import MARKET_FEATURES, POINTS, QUOTES, REJECTIONS, DataError, check
from ivyspt.config import Data, Forwards, MarketFeatures, Surfaces
from ivyspt.quotes import adapters, paper_sparse
from ivyspt.quotes.dividends import read_distributions
from ivyspt.quotes.rates import MATURITIES, RATES_FILE, prior_rate, read_treasury_curve
from ivyspt.quotes.zero_curve import read_zero_curve
from ivyspt.surfaces.market_features import FILES, from_files, join_as_of
from tests.quotes import test_paper_sparse as sparse
from tests.quotes import test_vendors as vendors
from tests.quotes.test_option_metrics import option_metrics_files
from tests.quotes.written import COLUMNS, HEADER, OPTIONS, chain

# how long each reader is fuzzed, in examples of each kind of damage; more by hand: IVYSPT_FUZZ=2000 pytest …
EXAMPLES = int(os.environ.get("IVYSPT_FUZZ", "25"))
FUZZED = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Reader:
    """A reader: how its good files are written, and how it is called on their folder and its answer checked."""

    write: Callable[[Path], None]
    read: Callable[[Path], None]


def data(folder: Path, adapter: str, options: dict | None = None) -> Data:
    return Data(adapter=adapter, label="fuzzed", simulated=False, data_dir=str(folder), options=options or {})


def quotes(adapter: str, options: dict | None = None) -> Callable[[Path], None]:
    """Read by an adapter of quotes and check both tables."""

    def read(folder: Path) -> None:
        for found, dropped in adapters.read_by_symbol(data(folder, adapter, options)):
            assert check(found, QUOTES, adapter).equals(found)
            assert check(dropped, REJECTIONS, adapter).equals(dropped)
            assert (found["strike"] > 0).all()
            assert (found["expiry"] > found["quote_time"]).all()

    return read


def write_us_panel(folder: Path) -> None:
    sides = {f"{side}{name}": [1.5] for side in ("call", "put") for name in ("Price", "Iv", "Volume", "Oi")}
    row = {"date": [date(2026, 6, 9)], "symbol": ["AAPL"], "underlyingPrice": [300.0], "expiry": [date(2026, 7, 17)]}
    pl.DataFrame({**row, "strike": [300.0], **sides}).write_parquet(folder / "chains_x.parquet")


def write_spx(folder: Path) -> None:
    rows = [vendors.spx_row("2026-06-10", "2026-06-17", side, 10.0, 11.0) for side in ("Put", "Call")]
    pl.DataFrame(rows).write_parquet(folder / "spx.parquet")


def write_megacaps(folder: Path) -> None:
    row = "AAPL,2026-07-20,2026-07-31,250.0,C,12.0,12.4,12.2,31.5,0.5,0.1,-0.1,0.2,11,255.5,7,58,0.1\n"
    vendors.tar_zst(folder / "csv.tar.zst", {"data/AAPL/2026-07-20.csv": (vendors.MEGACAPS + row).encode()})


def write_spy(folder: Path) -> None:
    header = "underlying,underlying_last,optionroot,type,expiration,quotedate,strike,last,bid,ask,volume,openinterest"
    row = "SPY,368.79,SPY210129P00345000,put,2021-01-29,2021-01-04,345.0,2.71,2.76,2.78,7424,48199,0.28804"
    (folder / "options.csv").write_text(f"{header},impliedvol\n{row}\n")


def write_optionsdx(folder: Path) -> None:
    row = vendors.OPTIONSDX_ROW.format(spot="380.8", expiry="2023-01-20")
    (folder / "spy_eod_202301.txt").write_text(vendors.OPTIONSDX + row)


def write_lean(folder: Path) -> None:
    (folder / "aapl_2014_quote_american.zip").write_bytes(vendors.lean_archive())
    members = {"Data/goog_2014_quote_american.zip": vendors.lean_archive()}
    vendors.tar_zst(folder / "data.tar.zst", members)


def write_treasury(folder: Path) -> None:
    names = ["date", *MATURITIES]
    rows = [",".join([f"2026-06-0{day}", *["4.2"] * len(MATURITIES)]) for day in (1, 2, 3)]
    (folder / RATES_FILE).write_text("\n".join([",".join(names), *rows]))


def read_treasury(folder: Path) -> None:
    curve = read_treasury_curve(str(folder))
    assert curve.height
    assert curve.null_count().sum_horizontal().item() == 0
    last = pl.Series([date(9999, 1, 1)])
    assert np.isfinite(prior_rate(curve, last, np.array([0.5]), 0.0)).all()


def write_zero_curve(folder: Path) -> None:
    (folder / "zerocd.csv").write_text("date,days,rate\n2026-06-09,30,2.0\n2026-06-09,720,2.5\n2026-06-10,30,2.1\n")


def read_curve(folder: Path) -> None:
    rates = read_zero_curve(str(folder / "zerocd.csv")).rates
    assert rates.height
    assert rates.null_count().sum_horizontal().item() == 0
    assert rates["rate"].is_finite().all()


def write_distributions(folder: Path) -> None:
    rows = "7,2026-07-01,1.5,2026-06-01,5\n7,2026-04-01,1.5,,1\n8,2026-07-01,9.0,2026-06-01,2\n"
    (folder / "distrd.csv").write_text(f"secid,ex_date,amount,declare_date,distr_type\n{rows}")
    (folder / "secnmd.csv").write_text("secid,effect_date,ticker\n7,2020-01-01,AAA\n7,2024-01-01,BBB\n")


def read_dividends(folder: Path) -> None:
    names = {"distributions": str(folder / "distrd.csv"), "security_names": str(folder / "secnmd.csv")}
    found = read_distributions(Forwards(**names))
    assert all(dividend.amount > 0 for each in found.dividends.values() for dividend in each)
    assert all(first <= last or first > last for each in found.names.values() for first, last, _ in each)


def write_features(folder: Path) -> None:
    for name, day, value in FILES.values():
        rows = "\n".join(f"2026-06-0{number},{10 + number}.5" for number in (1, 2, 3))
        (folder / name).write_text(f"{day},{value}\n{rows}\n")


def read_features(folder: Path) -> None:
    named = {name: name for name in ("market_return", "market_vol", "treasury_rate")}
    series = from_files(MarketFeatures(source="files", data_dir=str(folder), **named))
    surfaces = pl.DataFrame({"surface_id": ["A"], "symbol": ["A"], "quote_time": [datetime(2026, 6, 3, 16)]})
    surfaces = surfaces.with_columns(pl.col("quote_time").cast(pl.Datetime("us")))
    joined = join_as_of(surfaces, series)
    assert check(joined, MARKET_FEATURES, "fuzzed").equals(joined)


def write_sparse(folder: Path) -> None:
    (folder / "fine_tune_data.csv").write_text("\n".join((sparse.HEADER, *sparse.rows())))


def read_sparse(folder: Path) -> None:
    points, dropped = paper_sparse.read(data(folder, "paper_sparse"), Surfaces(min_points=4))
    assert check(points, POINTS, "fuzzed").height == points.height > 0
    assert check(dropped, REJECTIONS, "fuzzed").equals(dropped)
    paper_sparse.read_market_features(data(folder, "paper_sparse"))


READERS = {
    "cboe_datashop": Reader(vendors.cboe_file, quotes("cboe_datashop")),
    "column_map": Reader(
        lambda folder: (folder / "quotes.csv").write_text("\n".join([HEADER, *chain()])) and None,
        quotes("column_map", OPTIONS),
    ),
    "lean": Reader(write_lean, quotes("lean")),
    "megacaps": Reader(write_megacaps, quotes("megacaps")),
    "option_metrics": Reader(option_metrics_files, quotes("option_metrics", {"security_names": "*secnmd*"})),
    "optionsdx": Reader(write_optionsdx, quotes("optionsdx", {"symbol": "SPY"})),
    "spx_short_dated": Reader(write_spx, quotes("spx_short_dated")),
    "spy_thin": Reader(write_spy, quotes("spy_thin")),
    "us_panel": Reader(write_us_panel, quotes("us_panel")),
    "paper_sparse": Reader(write_sparse, read_sparse),
    "treasury_curve": Reader(write_treasury, read_treasury),
    "zero_curve": Reader(write_zero_curve, read_curve),
    "distributions": Reader(write_distributions, read_dividends),
    "market_features": Reader(write_features, read_features),
}
ODD = ["", "nan", "inf", "-inf", "1e400", "-0.0", "0", "None", '"', "1,000", "é", "\x00", "9" * 40, "2026-02-30", "-5"]
ODD += ["0001-01-01", "9999-12-31", "2026-06-09T16:00:00Z", "1e-320", "; rm -rf ~", "C", "AAPL"]
FIELD = st.one_of(
    st.sampled_from(ODD), st.floats().map(str), st.integers().map(str), st.text(string.printable, max_size=6)
)


def refuses_or_reads(reader: Reader, folder: Path) -> None:
    """A `DataError` of one line, or a whole reading whose tables keep their rules; anything else fails the test."""
    said = "read"
    try:
        reader.read(folder)
    except DataError as error:
        said = str(error)
    assert said
    assert "\n" not in said


def fresh(reader: Reader, folder: Path) -> list[Path]:
    """Good files, and nothing else, in a folder."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    reader.write(folder)
    return sorted(folder.iterdir())


def test_every_adapter_is_fuzzed():
    assert set(READERS) >= set(adapters.READERS) - {"simulated"}
    assert COLUMNS


@pytest.mark.parametrize("name", READERS)
def test_good_files_are_read(name, tmp_path):
    fresh(READERS[name], tmp_path / name)
    READERS[name].read(tmp_path / name)


@pytest.mark.parametrize("name", READERS)
@FUZZED
@given(draw=st.randoms(use_true_random=False), length=st.integers(0, 60), noise=st.binary(max_size=30))
def test_a_hole_anywhere_in_a_file(name, tmp_path, draw, length, noise):
    reader, folder = READERS[name], tmp_path / name
    path = draw.choice(fresh(reader, folder))
    content = path.read_bytes()
    start = draw.randint(0, len(content))
    path.write_bytes(content[:start] + noise + content[start + length :])
    refuses_or_reads(reader, folder)


@pytest.mark.parametrize("name", READERS)
@FUZZED
@given(draw=st.randoms(use_true_random=False), field=FIELD)
def test_any_field_may_hold_anything(name, tmp_path, draw, field):
    reader, folder = READERS[name], tmp_path / name
    path = draw.choice(fresh(reader, folder))
    if path.suffix == ".parquet":
        table = pl.read_parquet(path)
        column = draw.choice(table.columns)
        table.with_columns(pl.lit(field).alias(column)).write_parquet(path)
    elif path.suffix in (".csv", ".txt"):
        lines = path.read_text().split("\n")
        row = draw.randrange(len(lines))
        fields = lines[row].split(",")
        fields[draw.randrange(len(fields))] = field
        lines[row] = ",".join(fields)
        path.write_text("\n".join(lines))
    refuses_or_reads(reader, folder)


@pytest.mark.parametrize("name", READERS)
@FUZZED
@given(content=st.one_of(st.binary(max_size=200), st.text(string.printable, max_size=200).map(str.encode)))
def test_any_file_may_be_replaced_by_anything(name, tmp_path, content):
    reader, folder = READERS[name], tmp_path / name
    for path in fresh(reader, folder):
        path.write_bytes(content)
    refuses_or_reads(reader, folder)


@pytest.mark.parametrize("name", READERS)
def test_lines_may_be_lost_doubled_and_shuffled(name, tmp_path):
    reader, folder = READERS[name], tmp_path / name
    for seed in range(EXAMPLES):
        draw = random.Random(seed)
        for path in fresh(reader, folder):
            if path.suffix in (".csv", ".txt"):
                lines = path.read_text().splitlines()
                path.write_text("\n".join(draw.choices(lines, k=draw.randint(0, 2 * len(lines)))))
        refuses_or_reads(reader, folder)


@pytest.mark.parametrize("name", READERS)
def test_files_may_vanish_or_be_folders(name, tmp_path):
    reader, folder = READERS[name], tmp_path / name
    for number in range(len(fresh(reader, folder))):
        path = fresh(reader, folder)[number]
        path.unlink()
        refuses_or_reads(reader, folder)
        path.mkdir()
        refuses_or_reads(reader, folder)
        path.rmdir()
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(DataError):
        reader.read(folder)
    folder.rmdir()
    with pytest.raises(DataError):
        reader.read(folder)
