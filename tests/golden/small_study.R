# Of make_golden.R: influence, tests of asymmetry, trim-and-fill, fail-safe N, a selection model.

reml_fit <- "rma(yi, vi, method = \"REML\", control = tight)"

influential <- function(studies, method) {
  text <- sprintf("influence(rma(yi, vi, method = \"%s\", control = tight))", method)
  found <- run(text, studies)
  table <- unclass(found$inf)
  keep <- c("rstudent", "dffits", "cook.d", "cov.r", "tau2.del", "QE.del", "hat", "weight")
  c(
    list(call = text), lapply(table[keep], vec),
    list(dfbs = list(intrcpt = vec(unclass(found$dfbs)$intrcpt[1])), is_infl = vec(found$is.infl))
  )
}

asymmetry <- function(studies, model, predictor) {
  text <- if (model == "lm") {
    sprintf("regtest(yi, vi, model = \"lm\", predictor = \"%s\")", predictor)
  } else {
    sprintf("regtest(%s, predictor = \"%s\")", reml_fit, predictor)
  }
  found <- run(text, studies)
  drop_na(list(
    call = text, stat = found$zval, dfs = if (model == "lm") found$dfs, pval = found$pval,
    est = found$est, ci_lb = found$ci.lb, ci_ub = found$ci.ub
  ))
}

filled <- function(studies, method, estimator) {
  text <- sprintf(
    "trimfill(rma(yi, vi, method = \"%s\", control = tight), estimator = \"%s\")",
    method, estimator
  )
  found <- run(text, studies)
  drop_na(list(
    call = text, side = found$side, k0 = found$k0, se_k0 = found$se.k0, p_k0 = found$p.k0,
    k = found$k, beta = vec(found$beta), se = vec(found$se), ci_lb = vec(found$ci.lb),
    ci_ub = vec(found$ci.ub), pval = vec(found$pval), tau2 = found$tau2,
    yi_filled = vec(found$yi[found$fill]), vi_filled = vec(found$vi[found$fill])
  ))
}

fail_safe <- function(studies, type) {
  text <- sprintf("fsn(yi, vi, type = \"%s\"%s)", type, if (type == "Orwin") ", weighted = TRUE" else "")
  found <- run(text, studies)
  drop_na(list(
    call = text, fsnum = found$fsnum, pval = found$pval, est = found$meanes, target = found$target
  ))
}

# Of the maxima that the optimisers end on, the highest.
selected <- function(studies, steps) {
  side <- if (run(reml_fit, studies)$beta[1] < 0) "less" else "greater"
  best <- NULL
  controls <- c(
    nlminb = "list(optimizer = \"nlminb\", rel.tol = 1e-14, x.tol = 1e-10)",
    optim = "list(optimizer = \"optim\", optmethod = \"BFGS\", reltol = 1e-15, maxit = 1e4)",
    simplex = "list(optimizer = \"optim\", optmethod = \"Nelder-Mead\", reltol = 1e-16, maxit = 1e5)"
  )
  for (name in names(controls)) {
    text <- sprintf(
      paste0("selmodel(rma(yi, vi, method = \"ML\", control = tight), type = \"stepfun\", steps = %s,",
             " alternative = \"%s\", control = %s)"),
      steps, side, controls[[name]]
    )
    fit <- tryCatch(suppressWarnings(run(text, studies)), error = function(e) NULL)
    if (!is.null(fit) && (is.null(best) || logLik(fit) > best$fit$ll)) {
      best <- list(text = text, from = name, fit = fit)
      best$fit$ll <- as.numeric(logLik(fit))
    }
  }
  if (is.null(best)) return(list())
  fit <- best$fit
  list(best = list(
    call = best$text, alternative = side, beta = vec(fit$beta), se = vec(fit$se),
    ci_lb = vec(fit$ci.lb), ci_ub = vec(fit$ci.ub), pval = vec(fit$pval), tau2 = fit$tau2,
    se_tau2 = fit$se.tau2, delta = vec(fit$delta), se_delta = vec(fit$se.delta), ll = fit$ll,
    LRT = fit$LRT, LRTdf = fit$LRTdf, LRTp = fit$LRTp
  ), best_from = best$from)
}

small_study <- function(studies) {
  by <- function(names, f) stats::setNames(lapply(names, f), names)
  k <- length(studies$yi)
  drop_na(list(
    influence = if (k <= 16) by(c("EE", "REML"), function(m) influential(studies, m)),
    regtest = list(
      lm_sei = asymmetry(studies, "lm", "sei"), lm_vi = asymmetry(studies, "lm", "vi"),
      rma_sei = asymmetry(studies, "rma", "sei"), rma_vi = asymmetry(studies, "rma", "vi")
    ),
    ranktest = {
      found <- run("suppressWarnings(ranktest(yi, vi))", studies)
      list(call = "ranktest(yi, vi)", tau = found$tau, pval = found$pval)
    },
    trimfill = by(c("EE", "DL"), function(m) by(c("L0", "R0"), function(e) filled(studies, m, e))),
    fsn = by(c("Rosenthal", "Orwin", "Rosenberg"), function(type) fail_safe(studies, type)),
    selmodel = if (k >= 10) list(stepfun_025 = selected(studies, 0.025))
  ))
}
