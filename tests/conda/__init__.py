"""`snakemake --use-conda` with the real conda client, from a channel on this machine: `make conda-test`."""
