"""Lay out how the review was made and what is claimed; the flow and the checklists."""

from pathlib import Path

from trialpool import logs, typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.review.report import prisma
from trialpool.review.report.methods_page import claims_page, methods_page
from trialpool.review.report.rendering import write_page
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
inputs, params, output = snakemake.input, snakemake.params, snakemake.output
review, menu = params.review, params.menu
results = [typed_json.read(path, AnalysisResult) for path in inputs.models]
processed, added = {}, columns_of(review["columns"])
for path in map(Path, inputs.processed):
    processed.setdefault(path.parent.name, {})[path.stem] = files.read(path, added)
known = prisma.selections(processed, inputs.screening, inputs.studies, added)
tables = ("agreement", "certainty", "missing_evidence", "verification")
named = {name: list(map(files.read, inputs[name])) for name in tables}
named["risk_of_bias"] = [each["risk_of_bias"] for each in processed.values()]
made = {"prisma_flow": prisma.flow(known), "verification": named["verification"][0]}
made["prisma_checklist"] = prisma.checklist(prisma.facts_of(review, known, results, named))
files.write(output.flow, made["prisma_flow"])
files.write(output.checklist, made["prisma_checklist"])
write_page(output.page, methods_page(review, made, processed, results, menu))
write_page(output.claims, claims_page(review, files.read(inputs.claims), menu))
logs.done(f"{output.page}: {len(results)} results")
