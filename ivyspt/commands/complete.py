"""`ivyspt complete`: complete implied-volatility surfaces from one's own quotes."""

import sys
from argparse import ArgumentParser
from pathlib import Path

import polars as pl

from ivyspt.artefacts import write_json, write_table, write_text
from ivyspt.certificate import certify
from ivyspt.columns import DataError
from ivyspt.pretrained import load_pretrained

READERS = {".parquet": pl.read_parquet, ".csv": pl.read_csv}


def main(arguments: list[str]) -> int:
    """Read quotes and places, write the completed surfaces with derivatives and intervals."""
    parser = ArgumentParser(prog="ivyspt complete", description=main.__doc__)
    quotes = (
        "quotes, .parquet or .csv: surface_id, log_moneyness = log(K/F), time_to_maturity (years) and implied_vol "
        "(decimal); optional implied_vol_bid, implied_vol_ask, market_return, market_vol (VIX/100), treasury_rate and "
        "quote_kind (marks, mids or smoothed)"
    )
    parser.add_argument("--context", type=Path, required=True, help=quotes)
    parser.add_argument(
        "--targets", type=Path, required=True, help="places asked for: surface_id, log_moneyness, time_to_maturity"
    )
    parser.add_argument("--output", type=Path, required=True, help="where the answers go, .parquet or .csv")
    parser.add_argument("--weights", default="base", help="name of packaged weights, or a .safetensors file")
    parser.add_argument(
        "--history",
        type=Path,
        help="whole surfaces of earlier days, columns as in --context: intervals are calibrated on them (minutes)",
    )
    parser.add_argument(
        "--repair", action="store_true", help="accepted for scripts; these surfaces have no arbitrage to repair"
    )
    parser.add_argument(
        "--certificate", type=Path, help="a JSON file: what was checked of each surface, where, with what margin"
    )
    chosen = parser.parse_args(arguments)
    if chosen.output.suffix not in READERS:
        raise DataError(f"--output must end in {' or '.join(READERS)}, got {chosen.output}")
    model = load_pretrained(chosen.weights)
    if chosen.history is not None:
        model = model.calibrated(_read(chosen.history))
    context = _read(chosen.context)
    completed = model.complete(context, _read(chosen.targets))
    _write(completed, chosen.output)
    if chosen.certificate is not None:
        write_json({"surfaces": certify(model, context)}, chosen.certificate)
    print(f"{chosen.output}: {completed.height} rows, {completed['surface_id'].n_unique()} surfaces", file=sys.stderr)
    return 0


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(f"{path}: must exist, got no such file")
    if path.suffix not in READERS:
        raise DataError(f"{path}: must end in {' or '.join(READERS)}, got {path.suffix or 'no suffix'}")
    try:
        return READERS[path.suffix](path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: must be a readable table, got {' '.join(str(error).split())}") from error


def _write(table: pl.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        write_table(table, path)
    else:
        write_text(table.write_csv(), path)
