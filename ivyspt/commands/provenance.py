"""`ivyspt provenance FILE`: print where a result comes from."""

import json
from argparse import ArgumentParser
from pathlib import Path

import polars as pl
import yaml
from safetensors import SafetensorError, safe_open

from ivyspt.artefacts import KEY
from ivyspt.columns import DataError
from ivyspt.provenance import checksum, code_of


def main(arguments: list[str]) -> int:
    """Print what a parquet, safetensors or JSON file of the workflow says of its origin."""
    parser = ArgumentParser(prog="ivyspt provenance", description=main.__doc__)
    parser.add_argument("file", type=Path, help="a result: .parquet, .safetensors or .json")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    chosen = parser.parse_args(arguments)
    found = read(chosen.file)
    print(json.dumps(found, indent=2, sort_keys=True) if chosen.json else spoken(found, chosen.file))
    return 0


def read(path: Path) -> dict:
    """What a file says of its origin.

    Raises
    ------
    DataError
        There is no such file, it is damaged, of another kind, or says nothing.
    """
    readers = {".parquet": _parquet, ".safetensors": _safetensors, ".json": _json}
    if not path.is_file():
        raise DataError(f"{path}: must exist, got no such file")
    if path.suffix not in readers:
        raise DataError(f"{path}: must be a file of the kinds {', '.join(readers)}, got another")
    try:
        found = readers[path.suffix](path)
    except (pl.exceptions.PolarsError, SafetensorError, OSError, ValueError) as error:
        raise DataError(f"{path}: must be a whole file, got {' '.join(str(error).split())}") from error
    if not isinstance(found, dict) or not found:
        raise DataError(f"{path}: must say where it comes from, got nothing: no stage of the workflow wrote it")
    return found


def _parquet(path: Path) -> dict | None:
    return json.loads(pl.read_parquet_metadata(path).get(KEY, "null"))


def _safetensors(path: Path) -> dict | None:
    with safe_open(path, framework="np") as file:
        return json.loads((file.metadata() or {}).get(KEY, "null"))


def _json(path: Path) -> dict | None:
    content = json.loads(path.read_text())
    return content.get("provenance") if isinstance(content, dict) else None


def spoken(found: dict, path: Path) -> str:
    """The origin as a person reads it, the code compared with this checkout's."""
    stage, code = found.get("stage"), found.get("code")
    here = code_of(f"ivyspt.stages.{stage}")
    same = "this checkout's" if code == here else f"not this checkout's, {here}"
    rest = {name: value for name, value in found.items() if name not in {"stage", "code"}}
    lines = [f"{path}", f"sha256: {checksum(path)}"]
    lines += [f"stage: {stage}", f"code: {code} ({same})"] if stage else []
    return "\n".join([*lines, yaml.safe_dump(rest, allow_unicode=True, width=120).rstrip()])
