"""Coefficients of a meta-regression and their joint test, for one fit or many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, fdtrc

from trialpool.pooling.design import Design
from trialpool.pooling.inference import knapp_hartung
from trialpool.pooling.studies import Numbers
from trialpool.results import NAN, Array


class Wald(NamedTuple):
    """Coefficients (..., p), their covariance (..., p, p) and statistics, for ... fits."""

    beta: Array
    vb: Array
    se: Array
    zval: Array
    qm: Numbers
    qm_pval: Numbers


def wald(s: Design, tau2: Numbers, test: str, tested: list[int]) -> Wald:
    """Least squares with weights 1/(v + tau2), in the units given, and the test of `tested`.

    `qm` is chi-squared under "z" and F otherwise; NaN where nothing is tested or a standard
    error is 0.
    """
    unit = np.asarray(s.unit)
    factor = np.asarray(knapp_hartung(s.rss(s.weights(tau2)) / s.df, test)) * unit * unit
    scaled, spread = s.coefficients(tau2)
    beta, vb = scaled * unit[..., None], spread * factor[..., None, None]
    se = np.sqrt(np.diagonal(vb, axis1=-2, axis2=-1))
    zval = np.where(se > 0, beta / se, NAN)
    m = len(tested)
    if m == 0:
        return Wald(beta, vb, se, zval, s.zero + NAN, s.zero + NAN)
    defined = (se > 0).all(axis=-1)
    # In units of the standard errors the matrix to solve is a correlation matrix.
    z, size = zval[..., tested], se[..., tested]
    part = vb[..., tested, :][..., tested] / (size[..., :, None] * size[..., None, :])
    part = np.where(defined[..., None, None], part, np.eye(m))
    qm = (z * np.linalg.solve(part, z[..., None])[..., 0]).sum(axis=-1)
    qm = np.where(defined, qm if test == "z" else qm / m, NAN)
    return Wald(beta, vb, se, zval, qm, chdtrc(m, qm) if test == "z" else fdtrc(m, s.df, qm))
