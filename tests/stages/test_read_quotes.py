"""The stage that reads quotes: its files, its exit status, and what a failure leaves alone."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ivyspt.__main__ import main
from ivyspt.artefacts import read_table
from ivyspt.columns import QUOTES, REJECTIONS
from ivyspt.quotes import mapped
from tests.quotes.written import chain, mapped_data, write


def arguments(data, folder: Path) -> list[str]:
    settings = json.dumps({"data": data.model_dump(mode="json")})
    outputs = ["--quotes", str(folder / "quotes.parquet"), "--dropped-rows", str(folder / "dropped_rows.parquet")]
    return ["read_quotes", "--settings", settings, *outputs]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_stage_writes_what_the_adapter_reads(tmp_path):
    write(tmp_path / "in", *chain(), *chain(symbol="MSFT", day="2026-06-10"), *chain(day="2026-06-07"))
    data = mapped_data(tmp_path / "in")
    assert main(arguments(data, tmp_path / "out")) == 0
    quotes, rejections = mapped.read(data)
    assert read_table(tmp_path / "out" / "quotes.parquet", QUOTES).equals(quotes)
    assert read_table(tmp_path / "out" / "dropped_rows.parquet", REJECTIONS).equals(rejections)
    provenance = json.loads(pl.read_parquet_metadata(tmp_path / "out" / "quotes.parquet")["ivyspt"])
    assert provenance["settings"]["data"]["data_dir"] == str(tmp_path / "in")


def test_a_failure_is_one_sentence_and_leaves_earlier_outputs_alone(tmp_path, capsys):
    write(tmp_path / "in", *chain(), *chain(symbol="Z"))
    data = mapped_data(tmp_path / "in", options={**mapped_data(tmp_path).options, "chunk_rows": 10})
    assert main(arguments(data, tmp_path / "out")) == 0
    before = digests(tmp_path / "out")
    # the first part is whole, the second is not: nothing of either may appear
    write(tmp_path / "in", *chain(time_value=5.0), *chain(symbol="Z"), "Z,2026-06-09,2026-07-17,120,C,one,2,20,100,0,0")
    capsys.readouterr()
    assert main(arguments(data, tmp_path / "out")) == 1
    assert digests(tmp_path / "out") == before
    message = capsys.readouterr().err
    assert message.startswith("read_quotes: ")
    assert "quotes.csv row 21: column bid must hold a number, got one" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("adapter", ["us_panel", "nobody"])
def test_settings_that_lead_nowhere_are_one_sentence(tmp_path, capsys, adapter):
    data = mapped_data(tmp_path / "absent").model_copy(update={"adapter": adapter, "options": {}})
    assert main(arguments(data, tmp_path / "out")) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_the_number_of_threads_does_not_move_a_byte(tmp_path):
    rows = [
        row
        for symbol in "ABCDEFG"
        for day in range(8, 13)
        for row in chain(symbol=symbol, day=f"2026-06-{day:02}", strikes=range(50, 150), time_value=1 + day / 10)
    ]
    write(tmp_path / "in", *rows, *chain(symbol="A", day="2026-06-07"))
    data = mapped_data(tmp_path / "in", options={**mapped_data(tmp_path).options, "chunk_rows": 2500})
    found = set()
    for threads in ("1", "4"):
        command = [sys.executable, "-m", "ivyspt", *arguments(data, tmp_path / threads)]
        subprocess.run(command, check=True, env={**os.environ, "POLARS_MAX_THREADS": threads})
        found.add(tuple(digests(tmp_path / threads).items()))
    assert len(found) == 1
