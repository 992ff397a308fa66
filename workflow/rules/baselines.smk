"""Predictions of every baseline on the test days."""


rule fit_baseline:
    """Tune a baseline on validation days, fit it and answer every evaluation mask of the test days."""
    input:
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        masks="<results>/masks/evaluation.parquet",
        weights=packaged_weights,
    output:
        predictions="<results>/predictions/{baseline}/{seed}.parquet",
        chosen="<results>/costs/{baseline}/{seed}.json",
    log:
        "<logs>/fit_baseline/{baseline}_{seed}.log",
    benchmark:
        "<benchmarks>/fit_baseline/{baseline}_{seed}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=240,
    params:
        settings=baseline_settings("masking", "evaluation"),
        code=code("ivyspt.stages.fit_baseline"),
    shell:
        "python -m ivyspt fit_baseline --settings {params.settings:q} --points {input.points}"
        " --market-features {input.market_features} --split {input.split} --masks {input.masks}"
        " --predictions {output.predictions} --chosen {output.chosen} 2>&1 | tee {log}"
