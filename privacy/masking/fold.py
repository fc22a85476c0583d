"""Plain form of a value before its shape is read: one width, no invisible characters, ASCII digits, single spaces."""

import unicodedata

# soft hyphens, joiners, bidirectional controls, tags: they are not seen, and would otherwise break a pattern apart
_INVISIBLE = ("Cf", "Cc", "Cs", "Co", "Cn")


def fold(text: str) -> str:
    """Return `text` in compatibility form (NFKC) without invisible characters, digits of any script as ASCII, blanks as single spaces."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split()) if "  " in text or text[:1] == " " or text[-1:] == " " else text
    if text.isalpha() and unicodedata.is_normalized("NFKC", text):
        return text
    normal = unicodedata.normalize("NFKC", text)
    return " ".join("".join(map(_plain, normal)).split())


def _plain(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() or character.isspace() else ""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) in _INVISIBLE or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return ""
    return character


def is_han(character: str) -> bool:
    """Tell whether `character` is a Chinese character, the supplementary planes (𠮷) and compatibility forms included."""
    code = ord(character)
    return 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0x20000 <= code <= 0x323AF or 0xF900 <= code <= 0xFAFF or character in "〇々"


def clusters(text: str) -> list[str]:
    """Split `text` into letters with the marks that belong to them (é written as two code points, Devanagari vowel signs)."""
    found: list[str] = []
    for character in text:
        if found and unicodedata.category(character).startswith("M"):
            found[-1] += character
        else:
            found.append(character)
    return found
