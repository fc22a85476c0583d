"""Values that are the same everywhere: e-mail, URL, IP, MAC, UUID, IBAN, payment cards."""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from privacy.discovery.findings import CHECKSUM, CONTEXT, PATTERN, Finding
from privacy.discovery.rules import NA, NB, SUSPECT, Decoys, Recogniser, Row, compiled
from privacy.discovery.scene import Scene
from privacy.discovery.validators import card_scheme, cn_resident_id_shape, digits_of, iban, iban_length, luhn

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
# Top-level domains that are read as such without http:// or www. in front; country codes that are also file endings are left out.
_TLDS = (
    "com|net|org|edu|gov|mil|int|info|biz|io|co|cn|hk|tw|mo|uk|us|de|fr|nl|it|es|eu|ru|jp|kr|ca|au|br|in|ch|se|no|fi|dk|be|at|cz|pt|gr|ie|nz|za|mx|sg"
    "|tv|me|app|dev|xyz|top|site|online|shop|club|tech|vip|ltd|group|store|cloud|ai"
)
_CARD_WORDS = r"卡|card|visa|master|amex|american\s*express|unionpay|银联|銀聯|cc\b|credit|debit|payment|pay\b|charge"
_BANK_CARD_WORDS = r"银行卡|銀行卡|储蓄卡|借记卡|提款卡|工资卡|卡号|卡號|bank\s*card"
_CREDIT_WORDS = r"信用卡|credit"

_ROWS = (
    *(Row("MAC_ADDRESS", rf"{NB}(?<!{mark})(?:[0-9A-Fa-f]{{2}}{mark}){{5}}[0-9A-Fa-f]{{2}}{NA}(?!{mark})", 0.95, needs=mark) for mark in ":-"),
    Row("MAC_ADDRESS", rf"{NB}[0-9A-Fa-f]{{4}}\.[0-9A-Fa-f]{{4}}\.[0-9A-Fa-f]{{4}}{NA}(?!\.)", 0.6, r"\bmac\b", 0.95, needs="."),
    Row("UUID", rf"{NB}[0-9A-Fa-f]{{8}}-[0-9A-Fa-f]{{4}}-[0-9A-Fa-f]{{4}}-[0-9A-Fa-f]{{4}}-[0-9A-Fa-f]{{12}}{NA}", 0.9, needs="-"),
)


def recognisers(decoys: Decoys) -> list[Recogniser]:
    """Return the recognisers of values that need no language."""
    return [
        *compiled(_ROWS, decoys),
        Recogniser(frozenset({"EMAIL_ADDRESS"}), _Email().find),
        Recogniser(frozenset({"URL"}), _Url().find),
        Recogniser(frozenset({"IP_ADDRESS"}), _Ip().find, digits=1),
        Recogniser(frozenset({"IBAN_CODE"}), _Iban().find, digits=2),
        Recogniser(frozenset({"CREDIT_CARD", "CN_BANK_CARD"}), _Cards(decoys).find, digits=12),
    ]


_AT = r"(?:\s?[\[({<]\s?(?:at|@|艾特)\s?[\])}>]\s?|\s?艾特\s?|\s@\s?|@\s)"
_DOT = r"(?:\s?[\[({<]\s?(?:dot|\.|点)\s?[\])}>]\s?|\s?[点點]\s?|\s(?:dot|DOT)\s|\.)"
_SPELLED = ("艾特", "(at", "[at", "{at", "<at", "( at", "[ at", " @", "@ ", "(@", "[@")


class _Email:
    """RFC 5321 addresses as people write them, and the common ways to write one so that a machine does not see it."""

    def __init__(self) -> None:
        self._local = re.compile(r"(?<![0-9A-Za-z._%+\-])[0-9A-Za-z_%+](?:[0-9A-Za-z._%+'\-]{0,62}[0-9A-Za-z_%+\-])?$")
        self._domain = re.compile(rf"@((?:{_LABEL}\.){{1,8}}(?:[A-Za-z]{{2,24}}|xn--[A-Za-z0-9\-]{{2,59}})){NA}(?!\.?@)")
        known = "com|net|org|cn|edu|gov|io|co|uk|de|info"
        local, label = r"(?<![0-9A-Za-z._%+\-])[0-9A-Za-z._%+\-]{1,64}", r"[A-Za-z0-9\-]{1,63}"
        self._spelled = re.compile(rf"{local}(?:{_AT}(?:{label}{_DOT}){{1,4}}|\s(?:at|AT)\s(?:{label}\s(?:dot|DOT)\s){{1,4}})(?:{known}){NA}")

    def find(self, scene: Scene) -> Iterator[Finding]:
        if "@" in scene.text:
            yield from self._written(scene.text)
        if any(hint in scene.lower for hint in _SPELLED) or (" at " in scene.lower and " dot " in scene.lower):
            for match in self._spelled.finditer(scene.text):
                yield Finding("EMAIL_ADDRESS", *match.span(), 0.6, PATTERN)

    def _written(self, text: str) -> Iterator[Finding]:
        """Read leftwards and rightwards from every @, so that text without one costs nothing."""
        at = text.find("@")
        while at >= 0:
            domain = self._domain.match(text, at)
            local = self._local.search(text, max(0, at - 65), at) if domain else None
            # user:password@host belongs to its web address
            if local and "://" in text[max(0, at - 90) : at].rpartition(" ")[2].rpartition("\n")[2]:
                local = None
            if domain and local and not _is_file(domain.group(1)) and not (local.group() == "git" and text[domain.end() : domain.end() + 1] == ":"):
                yield Finding("EMAIL_ADDRESS", local.start(), domain.end(), 1.0, PATTERN)
            at = text.find("@", at + 1)


def _is_file(domain: str) -> bool:
    """Is this icon@2x.png rather than a host?"""
    return domain.rpartition(".")[2].lower() in ("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js")


class _Url:
    """Web addresses with a scheme, with www., or bare under a well-known top-level domain. Ends where Chinese begins; closing punctuation stays outside."""

    def __init__(self) -> None:
        body = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
        self._full = re.compile(rf"{NB}(?:https?|ftps?|wss?)://{body}{{3,2048}}|{NB}www\.{body}{{3,2048}}", re.IGNORECASE)
        # anchored on the dot: a host is then read leftwards, so that text without one costs a single search
        self._bare = re.compile(rf"\.(?:{_TLDS})(?![0-9A-Za-z@\-])(?!\.[A-Za-z0-9])(?::[0-9]{{2,5}})?(?:/{body}{{0,2048}})?", re.IGNORECASE)
        self._host = re.compile(rf"(?<![0-9A-Za-z._@/\-])(?:{_LABEL}\.){{0,6}}{_LABEL}$")

    def find(self, scene: Scene) -> Iterator[Finding]:
        text = scene.text
        if "://" in text or "www." in scene.lower:
            for match in self._full.finditer(text):
                if "." in match.group() or "localhost" in match.group():
                    yield Finding("URL", match.start(), _trimmed(text, *match.span()), 0.95, PATTERN)
        for match in self._bare.finditer(text):
            host = self._host.search(text, max(0, match.start() - 253), match.start())
            if host:
                yield Finding("URL", host.start(), _trimmed(text, host.start(), match.end()), 0.6, PATTERN)


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
        self._v6 = re.compile(
            r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:[0-9]{1,3}\.){3}[0-9]{1,3})?(?:%[0-9A-Za-z]{1,15})?(?![0-9A-Za-z:])"
        )
        self._version = re.compile(r"(?:\bv|version|版本|\bver\.?|release|section|章|节|条)\s*(?:号|no\.?)?[\s:：]{0,3}$", re.IGNORECASE)

    def find(self, scene: Scene) -> Iterator[Finding]:
        text = scene.text
        for low, high in scene.windows(4) if "." in text else ():
            for match in self._v4.finditer(text, low, high):
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
            # digit by digit a card stands alone: in a longer row of small groups, cards begin with a block
            small = groups[first][1] - groups[first][0] < 4
            last = None if small and len(groups) > 19 else self._longest(scene.text, groups, first)
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
        if scheme in ("known", "unionpay") and (near or not cn_resident_id_shape(number)):
            return Finding(entity, start, end, 1.0, CHECKSUM)
        if near:
            return Finding(entity, start, end, 0.95, CONTEXT)
        # the wide Maestro ranges hold many a bar code, too
        return Finding(entity, start, end, 0.5 if scheme == "weak" and not scene.has_han else SUSPECT, PATTERN)

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
