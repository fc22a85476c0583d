"""Detection beside plain Presidio (no model), in one process: short texts, long texts, texts with nothing in them; English, made up here."""

import random
from collections.abc import Callable, Sequence

from privacy.adapters.presidio_analyzer import PlainPresidio
from privacy.cli.bench_ratio import Ratio, fastest
from privacy.discovery.text import Detector

# What both sides look for when the sets are made equal.
_SHARED = frozenset({"EMAIL_ADDRESS", "IBAN_CODE", "CREDIT_CARD", "US_SSN", "IP_ADDRESS", "URL", "PHONE_NUMBER", "DATE_TIME"})
_CLEAN = (
    "The meeting went well and everybody agreed that the plan should go ahead as soon as possible.",
    "Please send the slides again, the last version could not be opened on my machine.",
    "We had rain all morning, so the match was moved to the hall behind the school.",
    "Thanks for the quick answer, that is exactly what I was looking for.",
)
_FILLED: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: f"Please charge my card {_luhn(rng, '4' + _digits(rng, 14))} for the order.",
    lambda rng: f"You can write to sam{_digits(rng, 3)}@example.org or call {rng.randint(201, 989)}-{rng.randint(200, 999)}-{_digits(rng, 4)}.",
    lambda rng: f"The server at 10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.7 was restarted on 2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}.",
    lambda rng: f"His social security number is {rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}, please keep it safe.",
    lambda rng: f"More about it at https://www.example.com/page/{_digits(rng, 4)} if you have the time.",
)


def run() -> list[Ratio]:
    """Return the ratios; above 1 is quicker than Presidio."""
    ours, theirs = Detector(), PlainPresidio()
    rng = random.Random(7)  # noqa: S311 - made-up texts, not keys
    short = [rng.choice(_FILLED)(rng) if rng.random() < 0.5 else rng.choice(_CLEAN) for _ in range(300)]
    long = ["\n".join(rng.choice(short) for _ in range(120)) for _ in range(4)]
    return [
        _ratio("detect: short texts, all types", short, ours.find, theirs.find),
        _ratio("detect: short texts, the same 8 types", short, lambda text: ours.find(text, entities=_SHARED), lambda text: theirs.find(text, _SHARED)),
        _ratio("detect: long texts (10 kB), all types", long, ours.find, theirs.find),
        _ratio("detect: texts with nothing to find", list(_CLEAN) * 75, ours.find, theirs.find),
    ]


def _ratio(name: str, texts: Sequence[str], ours: Callable[[str], object], theirs: Callable[[str], object]) -> Ratio:
    ours(texts[0]), theirs(texts[0])
    seconds = fastest(lambda: [ours(text) for text in texts], lambda: [theirs(text) for text in texts], passes=5)
    return Ratio.of_rates(
        name, len(texts), seconds, "peer: Presidio, no model, one process; higher is better; all types: ours also reads names, addresses, Chinese", "texts/s"
    )


def _digits(rng: random.Random, count: int) -> str:
    return "".join(str(rng.randint(0, 9)) for _ in range(count))


def _luhn(rng: random.Random, body: str) -> str:
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(body)))
    return body + str(-total % 10)
