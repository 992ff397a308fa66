"""The real panel from vendor's file to surfaces, by the stages' own commands. `IVYSPT_DATA=… make bench`.

Each figure is of whole processes: wall time, processor time, and the wall time without what the processes waited for a
core that others held (`wall_without_waiting`), which bounds are for; on a machine of one's own the last is the first.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

FOLDER = Path(os.environ.get("IVYSPT_DATA", "absent"))
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs the data folder named by the environment's IVYSPT_DATA"
)

EUROPEAN, DE_AMERICANISED = 40.0, 180.0  # seconds at most, from the vendor's file to surfaces
PEAK = 4.0  # GiB at most
TIMES = 10  # as many days
TIME_RATIO, MEMORY_RATIO = 11.0, 1.3  # at most, for `TIMES` the days
# as the workflow starts these jobs (workflow/rules/common.smk, quotes.smk)
ENVIRONMENT = {
    "POLARS_MAX_THREADS": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_TOP_PAD_": "67108864",
}
YEAR = 364  # days; whole weeks, so that days stay weekdays
MEASURED = """
import json, resource, sys
from pathlib import Path
from ivyspt.__main__ import main
status = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
# nanoseconds that each thread was ready to run and had no core
waited = sum(int(path.read_text().split()[1]) for path in Path("/proc/self/task").glob("*/schedstat"))
print(json.dumps([used.ru_utime + used.ru_stime, waited / 1e9, used.ru_maxrss / 2**20]))
sys.exit(status)
"""


@dataclass(frozen=True)
class Cost:
    """Seconds, and GiB of the larger of two processes."""

    wall: float
    processor: float
    wall_without_waiting: float
    peak: float


def stage(name: str, settings: dict, **paths: Path) -> Cost:
    """Run a stage in a process of its own."""
    options = [text for option, path in paths.items() for text in (f"--{option.replace('_', '-')}", str(path))]
    command = [sys.executable, "-c", MEASURED, name, "--settings", json.dumps(settings), *options]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, env=os.environ | ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    wall = time.perf_counter() - start
    processor, waited, peak = json.loads(done.stdout.splitlines()[-1])
    # threads may wait at once, so that their sum can exceed the process's; its own work cannot take less than this
    return Cost(wall, processor, max(wall - waited, min(wall, processor)), peak)


def surfaces_of(panel: Path, surfaces: dict) -> Cost:
    """Both stages, from the panel's folder to surfaces."""
    data = {"adapter": "us_panel", "label": "panel", "simulated": False, "data_dir": str(panel)}
    surfaces = {
        "min_points": 20,
        "min_expiries": 2,
        "filters": {"min_open_interest": 1, "max_twin_gap": 0.15, "max_neighbour_gap": 0.15},
        "forwards": {"rates_dir": str(FOLDER / "market-features")},
        **surfaces,
    }
    with tempfile.TemporaryDirectory() as folder:
        out = {name: Path(folder) / f"{name}.parquet" for name in ("quotes", "dropped_rows")}
        reading = stage("read_quotes", {"data": data}, **out)
        made = {name: Path(folder) / f"{name}.parquet" for name in ("all_points", "slices", "rejections")}
        building = stage("build_surfaces", {"surfaces": surfaces}, quotes=out["quotes"], **made)
        assert pl.scan_parquet(made["all_points"]).select(pl.len()).collect().item() > 0
    both = zip(vars(reading).values(), vars(building).values(), strict=True)
    *seconds, _ = (one + other for one, other in both)
    return Cost(*seconds, max(reading.peak, building.peak))


def measure(benchmark, panel: Path, **surfaces) -> Cost:
    """Both stages, once, as a benchmark."""
    cost = benchmark.pedantic(surfaces_of, args=(panel, surfaces), rounds=1, iterations=1)
    benchmark.extra_info.update(vars(cost))
    return cost


def said(capsys, text: str, cost: Cost) -> None:
    """Print what was measured, whatever pytest captures."""
    with capsys.disabled():
        print(f"\n{text}: " + ", ".join(f"{name} {value:.2f}" for name, value in vars(cost).items()))


@pytest.fixture(scope="module")
def known():
    """What the panel cost by the European route."""
    return {}


def test_panel_by_the_european_route(benchmark, capsys, known):
    """The whole panel, 6.3 million rows of a call and a put: 40 s and 4 GiB at most."""
    cost = known["once"] = measure(benchmark, FOLDER / "us-panel-2026", price="vendor_implied_vol")
    said(capsys, "panel, European route", cost)
    assert cost.wall_without_waiting <= EUROPEAN
    assert cost.peak <= PEAK


def test_panel_with_de_americanisation(benchmark, capsys):
    """The same from its quoted prices, less the right to exercise early: 180 s and 4 GiB at most."""
    cost = measure(benchmark, FOLDER / "us-panel-2026", price="quoted", exercise="de_americanise")
    said(capsys, "panel, de-Americanised", cost)
    assert cost.wall_without_waiting <= DE_AMERICANISED
    assert cost.peak <= PEAK


def test_ten_times_the_days(benchmark, capsys, known):
    """Ten times the rows in at most 11 times the time and 1.3 times the memory."""
    if "once" not in known:
        known["once"] = surfaces_of(FOLDER / "us-panel-2026", {"price": "vendor_implied_vol"})
    with tempfile.TemporaryDirectory() as folder:
        panel = pl.scan_parquet(FOLDER / "us-panel-2026" / "chains_*.parquet")
        for number in range(TIMES):
            earlier = pl.col("date", "expiry") - pl.duration(days=YEAR * number)
            panel.with_columns(earlier).sink_parquet(Path(folder) / f"chains_{number}.parquet")
        cost = measure(benchmark, Path(folder), price="vendor_implied_vol")
    said(capsys, f"{TIMES} times the days", cost)
    once = known["once"]
    ratios = Cost(*(many / one for many, one in zip(vars(cost).values(), vars(once).values(), strict=True)))
    said(capsys, "  over once", ratios)
    benchmark.extra_info["over_once"] = vars(ratios)
    assert ratios.wall_without_waiting <= TIME_RATIO
    assert ratios.peak <= MEMORY_RATIO
