"""A finished study for others to keep: `snakemake export_crate`, which no other target needs."""


rule export_crate:
    """The study's run as a Workflow Run RO-Crate."""
    input:
        results=ends(),
        comparison=expand(
            "<results>/evaluation/comparison/{family}_{phase}.parquet", family=["baselines", "ablation"], phase=PHASES
        ),
    output:
        crate=directory("<results>/crate"),
    log:
        "<logs>/export_crate.log",
    benchmark:
        "<benchmarks>/export_crate.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=10,
    params:
        settings=whole_study(),
        code=code("workflow.scripts.crate"),
    shell:
        "python -m workflow.scripts.crate --settings {params.settings:q} --results {input.results} {input.comparison}"
        " --crate {output.crate} 2>&1 | tee {log}"
