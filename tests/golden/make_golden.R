# Makes tests/golden/data/*.json: reference numbers on small published datasets.
#
#   Rscript tests/golden/make_golden.R [dataset ...]        (from the root of the repository)
#
# Needs Debian's r-cran-metafor, r-cran-metadat and, for the exact conditional model,
# r-cran-biasedurn (versions are written into each file). The data sets are in datasets.R, influence
# and small-study effects in small_study.R.
# A number is the result of the R text kept beside it under `call`: the text is what is evaluated.

suppressMessages({
  library(metafor)
  library(metadat)
})
options(warn = 1, OutDec = ".", useFancyQuotes = FALSE)

FOLDER <- "tests/golden/data"
METHODS <- c("EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")
SOME_METHODS <- c("DL", "ML", "REML", "PM")
TESTS <- c("z", "t", "knha", "adhoc")
version <- function(package) packageDescription(package)$Version
SOFTWARE <- list(
  R = paste(R.version$major, R.version$minor, sep = "."), metafor = version("metafor"),
  metadat = version("metadat"), lme4 = version("lme4"), BiasedUrn = version("BiasedUrn")
)

# metafor stops its iterations early by default, by percents of tau2 where tau2 is small. Its
# threshold is absolute, so it goes by the size of the sampling variances.
tight_for <- function(vi) {
  sprintf("list(threshold = 1e%d, tol = 1e-15, maxiter = 1e4)", floor(log10(median(vi))) - 12)
}
# With 100 points of quadrature, and not 7, the sum is the integral for all purposes.
TIGHT_GLMM <- "list(optimizer = \"nlminb\", optCtrl = list(rel.tol = 1e-15, x.tol = 1e-12))"
tight_glmm <- eval(parse(text = TIGHT_GLMM))

# --- JSON: a short object on one line, else one key per line; every double exact -----------------

WIDTH <- 1500

number <- function(x) {
  if (is.na(x)) return(if (is.nan(x)) "\"NaN\"" else "null")
  if (is.infinite(x)) return(if (x > 0) "\"Inf\"" else "\"-Inf\"")
  for (digits in 15:17) {
    text <- sprintf("%.*g", digits, x)
    if (as.numeric(text) == x) return(text)
  }
  text
}

atom <- function(x) {
  if (is.character(x)) return(encodeString(enc2utf8(x), quote = "\""))
  if (is.logical(x) && !is.na(x)) return(if (x) "true" else "false")
  number(as.numeric(x))
}

json <- function(x, indent = "") {
  deeper <- paste0(indent, "  ")
  if (is.list(x)) {
    if (length(x) == 0) return("{}")
    entries <- vapply(names(x), function(key) {
      paste0(atom(key), ": ", json(x[[key]], deeper))
    }, "")
    short <- paste0("{", paste(entries, collapse = ", "), "}")
    if (nchar(short) <= WIDTH && !grepl("\n", short, fixed = TRUE)) return(short)
    return(paste0("{\n", paste0(deeper, entries, collapse = ",\n"), "\n", indent, "}"))
  }
  if (is.matrix(x)) {
    rows <- apply(x, 1, function(row) json(array(row)))
    return(paste0("[", paste(rows, collapse = ", "), "]"))
  }
  # An array of one dimension is a list even where it holds one number.
  if (length(x) == 1 && is.null(dim(x))) return(atom(x))
  paste0("[", paste(vapply(x, atom, ""), collapse = ", "), "]")
}

vec <- function(x) array(as.vector(unname(x)))

# --- one call, its text kept ---------------------------------------------------------------------

run <- function(text, frame) eval(parse(text = text), frame, globalenv())

drop_na <- function(x) {
  Filter(function(value) length(value) > 0 && !(is.atomic(value) && all(is.na(value))), x)
}

# --- rma.uni ---------------------------------------------------------------------------------------

coefficients_of <- function(fit) {
  list(
    se = vec(fit$se), stat = vec(fit$zval), ddf = if (fit$test != "z") vec(fit$ddf),
    pval = vec(fit$pval), ci_lb = vec(fit$ci.lb), ci_ub = vec(fit$ci.ub)
  )
}

prediction <- function(fit) {
  ours <- predict(fit)
  riley <- predict(fit, pi.type = "riley")
  list(
    pred = ours$pred, se = ours$se, ci_lb = ours$ci.lb, ci_ub = ours$ci.ub,
    pi_lb = ours$pi.lb, pi_ub = ours$pi.ub, pi_lb_riley = riley$pi.lb, pi_ub_riley = riley$pi.ub
  )
}

moderator_test <- function(fit) {
  if (fit$int.only) return(list())
  list(QM = fit$QM, QMdf = vec(fit$QMdf), QMp = fit$QMp)
}

# Every field of a fit, under the names of the reference schema.
full <- function(fit) {
  out <- c(
    list(k = fit$k, p = fit$p, beta = vec(fit$beta)), coefficients_of(fit), moderator_test(fit),
    list(
      vb = unname(fit$vb), tau2 = fit$tau2, se_tau2 = fit$se.tau2, I2 = fit$I2, H2 = fit$H2,
      R2 = fit$R2, QE = fit$QE, QEdf = fit$k - fit$p, QEp = fit$QEp,
      # The likelihood that the estimator belongs to.
      fit = if (fit$method == "REML") {
        list(REML = vec(fit$fit.stats$REML))
      } else {
        list(ML = vec(fit$fit.stats$ML))
      }
    )
  )
  drop_na(out)
}

uni <- function(studies, tests) {
  out <- list()
  for (method in METHODS) {
    for (test in tests) {
      text <- sprintf("rma(yi, vi, method = \"%s\", test = \"%s\", control = tight)", method, test)
      fit <- run(text, studies)
      random <- method != "EE"
      part <- if (test == "z") {
        c(full(fit), list(pred = drop_na(prediction(fit))))
      } else {
        c(drop_na(coefficients_of(fit)), if (random) prediction(fit)[5:8])
      }
      out[[method]][[test]] <- c(list(call = text), part)
    }
  }
  out
}

interval <- function(text, frame) {
  ci <- run(text, frame)
  rows <- ci$random
  list(
    call = text, tau2 = vec(rows["tau^2", ]), tau = vec(rows["tau", ]), I2 = vec(rows["I^2(%)", ]),
    H2 = vec(rows["H^2", ]), lb_sign = ci$lb.sign, ub_sign = ci$ub.sign
  )
}

columns <- function(text, frame, keep) {
  # The class of these tables takes `[` for rows; cumul() calls its p values otherwise.
  table <- unclass(run(text, frame))
  names(table)[names(table) == "pvals"] <- "pval"
  c(list(call = text), lapply(table[keep], vec))
}

diagnostics <- function(studies) {
  fitted <- function(method, test = "z") {
    sprintf("rma(yi, vi, method = \"%s\", test = \"%s\", control = tight)", method, test)
  }
  on <- function(f, fit) sprintf("%s(%s)", f, fit)
  ci <- function(method, type) {
    interval(sprintf("confint(%s, type = \"%s\", control = tight)", fitted(method), type), studies)
  }
  main <- c("estimate", "se", "tau2")
  all <- c("estimate", "se", "zval", "pval", "ci.lb", "ci.ub", "Q", "Qp", "tau2", "I2", "H2")
  test <- c("se", "pval", "ci.lb", "ci.ub")
  rest <- c("pred", "se", "pi.lb", "pi.ub")
  blups <- function(f) {
    out <- columns(on(f, fitted("REML")), studies, rest)
    stats::setNames(out, sub(".", "_", names(out), fixed = TRUE))
  }
  reml <- run(fitted("REML"), studies)
  hc_text <- sprintf("hc(%s, control = list(tol = 1e-15))", fitted("DL"))
  hc_fit <- run(hc_text, studies)
  # Tables of k refits are kept for short data sets only.
  short <- length(studies$yi) <= 16
  drop_na(list(
    confint = list(
      QP_REML = ci("REML", "QP"), QP_DL = ci("DL", "QP"),
      PL_ML = ci("ML", "PL"), PL_REML = ci("REML", "PL")
    ),
    leave1out = if (short) list(
      EE = columns(on("leave1out", fitted("EE")), studies, c("estimate", "se", "Q")),
      DL = columns(on("leave1out", fitted("DL")), studies, main),
      REML = columns(on("leave1out", fitted("REML")), studies, all),
      REML_knha = columns(on("leave1out", fitted("REML", "knha")), studies, test)
    ),
    cumul = if (short) list(
      order = "as given",
      EE = columns(on("cumul", fitted("EE")), studies, c("estimate", "se")),
      REML = columns(on("cumul", fitted("REML")), studies, setdiff(all, c("zval", "Qp")))
    ),
    blup = list(REML = blups("blup")),
    ranef = list(REML = blups("ranef")),
    weights = list(REML = vec(weights(reml))),
    hc = list(
      call = hc_text, beta = vec(hc_fit$beta), se = vec(hc_fit$se), ci_lb = vec(hc_fit$ci.lb),
      ci_ub = vec(hc_fit$ci.ub), tau2 = hc_fit$tau2
    )
  ))
}

# --- meta-regression -------------------------------------------------------------------------------

metareg <- function(studies, formula, methods) {
  fitted <- function(method, test) {
    sprintf(
      "rma(yi, vi, mods = %s, method = \"%s\", test = \"%s\", control = tight)",
      formula, method, test
    )
  }
  fits <- list()
  for (method in methods) {
    for (test in c("z", if (method %in% SOME_METHODS) "knha")) {
      text <- fitted(method, test)
      fit <- run(text, studies)
      part <- if (test == "z") full(fit) else c(coefficients_of(fit), moderator_test(fit))
      fits[[method]][[test]] <- c(list(call = text), drop_na(part))
    }
  }
  reml <- run(fitted("REML", "z"), studies)
  band <- predict(reml)
  own <- blup(reml)
  design <- unname(reml$X)
  out <- list(
    X = design, X_names = vec(colnames(reml$X)), fits = fits,
    confint_QP_REML = interval(
      sprintf("confint(%s, control = tight)", fitted("REML", "z")), studies
    ),
    fitted = list(
      call = sprintf("predict(%s)", fitted("REML", "z")),
      pred = vec(band$pred), se = vec(band$se), ci_lb = vec(band$ci.lb), ci_ub = vec(band$ci.ub),
      pi_lb = vec(band$pi.lb), pi_ub = vec(band$pi.ub)
    ),
    blup_REML = list(
      call = sprintf("blup(%s)", fitted("REML", "z")), pred = vec(own$pred), se = vec(own$se)
    )
  )
  if (ncol(design) > 2) out$vif <- vec(as.data.frame(vif(reml))$vif)
  out
}

# --- counts ------------------------------------------------------------------------------------------

counted <- function(text, frame) {
  fit <- run(text, frame)
  out <- list(
    call = text, k = fit$k, k_pos = fit$k.pos, k_yi = fit$k.yi, beta = vec(fit$beta),
    se = vec(fit$se), stat = vec(fit$zval), pval = vec(fit$pval), ci_lb = vec(fit$ci.lb),
    ci_ub = vec(fit$ci.ub), QE = fit$QE, QEdf = fit$k.yi - 1, QEp = fit$QEp, I2 = fit$I2,
    H2 = fit$H2, MH = fit$MH, MHp = fit$MHp, BD = fit$BD, BDp = fit$BDp, TA = fit$TA,
    TAp = fit$TAp, CO = fit$CO, COp = fit$COp
  )
  drop_na(out)
}

mixed <- function(text, frame, points = NULL) {
  fit <- run(text, frame)
  out <- list(
    call = text, nAGQ = points, k = fit$k, k_yi = fit$k.yi, beta = vec(fit$beta), se = vec(fit$se),
    stat = vec(fit$zval), pval = vec(fit$pval), ci_lb = vec(fit$ci.lb), ci_ub = vec(fit$ci.ub),
    vb = unname(fit$vb), tau2 = fit$tau2, sigma2 = fit$sigma2, I2 = fit$I2, H2 = fit$H2,
    QE_Wld = fit$QE.Wld, QEp_Wld = fit$QEp.Wld, QE_LRT = fit$QE.LRT, QEp_LRT = fit$QEp.LRT,
    QE_df = fit$QE.df, fit = vec(fit$fit.stats$ML)
  )
  drop_na(out)
}

pooled_counts <- function(inputs, kind, plan) {
  complete <- stats::complete.cases(as.data.frame(inputs))
  frame <- lapply(as.list(inputs), function(x) x[complete])
  data <- paste(names(inputs), "=", names(inputs), collapse = ", ")
  mh <- function(measure, more = "") {
    counted(sprintf("rma.mh(%s, measure = \"%s\"%s)", data, measure, more), frame)
  }
  out <- list()
  if (kind == "tab") {
    out$mh <- list(
      OR = mh("OR"), RR = mh("RR"), RD = mh("RD"), OR_correct_F = mh("OR", ", correct = FALSE")
    )
    out$peto <- counted(sprintf("rma.peto(%s)", data), frame)
  } else if (kind == "rate") {
    out$mh <- list(IRR = mh("IRR"), IRD = mh("IRD"))
  }
  if (!isTRUE(plan$glmm)) return(out)

  measure <- c(tab = "OR", rate = "IRR", prop = "PLO", rate1 = "IRLN")[[kind]]
  one_arm <- kind %in% c("prop", "rate1")
  models <- if (one_arm) measure else {
    c("UM.FS", if (isTRUE(plan$levels)) "UM.RS", if (kind == "tab") "CM.AL")
  }
  for (model in models) {
    # Two random effects per study: metafor has the Laplace approximation for them only.
    points <- if (model == "UM.RS") 1L else 100L
    for (method in c("ML", if (model != "UM.RS") "EE")) {
      text <- sprintf(
        "rma.glmm(%s, measure = \"%s\"%s, method = \"%s\", nAGQ = %d, control = tight_glmm)",
        data, measure, if (one_arm) "" else sprintf(", model = \"%s\"", model), method, points
      )
      end <- if (one_arm) paste0("_", method) else if (method == "EE") "_EE" else ""
      out$glmm[[paste0(model, end)]] <- mixed(text, frame, points)
    }
  }
  if (isTRUE(plan$exact)) {
    text <- "rma.glmm(%s, measure = \"OR\", model = \"CM.EL\", method = \"%s\")"
    out$glmm$CM.EL <- mixed(sprintf(text, data, "ML"), frame)
    out$glmm$CM.EL_EE <- mixed(sprintf(text, data, "EE"), frame)
  }
  out
}

# --- effect sizes --------------------------------------------------------------------------------------

id <- function(measure, ...) list(measure = measure, options = list(...))

ESCALC <- list(
  tab = list(
    RR = id("RR"), OR = id("OR"), RD = id("RD"), PETO = id("PETO"), AS = id("AS"),
    OR_addall = id("OR", add = 0.5, to = "all"), RR_addall = id("RR", add = 0.5, to = "all"),
    OR_if0all = id("OR", add = 0.5, to = "if0all"), OR_none = id("OR", to = "none"),
    RR_none = id("RR", to = "none"), OR_drop00 = id("OR", drop00 = TRUE),
    RR_drop00 = id("RR", drop00 = TRUE), OR_add1 = id("OR", add = 1, to = "only0"),
    PHI = id("PHI"), YUQ = id("YUQ"), YUY = id("YUY"), PBIT = id("PBIT"), OR2DN = id("OR2DN"),
    OR2DL = id("OR2DL"), RTET = id("RTET")
  ),
  smd = list(
    MD = id("MD"), MD_HO = id("MD", vtype = "HO"), SMD = id("SMD"),
    SMD_UB = id("SMD", vtype = "UB"), SMD_LS2 = id("SMD", vtype = "LS2"),
    SMD_AV = id("SMD", vtype = "AV"), SMDH = id("SMDH"), SMD1 = id("SMD1"), SMD1H = id("SMD1H"),
    ROM = id("ROM"), ROM_HO = id("ROM", vtype = "HO"), CVR = id("CVR"), VR = id("VR"),
    RPB = id("RPB"), RBIS = id("RBIS"), D2OR = id("D2ORN"), D2ORL = id("D2ORL")
  ),
  paired = list(
    MC = id("MC"), SMCC = id("SMCC"), SMCR = id("SMCR"), SMCRH = id("SMCRH"), ROMC = id("ROMC"),
    CVRC = id("CVRC"), VRC = id("VRC")
  ),
  cor = list(
    ZCOR = id("ZCOR"), COR = id("COR"), COR_AV = id("COR", vtype = "AV"), UCOR = id("UCOR"),
    UCOR_UB = id("UCOR", vtype = "UB")
  ),
  pcor = list(PCOR = id("PCOR"), ZPCOR = id("ZPCOR"), SPCOR = id("SPCOR")),
  prop = list(
    PLO = id("PLO"), PR = id("PR"), PLN = id("PLN"), PAS = id("PAS"), PFT = id("PFT"),
    PLO_addall = id("PLO", add = 0.5, to = "all"), PR_UB = id("PR", vtype = "UB")
  ),
  rate = list(
    IRR = id("IRR"), IRR_addall = id("IRR", add = 0.5, to = "all"), IRD = id("IRD"),
    IRSD = id("IRSD")
  ),
  rate1 = list(IR = id("IR"), IRLN = id("IRLN"), IRS = id("IRS"), IRFT = id("IRFT")),
  mean1 = list(
    MN = id("MN"), MNLN = id("MNLN"), SDLN = id("SDLN"), CVLN = id("CVLN"), SMN = id("SMN")
  ),
  genotypes = list(REH = id("REH")),
  alpha = list(ARAW = id("ARAW"), AHW = id("AHW"), ABT = id("ABT"))
)

effect_sizes <- function(inputs, kind, only) {
  out <- list()
  for (name in if (is.null(only)) names(ESCALC[[kind]]) else only) {
    asked <- ESCALC[[kind]][[name]]
    arguments <- paste(names(inputs), "=", names(inputs), collapse = ", ")
    options <- vapply(names(asked$options), function(o) {
      sprintf(", %s = %s", o, deparse(asked$options[[o]]))
    }, "")
    text <- sprintf(
      "escalc(measure = \"%s\", %s%s)", asked$measure, arguments, paste(options, collapse = "")
    )
    es <- run(text, as.list(inputs))
    entry <- list(id = name, measure = asked$measure)
    if (length(asked$options) > 0) entry$options <- asked$options
    out[[name]] <- c(entry, list(call = text, yi = vec(es$yi), vi = vec(es$vi)))
  }
  out
}

# --- datasets ----------------------------------------------------------------------------------------

source("tests/golden/small_study.R")
source("tests/golden/datasets.R")

make <- function(name) {
  plan <- DATASETS[[name]]
  message(name)
  raw <- plan$data()
  inputs <- raw[plan$inputs]
  escalc_of <- if (plan$kind == "gen") list() else effect_sizes(inputs, plan$kind, plan$escalc)
  analyses <- list()
  for (which in names(plan$analyses)) {
    asked <- plan$analyses[[which]]
    es <- if (plan$kind == "gen") raw[c("yi", "vi")] else escalc_of[[which]][c("yi", "vi")]
    yi <- as.vector(es$yi)
    vi <- as.vector(es$vi)
    keep <- which(is.finite(yi) & is.finite(vi) & vi > 0)
    studies <- c(list(yi = yi[keep], vi = vi[keep]), as.list(raw[keep, plan$moderators, drop = FALSE]))
    studies$tight <- eval(parse(text = tight_for(studies$vi)))
    part <- list(
      id = which, tight = tight_for(studies$vi), measure = if (plan$kind == "gen") "GEN" else escalc_of[[which]]$measure,
      k = length(keep), n_missing = length(yi) - length(keep), keep = vec(keep - 1),
      yi = vec(studies$yi), vi = vec(studies$vi),
      uni = uni(studies, if (isTRUE(asked$diag)) TESTS else c("z", "knha"))
    )
    if (isTRUE(asked$diag)) part$diag <- c(diagnostics(studies), small_study(studies))
    for (label in names(asked$metareg)) {
      methods <- if (label == names(asked$metareg)[1]) METHODS else SOME_METHODS
      part$metareg[[label]] <- metareg(studies, asked$metareg[[label]], methods)
    }
    analyses[[which]] <- part
  }
  out <- list(
    dataset = name, citation = plan$citation, metadat_object = plan$object, kind = plan$kind,
    software = SOFTWARE,
    inputs = lapply(as.list(inputs), vec)
  )
  if (length(escalc_of) > 0) out$escalc <- escalc_of
  out$analyses <- analyses
  if (isTRUE(plan$counts)) {
    out$special <- c(list(tight_glmm = TIGHT_GLMM), pooled_counts(inputs, plan$kind, plan))
  }
  writeLines(json(out), file.path(FOLDER, paste0(name, ".json")), useBytes = TRUE)
}

chosen <- commandArgs(trailingOnly = TRUE)
for (name in if (length(chosen) > 0) chosen else names(DATASETS)) make(name)
