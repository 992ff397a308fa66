"""Predictions to errors, arbitrage and the comparison of methods."""


rule evaluate:
    """Measure a method's errors by surface and by bucket, and search its surfaces for arbitrage."""
    input:
        predictions="<results>/predictions/{method}/{seed}.parquet",
    output:
        errors="<results>/evaluation/errors/{method}/{seed}.parquet",
        buckets="<results>/evaluation/buckets/{method}/{seed}.parquet",
        audit="<results>/evaluation/audit/{method}/{seed}.parquet",
    log:
        "<logs>/evaluate/{method}_{seed}.log",
    benchmark:
        "<benchmarks>/evaluate/{method}_{seed}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=60,
    params:
        settings=settings("masking", "evaluation"),
        code=code("ivyspt.stages.evaluate"),
    shell:
        "python -m ivyspt evaluate --settings {params.settings:q} --predictions {input.predictions}"
        " --errors {output.errors} --buckets {output.buckets} --audit {output.audit} 2>&1 | tee {log}"


rule compare:
    """Set the methods of a family against the main run's model of a phase, with the days of the test as blocks."""
    input:
        errors=lambda wildcards: of_methods("<results>/evaluation/errors/{method}/{seed}.parquet", **wildcards),
        audits=lambda wildcards: of_methods("<results>/evaluation/audit/{method}/{seed}.parquet", **wildcards),
    output:
        comparison="<results>/evaluation/comparison/{family}_{phase}.parquet",
    log:
        "<logs>/compare/{family}_{phase}.log",
    benchmark:
        "<benchmarks>/compare/{family}_{phase}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=30,
    params:
        settings=comparison_settings(),
        code=code("ivyspt.stages.compare"),
    shell:
        "python -m ivyspt compare --settings {params.settings:q} --errors {input.errors} --audits {input.audits}"
        " --comparison {output.comparison} 2>&1 | tee {log}"
