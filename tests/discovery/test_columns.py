# ruff: noqa: E501 - tables of examples, one line a case
"""The column classifier by itself: words, values, tables and guards, without a database."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.adapters.databases.types import family
from privacy.discovery.lexicon import Lexicon
from privacy.discovery.names import Kind, NameReader
from privacy.discovery.proposals import Outcome, Proposal, TableReport
from privacy.discovery.shapes import Column, ForeignKey, Sample, Table
from privacy.discovery.values import wilson
from privacy.kernel.errors import Misconfigured
from tests.discovery import schema_words as w
from tests.discovery.building import POLICIES, classifier, score, taxonomy

_BY_NAME: dict[str, dict[str, list[str]]] = json.loads((Path(__file__).parents[1] / "vectors" / "columns_by_name.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def names() -> NameReader:
    return NameReader(Lexicon.load(POLICIES / "columns.toml", taxonomy().categories))


def table(
    name: str, columns: Mapping[str, Sequence[str]], *, comments: Mapping[str, str] | None = None, types: Mapping[str, str] | None = None, **more: object
) -> tuple[Table, dict[str, Sample]]:
    kinds, told = types or {}, comments or {}
    shaped = tuple(Column(column, kinds.get(column, "TEXT"), family(kinds.get(column, "TEXT")), comment=told.get(column, "")) for column in columns)
    return Table(name, shaped, **more), {column: Sample(tuple(dict.fromkeys(values))) for column, values in columns.items()}  # type: ignore[arg-type]


def classify(*tables: tuple[Table, dict[str, Sample]]) -> list[TableReport]:
    return classifier().classify(tables)


def proposals(*tables: tuple[Table, dict[str, Sample]]) -> dict[str, Proposal]:
    return {proposal.column: proposal for report in classify(*tables) for proposal in report.proposals}


def many(make: object, count: int = 60) -> list[str]:
    rng = random.Random(5)
    return [str(make(rng)) for _ in range(count)]  # type: ignore[operator]


# --- words ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("FirstName", "name"), ("cust_addr1", "address"), ("PHONE_NO_1", "phone"), ("dateofbirth", "birth_date"), ("custphone", "phone"), ("emailaddress", "email"), ("D.O.B.", "birth_date"),
        ("last_login_ip", "ip_address"), ("mac_addr", "device_id"), ("user_name", "account"), ("customer_name", "name"), ("passport_id", "passport"), ("mother_name", "relative"),
        ("客户姓名", "name"), ("紧急联系人电话", "phone"), ("手机号（必填）", "phone"), ("QQ号", "social_account"), ("户籍地址", "address"),
        ("shoujihaoma", "phone"), ("kehuxingming", "name"), ("sfzh", "national_id"), ("khsjh", "phone"), ("kh_sjh", "phone"), ("csrq", "birth_date"),
    ],
)  # fmt: skip
def test_names_are_read_in_english_chinese_and_pinyin(names: NameReader, name: str, category: str) -> None:
    """Camel and snake case, run-together words, short forms, Chinese, pinyin and its initials all lead to the category."""
    hint = names.column(name)
    assert hint is not None
    assert hint.category == category
    assert hint.strength >= 0.4


@pytest.mark.parametrize(
    "name",
    [
        "is_email_verified",
        "email_status",
        "phone_type",
        "file_name",
        "product_name",
        "SupportRepId",
        "药品名称",
        "手机号验证状态",
        "是否已婚",
        "order_no",
        "address_id",
        "hostname",
        "sms_sent_at",
    ],
)
def test_what_is_said_about_the_data_is_not_the_data(names: NameReader, name: str) -> None:
    """A state, a kind, a count or the name of a thing is not personal, whatever words stand beside it."""
    hint = names.column(name)
    assert hint is None or hint.strength < 0.3


@pytest.mark.parametrize(
    ("comment", "category"),
    [
        ("手机号码，用于登录", "phone"),
        ("用户姓名(加密)", "name"),
        ("性别 0未知 1男 2女", "gender"),
        ("Customer's full name", "name"),
        ("name of the customer", "name"),
        ("date of birth of the patient", "birth_date"),
    ],
)
def test_comments_are_read_by_their_first_clause(names: NameReader, comment: str, category: str) -> None:
    """What a comment says first is what the column is; how it is used comes later."""
    hint = names.comment(comment)
    assert hint is not None
    assert (hint.category, hint.source) == (category, "comment")


@pytest.mark.parametrize(
    ("name", "comment", "kind"),
    [
        ("Customer", "", Kind.PERSON),
        ("t_kh", "", Kind.PERSON),
        ("x1", "患者基本信息表", Kind.PERSON),
        ("user_roles", "", Kind.THING),
        ("Artist", "", Kind.PUBLIC_PERSON),
        ("suppliers", "", Kind.ORGANISATION),
        ("customer_addresses", "", Kind.LINKED),
        ("Invoice", "", Kind.NEUTRAL),
    ],
)
def test_tables_are_read_by_their_last_word(names: NameReader, name: str, comment: str, kind: Kind) -> None:
    """A table of user roles is about roles; a table of customers is about people."""
    assert names.table(name, comment) is kind


@given(st.text(max_size=80))
def test_any_name_and_comment_can_be_read(text: str) -> None:
    """Whatever a schema is called, reading it raises nothing and gives a strength between 0 and 1."""
    reader = _reader()
    for hint in (reader.column(text), reader.comment(text)):
        assert hint is None or 0 <= hint.strength <= 1


def _reader() -> NameReader:
    if not _READERS:
        _READERS.append(NameReader(Lexicon.load(POLICIES / "columns.toml", taxonomy().categories)))
    return _READERS[0]


_READERS: list[NameReader] = []


def test_seventy_tables_of_many_trades_are_read_by_names_alone() -> None:
    """Without a single value: any-personal F1 at least .95 and precision at least .97 over the tables of shops, forums, hospitals and offices."""
    tables = [(Table(name, tuple(Column(c, kind, family(kind)) for c, (kind, _) in columns.items())), {}) for name, columns in _BY_NAME.items()]
    reports = {report.table.name: report for one in tables for report in classify(one)}
    truth = {(name, column): category for name, columns in _BY_NAME.items() for column, (_, category) in columns.items()}
    result = score(reports, truth)
    assert result.any_personal >= 0.95, result
    assert result.typed_score >= 0.94, result
    assert result.hits / (result.hits + len(result.false)) >= 0.97, result.false


# --- values --------------------------------------------------------------------------------------------------------------------------


def test_three_of_three_is_no_certainty() -> None:
    """The share counts by its lower bound: three matches are less than thirty, and none are nothing."""
    assert wilson(3, 3) < 0.7 < wilson(30, 30) < 1
    assert wilson(0, 0) == 0 == wilson(0, 50)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_bound_never_exceeds_the_share(hits: int, misses: int) -> None:
    """A lower bound lies between nothing and the share itself."""
    total = hits + misses
    assert 0 <= wilson(hits, total) <= (hits / total + 1e-9 if total else 0)


@pytest.mark.parametrize(
    ("make", "category", "entity"),
    [
        (w.email, "email", "EMAIL_ADDRESS"), (w.zh_id, "national_id", "CN_ID_CARD"), (w.zh_mobile, "phone", "CN_MOBILE"), (w.card, "bank_card", "CREDIT_CARD"), (w.us_phone, "phone", "PHONE_NUMBER"),
        (w.ip, "ip_address", "IP_ADDRESS"), (w.plate, "vehicle", "CN_LICENSE_PLATE"), (w.zh_address, "address", "CN_ADDRESS"), (w.ssn, "national_id", "US_SSN"), (w.zh_name, "name", "PERSON"), (w.zh_landline, "phone", "CN_LANDLINE"),
    ],
)  # fmt: skip
def test_values_that_prove_themselves_need_no_name(make: object, category: str, entity: str) -> None:
    """A column called c1 in a table called t is known by its values alone."""
    found = proposals(table("t", {"c1": many(make), "c2": [str(n) for n in range(60)]}))
    assert (found["c1"].category, found["c1"].entity) == (category, entity)
    assert "c2" not in found


@pytest.mark.parametrize(
    "values",
    [
        many(w.order_number), [f"SKU-{n:05d}" for n in range(60)], [str(19.99 + n) for n in range(60)], w.PRODUCTS * 3, w.ZH_PRODUCTS * 3, w.DRUGS, ["red", "green", "white", "白色", "黄色"], ["S", "M", "L", "XL"],
        ["A", "B", "C"], [f"{n}.{n + 1}.0" for n in range(40)], many(lambda r: w.hex_text(r, 32)), many(w.moment), ["open", "closed", "成功", "失败"], [f"{n:013d}" for n in range(4006381333931, 4006381333991)],
        ["内科", "外科", "方便门诊"], ["Acoustic Guitar", "Grand Piano", "Snare Drum", "Electric Bass", "Violin Bow"], [f"2024-{n % 12 + 1:02d}-11" for n in range(60)],
    ],
)  # fmt: skip
def test_orders_goods_amounts_and_codes_are_left_alone(values: list[str]) -> None:
    """In a column without a telling name nothing is proposed for things, numbers, states and times."""
    assert proposals(table("t", {"c1": values})) == {}


def test_an_opaque_birth_date_goes_to_review_and_other_dates_go_nowhere() -> None:
    """Among people, dates that lie far back and far apart may be birth dates: to be looked at, never taken for granted."""
    found = proposals(
        table("t", {"c1": many(w.en_name), "c2": many(w.email), "c3": many(w.birthday), "c4": many(w.recent), "c5": many(lambda r: w.day(r, 2001, 2026))})
    )
    assert (found["c3"].category, found["c3"].outcome) == ("birth_date", Outcome.REVIEW)
    assert not {"c4", "c5"} & found.keys()


def test_words_that_the_values_contradict_are_not_believed() -> None:
    """A column called phone that holds words, or email that holds numbers, proposes nothing."""
    assert proposals(table("customer", {"phone": ["home", "work", "none"], "email": [str(n) for n in range(50)], "name": [str(n) for n in range(50)]})) == {}


# --- tables --------------------------------------------------------------------------------------------------------------------------


def test_a_bare_name_counts_only_among_people() -> None:
    """`name` is a person's in a table of customers, nobody's in a table of products."""
    values = ["Foo Bar", "Baz Qux", "Quux Corge", "Grault Garply", "Waldo Fred"]
    assert proposals(table("customer", {"name": values}))["name"].category == "name"
    assert proposals(table("product", {"name": values})) == {}


def test_artists_and_composers_are_for_review_at_most() -> None:
    """People known to the public or named for a work are never confirmed by default."""
    found = proposals(table("artist", {"name": many(w.en_name)}), table("piece", {"composer": many(w.en_name)}))
    assert {proposal.outcome for proposal in found.values()} <= {Outcome.REVIEW}


def test_parts_of_an_address_need_each_other_or_a_person() -> None:
    """City and country belong to an address beside a street and a person; a list of cities is nobody's."""
    address = {"street": many(w.street), "city": w.EN_CITIES, "country": ["Germany", "France"]}
    assert set(proposals(table("customer", {**address, "email": many(w.email)}))) == {"street", "city", "country", "email"}
    assert proposals(table("city", {"city": w.EN_CITIES, "country": ["Germany", "France"]})) == {}
    assert proposals(table("store", address)) == {}


def test_a_date_of_joining_is_a_date_of_hire_only_at_work() -> None:
    """`date_joined` of an employee is employment; of a user of a site it is a registration."""
    dates = many(w.recent)
    assert proposals(table("employee", {"date_joined": dates, "email": many(w.email)}))["date_joined"].category == "employment_date"
    assert "date_joined" not in proposals(table("site_user", {"date_joined": dates, "email": many(w.email)}))


def test_keys_and_references_are_no_data() -> None:
    """A surrogate key or a foreign key is never proposed, whatever it is called."""
    person = table("person", {"phone": ["1", "2"], "name": many(w.en_name)}, types={"phone": "INTEGER"}, primary_key=("phone",))
    call = table("call", {"phone": ["1", "2"]}, types={"phone": "INTEGER"}, foreign_keys=(ForeignKey(("phone",), "person", ("phone",)),))
    assert set(proposals(person, call)) == {"name"}


def test_whose_rows_they_are_is_proposed() -> None:
    """The key of a table of people, and the one reference to it, say whom each row is about; somebody who worked on a row is not."""
    customer = table("customers", {"id": ["1", "2"], "name": many(w.en_name), "email": many(w.email)}, primary_key=("id",))
    staff = table("employees", {"id": ["1", "2"], "name": many(w.en_name), "email": many(w.email)}, primary_key=("id",))
    keys = (ForeignKey(("support_rep_id",), "employees", ("id",)), ForeignKey(("customer_id",), "customers", ("id",)))
    order = table("orders", {"id": ["1", "2"], "support_rep_id": ["1", "2"], "customer_id": ["1", "2"]}, primary_key=("id",), foreign_keys=keys)
    subjects = {report.table.name: (report.subject.type, report.subject.field) if report.subject else None for report in classify(customer, staff, order)}
    assert subjects == {"customers": ("customer", "id"), "employees": ("employee", "id"), "orders": ("customer", "customer_id")}


# --- carriers ------------------------------------------------------------------------------------------------------------------------


def test_free_text_is_a_carrier_whatever_was_found_in_it() -> None:
    """A text column is listed even when nothing is found; with personal data inside it is proposed as text, never as an address."""
    clean = table("event", {"body": w.NOTES_CLEAN})
    telling = table("ticket", {"body": [f"please call {w.zh_mobile(random.Random(n))} about the parcel at the door" for n in range(20)]})
    (first,), (second,) = classify(clean), classify(telling)
    assert first.carriers == second.carriers == {"body": "free_text"}
    assert first.proposals == ()
    assert [(proposal.category, proposal.outcome) for proposal in second.proposals] == [("personal_text", Outcome.AUTO)]


@pytest.mark.parametrize(
    "written",
    [
        lambda n: f"我是{w.zh_name(random.Random(n))}，电话{w.zh_mobile(random.Random(n))}，医生态度不好",
        lambda n: f"I am {w.en_name(random.Random(n))} and the doctor was rude. Call {w.zh_mobile(random.Random(n))} please!",
        lambda n: f"{w.zh_name(random.Random(n))} {w.zh_mobile(random.Random(n))} {w.email(random.Random(n))}",
    ],
)
@pytest.mark.parametrize("column", ["f7", "内容"])
def test_texts_are_carriers_whatever_kind_stands_in_them(written: Callable[[int], str], column: str) -> None:
    """A complaint that names a doctor is no job title, and one of few words with several kinds in it is a text all the same."""
    (report,) = classify(table("投诉", {"编号": ["1", "2"], column: [written(n) for n in range(30)]}, primary_key=("编号",)))
    assert report.carriers == {column: "free_text"}
    assert [(proposal.column, proposal.category) for proposal in report.proposals] == [(column, "personal_text")]


def test_whole_values_of_one_kind_are_no_texts() -> None:
    """Titles, street addresses and names stay what they are, however many words they have."""
    streets = [f"{n} Main Street Apt. 4 Springfield IL 6270{n % 10} USA" for n in range(10, 40)]
    titles = ["Senior Doctor", "Head Nurse", "Vice President of Sales", "Physician", "Account Manager", "Engineer", "Clerk"]
    (report,) = classify(table("customers", {"id": ["1", "2"], "name": many(w.en_name), "addr": streets, "job": titles}, primary_key=("id",)))
    assert report.carriers == {}
    assert {"addr": "address", "job": "occupation"}.items() <= {proposal.column: proposal.category for proposal in report.proposals}.items()


def test_evidence_holds_no_value() -> None:
    """Proposals show numbers and words of the schema; no sampled value is in them, nor in the sample's own text form."""
    values = many(w.email, 30)
    tables = table("customer", {"email": values, "extra": [json.dumps({value: value}) for value in values]})
    text = json.dumps([proposal.plain() for proposal in proposals(tables).values()]) + repr(tables[1])
    assert not any(value in text for value in values)


# --- files ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[category.email]", "[category.e_mail]"),
        ("[category.email]\nstrong", "[category.email]\nsure"),
        ("[short]", "[shorts]"),
        ('\nkin = ["', '\nrelations = ["'),
        ('"mailbox"', '"surname"'),
        ("[context]", "[context"),
    ],
)
def test_a_wrong_word_file_stops_the_start(tmp_path: Path, old: str, new: str) -> None:
    """Unknown categories, keys and tables, a word for two categories, and broken TOML are refused with the file's name."""
    text = (POLICIES / "columns.toml").read_text(encoding="utf-8")
    assert old in text
    wrong = tmp_path / "columns.toml"
    wrong.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"columns\.toml"):
        Lexicon.load(wrong, taxonomy().categories)
