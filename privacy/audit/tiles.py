"""C2SP tiles: 256 hashes a tile, so that a proof over millions of leaves reads a handful of rows.

A tile (level, n) holds the roots of the perfect subtrees of height 8·level from n·256 on; the last one of a level is shorter. Tiles are stored at
their longest; any shorter width that was ever signed is its beginning.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from privacy.audit.merkle import Hashes, tree_root
from privacy.kernel.errors import AuditBroken, InvalidInput

HASH = 32
WIDTH = 256
Tile = tuple[int, int]  # (level, n)
ReadTile = Callable[[int, int], bytes]

_PATH = re.compile(r"^(\d{1,2}|entries)/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?$", re.ASCII)


def hashes_of(read: ReadTile) -> Hashes:
    """Return the hashes of a tree whose tiles `read` fetches; every tile is fetched once."""
    kept: dict[Tile, bytes] = {}

    def hash_of(height: int, n: int) -> bytes:
        level, rest = divmod(height, 8)
        first = n << rest
        tile = (level, first // WIDTH)
        if tile not in kept:
            kept[tile] = read(*tile)
        begin = first % WIDTH * HASH
        part = kept[tile][begin : begin + (HASH << rest)]
        if len(part) != HASH << rest:
            raise AuditBroken("The stored tiles of the audit log are shorter than the log: restore the main database, then run `privacy doctor`.")
        return tree_root([part[i : i + HASH] for i in range(0, len(part), HASH)]) if rest else part

    return hash_of


def extend(size: int, leaves: Sequence[bytes], read: ReadTile) -> Mapping[Tile, bytes]:
    """Return every tile that changes when `leaves` follow the first `size` leaves."""
    changed: dict[Tile, bytes] = {}
    level, start, fresh = 0, size, list(leaves)
    while fresh:
        above = []
        n, offset = divmod(start, WIDTH)
        held = read(level, n)[: offset * HASH] if offset else b""
        for begin in range(-offset, len(fresh), WIDTH):
            data = held + b"".join(fresh[max(begin, 0) : begin + WIDTH])
            held = b""
            changed[level, n] = data
            if len(data) == WIDTH * HASH:
                above.append(tree_root([data[i : i + HASH] for i in range(0, len(data), HASH)]))
            n += 1
        level, start, fresh = level + 1, start // WIDTH, above
    return changed


def tile_path(level: int | None, n: int, width: int = WIDTH) -> str:
    """Return the C2SP path of a tile, or of a bundle of entries where `level` is None: `0/x001/x234/067`, `entries/000.p/7`."""
    groups = [f"{n % 1000:03}"]
    while n := n // 1000:
        groups.insert(0, f"x{n % 1000:03}")
    return f"{'entries' if level is None else level}/{'/'.join(groups)}" + (f".p/{width}" if width != WIDTH else "")


def parse_tile_path(path: str) -> tuple[int | None, int, int]:
    """Return (level or None for entries, n, width). Raises InvalidInput for anything but the one spelling of a path."""
    found = _PATH.match(path)
    if found:
        level = None if found[1] == "entries" else int(found[1])
        n = int(found[2].replace("/", "").replace("x", ""))
        width = int(found[3] or WIDTH)
        # 2^63 leaves fill tiles up to level 7; a longer number is nobody's tile
        if (level is None or level < 8) and n < 1 << 55 and 0 < width <= WIDTH and tile_path(level, n, width) == path:
            return level, n, width
    raise InvalidInput("A tile is named LEVEL/N or entries/N as in C2SP tlog-tiles, for example 0/x001/067 or entries/000.p/7.", pointer="/path")


def entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries as C2SP tlog-tiles serves them: each behind its length, u16 big-endian."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
