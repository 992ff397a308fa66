"""Rank the trials of the hyper-parameter search and choose."""

from pathlib import Path

import polars as pl
import yaml

from ivyspt.analyses.search import chosen as best
from ivyspt.analyses.search import rank
from ivyspt.artefacts import read_frame, whole, write_table
from ivyspt.config import Section


class Settings(Section):
    """The stage reads nothing of the configuration."""


def run(settings: Settings, *, trials: list[Path], losses: Path, ranking: Path, chosen: Path) -> None:
    """Put the trials into one table, rank them, and write the best one's values as a configuration."""
    table = pl.concat([read_frame(path) for path in trials], how="vertical_relaxed")
    write_table(table, losses)
    ranked = rank(table)
    write_table(ranked, ranking)
    with whole(chosen) as temporary:
        header = f"# Trial {ranked['trial'][0]}; `snakemake --configfile config/STUDY.yaml {chosen}` puts it in place."
        temporary.write_text(f"{header}\n{yaml.safe_dump(best(ranked), sort_keys=False)}")
