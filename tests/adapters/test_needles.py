"""An identifier is found however it is written, and not in what merely looks like it."""

import base64
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.adapters.databases.needles import Needles

BRAZIL, CHINA, BRITAIN = "+55 (12) 3923-5555", "13800138000", "+44 20 7946 0018"


@pytest.mark.parametrize(
    ("needle", "text"),
    [
        (BRAZIL, "5512 39235555"), (BRAZIL, "(12) 3923-5555"), (BRAZIL, "tel:+551239235555"), (CHINA, "+86 138 0013 8000"), (CHINA, "8613800138000"),
        (BRITAIN, "020 7946 0018"), (BRITAIN, "+44 (0)20 7946 0018"), ("11010519491231002X", "110105491231002"), ("110105491231002", "11010519491231002x"),
        ("Leonie Köhler", "LEONIE  KO\u0308HLER"), ("李小明", "李 小 明"), ("luisg@embraer.com.br", "<LuisG@Embraer.com.br>"),
        ("Luís Gonçalves", "q=Lu%C3%ADs+Gon%C3%A7alves"),
        ("李小明", "%C0%EE%D0%A1%C3%F7"), ("李小明", "=E6=9D=8E=E5=B0=8F=E6=98=8E"), ("李小明", "&#26446;&#23567;&#26126;"),
    ],
)  # fmt: skip
def test_other_spellings_are_found(needle: str, text: str) -> None:
    assert Needles([needle]).form_in(text)


@pytest.mark.parametrize(
    ("needle", "text"),
    [
        (CHINA, "913800138000"), (CHINA, "1380013800"), (CHINA, "138001380001"), (CHINA, "9.13800138000"), (BRITAIN, "1 20 7946 00180"),
        ("Ann Lee", "Joann Lee"),
        ("Ann Lee", "Ann Leeds"),
        ("a.lee@x.org", "ba.lee@x.org"), ("a.lee@x.org", "a.lee@x.organic"), ("12", "12"), ("李", "李"),
    ],
)  # fmt: skip
def test_what_is_longer_or_too_short_is_not(needle: str, text: str) -> None:
    assert Needles([needle]).form_in(text) == ""


@given(st.text(max_size=12), st.sampled_from([CHINA, "li.ming@example.cn", "李小明", "Luís Gonçalves"]), st.sampled_from(["plain", "url", "base64", "json"]))
def test_nothing_around_an_encoded_identifier_hides_it(around: str, needle: str, form: str) -> None:
    text = f"{around.strip('0123456789.')} {needle} "
    if form == "url":
        text = urllib.parse.quote(text, safe="", errors="replace")
    elif form == "base64":
        text = base64.b64encode(text.encode("utf-8", "replace")).decode()
    elif form == "json":
        text = "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in text)
    assert Needles([needle]).form_in(text)


def test_needles_do_not_print() -> None:
    assert CHINA not in repr(Needles([CHINA]))
