"""Build RFC 6962 trees and proofs over stored hashes. Checking is `verifier.py`, which shares nothing with this but the two hash functions.

A `Hashes` gives the root of any perfect subtree; everything else is put together from those, for any size the log ever had.
"""

from collections.abc import Callable, Sequence

from privacy.audit.verifier import EMPTY_ROOT, GrowingTree, leaf_hash, node_hash, right_heights

__all__ = ["EMPTY_ROOT", "Hashes", "consistency_proof", "inclusion_proof", "leaf_hash", "node_hash", "of_leaves", "range_proof", "root", "tree_root"]

Hashes = Callable[[int, int], bytes]  # (height, n) -> root of the leaves [n·2^height, (n+1)·2^height)


def root(hashes: Hashes, size: int) -> bytes:
    """Return the root of the first `size` leaves (RFC 6962 §2.1)."""
    return subtree(hashes, 0, size) if size else EMPTY_ROOT


def subtree(hashes: Hashes, begin: int, end: int) -> bytes:
    """Return the root of the leaves [begin, end), where `begin` is a multiple of the next power of two: a node of the tree of `end` leaves."""
    width = end - begin
    if width & (width - 1) == 0:
        height = width.bit_length() - 1
        return hashes(height, begin >> height)
    split = begin + (1 << width.bit_length() - 1)
    return node_hash(subtree(hashes, begin, split), subtree(hashes, split, end))


def inclusion_proof(hashes: Hashes, index: int, size: int) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of `size` leaves, the leaf's sibling first (RFC 6962 §2.1.1)."""
    if not 0 <= index < size:
        raise ValueError("the index lies outside the tree")
    path, begin, end = [], 0, size
    while end - begin > 1:
        split = begin + _split(end - begin)
        if index < split:
            path.append(subtree(hashes, split, end))
            end = split
        else:
            path.append(subtree(hashes, begin, split))
            begin = split
    return path[::-1]


def consistency_proof(hashes: Hashes, old: int, size: int) -> list[bytes]:
    """Return the proof that the tree of `size` leaves begins with the tree of `old` leaves (RFC 6962 §2.1.2)."""
    if not 0 < old <= size:
        raise ValueError("a consistency proof needs 0 < old <= size")
    path, begin, end = [], 0, size
    while old != end:
        split = begin + _split(end - begin)
        if old <= split:
            path.append(subtree(hashes, split, end))
            end = split
        else:
            path.append(subtree(hashes, begin, split))
            begin = split
    if begin:
        path.append(subtree(hashes, begin, end))
    return path[::-1]


def range_proof(hashes: Hashes, first: int, end: int, size: int) -> tuple[list[bytes], list[bytes]]:
    """Return the hashes left and right of the leaves [first, end) that lead from those leaves to the root. The format is ours."""
    if not 0 <= first <= end <= size:
        raise ValueError("the range lies outside the tree")
    left, begin = [], 0
    for height in range(first.bit_length() - 1, -1, -1):
        if first >> height & 1:
            left.append(hashes(height, begin >> height))
            begin += 1 << height
    right, begin = [], end
    for piece in right_heights(end, size):
        stop = size if piece is None else begin + (1 << piece)
        right.append(subtree(hashes, begin, stop))
        begin = stop
    return left, right


def of_leaves(leaves: Sequence[bytes]) -> Hashes:
    """Return the hashes of a small tree held in memory (the subjects of one event)."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return lambda height, n: levels[height][n]


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of leaf hashes given in order."""
    tree = GrowingTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def _split(width: int) -> int:
    return 1 << (width - 1).bit_length() - 1
