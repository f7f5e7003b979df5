"""The sampling covariance, and the blocks of rows that are independent of one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialpool.pooling.inputs import as_numbers
from trialpool.results import Array, TrialpoolError

Index = NDArray[np.int64]

_ASYMMETRIC = 1e-8
# Up to this many numbers all blocks are padded to one size: a call into numpy costs more than they.
_FEW = 20_000


@dataclass(frozen=True)
class Sampling:
    """Entries of the sampling covariance that are not 0: V[i, j] = value, each pair twice."""

    k: int
    i: Index
    j: Index
    value: Array

    def take(self, rows: Index) -> Sampling:
        """The covariance of some of the rows."""
        place = np.full(self.k, -1)
        place[rows] = np.arange(len(rows))
        used = (place[self.i] >= 0) & (place[self.j] >= 0)
        return Sampling(len(rows), place[self.i[used]], place[self.j[used]], self.value[used])

    @property
    def variances(self) -> Array:
        """The diagonal, (k,)."""
        out = np.zeros(self.k)
        same = self.i == self.j
        out[self.i[same]] = self.value[same]
        return out


@dataclass(frozen=True)
class Batch:
    """B blocks padded to one size n.

    `rows` (B, n) are row numbers, k for padding; `v` (B, n, n) is the sampling covariance, with 1
    on the diagonal of padding.
    """

    rows: Index
    v: Array


def as_sampling(V: Any, k: int) -> Sampling:
    """Read V: variances (k,), a matrix (k, k), or a list of blocks in the order of the rows.

    Raises
    ------
    TrialpoolError
        another shape; a value that is not finite; a variance that is not above 0; a matrix that
        is not symmetric or that no correlations between -1 and 1 belong to
    """
    if isinstance(V, Sampling):
        return V
    blocks = _as_blocks(V, k)
    if blocks is None:
        variances = as_numbers("V", V)
        sampling = Sampling(k, np.arange(k), np.arange(k), variances)
    else:
        sampling = _from_blocks(blocks, k)
    v = sampling.variances
    for bad, rule in ((~np.isfinite(v), "must be a finite number"), (v <= 0, "must be > 0")):
        if bad.any():
            i = int(bad.argmax())
            raise TrialpoolError(f"V, row {i} = {v[i]}: a sampling variance {rule}")
    return sampling


def _as_blocks(V: Any, k: int) -> list[Array] | None:
    if isinstance(V, Sequence) and any(np.ndim(x) == 2 for x in V):
        return [np.atleast_2d(as_numbers(f"V, block {i}", x)) for i, x in enumerate(V)]
    shape = as_numbers("V", V).shape
    if shape == (k, k):
        return [as_numbers("V", V)]
    if shape != (k,):
        raise TrialpoolError(
            f"V has shape {shape}: give {k} variances, a matrix ({k}, {k}) or a list of blocks"
        )
    return None


def _from_blocks(blocks: list[Array], k: int) -> Sampling:
    start, i, j, value = 0, list[Index](), list[Index](), list[Array]()
    for number, block in enumerate(blocks):
        _check_block(block, f"V, block {number}" if len(blocks) > 1 else "V", start)
        a, b = np.nonzero(block + np.eye(len(block)) * (np.diag(block) == 0))
        i.append(a + start)
        j.append(b + start)
        value.append(block[a, b])
        start += len(block)
    if start != k:
        raise TrialpoolError(f"the blocks of V have {start} rows, yi has {k}")
    return Sampling(k, np.concatenate(i), np.concatenate(j), np.concatenate(value))


def _check_block(block: Array, name: str, start: int) -> None:
    if block.ndim != 2 or block.shape[0] != block.shape[1]:
        raise TrialpoolError(f"{name} has shape {block.shape}, which is not square")
    if not np.isfinite(block).all():
        a, b = np.argwhere(~np.isfinite(block))[0] + start
        raise TrialpoolError(f"{name}, rows {a} and {b}: a covariance must be a finite number")
    size = np.sqrt(np.abs(np.diag(block)))
    gap = np.abs(block - block.T) > _ASYMMETRIC * np.outer(size, size)
    if gap.any():
        a, b = np.argwhere(gap)[0] + start
        raise TrialpoolError(f"{name}, rows {a} and {b}: V must be symmetric")
    if (np.diag(block) > 0).all():
        least = np.linalg.eigvalsh(block / np.outer(size, size))[0]
        if least < -_ASYMMETRIC:
            raise TrialpoolError(
                f"{name} (rows {start} to {start + len(block) - 1}) is no covariance matrix: an"
                f" eigenvalue of its correlations is {least:.3g}. Check the correlations behind it"
            )


def components(k: int, factors: Sequence[Index], i: Index, j: Index) -> Index:
    """The block of each row: rows that share a level of a factor, or an edge i-j, are together."""
    label = np.arange(k)
    while True:
        new = label.copy()
        np.minimum.at(new, i, label[j])
        for factor in factors:
            low = np.full(int(factor.max()) + 1, k)
            np.minimum.at(low, factor, new)
            new = low[factor]
        new = new[new]
        if (new == label).all():
            return np.asarray(np.unique(label, return_inverse=True)[1])
        label = new


def batches(sampling: Sampling, block: Index) -> list[Batch]:
    """Blocks of about the same size together, so that numpy works on many at once."""
    k = sampling.k
    order = np.argsort(block, kind="stable")
    sizes = np.bincount(block)
    place = np.empty(k, dtype=np.int64)
    place[order] = np.arange(k) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    most = int(sizes.max())
    group = np.zeros(len(sizes), dtype=np.int64)
    if len(sizes) * most**2 > _FEW:
        group = np.ceil(np.log2(sizes)).astype(np.int64)
    out = []
    slot = np.empty(len(sizes), dtype=np.int64)
    for g in np.unique(group):
        members = np.flatnonzero(group == g)
        slot[members] = np.arange(len(members))
        n = int(sizes[members].max())
        rows = np.full((len(members), n), k)
        mine = np.flatnonzero(group[block] == g)
        rows[slot[block[mine]], place[mine]] = mine
        v = np.zeros((len(members), n, n))
        at = np.flatnonzero(group[block[sampling.i]] == g)
        i, j = sampling.i[at], sampling.j[at]
        v[slot[block[i]], place[i], place[j]] = sampling.value[at]
        padding = np.argwhere(rows == k)
        v[padding[:, 0], padding[:, 1], padding[:, 1]] = 1.0
        out.append(Batch(rows, v))
    return out
