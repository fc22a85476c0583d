"""Normalisers: which spellings are one value, which are two, and that a rule applied twice is the rule applied once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.protection.normalise import Normalisers

RULES = Normalisers("CN")
CATEGORIES = ["phone", "email", "name", "national_id", "bank_card", "birth_date", "ip_address", "vehicle", "address", ""]


def rule(category: str, value: str, region: str = "CN") -> str:
    return Normalisers(region).of(category).apply(value)


@pytest.mark.parametrize(
    ("category", "normal", "spellings"),
    [
        (
            "phone",
            "+8613904172263",
            ["13904172263", "139 0417 2263", "+86 139-0417-2263", "0086-13904172263", "86 13904172263", "(+86)13904172263", "（＋86）１３９０４１７２２６３"],
        ),
        ("phone", "+861065529988", ["010-65529988", "(010) 6552 9988", "+86 10 6552 9988", "+86 (0)10 65529988", "01065529988"]),
        (
            "phone",
            "+8675526600000;ext=8021",
            ["0755-26600000转8021", "0755 26600000 ext. 8021", "+86 755 26600000 分机8021", "0755-26600000 x8021", "0755-26600000，8021"],
        ),
        ("phone", "+864008123123", ["400-812-3123", "4008123123"]),
        ("phone", "+447700900417", ["+44 7700 900417", "+44 (0)7700 900417", "0044 7700 900417"]),
        ("email", "li.ming@example.com", ["Li.Ming@Example.com", " li.ming@EXAMPLE.com ", "ｌｉ.ming@example.com"]),
        ("national_id", "11010519491231002X", ["11010519491231002x", "110105 19491231 002X", "１１０１０５１９４９１２３１００２Ｘ", "110105-19491231-002x"]),
        ("bank_card", "6217004172263905181", ["6217 0041 7226 3905 181", "6217-0041-7226-3905-181", "6217004172263905181"]),
        ("name", "李小明", ["李小明", " 李 小明", "李\u3000小明"]),
        ("name", "阿卜杜拉·买买提", ["阿卜杜拉·买买提", "阿卜杜拉•买买提", "阿卜杜拉・买买提", "阿卜杜拉‧买买提", "阿卜杜拉．买买提"]),
        ("name", "strassemüller", ["Straße Müller", "STRASSE MÜLLER", "strasse mu\u0308ller"]),
        ("birth_date", "1987-11-03", ["1987-11-03", "1987/11/3", "1987年11月3日", "19871103", "1987.11.03", "１９８７年１１月３日"]),
        ("vehicle", "鄂A12345", ["鄂A·12345", "鄂A•12345", "鄂a-12345", "鄂A 12345"]),
        ("ip_address", "2001:db8::1", ["2001:DB8::1", "2001:0db8:0:0:0:0:0:1"]),
        ("address", "湖北省 武汉市", [" 湖北省  武汉市", "湖北省\u3000武汉市\n"]),
    ],
)
def test_spellings_of_one_value_are_one(category: str, normal: str, spellings: list[str]) -> None:
    """However a person or a system wrote it."""
    assert {rule(category, spelling) for spelling in spellings} == {normal}


@pytest.mark.parametrize(
    ("category", "one", "other"),
    [
        ("phone", "13904172263", "13904172264"),
        ("phone", "0755-26600000", "0755-26600000转8021"),
        ("phone", "+1 3904172263", "13904172263"),
        ("phone", "12345", "+12345"),
        ("phone", "call me", "call you"),
        ("email", "li.ming@example.com", "liming@example.com"),
        ("name", "李小明", "李小名"),
        ("birth_date", "1987-11-03", "1987-03-11"),
        ("national_id", "11010519491231002X", "110105194912310020"),
        ("bank_card", "6217004172263905181", "6217004172263905182"),
    ],
)
def test_different_values_stay_different(category: str, one: str, other: str) -> None:
    """A rule that joins two people would answer one with the other's data."""
    assert rule(category, one) != rule(category, other)


@pytest.mark.parametrize(
    ("region", "written", "normal"),
    [
        ("GB", "07700 900417", "+447700900417"),
        ("US", "(212) 555-0147", "+12125550147"),
        ("US", "1-212-555-0147", "+12125550147"),
        ("DE", "030 901820", "+4930901820"),
        ("FR", "01 70 18 99 00", "+33170189900"),
        ("XX", "0170 189900", "0170189900"),
    ],
)
def test_numbers_without_a_country_are_at_home(region: str, written: str, normal: str) -> None:
    """The setting says where; an unknown country changes nothing but the punctuation."""
    assert rule("phone", written, region) == normal


@pytest.mark.parametrize("value", ["n/a", "无", "", "call 13904172263 or 13904172264", "12-34", "1" * 30, "１２ｘ"])
def test_what_is_no_phone_number_is_compared_as_text(value: str) -> None:
    """A rule never fails and never invents a number."""
    assert not rule("phone", value).startswith("+")


@settings(deadline=None)
@given(category=st.sampled_from(CATEGORIES), value=st.text(max_size=40))
def test_a_rule_applied_twice_is_the_rule_applied_once(category: str, value: str) -> None:
    """For any text in any script, half surrogates included."""
    once = RULES.of(category).apply(value)
    assert RULES.of(category).apply(once) == once


@settings(deadline=None)
@given(value=st.text(alphabet="0123456789+-()转x, ", max_size=24))
def test_normal_phone_numbers_stay_as_they_are(value: str) -> None:
    """Numbers that look like numbers are stable too."""
    once = rule("phone", value)
    assert rule("phone", once) == once


def test_index_names_carry_rule_and_version() -> None:
    """A changed rule or another home country is another index, so that old and new numbers are never compared."""
    names = {Normalisers(region).of(category).index_name for region in ("CN", "GB") for category in CATEGORIES}
    assert names == {"eq:phone-cn.1", "eq:phone-gb.1", "eq:email.1", "eq:name.1", "eq:code.1", "eq:digits.1", "eq:date.1", "eq:host.1", "eq:text.1"}
