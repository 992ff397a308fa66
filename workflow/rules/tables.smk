"""Result tables to LaTeX; no rule here reads a checkpoint or imports torch."""


rule typeset_tables:
    """Every table of the study, and the numbers that a text quotes."""
    input:
        expand("<results>/tables/{table}.tex", table=TABLES),
        "<results>/numbers.tex",


rule tabulate_baselines:
    """The model and every baseline: errors and losses."""
    input:
        comparison=expand("<results>/evaluation/comparison/baselines_{phase}.parquet", phase=PHASES),
    output:
        tex="<results>/tables/baselines.tex",
    log:
        "<logs>/tabulate_baselines.log",
    benchmark:
        "<benchmarks>/tabulate_baselines.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "baselines", "evaluation"),
        code=code("workflow.scripts.tables.tabulate_baselines"),
    shell:
        "python -m workflow.scripts.tables.tabulate_baselines --settings {params.settings:q}"
        " --comparison {input.comparison} --tex {output.tex} 2>&1 | tee {log}"


rule tabulate_ablation:
    """Every run of the study against the reference."""
    input:
        comparison=expand("<results>/evaluation/comparison/ablation_{phase}.parquet", phase=PHASES),
    output:
        tex="<results>/tables/ablation.tex",
    log:
        "<logs>/tabulate_ablation.log",
    benchmark:
        "<benchmarks>/tabulate_ablation.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "baselines", "evaluation"),
        code=code("workflow.scripts.tables.tabulate_ablation"),
    shell:
        "python -m workflow.scripts.tables.tabulate_ablation --settings {params.settings:q}"
        " --comparison {input.comparison} --tex {output.tex} 2>&1 | tee {log}"


rule tabulate_arbitrage:
    """Arbitrage found on the audit grid, beside the error of each method."""
    input:
        comparison=expand("<results>/evaluation/comparison/baselines_{phase}.parquet", phase=PHASES),
    output:
        tex="<results>/tables/arbitrage.tex",
    log:
        "<logs>/tabulate_arbitrage.log",
    benchmark:
        "<benchmarks>/tabulate_arbitrage.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "baselines", "evaluation"),
        code=code("workflow.scripts.tables.tabulate_arbitrage"),
    shell:
        "python -m workflow.scripts.tables.tabulate_arbitrage --settings {params.settings:q}"
        " --comparison {input.comparison} --tex {output.tex} 2>&1 | tee {log}"


rule tabulate_significance:
    """Every method against the reference, with intervals and tests."""
    input:
        comparison=expand("<results>/evaluation/comparison/baselines_{phase}.parquet", phase=PHASES),
    output:
        tex="<results>/tables/significance.tex",
    log:
        "<logs>/tabulate_significance.log",
    benchmark:
        "<benchmarks>/tabulate_significance.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "baselines", "evaluation"),
        code=code("workflow.scripts.tables.tabulate_significance"),
    shell:
        "python -m workflow.scripts.tables.tabulate_significance --settings {params.settings:q}"
        " --comparison {input.comparison} --tex {output.tex} 2>&1 | tee {log}"


rule tabulate_data:
    """The study's surfaces, and what was dropped on the way."""
    input:
        points="<results>/surfaces/points.parquet",
        split="<results>/surfaces/split.parquet",
        rejections="<results>/quotes/rejections.parquet",
        violations="<results>/quotes/violations.parquet",
    output:
        tex="<results>/tables/data.tex",
    log:
        "<logs>/tabulate_data.log",
    benchmark:
        "<benchmarks>/tabulate_data.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split"),
        code=code("workflow.scripts.tables.tabulate_data"),
    shell:
        "python -m workflow.scripts.tables.tabulate_data --settings {params.settings:q}"
        " --points {input.points} --split {input.split} --rejections {input.rejections}"
        " --violations {input.violations} --tex {output.tex} 2>&1 | tee {log}"


rule list_numbers:
    """Numbers that a text quotes, and sentences on what they say, as LaTeX commands."""
    input:
        comparison=expand("<results>/evaluation/comparison/baselines_{phase}.parquet", phase=PHASES),
        ablation=expand("<results>/evaluation/comparison/ablation_{phase}.parquet", phase=PHASES),
        points="<results>/surfaces/points.parquet",
        split="<results>/surfaces/split.parquet",
    output:
        tex="<results>/numbers.tex",
    log:
        "<logs>/list_numbers.log",
    benchmark:
        "<benchmarks>/list_numbers.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "thinning", "masking", "runs", "baselines", "evaluation", "seeds"),
        code=code("workflow.scripts.tables.list_numbers"),
    shell:
        "python -m workflow.scripts.tables.list_numbers --settings {params.settings:q}"
        " --comparison {input.comparison} --ablation {input.ablation} --points {input.points}"
        " --split {input.split} --tex {output.tex} 2>&1 | tee {log}"


rule tabulate_cost:
    """Time and memory of every process that fits or predicts; measured, so the only table that differs between runs."""
    input:
        benchmarks=[
            *of_runs("<benchmarks>/pretrain/{run}_{seed}.tsv"),
            *of_runs("<benchmarks>/finetune/{run}_{seed}.tsv"),
            *(path for phase in PHASES for path in of_runs(f"<benchmarks>/predict/{{run}}.{phase}_{{seed}}.tsv")),
            *of_baselines("<benchmarks>/fit_baseline/{baseline}_{seed}.tsv"),
        ],
        costs=[
            *(path for phase in PHASES for path in of_runs(f"<results>/costs/{{run}}.{phase}/{{seed}}.json")),
            *of_baselines("<results>/costs/{baseline}/{seed}.json"),
        ],
    output:
        tex="<results>/tables/cost.tex",
    log:
        "<logs>/tabulate_cost.log",
    benchmark:
        "<benchmarks>/tabulate_cost.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "baselines"),
        code=code("workflow.scripts.tables.tabulate_cost"),
    shell:
        "python -m workflow.scripts.tables.tabulate_cost --settings {params.settings:q}"
        " --benchmarks {input.benchmarks} --costs {input.costs} --tex {output.tex} 2>&1 | tee {log}"


rule tabulate_settings:
    """Every setting of the study's model, losses and training."""
    output:
        tex="<results>/tables/settings.tex",
    log:
        "<logs>/tabulate_settings.log",
    benchmark:
        "<benchmarks>/tabulate_settings.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "evaluation"),
        code=code("workflow.scripts.tables.tabulate_settings"),
    shell:
        "python -m workflow.scripts.tables.tabulate_settings --settings {params.settings:q}"
        " --tex {output.tex} 2>&1 | tee {log}"


rule show_table:
    """A table as a page, for the report and for readers without a TeX."""
    input:
        tex="<results>/tables/{table}.tex",
        stylesheet="workflow/scripts/reports/report.css",
    output:
        html=report(
            "<results>/tables/{table}.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
    log:
        "<logs>/show_table/{table}.log",
    benchmark:
        "<benchmarks>/show_table/{table}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=5,
    params:
        code=code("workflow.scripts.tables.show_table"),
    shell:
        "python -m workflow.scripts.tables.show_table --tex {input.tex} --stylesheet {input.stylesheet}"
        " --html {output.html} 2>&1 | tee {log}"
