"""Checks of what the pooling functions are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from trialpool.results import Array, TrialpoolError

_NOT_FINITE = "must be a finite number; leave the study out before pooling and record why"
_COLLINEAR = 1e-10  # what is left of a column of length 1
_NOT_POSITIVE = "a sampling variance must be > 0"
_NO_STUDY = "is empty (k = 0): there is no study to pool"
# Beyond this the fourth powers that heterogeneity is computed from leave the range of a float.
_FAR = 1e18
_LEAST, _MOST = _FAR**-2, _FAR**2
_UNIT = "choose another unit"
_TOO_FAR = f"must lie between {-_FAR:g} and {_FAR:g}; {_UNIT}"
_TOO_WIDE = f"a sampling variance must lie between {_LEAST:g} and {_MOST:g}; {_UNIT}"

# Covariates: a table, a Series, a mapping of columns, or a matrix.
Covariates = ArrayLike | Mapping[str, Any]
_Refuse = Callable[[NDArray[np.bool_], str, Array, str], None]


def as_studies(yi: ArrayLike, vi: ArrayLike) -> tuple[Array, Array]:
    """Effects and variances as float arrays of one shape (k,), k >= 1, checked.

    Raises
    ------
    TrialpoolError
        no study; different lengths; a value that is not finite; vi <= 0; |yi| above 1e18, vi
        outside 1e-36 to 1e36. Names the index
    """
    y, v = as_numbers("yi", yi), as_numbers("vi", vi)
    if y.ndim != 1 or y.shape != v.shape:
        raise TrialpoolError(
            f"yi and vi must be two columns of one length, got shapes {y.shape} and {v.shape}"
        )
    if y.size == 0:
        raise TrialpoolError(f"yi {_NO_STUDY}")
    _check(y, v, _refuse)
    return y, v


def as_sets(
    yi: ArrayLike, vi: ArrayLike, mask: ArrayLike | None
) -> tuple[Array, Array, NDArray[np.bool_] | None]:
    """Effects and variances of B study sets, broadcast to one shape (B, k), checked.

    Raises
    ------
    TrialpoolError
        as for `as_studies`, where the mask says a value is used; shapes that do not fit; a mask
        that is not of True and False; a set without any study. Names row and column
    """
    y, v = as_numbers("yi", yi), as_numbers("vi", vi)
    try:
        used = None if mask is None else np.asarray(mask)
    except ValueError as error:
        raise TrialpoolError(f"mask must have rows of one length: {error}") from None
    if used is not None and used.dtype != np.bool_:
        raise TrialpoolError(f"mask must hold True (used) and False only, got {used.dtype}")
    shapes = [x.shape for x in (y, v, used) if x is not None]
    given = f"yi {y.shape}, vi {v.shape}" + ("" if used is None else f", mask {used.shape}")
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        shape = ()
    if len(shape) != 2 or any(s[-1:] != shape[-1:] for s in shapes):
        raise TrialpoolError(f"yi, vi and mask must be (sets, studies) or (studies,), got {given}")
    if shape[1] == 0:
        raise TrialpoolError(f"yi {_NO_STUDY}")
    if shape[0] == 0:
        raise TrialpoolError(f"there is no set of studies: {given}")
    if used is not None:
        used = np.broadcast_to(used, shape)
        empty = np.flatnonzero(~used.any(axis=1))
        if empty.size:
            raise TrialpoolError(f"mask[{empty[0]}] {_NO_STUDY}")

    def refuse(bad: NDArray[np.bool_], name: str, x: Array, rule: str) -> None:
        # Where all sets share the array, one set that uses the value counts.
        if used is not None and bad.any():
            bad, x = np.broadcast_to(bad, shape) & used, np.broadcast_to(x, shape)
        _refuse(bad, name, x, rule)

    _check(y, v, refuse)
    return np.broadcast_to(y, shape), np.broadcast_to(v, shape), used


def as_design(
    X: Any, k: int, names: Sequence[str] | None, intercept: bool | None = None
) -> tuple[Array, tuple[str, ...]]:
    """A design matrix (k, p) of full column rank with p < k, and a name for each column.

    A column of ones comes first where `intercept` says so, or by None where the columns have names
    (of a table, a Series or a mapping, or in `names`) and do not span one already. An array without
    names is taken as it is.

    Raises
    ------
    TrialpoolError
        another shape; a value that is not finite (row and column are named); as many columns as
        studies; columns in a unit that floats cannot square (named); columns that are
        combinations of those before them (named)
    """
    if isinstance(X, Mapping):
        X = pd.DataFrame(X)
    elif isinstance(X, pd.Series):
        X = X.to_frame()
    x = as_numbers("X", X)
    if x.ndim != 2 or len(x) != k or x.shape[1] == 0:
        raise TrialpoolError(f"X must have one row per study, shape ({k}, p), got {x.shape}")
    p = x.shape[1]
    called = names if names is not None else getattr(X, "columns", None)
    if called is None:
        called = ["intercept" if (x[:, j] == 1).all() else f"x{j}" for j in range(p)]
    called = tuple(str(name) for name in called)
    if len(called) != p:
        raise TrialpoolError(f"names: {len(called)} for {p} columns of X")
    _refuse(~np.isfinite(x), "X", x, "must be a finite number; leave the study out")
    if intercept is None:
        has_names = names is not None or hasattr(X, "columns")
        intercept = has_names and not spans_constant(x)
    if intercept:
        x, called = np.column_stack([np.ones(k), x]), ("intercept", *called)
        p += 1
    if p >= k:
        raise TrialpoolError(
            f"X has {p} columns for k = {k} studies: a meta-regression needs more studies than"
            " coefficients"
        )
    top = np.abs(x).max(axis=0)
    far = np.flatnonzero((top > _FAR) | ((top > 0) & (top < 1 / _FAR)))
    if far.size:
        name, value = called[far[0]], top[far[0]]
        raise TrialpoolError(
            f"X: the largest number of {name} is {value}, which must lie between {1 / _FAR:g} and"
            f" {_FAR:g}; {_UNIT}"
        )
    size = np.linalg.norm(x, axis=0)
    scaled = x / np.where(size > 0, size, 1)
    # A column adds to those before it only if something of it is left beside them.
    left = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    if (left < _COLLINEAR).any():
        listed = ", ".join(name for name, d in zip(called, left, strict=True) if d < _COLLINEAR)
        raise TrialpoolError(
            f"X is collinear: {listed} can be computed from the other columns; leave it out"
        )
    return x, called


def spans_constant(x: Array) -> bool:
    """Whether an intercept is a column of x, or a sum of its columns."""
    constant = np.ones(len(x))
    left = constant - x @ np.linalg.lstsq(x, constant, rcond=None)[0]
    return bool(np.abs(left).max() < 1e-9)


def as_rows(X: Any, names: Sequence[str]) -> Array:
    """Rows at which a fit is asked, (m, p): those of a table by the names of its columns.

    A table need not have the column `intercept`, which is 1.

    Raises
    ------
    TrialpoolError
        another number of columns, a name that is not there, a value that is not finite
    """
    listed = f"X must have {len(names)} columns ({', '.join(names)})"
    if isinstance(X, Mapping):
        X = pd.DataFrame(X)
    if hasattr(X, "columns"):
        given = {str(name): X[name] for name in X.columns}
        if "intercept" in names:
            given.setdefault("intercept", np.ones(len(X)))
        if set(given) != set(names):
            raise TrialpoolError(f"{listed}, got {', '.join(map(str, X.columns))}")
        X = np.column_stack([as_numbers("X", given[name]) for name in names])
    x = np.atleast_2d(as_numbers("X", X))
    if x.ndim != 2 or x.shape[1] != len(names):
        raise TrialpoolError(listed)
    if not np.isfinite(x).all():
        raise TrialpoolError("X must hold finite numbers only")
    return x


def is_blank(label: Any) -> bool:
    """Whether a label is missing: None, an empty text, or NaN or NaT of any type."""
    return pd.isna(label) is True or label == ""


def as_numbers(name: str, values: Any) -> Array:
    """An array of floats, or an error that names it."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TrialpoolError(f"{name} must hold numbers only: {error}") from None


def _check(y: Array, v: Array, refuse: _Refuse) -> None:
    if (np.abs(y) <= _FAR).all() and ((v >= _LEAST) & (v <= _MOST)).all():
        return
    refuse(~np.isfinite(y), "yi", y, _NOT_FINITE)
    refuse(~np.isfinite(v), "vi", v, _NOT_FINITE)
    refuse(v <= 0, "vi", v, _NOT_POSITIVE)
    refuse(np.abs(y) > _FAR, "yi", y, _TOO_FAR)
    refuse((v < _LEAST) | (v > _MOST), "vi", v, _TOO_WIDE)


def _refuse(bad: NDArray[np.bool_], name: str, x: Array, rule: str) -> None:
    if bad.any():
        place = np.unravel_index(int(bad.argmax()), x.shape)
        where = ", ".join(str(int(i)) for i in place)
        raise TrialpoolError(f"{name}[{where}] = {x[place]}: {rule}")
