"""Masking shows what each technique promises and never more, whatever the value looks like."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from privacy.kernel.errors import Misconfigured
from privacy.masking.catalogue import Techniques
from privacy.masking.halves import Half, half_of
from privacy.masking.technique import Kind, MaskContext, is_token
from tests.cast import LI_XIAOMING, MARGUERITE, SUBJECTS

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "vectors" / "masking.json").read_text("utf-8"))
TECHNIQUES = Techniques.shipped()
CONTEXT = MaskContext(key=b"k" * 32, tenant="default", purpose="support")
HIDING = sorted(t.name for t in TECHNIQUES.all() if t.kind is Kind.HIDE)
BUT_NONE = sorted(TECHNIQUES.names() - {"none"})

_HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=2, max_size=4)


def masked(technique: str, value: str, **where: str) -> str | None:
    return TECHNIQUES.get(technique).apply(value, MaskContext(key=b"k" * 32, tenant="default", purpose=where.pop("purpose", "support"), **where))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['technique']}-{v['in']}")
def test_every_known_answer_holds(vector: dict[str, Any]) -> None:
    """The reviewed table of inputs and outputs is what the techniques do."""
    where = {key: value for key, value in vector.items() if key not in ("technique", "in", "out")}
    assert masked(vector["technique"], vector["in"], **where) == vector["out"]


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if v["out"] and v["technique"] not in ("category", "date_year")], ids=lambda v: f"{v['technique']}-{v['in']}"
)
def test_masking_twice_changes_nothing_more(vector: dict[str, Any]) -> None:
    """What is already masked stays as it is, or becomes less; it never shows another letter."""
    where = {key: value for key, value in vector.items() if key not in ("technique", "in", "out")}
    again = masked(vector["technique"], vector["out"], **where)
    assert again is None or again == vector["out"] or is_token(again) or again.count("*") >= vector["out"].count("*")


@pytest.mark.parametrize("technique", BUT_NONE)
@given(value=st.text(max_size=60))
@example(value="𠮷" * 3)
@example(value="e\u0301" * 5)
@example(value="\u202e13800138000\u202c")
@example(value="\ud800")
@example(value="ﷺ" * 40)
def test_any_text_is_masked_without_an_error(technique: str, value: str) -> None:
    """No value can break a batch: every technique answers for every text, lone surrogates included."""
    answer = masked(technique, value)
    assert answer is None or isinstance(answer, str)


@pytest.mark.parametrize("technique", HIDING)
@given(value=st.text(min_size=1, max_size=40))
def test_a_hiding_technique_never_returns_its_input(technique: str, value: str) -> None:
    """A value comes back as it was only when it is blank, a token of ours, or holds stars already."""
    answer = masked(technique, value)
    assert answer != value or not value.strip() or "*" in value or is_token(value)


@pytest.mark.parametrize("technique", BUT_NONE)
@pytest.mark.parametrize("value", ["A" * 10_000, "李" * 10_000, "1" * 10_000, "a@b.com," * 2000, "\u0301" * 5000, " " * 5000])
def test_ten_thousand_letters_come_back_as_nothing_long(technique: str, value: str) -> None:
    """Absurd lengths are hidden, quickly, and tell nothing of their length."""
    answer = masked(technique, value)
    assert answer is None or len(answer) < 40


@pytest.mark.parametrize("technique", sorted(TECHNIQUES.names() - {"none", "redact", "text"}))
@pytest.mark.parametrize("value", ["", " ", "\u200b", "\u3000\t"])
def test_nothing_stays_nothing(technique: str, value: str) -> None:
    """An absent value is shown as absent: there is nobody to protect."""
    assert masked(technique, value) == ""


@given(middle=st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_the_middle_of_a_mobile_is_never_shown(middle: str) -> None:
    """A Chinese mobile keeps three and four digits in every spelling."""
    for spelling in (middle, f"+86{middle}", f"{middle[:3]} {middle[3:7]} {middle[7:]}", f"0086-{middle}"):
        answer = masked("phone", spelling) or ""
        assert answer.replace(" ", "").replace("-", "").endswith(f"{middle[:3]}****{middle[7:]}")


@given(number=st.from_regex(r"\+?[0-9]{5,15}", fullmatch=True))
def test_a_foreign_phone_shows_less_than_half_of_its_own_digits(number: str) -> None:
    """Outside the Chinese forms at most half of the digits behind the country code are shown, and never more than four."""
    answer = masked("phone", number) or ""
    if not is_token(answer):
        assert "*" in answer
        tail = answer.rsplit("*", 1)[1]
        assert len(tail) <= 4


@given(number=st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True))
def test_an_identity_number_tells_neither_birthday_nor_sex_nor_birthplace(number: str) -> None:
    """Sixteen of eighteen characters are hidden; what stays is the first digit and the check character."""
    assert masked("id_number", number) == number[0] + "*" * 16 + number[-1]


@given(number=st.from_regex(r"[0-9]{13,19}", fullmatch=True))
def test_a_card_keeps_its_last_four_and_hides_the_bank(number: str) -> None:
    """The issuer's digits in front are hidden as well."""
    assert masked("card", number) == "*" * (len(number) - 4) + number[-4:]


@given(name=_HAN)
def test_a_chinese_given_name_is_never_shown(name: str) -> None:
    """At most the surname of a Chinese name is shown: two characters only where the surname is a compound one."""
    answer = masked("name", name) or ""
    assert answer.endswith("*")
    shown = answer.rstrip("*")
    assert len(shown) <= (2 if len(name) > 2 else 1)
    assert name.startswith(shown)


@given(local=st.from_regex(r"[a-z][a-z0-9.]{2,20}[a-z0-9]", fullmatch=True))
def test_an_e_mail_keeps_one_letter_in_front_of_its_domain(local: str) -> None:
    """Nothing of the local part but its first letter is shown, not even its length."""
    assert masked("email", f"{local}@example.org") in (f"{local[0]}***@example.org", f"{local[0]}***@***.org")


@given(age=st.integers(0, 130))
def test_age_bands_are_disjoint_and_cover_every_age(age: int) -> None:
    """Every age lies in exactly one band: 30 is in 30–34, 35 in 35–39."""
    answer = masked("age_band", str(age)) or ""
    if age >= 90:
        assert answer == "90+"
    else:
        low, high = map(int, answer.split("–"))
        assert low <= age <= high
        assert (low % 5, high - low) == (0, 4)


def test_redacting_tells_nothing_about_the_value() -> None:
    """Every value gives the same word, the empty one too."""
    assert {masked("redact", value) for value in ("", "x", "李小明", "a" * 5000)} == {"[redacted]"}
    assert masked("redact", "李小明", language="zh") == "[已隐藏]"


def test_a_pseudonym_links_within_a_purpose_and_not_beyond() -> None:
    """The same person gets the same word in one purpose and another in the next, in other categories and tenants."""
    first = masked("pseudonym", "li.xm", category="account")
    assert first == masked("pseudonym", " li.xm\u200b", category="account", field="other", dataset="d")
    others = {
        masked("pseudonym", "li.xm", category="account", purpose="analytics"),
        masked("pseudonym", "li.xm", category="social_account"),
        TECHNIQUES.get("pseudonym").apply("li.xm", MaskContext(key=b"k" * 32, tenant="other", purpose="support", category="account")),
        TECHNIQUES.get("pseudonym").apply("li.xm", MaskContext(key=b"j" * 32, tenant="default", purpose="support", category="account")),
    }
    assert (first or "").startswith("account_")
    assert len({first, *others}) == 5


def test_a_pseudonym_does_not_depend_on_how_a_number_is_written() -> None:
    """Separators, width and the country code of a Chinese mobile do not split one person in two."""
    spellings = ("13800138000", "138 0013 8000", "+86-138-0013-8000", "１３８００１３８０００", "008613800138000")
    assert len({masked("pseudonym", spelling, category="phone") for spelling in spellings}) == 1


def test_a_pseudonym_without_a_key_is_refused() -> None:
    """An unkeyed pseudonym could be reversed by a table: it is an error of the caller, not an answer."""
    with pytest.raises(ValueError, match="key"):
        TECHNIQUES.get("pseudonym").apply("x", MaskContext())


def test_the_cast_cannot_be_read_from_its_masks() -> None:
    """No technique meant for a field shows the value of any member of the cast."""
    pairs = {"name": "name", "phone": "phone", "email": "email", "id_number": "id_number", "card": "card", "address": "address_city", "birth_date": "date_year"}
    for person in SUBJECTS:
        for field, technique in pairs.items():
            value = person.personal_values()[field]
            assert value not in (masked(technique, value) or "")
    assert masked("name", LI_XIAOMING.name) == "李**"
    assert masked("address_city", LI_XIAOMING.address) == "湖北省武汉市"
    assert masked("name", MARGUERITE.name) == "M**** O****"


def test_an_unknown_technique_is_refused_with_the_known_ones() -> None:
    """A typo in a policy row stops the start; it can never mean "clear"."""
    with pytest.raises(Misconfigured, match="known are none, redact"):
        TECHNIQUES.get("maks")


HALVES = {
    Half.GIVEN: "FirstName first_name firstname givenName GIVEN_NAME fname forename name_first middle_name first 名 客户_名 ming first_name_zh",
    Half.FAMILY: "LastName last_name lastname familyName SURNAME lname customer_surname name_last last family 姓 姓氏 客户姓氏 联系人姓 xing last_name_zh",
    Half.WHOLE: "name Name full_name 姓名 名字 名称 客户名 xingming last_contact_name last_first_name LastNameFirstName 姓_名 username surfer_name",
}


@pytest.mark.parametrize(("half", "field"), [(half, field) for half, fields in HALVES.items() for field in fields.split()])
def test_a_field_says_which_half_of_a_name_it_holds(half: Half, field: str) -> None:
    """In English, Chinese and pinyin, in any way of writing columns; where it says neither or both it holds a whole name."""
    assert half_of(field) is half


@given(name=_HAN)
def test_a_name_in_two_fields_shows_no_more_than_in_one(name: str) -> None:
    """Surname and given name apart: the characters of the given name are all hidden, whatever they are."""
    family, given_name = name[:1], name[1:]
    assert (masked("name", family, field="LastName"), masked("name", given_name, field="FirstName")) == (family, "*" * len(given_name))
