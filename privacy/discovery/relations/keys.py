"""Composite keys of tables that declare none: the first columns that only together tell the rows apart."""

from collections.abc import Sequence
from dataclasses import replace

from privacy.discovery.relations.proving import Prover
from privacy.discovery.relations.scenes import Part, Scene
from privacy.discovery.relations.words import RelationWords
from privacy.discovery.shapes import Family

_MOST, _ROWS = 4, 5


def with_composite_keys(scenes: Sequence[Scene], prover: Prover, words: RelationWords) -> list[Scene]:
    """Return the scenes, each without a key with the one that its values show."""
    return [scene if scene.key else _keyed(scene, prover, words) for scene in scenes]


def _keyed(scene: Scene, prover: Prover, words: RelationWords) -> Scene:
    leading: list[str] = []
    for name, part in scene.parts.items():
        if not _may_be_part(part, words) or len(leading) == _MOST:
            break
        leading.append(name)
        if len(leading) > 1 and (shape := prover.shape(scene.table, tuple(leading))) is not None and shape.unique and shape.rows >= _ROWS:
            return replace(scene, key=tuple(leading), inferred_key=True)
    return scene


def _may_be_part(part: Part, words: RelationWords) -> bool:
    if part.column.family not in (Family.INTEGER, Family.TEXT, Family.UUID) or not part.short.words:
        return False
    last = part.short.words[-1]
    marks = words["keys.words"] | words["keys.codes"]
    return last in marks or (not last.isascii() and last.endswith(tuple(mark for mark in marks if not mark.isascii())))
