"""Values that are the same everywhere: e-mail, URL, IP, MAC, UUID, IBAN, payment cards."""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from privacy.discovery.findings import CHECKSUM, CONTEXT, PATTERN, Finding
from privacy.discovery.rules import NA, NB, SUSPECT, Decoys, Recogniser, Row, compiled
from privacy.discovery.scene import Scene
from privacy.discovery.validators import card_scheme, digits_of, iban, iban_length, luhn

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
# Top-level domains that are read as such without http:// or www. in front; country codes that are also file endings are left out.
_TLDS = "com|net|org|edu|gov|mil|int|info|biz|io|co|cn|hk|tw|mo|uk|us|de|fr|nl|it|es|eu|ru|jp|kr|ca|au|br|in|ch|se|no|fi|dk|be|at|cz|pt|gr|ie|nz|za|mx|sg|tv|me|app|dev|xyz|top|site|online|shop|club|tech|vip|ltd|group|store|cloud|ai"
_CARD_WORDS = r"卡|card|visa|master|amex|american\s*express|unionpay|银联|銀聯|cc\b|credit|debit|payment|pay\b|charge"
_BANK_CARD_WORDS = r"银行卡|銀行卡|储蓄卡|借记卡|提款卡|工资卡|卡号|卡號|bank\s*card"
_CREDIT_WORDS = r"信用卡|credit"

_ROWS = (
    Row("MAC_ADDRESS", rf"{NB}(?<![:\-])[0-9A-Fa-f]{{2}}([:\-])(?:[0-9A-Fa-f]{{2}}\1){{4}}[0-9A-Fa-f]{{2}}{NA}(?!\1)", 0.95),
    Row("MAC_ADDRESS", rf"{NB}[0-9A-Fa-f]{{4}}\.[0-9A-Fa-f]{{4}}\.[0-9A-Fa-f]{{4}}{NA}(?!\.)", 0.6, r"\bmac\b", 0.95, needs="."),
    Row("UUID", rf"{NB}[0-9A-Fa-f]{{8}}-[0-9A-Fa-f]{{4}}-[0-9A-Fa-f]{{4}}-[0-9A-Fa-f]{{4}}-[0-9A-Fa-f]{{12}}{NA}", 0.9, needs="-"),
)


def recognisers(decoys: Decoys) -> list[Recogniser]:
    """Return the recognisers of values that need no language."""
    return [
        *compiled(_ROWS, decoys),
        Recogniser(frozenset({"EMAIL_ADDRESS"}), _Email().find),
        Recogniser(frozenset({"URL"}), _Url().find),
        Recogniser(frozenset({"IP_ADDRESS"}), _Ip().find),
        Recogniser(frozenset({"IBAN_CODE"}), _Iban().find),
        Recogniser(frozenset({"CREDIT_CARD", "CN_BANK_CARD"}), _Cards(decoys).find),
    ]


class _Email:
    """RFC 5321 addresses as people write them, and the common ways to write one so that a machine does not see it."""

    def __init__(self) -> None:
        domain = rf"(?:{_LABEL}\.){{1,8}}(?:[A-Za-z]{{2,24}}|xn--[A-Za-z0-9\-]{{2,59}})"
        self._plain = re.compile(rf"(?<![0-9A-Za-z._%+\-])([0-9A-Za-z._%+'\-]{{1,64}})@({domain}){NA}")
        at, dot = (
            r"(?:\s?[\[({<]\s?(?:at|@|艾特)\s?[\])}>]\s?|\s?艾特\s?|\s(?:at|AT)\s|\s@\s?|@\s)",
            r"(?:\s?[\[({<]\s?(?:dot|\.|点)\s?[\])}>]\s?|\s?[点點]\s?|\s(?:dot|DOT)\s|\.)",
        )
        self._spelled = re.compile(
            rf"(?<![0-9A-Za-z._%+\-])[0-9A-Za-z._%+\-]{{1,64}}{at}(?:[A-Za-z0-9\-]{{1,63}}{dot}){{1,4}}(?:com|net|org|cn|edu|gov|io|co|uk|de|info){NA}"
        )
        self._hint = re.compile("@|艾特|[\\[({<]\\s?at\\s?[\\])}>]|\\sat\\s", re.IGNORECASE)

    def find(self, scene: Scene) -> Iterator[Finding]:
        text = scene.text
        if not self._hint.search(text):
            return
        for match in self._plain.finditer(text):
            start = match.start() + len(match.group(1)) - len(match.group(1).lstrip(".'-"))
            if not _is_file(match.group(2)) and start < match.end(1) and not (match.group(1) == "git" and text[match.end() : match.end() + 1] == ":"):
                yield Finding("EMAIL_ADDRESS", start, match.end(), 1.0, PATTERN)
        for match in self._spelled.finditer(text):
            yield Finding("EMAIL_ADDRESS", *match.span(), 0.6, PATTERN)


def _is_file(domain: str) -> bool:
    """Is this icon@2x.png rather than a host?"""
    return domain.rpartition(".")[2].lower() in ("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js")


class _Url:
    """Web addresses with a scheme, with www., or bare under a well-known top-level domain. Ends where Chinese begins; closing punctuation stays outside."""

    def __init__(self) -> None:
        body = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
        self._full = re.compile(rf"{NB}(?:https?|ftps?|wss?)://{body}{{3,2048}}|{NB}www\.{body}{{3,2048}}", re.IGNORECASE)
        self._bare = re.compile(
            rf"(?<![0-9A-Za-z._@/\-])(?:{_LABEL}\.){{1,6}}(?:{_TLDS})(?![0-9A-Za-z@\-])(?!\.[A-Za-z0-9])(?::[0-9]{{2,5}})?(?:/{body}{{0,2048}})?", re.IGNORECASE
        )

    def find(self, scene: Scene) -> Iterator[Finding]:
        text = scene.text
        if "." not in text and "://" not in text:
            return
        covered = 0
        for match in self._full.finditer(text):
            covered = _trimmed(text, *match.span())
            if "." in match.group() or "localhost" in match.group():
                yield Finding("URL", match.start(), covered, 0.95, PATTERN)
        for match in self._bare.finditer(text):
            yield Finding("URL", match.start(), _trimmed(text, *match.span()), 0.6, PATTERN)


def _trimmed(text: str, start: int, end: int) -> int:
    """Return the end without closing punctuation; a closing bracket stays if it was opened inside."""
    while end > start:
        last = text[end - 1]
        if last in ".,;:!?'*" or last in ")]" and text.count(last, start, end) > text.count("(["[")]".index(last)], start, end):
            end -= 1
        else:
            break
    return end


class _Ip:
    """IPv4 and IPv6 by the standard library's parser. Versions and section numbers that only look like an address are suspects."""

    def __init__(self) -> None:
        octet = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
        self._v4 = re.compile(rf"(?<![0-9A-Za-z])(?<![0-9]\.)(?:{octet}\.){{3}}{octet}{NA}(?!\.[0-9])")
        self._v6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:[0-9]{1,3}\.){3}[0-9]{1,3})?(?![0-9A-Za-z:])")
        self._version = re.compile(r"(?:\bv|version|版本|\bver\.?|release|section|章|节|条)\s*(?:号|no\.?)?[\s:：]{0,3}$", re.IGNORECASE)

    def find(self, scene: Scene) -> Iterator[Finding]:
        text = scene.text
        if scene.has_digits and "." in text:
            for match in self._v4.finditer(text):
                version = self._version.search(scene.before(match.start(), 16))
                yield Finding("IP_ADDRESS", *match.span(), SUSPECT if version else 0.95, PATTERN)
        if "::" in text or text.count(":") >= 5:
            for match in self._v6.finditer(text):
                if _is_v6(match.group()):
                    yield Finding("IP_ADDRESS", *match.span(), 0.9, CHECKSUM)


def _is_v6(text: str) -> bool:
    parts = [part for part in text.split(":") if part]
    # `a::b` is an address by the letter, and far more often code
    if len(parts) < 3 and not text.lower().startswith(("fe80:", "2001:", "::1")) or not any(c.isdigit() for c in text):
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


class _Iban:
    """Takes exactly as many characters as the country's IBAN has, over the usual spaces, so that a following word cannot spoil the check."""

    def __init__(self) -> None:
        self._head = re.compile(rf"{NB}[A-Za-z]{{2}}[ \-]?[0-9]{{2}}(?=[ \-.]?[0-9A-Za-z]{{2,4}})")

    def find(self, scene: Scene) -> Iterator[Finding]:
        if not scene.has_digits:
            return
        for match in self._head.finditer(scene.text):
            size = iban_length(match.group()[:2].upper())
            end = _take(scene.text, match.start(), size) if size else 0
            if end and iban("".join([c for c in scene.text[match.start() : end] if c.isalnum()]).upper()):
                yield Finding("IBAN_CODE", match.start(), end, 1.0, CHECKSUM)


def _take(text: str, start: int, size: int) -> int:
    """Return where `size` alphanumerics from `start` end, single separators skipped, or 0 where they do not end at a boundary."""
    position, taken = start, 0
    while taken < size and position < len(text):
        character = text[position]
        if character.isascii() and character.isalnum():
            taken += 1
        elif character not in " -." or text[position - 1] in " -.":
            return 0
        position += 1
    after = text[position : position + 1]
    return position if taken == size and not (after.isascii() and after.isalnum()) else 0


class _Cards:
    """Twelve to nineteen digits that pass Luhn. Prefix and length of a scheme make it sure; without them a card word must stand before it."""

    def __init__(self, decoys: Decoys) -> None:
        self._run = re.compile(r"(?<![0-9A-Za-z])(?<![0-9][.,])[0-9]+(?:[ \t\-.·_]{1,3}[0-9]+)*(?![0-9A-Za-z])")
        self._near = re.compile(_CARD_WORDS, re.IGNORECASE)
        self._bank = re.compile(_BANK_CARD_WORDS, re.IGNORECASE)
        self._credit = re.compile(_CREDIT_WORDS, re.IGNORECASE)
        self._decoys = decoys

    def find(self, scene: Scene) -> Iterable[Finding]:
        for low, high in scene.windows(12):
            for run in self._run.finditer(scene.text, low, high):
                yield from self._in_run(scene, run)

    def _in_run(self, scene: Scene, run: re.Match[str]) -> Iterator[Finding]:
        groups = [(m.start() + run.start(), m.end() + run.start()) for m in re.finditer("[0-9]+", run.group())]
        first = 0
        while first < len(groups):
            last = self._longest(scene.text, groups, first)
            if last is None:
                first += 1
                continue
            yield self._judge(scene, groups[first][0], groups[last][1])
            first = last + 1

    @staticmethod
    def _longest(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
        """Return the last group of the longest card that begins with group `first`."""
        sizes: list[int] = []
        best = None
        for index in range(first, min(len(groups), first + 19)):
            sizes.append(groups[index][1] - groups[index][0])
            total = sum(sizes)
            if total > 19:
                break
            if total >= 12 and _grouped_like_a_card(sizes):
                number = digits_of(text[groups[first][0] : groups[index][1]])
                if luhn(number):
                    best = index
        return best

    def _judge(self, scene: Scene, start: int, end: int) -> Finding:
        number = digits_of(scene.text[start:end])
        scheme = card_scheme(number)
        before = scene.before(start)
        entity = self._entity(scene, scheme, before)
        near = self._near.search(before) is not None
        if self._decoys.stand_before(scene, start):
            return Finding(entity, start, end, SUSPECT, PATTERN)
        if scheme in ("known", "unionpay"):
            return Finding(entity, start, end, 1.0, CHECKSUM)
        if near:
            return Finding(entity, start, end, 0.95, CONTEXT)
        return Finding(entity, start, end, 0.5 if scheme else SUSPECT, PATTERN)

    def _entity(self, scene: Scene, scheme: str, before: str) -> str:
        """UnionPay's numbers, and what a Chinese text calls a bank card, are Chinese bank cards; in English text the word is credit card."""
        chinese = scene.has_han or not scene.has_latin
        if chinese and not self._credit.search(before) and (scheme == "unionpay" or self._bank.search(before)):
            return "CN_BANK_CARD"
        return "CREDIT_CARD"


def _grouped_like_a_card(sizes: list[int]) -> bool:
    """One block, blocks of four, the 4-6-5 of American Express, 6 and the rest of UnionPay, or every digit apart."""
    if len(sizes) == 1 or all(size == 1 for size in sizes):
        return True
    if sizes[0] == 4 and all(size == 4 for size in sizes[:-1]) and sizes[-1] <= 7:
        return True
    return sizes[0] in (4, 6) and len(sizes) <= 4 and min(sizes) >= 3
