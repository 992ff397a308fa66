"""Weights of every run, phase and seed, and their predictions on the test days."""


rule pretrain:
    """Train a run's model on the liquid tier's training days."""
    input:
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        clusters="<results>/masks/clusters.parquet",
    output:
        weights="<results>/training/{run}/{seed}/pretrain.safetensors",
        history="<results>/training/{run}/{seed}/pretrain_history.parquet",
    log:
        "<logs>/pretrain/{run}_{seed}.log",
    benchmark:
        "<benchmarks>/pretrain/{run}_{seed}.tsv"
    conda:
        training_environment
    threads: training_threads
    resources:
        mem_mb=grows(4000),
        runtime=240,
        gpu=training_gpus,
    params:
        settings=settings("masking", "model", "losses", "training"),
        code=code("ivyspt.stages.pretrain"),
        checkpoint=checkpoint("pretrain"),
    shell:
        "python -m ivyspt pretrain --settings {params.settings:q} --points {input.points}"
        " --market-features {input.market_features} --split {input.split} --clusters {input.clusters}"
        " --run {wildcards.run} --seed {wildcards.seed} --checkpoint {params.checkpoint} --weights {output.weights}"
        " --history {output.history} 2>&1 | tee {log}"


rule finetune:
    """Go on from the pre-trained weights on the sparse tier's training days."""
    input:
        pretrained="<results>/training/{run}/{seed}/pretrain.safetensors",
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        clusters="<results>/masks/clusters.parquet",
    output:
        weights="<results>/training/{run}/{seed}/finetune.safetensors",
        history="<results>/training/{run}/{seed}/finetune_history.parquet",
    log:
        "<logs>/finetune/{run}_{seed}.log",
    benchmark:
        "<benchmarks>/finetune/{run}_{seed}.tsv"
    conda:
        training_environment
    threads: training_threads
    resources:
        mem_mb=grows(4000),
        runtime=120,
        gpu=training_gpus,
    params:
        settings=settings("masking", "losses", "training"),
        code=code("ivyspt.stages.finetune"),
        checkpoint=checkpoint("finetune"),
    shell:
        "python -m ivyspt finetune --settings {params.settings:q} --pretrained {input.pretrained}"
        " --points {input.points} --market-features {input.market_features} --split {input.split}"
        " --clusters {input.clusters} --run {wildcards.run} --seed {wildcards.seed} --checkpoint {params.checkpoint}"
        " --weights {output.weights} --history {output.history} 2>&1 | tee {log}"


rule predict:
    """Answer every evaluation mask of the test days with a trained model."""
    input:
        weights="<results>/training/{run}/{seed}/{phase}.safetensors",
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        masks="<results>/masks/evaluation.parquet",
    output:
        predictions="<results>/predictions/{run}.{phase}/{seed}.parquet",
        cost="<results>/costs/{run}.{phase}/{seed}.json",
    log:
        "<logs>/predict/{run}.{phase}_{seed}.log",
    benchmark:
        "<benchmarks>/predict/{run}.{phase}_{seed}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=60,
    params:
        settings=settings("masking", "evaluation"),
        code=code("ivyspt.stages.predict"),
    shell:
        "python -m ivyspt predict --settings {params.settings:q} --weights {input.weights}"
        " --points {input.points} --market-features {input.market_features} --split {input.split}"
        " --masks {input.masks} --run {wildcards.run}.{wildcards.phase} --phase {wildcards.phase} --seed {wildcards.seed}"
        " --predictions {output.predictions} --cost {output.cost} 2>&1 | tee {log}"
