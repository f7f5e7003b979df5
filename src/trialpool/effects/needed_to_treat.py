"""Numbers needed to treat from a standardised mean difference, by two formulas by name."""

from __future__ import annotations

from math import inf, sqrt

from scipy.special import ndtr, ndtri

from trialpool.results import TrialpoolError


def nnt_furukawa(smd: float, control_response: float) -> float:
    """Number needed to treat of an SMD where a share of the controls responds.

    1 / (Phi(SMD + Phi^-1(p0)) - p0); negative where the treatment responds less, infinite at 0.

    Parameters
    ----------
    smd : standardised mean difference, positive = benefit
    control_response : p0, share of the controls with a response, between 0 and 1

    Raises
    ------
    TrialpoolError
        for a share that is not between 0 and 1

    References
    ----------
    Furukawa & Leucht 2011, PLoS One 6:e19070
    """
    if not 0 < control_response < 1:
        raise TrialpoolError(f"control_response = {control_response}: must lie between 0 and 1")
    gained = float(ndtr(smd + ndtri(control_response))) - control_response
    return 1 / gained if smd and gained else inf


def nnt_kraemer_kupfer(smd: float) -> float:
    """Number needed to treat of an SMD, without a response of the controls.

    1 / (2 Phi(SMD / sqrt 2) - 1), the area under the curve turned into a difference of shares;
    negative where the treatment does worse, infinite at 0.

    Parameters
    ----------
    smd : standardised mean difference, positive = benefit

    References
    ----------
    Kraemer & Kupfer 2006, Biol Psychiatry 59:990
    """
    gained = 2 * float(ndtr(smd / sqrt(2))) - 1
    return 1 / gained if gained else inf
