"""The hyper-parameter search: each trial is a job of its own, so that they run side by side and finished ones stay."""


rule search:
    """Every trial, and what came out best."""
    input:
        "<results>/search/chosen.yaml",


rule train_trial:
    """Train one trial on its share of the training days and measure it on its share of the validation days."""
    input:
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        clusters="<results>/masks/clusters.parquet",
    output:
        losses="<results>/search/trials/{trial}.parquet",
    log:
        "<logs>/train_trial/{trial}.log",
    benchmark:
        "<benchmarks>/train_trial/{trial}.tsv"
    conda:
        training_environment
    threads: STUDY["runs"][MAIN_RUN]["training"]["threads"]
    resources:
        mem_mb=grows(4000),
        runtime=120,
        gpu=int(STUDY["runs"][MAIN_RUN]["training"]["device"] == "cuda"),
    params:
        settings=lambda wildcards: trial_sections(STUDY, wildcards.trial, MAIN_RUN),
        code=code("ivyspt.stages.train_trial"),
    shell:
        "python -m ivyspt train_trial --settings {params.settings:q} --points {input.points}"
        " --market-features {input.market_features} --split {input.split} --clusters {input.clusters}"
        " --trial {wildcards.trial} --losses {output.losses} 2>&1 | tee {log}"


rule rank_trials:
    """Rank the trials by their mean rank over the three losses, and write the best one's values as a configuration."""
    input:
        trials=expand("<results>/search/trials/{trial}.parquet", trial=TRIALS),
    output:
        losses="<results>/search/losses.parquet",
        ranking="<results>/search/ranking.parquet",
        chosen="<results>/search/chosen.yaml",
    log:
        "<logs>/rank_trials.log",
    benchmark:
        "<benchmarks>/rank_trials.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings(),
        code=code("ivyspt.stages.rank_trials"),
    shell:
        "python -m ivyspt rank_trials --settings {params.settings:q} --trials {input.trials}"
        " --losses {output.losses} --ranking {output.ranking} --chosen {output.chosen} 2>&1 | tee {log}"


rule plot_search:
    """Three losses of every trial: by epoch, and after the last one by blocks and dimension."""
    input:
        style="workflow/scripts/paper.mplstyle",
        losses="<results>/search/losses.parquet",
        ranking="<results>/search/ranking.parquet",
    output:
        pdf="<figures>/search.pdf",
        png=report(
            "<figures>/search.png",
            caption="../report/figures/search.rst",
            category="Figures",
            labels={"figure": "search"},
        ),
    log:
        "<logs>/plot_search.log",
    benchmark:
        "<benchmarks>/plot_search.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data"),
        code=code("workflow.scripts.figures.plot_search"),
    shell:
        "python -m workflow.scripts.figures.plot_search --settings {params.settings:q} --style {input.style}"
        " --losses {input.losses} --ranking {input.ranking} --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule tabulate_search:
    """Every trial, the best first: its values, losses and mean rank."""
    input:
        ranking="<results>/search/ranking.parquet",
    output:
        tex="<results>/tables/search.tex",
    log:
        "<logs>/tabulate_search.log",
    benchmark:
        "<benchmarks>/tabulate_search.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "analyses.search"),
        code=code("workflow.scripts.tables.tabulate_search"),
    shell:
        "python -m workflow.scripts.tables.tabulate_search --settings {params.settings:q}"
        " --ranking {input.ranking} --tex {output.tex} 2>&1 | tee {log}"
