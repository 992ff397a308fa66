"""The paper of a study, where there is a TeX to compile it."""


rule compile_paper:
    """The study as a short paper: its numbers, tables and figures, and no others."""
    input:
        script="workflow/paper/compile.sh",
        tex="workflow/paper/paper.tex",
        references="workflow/paper/references.bib",
        numbers="<results>/numbers.tex",
        tables=expand("<results>/tables/{table}.tex", table=SETTLED_TABLES),
        figures=expand("<figures>/{figure}.pdf", figure=FIGURES),
    output:
        pdf=report(
            "<results>/paper.pdf",
            caption="../report/paper.rst",
            category="Paper",
            labels={"paper": "paper"},
        ),
    log:
        "<logs>/compile_paper.log",
    benchmark:
        "<benchmarks>/compile_paper.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=5,
    params:
        folders=[STUDY["results"], STUDY["figures"]],
        other_tables=",".join(sorted(set(SETTLED_TABLES) - set(PAPER_TABLES))),
        other_figures=",".join(sorted(set(FIGURES) - set(PAPER_FIGURES))),
    shell:
        "workflow/paper/compile.sh {input.tex} {output.pdf} {params.folders} {params.other_tables:q}"
        " {params.other_figures:q} 2>&1 | tee {log}"
