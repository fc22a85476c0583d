"""`privacy evaluate`: detection quality against labelled text, with n for every figure."""

from typing import IO, Any

import click

from privacy.adapters.presidio_analyzer import PresidioRecognisers
from privacy.cli.detect import words
from privacy.cli.jsonl import BadLine, read_objects
from privacy.cli.output import json_option, show
from privacy.discovery.scoring import Report, Score, Scorer, Span
from privacy.discovery.text import LANGUAGES, REGIONS, Detector
from privacy.kernel.errors import InvalidInput


@click.command()
@click.argument("data", type=click.File("rb"))
@click.option("--language", type=click.Choice(LANGUAGES), default="auto", show_default=True)
@click.option("--min-confidence", type=click.FloatRange(0, 1), default=0.5, show_default=True)
@click.option("--regions", default=",".join(REGIONS), show_default=True, help="Countries whose national numbers are tried, comma-separated.")
@json_option
def evaluate(data: IO[bytes], language: str, min_confidence: float, regions: str, as_json: bool) -> None:
    """Score detection on DATA, JSON Lines of {"id", "text", "spans": [{"entity", "start", "end"}]}, offsets in code points."""
    detector = Detector(PresidioRecognisers(), tuple(words(regions)))
    scorer = Scorer(detector.entities)
    for number, item in read_objects(data):
        text, gold = _labelled(number, item)
        found = detector.find(text, language=language, min_confidence=min_confidence)
        scorer.add(gold, [(f.entity, f.start, f.end) for f in found])
    report = scorer.report()
    if not report.texts:
        raise InvalidInput("The data holds no labelled text.", pointer="line 1")
    if as_json:
        show(_plain(report), as_json=True)
    else:
        _print(report)


def _labelled(number: int, item: dict[str, Any] | BadLine) -> tuple[str, list[Span]]:
    if isinstance(item, BadLine):
        raise InvalidInput(f"Line {number} {item.detail}.", pointer=f"line {number}")
    text, spans = item.get("text"), item.get("spans", [])
    if not isinstance(text, str) or not isinstance(spans, list):
        raise InvalidInput(f'Line {number} needs "text" (a string) and "spans" (a list).', pointer=f"line {number}")
    return text, [_span(number, span, len(text)) for span in spans]


def _span(number: int, span: Any, size: int) -> Span:
    if isinstance(span, dict):
        entity, start, end = span.get("entity"), span.get("start"), span.get("end")
        if isinstance(entity, str) and isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= size:
            return entity, start, end
    raise InvalidInput(f"Line {number} has a span without entity, start and end inside the text.", pointer=f"line {number}")


def _plain(report: Report) -> dict[str, Any]:
    return {
        "texts": report.texts,
        "types": [_row(score) for score in report.scores],
        "micro": _row(report.micro),
        "any_type": _row(report.any_type),
        "clean_texts": report.clean_texts,
        "false_per_1000_clean": round(report.false_per_1000_clean, 1),
        "not_labelled_in_data": dict(report.unlabelled),
        "not_known_to_us": list(report.unknown),
    }


def _row(score: Score) -> dict[str, Any]:
    figures = {name: round(getattr(score, name), 3) for name in ("precision", "recall", "f1", "overlap_f1")}
    return {"type": score.type, "n": score.n, "predicted": score.predicted, **figures, "note": "too few" if score.too_few else ""}


def _print(report: Report) -> None:
    show([_row(score) for score in (*report.scores, report.micro, report.any_type)], title=f"{report.texts} texts")
    click.echo("micro and any type: over the labelled types that are looked for" + (f"; not looked for: {', '.join(report.unknown)}" if report.unknown else ""))
    click.echo(f"false findings per 1000 texts without labels: {report.false_per_1000_clean:.1f} (n = {report.clean_texts})")
    if report.unlabelled:
        click.echo("found, but not labelled in this data: " + ", ".join(f"{name} {count}" for name, count in report.unlabelled.items()))
