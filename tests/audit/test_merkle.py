"""Trees, proofs and tiles: published numbers, and properties over every size that hypothesis thinks of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.audit import merkle, tiles
from privacy.audit.verifier import GrowingTree, Tampered, check_consistency, check_inclusion
from privacy.kernel.errors import AuditBroken, InvalidInput
from tests.audit.builders import vectors

VECTORS = vectors("audit")
LEAVES = [merkle.leaf_hash(f"entry {n}".encode()) for n in range(600)]
HASHES = merkle.of_leaves(LEAVES)
sizes = st.integers(1, len(LEAVES))


def tiled(size: int, *, step: int = 10_000) -> dict[tuple[int, int], bytes]:
    """Return the tiles of `size` leaves, made in steps."""
    held: dict[tuple[int, int], bytes] = {}
    leaves = (LEAVES * (size // len(LEAVES) + 1))[:size]
    for begin in range(0, size, step):
        held.update(tiles.extend(begin, leaves[begin : begin + step], lambda level, n: held.get((level, n), b"")))
    return held


def test_leaf_and_roots_are_those_two_other_implementations_gave() -> None:
    """RFC 6962 hashes, for sizes on both sides of every power of two that matters."""
    assert LEAVES[0].hex() == VECTORS["leaf_0"]
    for size, expected in VECTORS["roots"].items():
        assert merkle.root(HASHES, int(size)).hex() == expected
        assert merkle.tree_root(LEAVES[: int(size)]).hex() == expected


def test_proofs_are_the_known_ones() -> None:
    """Inclusion and consistency paths, element by element where they were written down."""
    for known in VECTORS["inclusion"]:
        path = [item.hex() for item in merkle.inclusion_proof(HASHES, known["index"], known["size"])]
        assert [item.startswith(begin) for item, begin in zip(path, known["begins"], strict=True)] == [True] * len(path)
        assert [item.endswith(end) for item, end in zip(path, known["ends"], strict=True)] == [True] * len(path)
    for known in VECTORS["consistency"]:
        path = [item.hex() for item in merkle.consistency_proof(HASHES, known["old"], known["size"])]
        assert len(path) == known["count"]
        assert path[0].startswith(known.get("first", ""))


@pytest.mark.parametrize("known", VECTORS["range_hashes"])
def test_a_range_needs_as_few_hashes_as_known(known: dict[str, int]) -> None:
    """The range proof takes a subtree outside the range as one hash."""
    held = tiled(known["size"])
    left, right = merkle.range_proof(tiles.hashes_of(lambda level, n: held[level, n]), known["first"], known["end"], known["size"])
    assert len(left) + len(right) == known["count"]


@given(st.data(), sizes)
def test_every_leaf_of_every_size_is_provable_and_nothing_else_is(data: st.DataObject, size: int) -> None:
    """A proof shows its leaf at its index under its root, and no other leaf, index, size, root or shortened or lengthened proof."""
    index = data.draw(st.integers(0, size - 1))
    proof, root = merkle.inclusion_proof(HASHES, index, size), merkle.root(HASHES, size)
    check_inclusion(LEAVES[index], index, size, proof, root)
    wrong = [
        (merkle.leaf_hash(b"another"), index, size, proof, root),
        (LEAVES[index], index, size, [*proof, root], root),
        (LEAVES[index], index, size, proof, merkle.root(HASHES, size - 1)),
        (LEAVES[index], size, size, proof, root),
        (LEAVES[index], -1, size, proof, root),
        (b"", index, size, proof, root),
    ]
    if proof:
        altered = data.draw(st.integers(0, len(proof) - 1))
        wrong.append((LEAVES[index], index, size, proof[:-1], root))
        wrong.append((LEAVES[index], index ^ 1, size, proof, root))
        wrong.append((LEAVES[index], index, size, [*proof[:altered], bytes(32), *proof[altered + 1 :]], root))
        wrong.append((LEAVES[index], index, size, [*proof[:altered], b"", *proof[altered + 1 :]], root))
    for case in wrong:
        with pytest.raises(Tampered):
            check_inclusion(*case)


@given(st.data(), sizes)
def test_every_size_is_a_continuation_of_every_smaller_one_and_of_nothing_else(data: st.DataObject, size: int) -> None:
    """A consistency proof holds for its two sizes and roots only."""
    old = data.draw(st.integers(1, size))
    proof, old_root, root = merkle.consistency_proof(HASHES, old, size), merkle.root(HASHES, old), merkle.root(HASHES, size)
    check_consistency(old, old_root, size, root, proof)
    wrong = [
        (old, bytes(32), size, root, proof),
        (old, old_root, size, bytes(32), proof),
        (old, old_root, size, root, [*proof, root]),
        (0, merkle.EMPTY_ROOT, size, root, []),
        (size + 1, root, size, root, []),
        (old, old_root, size, root, [*proof, b""]),
    ]
    if proof:
        wrong.append((old, old_root, size, root, proof[:-1]))
        wrong.append((old, old_root, size, root, [bytes(32), *proof[1:]]))
    for case in wrong:
        with pytest.raises(Tampered):
            check_consistency(*case)


def test_two_checkpoints_of_one_size_must_be_equal() -> None:
    """Same size: equal roots and no proof, everything else is a fork."""
    root = merkle.root(HASHES, 7)
    check_consistency(7, root, 7, root, [])
    for case in ((7, root, 7, bytes(32), []), (7, root, 7, root, [root])):
        with pytest.raises(Tampered):
            check_consistency(*case)


@given(st.data(), sizes)
def test_every_range_leads_to_the_root_of_every_size(data: st.DataObject, size: int) -> None:
    """Left hashes, the entries themselves and right hashes give the root; on the way the root of any size inside the range."""
    first = data.draw(st.integers(0, size))
    end = data.draw(st.integers(first, size))
    between = data.draw(st.integers(first, end))
    left, right = merkle.range_proof(HASHES, first, end, size)
    tree = GrowingTree(first, left)
    for leaf in LEAVES[first:between]:
        tree.add(leaf)
    assert tree.root() == merkle.root(HASHES, between)
    for leaf in LEAVES[between:end]:
        tree.add(leaf)
    assert tree.root_with(right, size) == merkle.root(HASHES, size)


@given(st.data(), st.integers(2, len(LEAVES)))
def test_a_range_proof_that_is_cut_or_lengthened_is_refused(data: st.DataObject, size: int) -> None:
    """Hashes that are not needed are as suspicious as missing ones."""
    end = data.draw(st.integers(1, size - 1))
    _, right = merkle.range_proof(HASHES, 0, end, size)
    for wrong in (right[:-1], [*right, bytes(32)], [*right[:-1], b""]):
        tree = GrowingTree()
        for leaf in LEAVES[:end]:
            tree.add(leaf)
        with pytest.raises(Tampered):
            tree.root_with(wrong, size)
    with pytest.raises(Tampered):
        GrowingTree(end, [bytes(32)] * (end.bit_count() + 1))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_tiles_grown_in_any_steps_are_the_same_and_give_the_same_roots(steps: list[int]) -> None:
    """However many leaves a tick takes, tiles, roots and proofs come out alike."""
    size = min(sum(steps), len(LEAVES))
    held: dict[tuple[int, int], bytes] = {}
    at = 0
    for step in steps:
        fresh = LEAVES[at : min(at + step, size)]
        held.update(tiles.extend(at, fresh, lambda level, n: held.get((level, n), b"")))
        at += len(fresh)
    assert held == tiled(size)
    hashes = tiles.hashes_of(lambda level, n: held[level, n])
    assert merkle.root(hashes, size) == merkle.root(HASHES, size)
    assert merkle.inclusion_proof(hashes, size // 2, size) == merkle.inclusion_proof(HASHES, size // 2, size)


@pytest.mark.parametrize("known", VECTORS["tiles"])
def test_a_log_has_the_tiles_that_c2sp_foresees(known: dict[str, object]) -> None:
    """Number of full tiles and width of the last one, level by level."""
    held = tiled(int(str(known["size"])), step=65_536)
    widths: dict[str, list[int]] = {}
    for level, n in sorted(held):
        full, part = widths.setdefault(str(level), [0, 0])
        width = len(held[level, n]) // 32
        widths[str(level)] = [full + 1, part] if width == 256 else [full, width]
    assert widths == known["widths"]


@pytest.mark.parametrize("known", VECTORS["tile_paths"])
def test_tile_paths_are_spelled_as_c2sp_does(known: dict[str, object]) -> None:
    """Three digits a group, all but the last with x, the width of a part behind .p/."""
    place = (known["level"], known["n"], known["width"])
    assert tiles.tile_path(*place) == known["path"]  # type: ignore[arg-type]
    assert tiles.parse_tile_path(str(known["path"])) == place


@given(st.one_of(st.none(), st.integers(0, 7)), st.integers(0, (1 << 55) - 1), st.integers(1, 256))
def test_every_tile_path_is_read_back(level: int | None, n: int, width: int) -> None:
    """Writing and reading a path are each other's inverse."""
    assert tiles.parse_tile_path(tiles.tile_path(level, n, width)) == (level, n, width)


@pytest.mark.parametrize(
    "path", ["", "0", "0/0", "0/1", "0/x001", "0/001.p/0", "0/001.p/256", "0/001.p/300", "8/000", "00/000", "0/x000/001", "-1/000", "0/../000", "x/000"]
)
def test_other_spellings_of_a_tile_path_are_refused(path: str) -> None:
    """One tile, one path; nothing is guessed."""
    with pytest.raises(InvalidInput):
        tiles.parse_tile_path(path)


def test_a_tile_that_is_too_short_is_damage_and_not_another_root() -> None:
    """Missing hashes are noticed where they are read."""
    held = tiled(300)
    held[0, 1] = held[0, 1][:-32]
    with pytest.raises(AuditBroken):
        merkle.root(tiles.hashes_of(lambda level, n: held[level, n]), 300)
