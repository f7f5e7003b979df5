# The same analyses by metafor, to compare times: model, influence, four figures each.
# Rscript benchmarks/pipeline.R results /tmp/figures
suppressPackageStartupMessages(library(metafor))
arguments <- commandArgs(trailingOnly = TRUE)
out <- arguments[2]
dir.create(out, showWarnings = FALSE, recursive = TRUE)
for (file in Sys.glob(file.path(arguments[1], "*", "*", "studies.csv"))) {
  studies <- read.csv(file)
  studies <- studies[!is.na(studies$vi), ]
  if (nrow(studies) < 2) next
  name <- paste(basename(dirname(dirname(file))), basename(dirname(file)), sep = "_")
  fit <- rma(yi, vi, data = studies, slab = study, method = "REML", test = "knha")
  measures <- influence(fit)
  left <- leave1out(fit)
  drawn <- list(
    forest = function() forest(fit), funnel = function() funnel(fit),
    baujat = function() baujat(fit), cumulative = function() forest(cumul(fit))
  )
  for (figure in names(drawn)) {
    svg(file.path(out, paste0(name, "_", figure, ".svg")))
    try(drawn[[figure]](), silent = TRUE)
    dev.off()
  }
}
