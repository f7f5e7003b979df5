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
inputs, params = snakemake.input, snakemake.params
results = [typed_json.read(path, AnalysisResult) for path in inputs.models]
added = columns_of(params.review["columns"])
processed = {}
for path in map(Path, inputs.processed):
    processed.setdefault(path.parent.name, {})[path.stem] = files.read(path, added)
known = prisma.selections(processed, inputs.screening, inputs.studies, added)
made = {"prisma_flow": prisma.flow(known), "verification": files.read(inputs.verification)}
facts = prisma.facts_of(params.review, known, processed, inputs.agreement, made["verification"])
made["prisma_checklist"] = prisma.checklist(facts)
files.write(snakemake.output.flow, made["prisma_flow"])
files.write(snakemake.output.checklist, made["prisma_checklist"])
page = methods_page(params.review, made, processed, results, params.menu)
write_page(snakemake.output.page, page)
claimed = claims_page(params.review, files.read(inputs.claims), params.menu)
write_page(snakemake.output.claims, claimed)
logs.done(f"{snakemake.output.page}: {len(results)} results")
