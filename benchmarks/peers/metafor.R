# metafor: the loop of worker.py, in R. Rscript metafor.R FOLDER
#
# Requests and answers are as there. Functions are named as in tasks.KINDS; each gives what is timed
# (call) and how to read the compared numbers out of it (numbers).

args <- commandArgs(trailingOnly = TRUE)
folder <- args[1]
say <- function(...) {
  cat(..., "\n", sep = "")
  flush(stdout())
}
if (!requireNamespace("metafor", quietly = TRUE)) {
  say('{"unavailable": "R has no package metafor"}')
  quit()
}
suppressPackageStartupMessages(library(metafor))
options(digits = 17)

# Columns are read when first asked for, so that no data set is read for nothing.
column <- function(data, name) {
  file <- file.path(folder, data, paste0(name, ".csv"))
  x <- as.matrix(read.csv(file, header = FALSE))
  if (ncol(x) == 1) as.vector(x) else unname(x)
}
# Ends an answer: reason is "not offered" or "not run".
decline <- function(reason, text) {
  stop(structure(
    class = c("declined", "error", "condition"),
    list(message = text, call = NULL, reason = reason)
  ))
}
pooled <- function(fit) list(estimate = as.vector(fit$beta), tau2 = fit$tau2)

fit <- function(data, method) {
  yi <- column(data, "yi")
  vi <- column(data, "vi")
  list(call = function() rma(yi, vi, method = method), numbers = pooled)
}

many <- function(data, method) {
  yi <- column(data, "yi")
  vi <- column(data, "vi")
  one <- function(i) {
    found <- tryCatch(rma(yi[i, ], vi[i, ], method = method), error = function(e) NULL)
    if (is.null(found)) c(NA, NA) else c(found$beta, found$tau2)
  }
  list(
    call = function() vapply(seq_len(nrow(yi)), one, c(0, 0)),
    numbers = function(out) list(estimate = out[1, ], tau2 = out[2, ])
  )
}

subsets <- function(data, method) {
  fitted <- rma(column(data, "yi"), column(data, "vi"), method = method)
  list(
    call = function() gosh(fitted, progbar = FALSE),
    numbers = function(out) {
      place <- as.vector(out$incl %*% 2^(seq_len(fitted$k) - 1))
      estimate <- tau2 <- rep(NA_real_, 2^fitted$k - 1)
      estimate[place] <- out$res$estimate
      tau2[place] <- out$res$tau2
      list(estimate = estimate, tau2 = tau2)
    }
  )
}

leave_one_out <- function(data, method) {
  yi <- column(data, "yi")
  if (length(yi) > 200) decline("not run", "not run: some 40 minutes")
  fitted <- rma(yi, column(data, "vi"), method = method)
  list(
    call = function() leave1out(fitted),
    numbers = function(out) list(estimate = out$estimate, tau2 = out$tau2)
  )
}

influence_of_all <- function(data, method) {
  fitted <- rma(column(data, "yi"), column(data, "vi"), method = method)
  list(
    call = function() influence(fitted, progbar = FALSE),
    numbers = function(out) {
      x <- out$inf
      list(
        rstudent = x$rstudent, dffits = x$dffits, cook_d = x$cook.d, cov_r = x$cov.r,
        tau2_del = x$tau2.del, qe_del = x$QE.del, hat = x$hat, weight = x$weight,
        dfbetas = out$dfbs$intrcpt
      )
    }
  )
}

regression <- function(data, method) {
  columns <- data.frame(sapply(c("yi", "vi", "ablat", "year"), function(x) column(data, x)))
  list(
    call = function() {
      rma(yi, vi, mods = ~ ablat + year, data = columns, method = method, test = "knha")
    },
    numbers = pooled
  )
}

permutation <- function(data, iterations) {
  fitted <- regression(data, "REML")$call()
  list(
    call = function() permutest(fitted, iter = as.integer(iterations), progbar = FALSE),
    numbers = function(out) list("p value" = out$pval)
  )
}

selection <- function(data, weight) {
  fitted <- rma(column(data, "yi"), column(data, "vi"), method = "ML")
  chosen <- list(beta = list(type = "beta"), step = list(type = "stepfun", steps = 0.025))[[weight]]
  list(
    call = function() do.call(selmodel, c(list(fitted, alternative = "less"), chosen)),
    numbers = function(out) c(pooled(out), list(delta = out$delta))
  )
}

multilevel <- function(data, method) {
  columns <- data.frame(sapply(c("yi", "vi", "outer", "inner"), function(x) column(data, x)))
  many <- nrow(columns) > 1000
  list(
    call = function() {
      rma.mv(yi, vi, random = ~ 1 | outer / inner, data = columns, method = method, sparse = many)
    },
    numbers = function(out) list(estimate = as.vector(out$beta), sigma2 = out$sigma2)
  )
}

effects <- function(data, measure) {
  ai <- column(data, "ai")
  n1i <- column(data, "n1i")
  ci <- column(data, "ci")
  n2i <- column(data, "n2i")
  list(
    call = function() escalc(measure, ai = ai, n1i = n1i, ci = ci, n2i = n2i),
    numbers = function(out) list(estimate = as.vector(out$yi), variance = out$vi)
  )
}

KINDS <- list(
  fit = fit, many = many, subsets = subsets, leave_one_out = leave_one_out,
  influence = influence_of_all, regression = regression, permutation = permutation,
  selection = selection, multilevel = multilevel, effects = effects
)

# JSON by hand, so that R needs nothing but metafor.
json <- function(numbers) {
  text <- lapply(numbers, function(x) {
    paste(ifelse(is.finite(x), sprintf("%.17g", x), "NaN"), collapse = ", ")
  })
  paste0("{", paste0('"', names(numbers), '": [', text, "]", collapse = ", "), "}")
}
quoted <- function(text) paste0('"', gsub("[\"\\\\\n]", " ", text), '"')

milliseconds <- function(call, times) {
  start <- Sys.time()
  for (i in seq_len(times)) out <- call()
  list(ms = 1000 * as.numeric(difftime(Sys.time(), start, units = "secs")) / times, out = out)
}

say(
  '{"version": ', quoted(as.character(packageVersion("metafor"))), ', "runs on": ',
  quoted(paste0("R ", getRversion(), ", ", basename(extSoftVersion()[["BLAS"]]))), "}"
)
jobs <- list()
requests <- file("stdin", "r")
while (length(line <- readLines(requests, n = 1)) > 0) {
  asked <- strsplit(line, " ")[[1]]
  name <- paste(asked[1:3], collapse = " ")
  times <- as.integer(asked[4])
  answer <- tryCatch(suppressWarnings({
    if (is.null(KINDS[[asked[1]]])) decline("not offered", asked[1])
    if (is.null(jobs[[name]])) jobs[[name]] <- KINDS[[asked[1]]](asked[2], asked[3])
    took <- milliseconds(jobs[[name]]$call, max(times, 1))
    numbers <- if (times == 0) {
      paste0(', "numbers": ', json(jobs[[name]]$numbers(took$out)))
    }
    paste0('{"ms": ', sprintf("%.17g", took$ms), numbers, "}")
  }),
  declined = function(e) paste0("{", quoted(e$reason), ": ", quoted(conditionMessage(e)), "}"),
  error = function(e) paste0('{"failed": ', quoted(conditionMessage(e)), "}"))
  say(answer)
}
