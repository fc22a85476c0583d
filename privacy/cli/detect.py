"""`privacy detect`: find personal data in JSON Lines of texts, streaming. Needs no database, no keys and no configuration."""

import json
import sys
from typing import IO, Any

import click

from privacy.adapters.presidio_analyzer import PresidioRecognisers
from privacy.cli.jsonl import BadLine, read_objects
from privacy.discovery.text import LANGUAGES, REGIONS, Detector


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--language", type=click.Choice(LANGUAGES), default="auto", show_default=True, help="Which words are read; numbers always are.")
@click.option("--min-confidence", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Leave out findings below this.")
@click.option("--entities", default="", help="Only these, comma-separated, for example EMAIL_ADDRESS,CN_ID_CARD.")
@click.option("--regions", default=",".join(REGIONS), show_default=True, help="Countries whose national numbers are tried, comma-separated.")
def detect(file: IO[bytes], language: str, min_confidence: float, entities: str, regions: str) -> int:
    """Read {"id", "text"} a line from FILE (or - for standard input), write {"id", "findings"} a line in the same order.

    Values are never printed: a finding is an entity, its offsets in code points, and a confidence. Exit code 0 whether or not something is found;
    2 when lines could not be used (each is named on standard error, the others are answered).
    """
    detector = Detector(PresidioRecognisers(), tuple(words(regions)))
    wanted = frozenset(words(entities)) or None
    bad = 0
    for number, item in read_objects(file):
        answer = item if isinstance(item, BadLine) else _answer(detector, number, item, language, wanted, min_confidence)
        if isinstance(answer, BadLine):
            bad += 1
            click.echo(f"privacy: line {answer.number} {answer.detail}.", err=True)
        else:
            sys.stdout.write(answer)
            sys.stdout.flush()
    return 2 if bad else 0


def words(text: str) -> list[str]:
    """Return the words of a comma-separated option."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _answer(detector: Detector, number: int, item: dict[str, Any], language: str, entities: frozenset[str] | None, least: float) -> str | BadLine:
    text = item.get("text")
    if not isinstance(text, str):
        return BadLine(number, 'has no "text" that is a string')
    found = detector.find(text, language=language, entities=entities, min_confidence=least)
    shown = [{"entity": f.entity, "start": f.start, "end": f.end, "confidence": f.confidence} for f in found]
    return json.dumps({"id": item.get("id"), "findings": shown}) + "\n"
