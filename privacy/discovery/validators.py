"""Check digits and numbering plans: pure functions over compact text (no separators, upper case). Each names the rule it follows."""

import re
from datetime import date

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_PROVINCES = frozenset("11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split())
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {character: value for value, character in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
# registering authority and kind of body, GB 32100 table 1 and its supplements
_USCC_KINDS = frozenset("11 12 13 19 21 29 31 32 33 34 35 39 41 49 51 52 53 54 55 59 61 62 69 71 72 79 81 89 91 92 93 A1 A9 N1 N2 N3 N9 Y1".split())
_TW_LETTERS = dict(
    zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33), strict=True)
)
_TW_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
# ISO 13616 registry: length of the whole number by country
_IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE", "BI"), 16),
    **dict.fromkeys(("DK", "FO", "FI", "GL", "NL", "SD", "FK"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "XK", "MN"), 20),
    **dict.fromkeys(("CR", "HR", "LV", "LI", "CH"), 21),
    **dict.fromkeys(("BG", "BH", "DE", "GE", "GB", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "IL", "IQ", "TL", "GI", "OM", "SO"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "MR", "SM", "DJ"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    "LC": 32,
    **dict.fromkeys(("RU",), 33),
}
_CN_MOBILE_PREFIXES = frozenset(
    [f"13{d}" for d in range(10)]
    + [f"14{d}" for d in "0156789"]
    + [f"15{d}" for d in "012356789"]
    + ["162", "165", "166", "167"]
    + [f"17{d}" for d in range(9)]
    + [f"18{d}" for d in range(10)]
    + [f"19{d}" for d in "012356789"]
)
_CN_AREA_3 = frozenset("10 20 21 22 23 24 25 27 28 29".split())


_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]+")


def digits_of(text: str) -> str:
    """Return the ASCII digits of `text`."""
    return "".join([c for c in text if "0" <= c <= "9"])


def compact(text: str) -> str:
    """Return the ASCII letters and digits of `text` in upper case."""
    return _NOT_ALPHANUMERIC.sub("", text).upper()


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B, over digits only; all zeros is no number."""
    total = 0
    for index, character in enumerate(reversed(number)):
        digit = ord(character) - 48
        if index % 2:
            digit = digit * 2 - 9 * (digit > 4)
        total += digit
    return total > 0 and total % 10 == 0


def _mod11_2(number: str) -> bool:
    return _ID_CHECKS[sum(w * int(d) for w, d in zip(_ID_WEIGHTS, number[:17], strict=True)) % 11] == number[17]


def calendar(year: int, month: int, day: int) -> bool:
    """Is this a day of the Gregorian calendar?"""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def cn_resident_id(number: str) -> bool:
    """GB 11643-1999, 18 characters: MOD 11-2 check, a province that exists, a birth date between 1850 and 2099 (the county code is not
    checked: codes were renamed many times and any closed list refuses real people). Residence permits of Hong Kong, Macau and Taiwan residents
    (81, 82, 83) follow the same rule."""
    return cn_resident_id_shape(number) and number[:2] in _PROVINCES and _mod11_2(number)


def cn_permanent_residence(number: str) -> bool:
    """The foreigners' permanent residence card of 2023: 18 characters beginning with 9, birth date and check as in GB 11643."""
    return cn_resident_id_shape(number) and number[0] == "9" and _mod11_2(number)


def cn_resident_id_shape(number: str) -> bool:
    """Eighteen characters with a birth date where GB 11643 has it, whatever the check character says."""
    if len(number) != 18 or not number[:17].isdigit() or number[17] not in _ID_CHECKS:
        return False
    year = int(number[6:10])
    return 1850 <= year <= 2099 and calendar(year, int(number[10:12]), int(number[12:14]))


def cn_resident_id_15(number: str) -> bool:
    """The form before 1999, without a check digit: province and birth date only, so that it needs a label beside it."""
    return len(number) == 15 and number.isdigit() and number[:2] in _PROVINCES and calendar(1900 + int(number[6:8]), int(number[8:10]), int(number[10:12]))


def cn_uscc(code: str) -> bool:
    """GB 32100-2015: kind of body, province, and the check character modulo 31."""
    if len(code) != 18 or code[:2] not in _USCC_KINDS or not code[2:8].isdigit() or any(c not in _USCC_VALUES for c in code):
        return False
    if code[2:4] not in _PROVINCES and code[2:4] != "10":  # 100000: registered at the national level
        return False
    total = sum(w * _USCC_VALUES[c] for w, c in zip(_USCC_WEIGHTS, code[:17], strict=True))
    return (31 - total % 31) % 31 == _USCC_VALUES[code[17]]


def hong_kong_id(code: str) -> bool:
    """One or two letters, six digits, check character: weights 9…2, modulo 11, ten is A; a missing first letter counts 36."""
    if not (len(code) in (8, 9) and code[-7:-1].isdigit() and code[:-7].isalpha() and (code[-1].isdigit() or code[-1] == "A")):
        return False
    letters = [ord(c) - 55 for c in code[:-7]]
    values = ([36] if len(letters) == 1 else []) + letters + [int(c) for c in code[-7:-1]]
    check = (11 - sum(w * v for w, v in zip((9, 8, 7, 6, 5, 4, 3, 2), values, strict=True)) % 11) % 11
    return code[-1] == ("A" if check == 10 else str(check))


def taiwan_id(code: str) -> bool:
    """A letter and nine digits (first of them 1 or 2; 8 or 9 for resident certificates): weights 1 9 8 … 1 1, sum divisible by ten."""
    if not (len(code) == 10 and code[0] in _TW_LETTERS and code[1:].isdigit() and code[1] in "1289"):
        return False
    values = [int(c) for c in f"{_TW_LETTERS[code[0]]}{code[1:]}"]
    return sum(w * v for w, v in zip(_TW_WEIGHTS, values, strict=True)) % 10 == 0


def iban_length(country: str) -> int | None:
    """Return the length an IBAN of this country has, or None where the registry has no such country."""
    return _IBAN_LENGTHS.get(country)


def iban(code: str) -> bool:
    """ISO 13616: registered length and modulo 97."""
    if _IBAN_LENGTHS.get(code[:2]) != len(code) or not code[2:4].isdigit():
        return False
    return int("".join([str(int(c, 36)) for c in code[4:] + code[:4]])) % 97 == 1


def us_ssn(number: str) -> bool:
    """Nine digits the Social Security Administration may have issued: no area 000, 666 or 9xx, no group 00, no serial 0000."""
    return len(number) == 9 and number[:3] not in ("000", "666") and number[0] != "9" and number[3:5] != "00" and number[5:] != "0000"


def us_itin(number: str) -> bool:
    """Nine digits beginning with 9 whose group is one the IRS assigns."""
    return (
        len(number) == 9
        and number[0] == "9"
        and (50 <= int(number[3:5]) <= 65 or 70 <= int(number[3:5]) <= 88 or 90 <= int(number[3:5]) <= 99 and number[3:5] != "93")
    )


def card_scheme(number: str) -> str:
    """Return the scheme a card number's prefix and length belong to, `weak` for the wide Maestro ranges, or an empty string.

    ISO/IEC 7812 issuer ranges as the schemes publish them; used as evidence beside Luhn, never alone.
    """
    size, two, four = len(number), int(number[:2]), int(number[:4])
    if two == 62 and 16 <= size <= 19 or four in (9558, 6013) and size in (16, 19):
        return "unionpay"
    if number[0] == "4" and size in (13, 16, 19) or size == 15 and two in (34, 37):
        return "known"
    if size == 16 and (51 <= two <= 55 or 2221 <= four <= 2720 or 2200 <= four <= 2204):
        return "known"
    if size == 14 and (300 <= four // 10 <= 305 or two in (36, 38, 39)) or size == 15 and four in (2131, 1800):
        return "known"
    if 16 <= size <= 19 and (3528 <= four <= 3589 or four == 6011 or 644 <= four // 10 <= 649 or two in (36, 38, 65)):
        return "known"
    if 12 <= size <= 19 and (two == 50 or 56 <= two <= 58 or number[0] == "6"):
        return "weak"
    return ""


def cn_mobile(number: str) -> bool:
    """Eleven digits within a prefix the Chinese numbering plan assigns to mobile service."""
    return len(number) == 11 and number[:3] in _CN_MOBILE_PREFIXES


def cn_landline(number: str) -> bool:
    """Trunk zero, an area code of the right length, and a local number that does not begin with 0 or 1."""
    if len(number) < 10 or number[0] != "0":
        return False
    area = 2 if number[1:3] in _CN_AREA_3 else 3
    local = number[1 + area :]
    return len(local) in ((8,) if area == 2 else (7, 8)) and local[0] in "23456789" and (area == 2 or number[1] in "3456789")
