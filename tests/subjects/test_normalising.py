"""Which spellings are one identifier, which are two, and that the SQL side may trust the trace: every spelling holds it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.discovery.numbers import e164
from privacy.subjects.model import IdentifierKind
from privacy.subjects.normalising import Spellings, fifteen, resident_id
from tests.subjects.building import CARD, EMAIL, ID, LOGIN, NAME, PHONE

SPELLINGS = Spellings(("CN",))


@pytest.mark.parametrize(
    ("kind", "forms"),
    [
        (
            PHONE,
            [
                "13904172263",
                "+86 139-0417-2263",
                "0086 139 0417 2263",
                "86-13904172263",
                "１３９　０４１７　２２６３",
                "(+86)139.0417.2263",
                " 139 0417 2263\t",
            ],
        ),
        (PHONE, ["010-65529988", "+86 10 6552 9988", "(010)65529988", "０１０－６５５２９９８８"]),
        (EMAIL, ["Li.Na+news@Quillfeather.example", "li.na+NEWS@quillfeather.EXAMPLE", "  ｌｉ.na+news@quillfeather.example "]),
        (ID, ["42010619871123417X", "42010619871123417x", "420106 19871123 417x", "４２０１０６１９８７１１２３４１７Ｘ", "420106-19871123-417X"]),
        (ID, ["420106871123417", resident_id("420106871123417").lower()]),
    ],
)
def test_spellings_of_one_identifier_have_one_form(kind: IdentifierKind, forms: list[str]) -> None:
    """Width, case, prefixes and separators make no other person."""
    assert len({SPELLINGS.forms(kind, form) for form in forms}) == 1
    assert len(SPELLINGS.forms(kind, forms[0])) == 1


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (PHONE, "13904172263", "13904172264"),
        (PHONE, "010-65529988", "010-65529988转21"),
        (PHONE, "+1 390 417 2263", "13904172263"),
        (EMAIL, "li+a@quillfeather.example", "li+b@quillfeather.example"),
        (EMAIL, "li.na@quillfeather.example", "lina@quillfeather.example"),
        (LOGIN, "Kestrel", "kestrel"),
        (CARD, "8800 4172", "88004172"),
        (ID, "420106198711234179", "420106198711234178"),
    ],
)
def test_what_only_looks_alike_stays_two(kind: IdentifierKind, one: str, other: str) -> None:
    """An extension, a plus-tag, the case of a login and the grouping of a card are told apart."""
    assert SPELLINGS.forms(kind, one).isdisjoint(SPELLINGS.forms(kind, other))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (PHONE, "00000000000"),
        (PHONE, "1234"),
        (PHONE, "unknown"),
        (PHONE, ""),
        (EMAIL, "none"),
        (EMAIL, "@"),
        (ID, "000000000000000000"),
        (ID, "-"),
        (LOGIN, " "),
        (NAME, "　"),
    ],
)
def test_fillers_identify_nobody(kind: IdentifierKind, value: str) -> None:
    """What people type to get past a form has no form of its own."""
    assert SPELLINGS.forms(kind, value) == frozenset()


def test_the_old_resident_number_becomes_the_new_one_with_its_check_character() -> None:
    """GB 11643-1999: the century and the check character are added, the rest stays."""
    assert resident_id("110105491231002") == "11010519491231002X"
    assert fifteen("11010519491231002X") == "110105491231002"
    assert fifteen("110105200001010013") == ""
    assert resident_id("110105491331002") == "110105491331002"  # month 13: no old number


@pytest.mark.parametrize(
    ("region", "national", "international"),
    [
        ("BR", "(12) 3923-5555", "+55 12 3923 5555"),
        ("IN", "098765 43210", "+919876543210"),
        ("JP", "03-3210-4567", "0081 3 3210 4567"),
        ("US", "(212) 555-0123", "+1 212 555 0123"),
    ],
)
def test_numbers_without_country_code_are_read_at_home(region: str, national: str, international: str) -> None:
    """By the kernel's plans, or by the library that knows every country's; the pass over the table finds either spelling."""
    spellings = Spellings(("CN", region), e164)
    common = spellings.forms(PHONE, national) & spellings.forms(PHONE, international)
    assert len(common) == 1
    assert holds(national, spellings.trace(PHONE, *common))
    assert holds(international, spellings.trace(PHONE, *common))
    assert not Spellings(("CN",)).forms(PHONE, national) & common


SEPARATORS = st.text(st.sampled_from(" -.　"), max_size=2)


@st.composite
def spelled_phones(draw: st.DrawFn) -> tuple[str, str]:
    """One mobile number, and a way in which somebody may have written it."""
    national = "1" + draw(st.sampled_from("3456789")) + draw(st.text("0123456789", min_size=9, max_size=9))
    prefix = draw(st.sampled_from(["", "+86", "0086", "86", "+86 ", "86-", "0086-"]))
    body = "".join(digit + draw(SEPARATORS) for digit in national).strip(" -.　")
    written = prefix + body
    return national, written.translate({48 + n: 0xFF10 + n for n in range(10)}) if draw(st.booleans()) else written


@given(spelled_phones())
def test_every_spelling_of_a_mobile_number_is_found(pair: tuple[str, str]) -> None:
    """And one that is plain ASCII holds the trace in order, so the pass over the table cannot miss it."""
    national, written = pair
    forms = SPELLINGS.forms(PHONE, written)
    assert forms == SPELLINGS.forms(PHONE, national)
    for form in forms:
        assert not written.isascii() or holds(written, SPELLINGS.trace(PHONE, form))


@given(st.sampled_from([PHONE, EMAIL, ID, NAME]), st.text(max_size=40))
def test_a_form_is_its_own_form(kind: IdentifierKind, value: str) -> None:
    """Normalising twice is normalising once, for anything anybody types."""
    for form in SPELLINGS.forms(kind, value):
        assert form in SPELLINGS.forms(kind, form)


@given(st.sampled_from([PHONE, EMAIL, ID, NAME]), st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=40))
def test_an_ascii_cell_holds_the_trace_of_its_forms(kind: IdentifierKind, value: str) -> None:
    """The promise that the SQL pass rests on: whatever is ASCII and equal has these characters, in this order."""
    for form in SPELLINGS.forms(kind, value):
        assert holds(value, SPELLINGS.trace(kind, form))


@given(st.sampled_from([PHONE, EMAIL, ID]), st.text(st.characters(max_codepoint=126, min_codepoint=33), min_size=1, max_size=20))
def test_width_never_matters(kind: IdentifierKind, value: str) -> None:
    """Full-width letters and digits are compatibility forms of plain ones."""
    wide = "".join(chr(ord(character) + 0xFEE0) for character in value)
    assert unicodedata.normalize("NFKC", wide) == value
    assert SPELLINGS.forms(kind, wide) == SPELLINGS.forms(kind, value)


def holds(cell: str, trace: str) -> bool:
    rest = iter(cell.lower())
    return all(character in rest for character in trace)
