"""Draw and tabulate the surfaces of the corpus' slow families."""

from pathlib import Path

import torch

from ivyspt.corpus.pool_file import write_pools
from ivyspt.corpus.pools import FAMILIES, make_pool
from ivyspt.corpus_config import Corpus
from ivyspt.sections import Section


class Settings(Section):
    """What the stage reads of the configuration."""

    corpus: Corpus


def run(settings: Settings, *, pools: Path) -> None:
    """Make a pool for each family of the corpus that has a share and needs one, and report how many were kept."""
    torch.set_num_threads(1)
    made, shares = {}, {}
    for family, share in settings.corpus.families.items():
        if share and family in FAMILIES:
            made[family], shares[family] = make_pool(family, settings.corpus)
            print(f"make_corpus: {family}: {shares[family]:.1%} of the surfaces drawn are free of arbitrage and kept")
    write_pools(made, shares, pools, settings.model_dump(mode="json"))
