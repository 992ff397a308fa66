"""Points of all surfaces to what every method is given: tiers, hidden points, features, split and masks."""


rule audit_quotes:
    """Count violations of static arbitrage among the quotes themselves."""
    input:
        all_points="<results>/surfaces/all_points.parquet",
    output:
        violations="<results>/quotes/violations.parquet",
    log:
        "<logs>/audit_quotes.log",
    benchmark:
        "<benchmarks>/audit_quotes.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=30,
    params:
        settings=settings("quote_audit"),
        code=code("ivyspt.stages.audit_quotes"),
    shell:
        "python -m ivyspt audit_quotes --settings {params.settings:q} --all-points {input.all_points}"
        " --violations {output.violations} 2>&1 | tee {log}"


rule assign_tiers:
    """Choose the symbols that pre-train and those that fine-tune."""
    input:
        all_points="<results>/surfaces/all_points.parquet",
    output:
        tiers="<results>/surfaces/tiers.parquet",
    log:
        "<logs>/assign_tiers.log",
    benchmark:
        "<benchmarks>/assign_tiers.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=10,
    params:
        settings=settings("tiers"),
        code=code("ivyspt.stages.assign_tiers"),
    shell:
        "python -m ivyspt assign_tiers --settings {params.settings:q} --all-points {input.all_points}"
        " --tiers {output.tiers} 2>&1 | tee {log}"


rule thin_surfaces:
    """Keep the tiers' symbols and hide points of the sparse tier from every method."""
    input:
        all_points="<results>/surfaces/all_points.parquet",
        tiers="<results>/surfaces/tiers.parquet",
    output:
        points="<results>/surfaces/points.parquet",
    log:
        "<logs>/thin_surfaces.log",
    benchmark:
        "<benchmarks>/thin_surfaces.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=10,
    params:
        settings=settings("thinning"),
        code=code("ivyspt.stages.thin_surfaces"),
    shell:
        "python -m ivyspt thin_surfaces --settings {params.settings:q} --all-points {input.all_points}"
        " --tiers {input.tiers} --points {output.points} 2>&1 | tee {log}"


rule join_market_features:
    """Join each surface with the market as of its quote time."""
    input:
        vendor=vendor_files(STUDY["market_features"]["data_dir"]),
        points="<results>/surfaces/points.parquet",
    output:
        market_features="<results>/surfaces/market_features.parquet",
    log:
        "<logs>/join_market_features.log",
    benchmark:
        "<benchmarks>/join_market_features.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=10,
    params:
        settings=settings("data", "market_features"),
        code=code("ivyspt.stages.join_market_features"),
    shell:
        "python -m ivyspt join_market_features --settings {params.settings:q}"
        " --points {input.points} --market-features {output.market_features} 2>&1 | tee {log}"


rule split_days:
    """Split the days into training, validation and test."""
    input:
        points="<results>/surfaces/points.parquet",
    output:
        split="<results>/surfaces/split.parquet",
    log:
        "<logs>/split_days.log",
    benchmark:
        "<benchmarks>/split_days.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=10,
    params:
        settings=settings("split"),
        code=code("ivyspt.stages.split_days"),
    shell:
        "python -m ivyspt split_days --settings {params.settings:q} --points {input.points}"
        " --split {output.split} 2>&1 | tee {log}"


rule cluster_points:
    """Cluster the visible points of each surface, once for each masking proportion."""
    input:
        points="<results>/surfaces/points.parquet",
    output:
        clusters="<results>/masks/clusters.parquet",
    log:
        "<logs>/cluster_points.log",
    benchmark:
        "<benchmarks>/cluster_points.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=60,
    params:
        settings=settings("masking"),
        code=code("ivyspt.stages.cluster_points"),
    shell:
        "python -m ivyspt cluster_points --settings {params.settings:q} --points {input.points}"
        " --clusters {output.clusters} 2>&1 | tee {log}"


rule draw_masks:
    """Draw the fixed masks that every method is judged on."""
    input:
        points="<results>/surfaces/points.parquet",
        split="<results>/surfaces/split.parquet",
        clusters="<results>/masks/clusters.parquet",
    output:
        masks="<results>/masks/evaluation.parquet",
    log:
        "<logs>/draw_masks.log",
    benchmark:
        "<benchmarks>/draw_masks.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=10,
    params:
        settings=settings("masking"),
        code=code("ivyspt.stages.draw_masks"),
    shell:
        "python -m ivyspt draw_masks --settings {params.settings:q} --points {input.points}"
        " --split {input.split} --clusters {input.clusters} --masks {output.masks} 2>&1 | tee {log}"
