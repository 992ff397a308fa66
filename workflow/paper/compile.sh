#!/usr/bin/env bash
# compile.sh TEX RESULTS FIGURES PDF: a paper from a study's results; the same bytes for the same results, whatever the day.
set -euo pipefail
tex=$1 results=$2 figures=$3 pdf=$4

for program in latexmk pdflatex; do
  command -v "$program" >/dev/null || {
    echo "$pdf needs $program, got none on the PATH: on Debian 12 type" \
      "\`apt-get install latexmk texlive-latex-base texlive-latex-recommended\`." >&2
    exit 1
  }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# TeX writes beside itself only what its own variable allows; the bibliography lies beside the text
export SOURCE_DATE_EPOCH=0 FORCE_SOURCE_DATE=1 TEXMFOUTPUT=$folder BIBINPUTS=$(dirname "$tex"): openout_any=a
latexmk -norc -silent -pdf -interaction=nonstopmode -halt-on-error -outdir="$folder" \
  -usepretex="\\def\\Results{$results}\\def\\Figures{$figures}" "$tex" || {
  grep -A 5 '^!' "$folder"/*.log >&2 || true
  exit 1
}
mv "$folder/$(basename "$tex" .tex).pdf" "$pdf"
