"""Name the packed weights that err least on validation days: `python tools/best_weights.py WEIGHTS…`."""

import argparse
import json
import math
from pathlib import Path

from safetensors import safe_open


def main() -> None:
    """Print the path whose errors, by kind of quotes, have the least geometric mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+", help="of different seeds, each with its calibration")
    paths = parser.parse_args().weights
    print(min(paths, key=_error))


def _error(path: Path) -> float:
    with safe_open(path, framework="np") as file:
        found = json.loads(file.metadata()["ivyspt"])["calibration"]["median_error"]
    return math.fsum(math.log(error) for error in found.values()) / len(found)


if __name__ == "__main__":
    main()
