"""Weights of the flagship, where a study's configuration states how they are trained."""

from workflow.study import companions


rule make_corpus:
    """Draw the surfaces of the corpus' slow families once."""
    output:
        pools="<results>/flagship/pools.safetensors",
    log:
        "<logs>/make_corpus.log",
    benchmark:
        "<benchmarks>/make_corpus.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=120,
    params:
        settings=settings("corpus"),
        code=code("ivyspt.stages.make_corpus"),
    shell:
        "python -m ivyspt make_corpus --settings {params.settings:q} --pools {output.pools} 2>&1 | tee {log}"


rule train_flagship:
    """Train on simulated surfaces, the training days of both tiers and those of companions, held-out symbols excepted."""
    input:
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        pools="<results>/flagship/pools.safetensors",
        start=(STUDY["flagship_training"] or {}).get("start", []),
        companions=companions(STUDY),
    output:
        weights="<results>/flagship/{seed}/weights.safetensors",
        history="<results>/flagship/{seed}/history.parquet",
    log:
        "<logs>/train_flagship/{seed}.log",
    benchmark:
        "<benchmarks>/train_flagship/{seed}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(6000),
        runtime=720,
    params:
        settings=settings("flagship", "flagship_training", "corpus"),
        code=code("ivyspt.stages.train_flagship"),
        checkpoint=flagship_checkpoint,
        companions=" ".join(["--companions", *companions(STUDY)]) if companions(STUDY) else "",
    shell:
        "python -m ivyspt train_flagship --settings {params.settings:q} --points {input.points}"
        " --market-features {input.market_features} --split {input.split} --pools {input.pools}"
        " --seed {wildcards.seed} --checkpoint {params.checkpoint} --weights {output.weights} --history {output.history} {params.companions} 2>&1 | tee {log}"


rule calibrate_bands:
    """Calibrate the intervals on validation days, companions' included, and pack them with the weights."""
    input:
        weights="<results>/flagship/{seed}/weights.safetensors",
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        companions=companions(STUDY),
    output:
        packed="<results>/flagship/{seed}/packed.safetensors",
    log:
        "<logs>/calibrate_bands/{seed}.log",
    benchmark:
        "<benchmarks>/calibrate_bands/{seed}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(6000),
        runtime=60,
    params:
        settings=settings("flagship_training", "corpus"),
        code=code("ivyspt.stages.calibrate_bands"),
        companions=" ".join(["--companions", *companions(STUDY)]) if companions(STUDY) else "",
    shell:
        "python -m ivyspt calibrate_bands --settings {params.settings:q} --weights {input.weights}"
        " --points {input.points} --market-features {input.market_features} --split {input.split}"
        " --seed {wildcards.seed} --packed {output.packed} {params.companions} 2>&1 | tee {log}"
