#!/usr/bin/env bash
# compile.sh TEX PDF RESULTS FIGURES TABLES PICTURES: a paper from a study's results, the same bytes for the same results. The
# last two are names, with commas between, of tables and pictures that the text does not name and its appendix shows.
set -euo pipefail
tex=$1 pdf=$2 results=$3 figures=$4 tables=$5 pictures=$6

for program in latexmk pdflatex; do
  command -v "$program" >/dev/null || {
    echo "$pdf needs $program, got none on the PATH: on Debian 12 type" \
      "\`apt-get install latexmk texlive-latex-base texlive-latex-recommended\`." >&2
    exit 1
  }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
given="\\def\\Results{$results}\\def\\Figures{$figures}\\def\\OtherTables{$tables}\\def\\OtherFigures{$pictures}"
export SOURCE_DATE_EPOCH=0 FORCE_SOURCE_DATE=1 BIBINPUTS=$(dirname "$tex"):
latexmk -norc -silent -pdf -interaction=nonstopmode -halt-on-error -outdir="$folder" -usepretex="$given" "$tex" || {
  grep -A 5 '^!' "$folder"/*.log >&2 || true
  exit 1
}
mv "$folder/$(basename "$tex" .tex).pdf" "$pdf"
