# The datasets of make_golden.R: small, published, and who published them.
#
# data        the rows, as the paper printed them (metadat holds most of them already typed in)
# inputs      the columns that escalc() takes
# analyses    which effect sizes are pooled; diag: with intervals of tau2, BLUPs, leave-one-out
# metareg     formulas over the columns named in `moderators`
# counts      with Mantel-Haenszel and Peto; glmm, levels, exact: with mixed models, UM.RS, CM.EL
# escalc      the ids to keep, where not all of the kind

table2x2 <- function(d, ai, n1i, ci, n2i) {
  d$ai <- d[[ai]]
  d$n1i <- d[[n1i]]
  d$ci <- d[[ci]]
  d$n2i <- d[[n2i]]
  d
}

few <- c("RR", "OR", "RD", "PETO", "AS", "OR_addall", "RTET")

full_run <- list(diag = TRUE)
fits_only <- list()

DATASETS <- list(
  bcg = list(
    citation = paste(
      "Colditz GA, Brewer TF, Berkey CS et al. 1994. Efficacy of BCG vaccine in the prevention of",
      "tuberculosis. JAMA 271:698-702; latitude, year and allocation as in Berkey et al. 1995,",
      "Stat Med 14:395-411"
    ),
    object = "dat.bcg", kind = "tab",
    data = function() {
      d <- dat.bcg
      d$n1i <- d$tpos + d$tneg
      d$n2i <- d$cpos + d$cneg
      table2x2(d, "tpos", "n1i", "cpos", "n2i")
    },
    inputs = c("ai", "n1i", "ci", "n2i"), moderators = c("ablat", "year", "alloc"),
    analyses = list(
      RR = list(diag = TRUE, metareg = list(
        ablat = "~ ablat", ablat_year = "~ ablat + year", alloc = "~ factor(alloc)",
        no_intercept = "~ factor(alloc) - 1"
      )),
      RD = full_run
    ),
    counts = TRUE, glmm = TRUE, levels = TRUE, exact = TRUE
  ),
  hine1989 = list(
    citation = paste(
      "Hine LK, Laird N, Hewitt P, Chalmers TC 1989. Meta-analytic evidence against prophylactic",
      "use of lidocaine in acute myocardial infarction. Arch Intern Med 149:2694-2698"
    ),
    object = "dat.hine1989", kind = "tab", data = function() dat.hine1989,
    inputs = c("ai", "n1i", "ci", "n2i"),
    analyses = list(RD = full_run), counts = TRUE, glmm = TRUE
  ),
  li2007 = list(
    citation = paste(
      "Li J, Zhang Q, Zhang M, Egger M 2007. Intravenous magnesium for acute myocardial",
      "infarction. Cochrane Database Syst Rev 2007(2):CD002755"
    ),
    object = "dat.li2007", kind = "tab", data = function() dat.li2007,
    inputs = c("ai", "n1i", "ci", "n2i"), escalc = few,
    analyses = list(OR = full_run), counts = TRUE
  ),
  nielweise2007 = list(
    citation = paste(
      "Niel-Weise BS, Stijnen T, van den Broek PJ 2007. Anti-infective-treated central venous",
      "catheters: a systematic review of randomized controlled trials. Intensive Care Med",
      "33:2058-2068"
    ),
    object = "dat.nielweise2007", kind = "tab", data = function() dat.nielweise2007,
    inputs = c("ai", "n1i", "ci", "n2i"),
    analyses = list(OR = full_run), counts = TRUE, glmm = TRUE, levels = TRUE
  ),
  collins1985b = list(
    citation = paste(
      "Collins R, Yusuf S, Peto R 1985. Overview of randomised trials of diuretics in pregnancy.",
      "BMJ 290:17-23; pre-eclampsia"
    ),
    object = "dat.collins1985b", kind = "tab",
    data = function() table2x2(dat.collins1985b, "pre.xti", "pre.nti", "pre.xci", "pre.nci"),
    inputs = c("ai", "n1i", "ci", "n2i"), moderators = "oedema",
    analyses = list(OR = list(diag = TRUE, metareg = list(oedema = "~ oedema")), PETO = fits_only),
    counts = TRUE, glmm = TRUE, exact = TRUE
  ),
  yusuf1985 = list(
    citation = paste(
      "Yusuf S, Peto R, Lewis J, Collins R, Sleight P 1985. Beta blockade during and after",
      "myocardial infarction. Prog Cardiovasc Dis 27:335-371; table 6"
    ),
    object = "dat.yusuf1985, rows of table 6", kind = "tab",
    data = function() {
      d <- dat.yusuf1985
      d[d$table == "6", ]
    },
    inputs = c("ai", "n1i", "ci", "n2i"), escalc = few,
    analyses = list(PETO = full_run), counts = TRUE
  ),
  hahn2001 = list(
    citation = paste(
      "Hahn S, Kim Y, Garner P 2001. Reduced osmolarity oral rehydration solution for treating",
      "dehydration due to diarrhoea in children. BMJ 323:81-85"
    ),
    object = "dat.hahn2001", kind = "tab", data = function() dat.hahn2001,
    inputs = c("ai", "n1i", "ci", "n2i"),
    analyses = list(RR_drop00 = full_run), counts = TRUE, glmm = TRUE
  ),
  lee2004 = list(
    citation = paste(
      "Lee A, Done ML 2004. Stimulation of the wrist acupuncture point P6 for preventing",
      "postoperative nausea and vomiting. Cochrane Database Syst Rev 2004(3):CD003281"
    ),
    object = "dat.lee2004", kind = "tab", data = function() dat.lee2004,
    inputs = c("ai", "n1i", "ci", "n2i"), escalc = few, moderators = "year",
    analyses = list(RR = list(diag = TRUE, metareg = list(year = "~ year")), AS = fits_only),
    counts = TRUE
  ),
  graves2010 = list(
    citation = paste(
      "Graves PM, Deeks JJ, Demicheli V, Jefferson T 2010. Vaccines for preventing cholera:",
      "killed whole cell or other subunit vaccines (injected). Cochrane Database Syst Rev",
      "2010(8):CD000974"
    ),
    object = "dat.graves2010", kind = "tab", data = function() dat.graves2010,
    inputs = c("ai", "n1i", "ci", "n2i"), escalc = few,
    analyses = list(RR = full_run), counts = TRUE
  ),
  linde2005 = list(
    citation = paste(
      "Linde K, Berner M, Egger M, Mulrow C 2005. St John's wort for depression: meta-analysis of",
      "randomised controlled trials. Br J Psychiatry 186:99-107"
    ),
    object = "dat.linde2005", kind = "tab", data = function() dat.linde2005,
    inputs = c("ai", "n1i", "ci", "n2i"), moderators = c("major", "duration"),
    analyses = list(RR_drop00 = list(diag = TRUE, metareg = list(
      major_duration = "~ major * duration"
    ))),
    counts = TRUE
  ),
  damico2009 = list(
    citation = paste(
      "D'Amico R, Pifferi S, Torri V, Brazzi L, Parmelli E, Liberati A 2009. Antibiotic",
      "prophylaxis to reduce respiratory tract infections and mortality in adults receiving",
      "intensive care. Cochrane Database Syst Rev 2009(4):CD000022"
    ),
    object = "dat.damico2009", kind = "tab",
    data = function() table2x2(dat.damico2009, "xt", "nt", "xc", "nc"),
    inputs = c("ai", "n1i", "ci", "n2i"), escalc = few, moderators = c("conceal", "blind"),
    analyses = list(OR = list(diag = TRUE, metareg = list(conceal_blind = "~ conceal + blind"))),
    counts = TRUE, glmm = TRUE
  ),
  viechtbauer2021 = list(
    citation = paste(
      "Viechtbauer W 2021. Model checking in meta-analysis. In Schmid CH, Stijnen T, White IR",
      "(eds), Handbook of Meta-Analysis, CRC Press, chapter 11"
    ),
    object = "dat.viechtbauer2021", kind = "tab",
    data = function() table2x2(dat.viechtbauer2021, "xTi", "nTi", "xCi", "nCi"),
    inputs = c("ai", "n1i", "ci", "n2i"), escalc = few, moderators = "dose",
    analyses = list(OR_addall = list(diag = TRUE, metareg = list(dose = "~ dose"))),
    counts = TRUE
  ),
  normand1999 = list(
    citation = paste(
      "Normand SLT 1999. Meta-analysis: formulating, evaluating, combining, and reporting. Stat",
      "Med 18:321-359; length of stay after stroke"
    ),
    object = "dat.normand1999", kind = "smd", data = function() dat.normand1999,
    inputs = c("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"),
    analyses = list(MD = full_run, SMD = full_run)
  ),
  normand1999_arm1 = list(
    citation = paste(
      "Normand SLT 1999. Meta-analysis: formulating, evaluating, combining, and reporting. Stat",
      "Med 18:321-359; length of stay after stroke, first arm only"
    ),
    object = "dat.normand1999", kind = "mean1",
    data = function() {
      data.frame(mi = dat.normand1999$m1i, sdi = dat.normand1999$sd1i, ni = dat.normand1999$n1i)
    },
    inputs = c("mi", "sdi", "ni"), analyses = list(MNLN = fits_only)
  ),
  gibson2002 = list(
    citation = paste(
      "Gibson PG, Powell H, Coughlan J et al. 2002. Self-management education and regular",
      "practitioner review for adults with asthma. Cochrane Database Syst Rev 2002(3):CD001117"
    ),
    object = "dat.gibson2002", kind = "smd", data = function() dat.gibson2002,
    inputs = c("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"), moderators = "year",
    analyses = list(SMD = list(diag = TRUE, metareg = list(year = "~ year")), MD = fits_only)
  ),
  michael2013 = list(
    citation = paste(
      "Michael RB, Newman EJ, Vuorre M, Cumming G, Garry M 2013. On the (non)persuasive power of",
      "a brain image. Psychon Bull Rev 20:720-725"
    ),
    object = "dat.michael2013", kind = "smd",
    data = function() {
      d <- dat.michael2013
      names(d)[names(d) == "Brain_n"] <- "n1i"
      names(d)[names(d) == "Brain_m"] <- "m1i"
      names(d)[names(d) == "Brain_s"] <- "sd1i"
      names(d)[names(d) == "No_brain_n"] <- "n2i"
      names(d)[names(d) == "No_brain_m"] <- "m2i"
      names(d)[names(d) == "No_brain_s"] <- "sd2i"
      d
    },
    inputs = c("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"),
    moderators = c("Included_Critique", "Medium"),
    analyses = list(
      SMD = list(diag = TRUE, metareg = list(critique_medium = "~ Included_Critique + Medium")),
      ROM = fits_only
    )
  ),
  morris2008 = list(
    citation = paste(
      "Morris SB 2008. Estimating effect sizes from pretest-posttest-control group designs. Organ",
      "Res Methods 11:364-386; five studies of training, treatment groups"
    ),
    object = "none: typed from the paper's example", kind = "paired",
    data = function() {
      data.frame(
        m1i = c(38.5, 26.8, 0.7, 75.9, 36.0), sd1i = c(11.6, 4.1, 0.1, 4.4, 4.6),
        m2i = c(30.6, 23.5, 0.5, 53.4, 35.6), sd2i = c(15.0, 3.1, 0.1, 14.5, 4.7),
        ni = c(20, 50, 9, 10, 14), ri = c(0.47, 0.64, 0.77, 0.89, 0.44)
      )
    },
    inputs = c("m1i", "sd1i", "m2i", "sd2i", "ni", "ri"),
    analyses = list(MC = full_run, SMCR = fits_only)
  ),
  molloy2014 = list(
    citation = paste(
      "Molloy GJ, O'Carroll RE, Ferguson E 2014. Conscientiousness and medication adherence: a",
      "meta-analysis. Ann Behav Med 47:92-101"
    ),
    object = "dat.molloy2014", kind = "cor", data = function() dat.molloy2014,
    inputs = c("ri", "ni"), moderators = c("meanage", "quality"),
    analyses = list(ZCOR = list(diag = TRUE, metareg = list(
      meanage_quality = "~ meanage + quality"
    )), COR = fits_only)
  ),
  cohen1981 = list(
    citation = paste(
      "Cohen PA 1981. Student ratings of instruction and student achievement: a meta-analysis of",
      "multisection validity studies. Rev Educ Res 51:281-309"
    ),
    object = "dat.cohen1981", kind = "cor",
    data = function() dat.cohen1981,
    inputs = c("ri", "ni"), analyses = list(ZCOR = full_run)
  ),
  aloe2013 = list(
    citation = paste(
      "Aloe AM, Thompson CG 2013. The synthesis of partial effect sizes. J Soc Social Work Res",
      "4:390-405"
    ),
    object = "dat.aloe2013", kind = "pcor",
    data = function() {
      d <- dat.aloe2013
      data.frame(ti = d$tval, ni = d$n, mi = d$preds, r2i = d$R2)
    },
    inputs = c("ti", "ni", "mi", "r2i"), analyses = list(ZPCOR = full_run)
  ),
  pritz1997 = list(
    citation = paste(
      "Pritz MB 1997. Treatment of cerebral vasospasm due to aneurysmal subarachnoid hemorrhage:",
      "past, present, and future of hyperdynamic therapy. Neurosurg Q 7:273-285"
    ),
    object = "dat.pritz1997", kind = "prop", data = function() dat.pritz1997,
    inputs = c("xi", "ni"), analyses = list(PLO = full_run, PFT = fits_only),
    counts = TRUE, glmm = TRUE
  ),
  debruin2009 = list(
    citation = paste(
      "de Bruin M, Viechtbauer W, Hospers HJ, Schaalma HP, Kok G 2009. Standard care quality",
      "determines treatment outcomes in control groups of HAART-adherence intervention studies.",
      "Health Psychol 28:668-674"
    ),
    object = "dat.debruin2009", kind = "prop", data = function() dat.debruin2009,
    inputs = c("xi", "ni"), moderators = c("scq", "ethnicity"),
    analyses = list(PLO = list(diag = TRUE, metareg = list(
      scq_ethnicity = "~ scq + ethnicity"
    )))
  ),
  nielweise2008 = list(
    citation = paste(
      "Niel-Weise BS, Stijnen T, van den Broek PJ 2008. Anti-infective-treated central venous",
      "catheters for total parenteral nutrition or chemotherapy. J Hosp Infect 69:114-123"
    ),
    object = "dat.nielweise2008", kind = "rate",
    data = function() dat.nielweise2008,
    inputs = c("x1i", "t1i", "x2i", "t2i"), moderators = "year",
    analyses = list(IRR = list(diag = TRUE, metareg = list(year = "~ year"))),
    counts = TRUE, glmm = TRUE
  ),
  hart1999 = list(
    citation = paste(
      "Hart RG, Benavente O, McBride R, Pearce LA 1999. Antithrombotic therapy to prevent stroke",
      "in patients with atrial fibrillation. Ann Intern Med 131:492-501"
    ),
    object = "dat.hart1999", kind = "rate", data = function() dat.hart1999,
    inputs = c("x1i", "t1i", "x2i", "t2i"),
    analyses = list(IRR = full_run, IRD = fits_only), counts = TRUE, glmm = TRUE, levels = TRUE
  ),
  hart1999_arm1 = list(
    citation = paste(
      "Hart RG, Benavente O, McBride R, Pearce LA 1999. Antithrombotic therapy to prevent stroke",
      "in patients with atrial fibrillation. Ann Intern Med 131:492-501; first arm only"
    ),
    object = "dat.hart1999", kind = "rate1",
    data = function() data.frame(xi = dat.hart1999$x1i, ti = dat.hart1999$t1i),
    inputs = c("xi", "ti"), analyses = list(IRLN = fits_only), counts = TRUE, glmm = TRUE
  ),
  frank2008 = list(
    citation = paste(
      "Frank B, Rigas SH, Bermejo JL et al. 2008. The CASP8 -652 6N del promoter polymorphism and",
      "breast cancer risk: a multicenter study. Breast Cancer Res Treat 111:139-144; genotypes of",
      "the cases"
    ),
    object = "dat.frank2008", kind = "genotypes",
    data = function() {
      d <- dat.frank2008
      data.frame(ai = d$bc.ins.ins, bi = d$bc.ins.del, ci = d$bc.del.del)
    },
    inputs = c("ai", "bi", "ci"), analyses = list(REH = fits_only)
  ),
  bonett2010 = list(
    citation = paste(
      "Bonett DG 2010. Varying coefficient meta-analytic methods for alpha reliability. Psychol",
      "Methods 15:368-385"
    ),
    object = "dat.bonett2010", kind = "alpha", data = function() dat.bonett2010,
    inputs = c("ai", "mi", "ni"), analyses = list(ABT = full_run, ARAW = fits_only)
  ),
  raudenbush1985 = list(
    citation = paste(
      "Raudenbush SW 1984. Magnitude of teacher expectancy effects on pupil IQ as a function of",
      "the credibility of expectancy induction. J Educ Psychol 76:85-97; Raudenbush & Bryk 1985,",
      "J Educ Stat 10:75-98"
    ),
    object = "dat.raudenbush1985", kind = "gen",
    data = function() {
      d <- dat.raudenbush1985
      data.frame(yi = as.vector(d$yi), vi = d$vi, weeks = pmin(d$weeks, 3), setting = d$setting)
    },
    inputs = c("yi", "vi"), moderators = c("weeks", "setting"),
    analyses = list(GEN = list(diag = TRUE, metareg = list(
      weeks = "~ weeks", weeks_setting = "~ weeks + setting"
    )))
  ),
  baskerville2012 = list(
    citation = paste(
      "Baskerville NB, Liddy C, Hogg W 2012. Systematic review and meta-analysis of practice",
      "facilitation within primary care settings. Ann Fam Med 10:63-74"
    ),
    object = "dat.baskerville2012", kind = "gen",
    data = function() {
      d <- dat.baskerville2012
      data.frame(yi = d$smd, vi = d$se^2, score = d$score)
    },
    inputs = c("yi", "vi"), moderators = "score",
    analyses = list(GEN = list(diag = TRUE, metareg = list(score = "~ score")))
  )
)
