"""Result tables to figures; no rule here reads a checkpoint or imports torch."""


rule draw_figures:
    """Every figure of the study."""
    input:
        expand("<figures>/{figure}.pdf", figure=FIGURES),


rule plot_ablation:
    """Every run of the study: error beside arbitrage."""
    input:
        style="workflow/scripts/paper.mplstyle",
        comparison=expand("<results>/evaluation/comparison/ablation_{phase}.parquet", phase=PHASES),
    output:
        pdf="<figures>/ablation.pdf",
        png=report(
            "<figures>/ablation.png",
            caption="../report/figures/ablation.rst",
            category="Figures",
            labels={"figure": "ablation"},
        ),
    log:
        "<logs>/plot_ablation.log",
    benchmark:
        "<benchmarks>/plot_ablation.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "baselines"),
        code=code("workflow.scripts.figures.plot_ablation"),
    shell:
        "python -m workflow.scripts.figures.plot_ablation --settings {params.settings:q}"
        " --style {input.style} --comparison {input.comparison} --pdf {output.pdf} --png {output.png}"
        " 2>&1 | tee {log}"


rule plot_baselines:
    """The model against every baseline: error beside arbitrage."""
    input:
        style="workflow/scripts/paper.mplstyle",
        comparison=expand("<results>/evaluation/comparison/baselines_{phase}.parquet", phase=PHASES),
    output:
        pdf="<figures>/baselines.pdf",
        png=report(
            "<figures>/baselines.png",
            caption="../report/figures/baselines.rst",
            category="Figures",
            labels={"figure": "baselines"},
        ),
    log:
        "<logs>/plot_baselines.log",
    benchmark:
        "<benchmarks>/plot_baselines.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "baselines"),
        code=code("workflow.scripts.figures.plot_baselines"),
    shell:
        "python -m workflow.scripts.figures.plot_baselines --settings {params.settings:q}"
        " --style {input.style} --comparison {input.comparison} --pdf {output.pdf} --png {output.png}"
        " 2>&1 | tee {log}"


rule plot_error_by_mask:
    """Error of every method, mask by mask."""
    input:
        style="workflow/scripts/paper.mplstyle",
        comparison=expand("<results>/evaluation/comparison/baselines_{phase}.parquet", phase=PHASES),
    output:
        pdf="<figures>/error_by_mask.pdf",
        png=report(
            "<figures>/error_by_mask.png",
            caption="../report/figures/error_by_mask.rst",
            category="Figures",
            labels={"figure": "error_by_mask"},
        ),
    log:
        "<logs>/plot_error_by_mask.log",
    benchmark:
        "<benchmarks>/plot_error_by_mask.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "baselines"),
        code=code("workflow.scripts.figures.plot_error_by_mask"),
    shell:
        "python -m workflow.scripts.figures.plot_error_by_mask --settings {params.settings:q}"
        " --style {input.style} --comparison {input.comparison} --pdf {output.pdf} --png {output.png}"
        " 2>&1 | tee {log}"


rule plot_arbitrage:
    """Error against arbitrage, method by method."""
    input:
        style="workflow/scripts/paper.mplstyle",
        comparison=expand("<results>/evaluation/comparison/baselines_{phase}.parquet", phase=PHASES),
    output:
        pdf="<figures>/arbitrage.pdf",
        png=report(
            "<figures>/arbitrage.png",
            caption="../report/figures/arbitrage.rst",
            category="Figures",
            labels={"figure": "arbitrage"},
        ),
    log:
        "<logs>/plot_arbitrage.log",
    benchmark:
        "<benchmarks>/plot_arbitrage.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "baselines"),
        code=code("workflow.scripts.figures.plot_arbitrage"),
    shell:
        "python -m workflow.scripts.figures.plot_arbitrage --settings {params.settings:q}"
        " --style {input.style} --comparison {input.comparison} --pdf {output.pdf} --png {output.png}"
        " 2>&1 | tee {log}"


rule plot_losses:
    """Three losses, train and validation, by epoch, in both phases."""
    input:
        style="workflow/scripts/paper.mplstyle",
        pretrain=of_main_run("<results>/training/{run}/{seed}/pretrain_history.parquet"),
        finetune=of_main_run("<results>/training/{run}/{seed}/finetune_history.parquet"),
    output:
        pdf="<figures>/losses.pdf",
        png=report(
            "<figures>/losses.png",
            caption="../report/figures/losses.rst",
            category="Figures",
            labels={"figure": "losses"},
        ),
    log:
        "<logs>/plot_losses.log",
    benchmark:
        "<benchmarks>/plot_losses.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data"),
        code=code("workflow.scripts.figures.plot_losses"),
    shell:
        "python -m workflow.scripts.figures.plot_losses --settings {params.settings:q}"
        " --style {input.style} --pretrain {input.pretrain} --finetune {input.finetune}"
        " --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule plot_smiles:
    """An example surface: what the methods were shown, what they answered, what was quoted there."""
    input:
        style="workflow/scripts/paper.mplstyle",
        points="<results>/surfaces/points.parquet",
        masks="<results>/masks/evaluation.parquet",
        predictions=of_first_seeds("<results>/predictions/{method}/{seed}.parquet", "baselines", "finetune"),
    output:
        pdf="<figures>/smiles.pdf",
        png=report(
            "<figures>/smiles.png",
            caption="../report/figures/smiles.rst",
            category="Figures",
            labels={"figure": "smiles"},
        ),
    log:
        "<logs>/plot_smiles.log",
    benchmark:
        "<benchmarks>/plot_smiles.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "baselines"),
        code=code("workflow.scripts.figures.plot_smiles"),
    shell:
        "python -m workflow.scripts.figures.plot_smiles --settings {params.settings:q}"
        " --style {input.style} --points {input.points} --masks {input.masks}"
        " --predictions {input.predictions} --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"
