"""Whose identifiers these are, asked of real databases of each kind: every spelling found, nobody confused with anybody else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.audit.events import Action
from privacy.inventory.model import Dataset
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, InvalidInput
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.subjects.model import Doubt, Identifier, Resolution
from privacy.subjects.service import Subjects
from tests.cast import ALICE, CHARLIE
from tests.remembering import RememberingLog
from tests.subjects.building import CARD, EMAIL, ID, LOGIN, NAME, PHONE, asked, dataset, fill, refs, service

SUBJECT = asked(EMAIL, "").kind.SUBJECT
MOBILE, SWITCHBOARD, ID_NUMBER = "13904172263", "027-88415500", "42010619871123417X"

CRM = dataset("crm.customers", "customer", "id", {"full_name": "name", "email": "email", "mobile": "phone", "office_phone": "phone", "username": "account"})
STAFF = dataset("crm.staff", "employee", "id", {"email": "email", "username": "account"})
ORDERS = dataset("crm.orders", "customer", "customer_id", {"ship_phone": "phone"}, key="id")
FIRMS = dataset("crm.firms", "company", "id", {"contact_email": "email"})
ENGLISH = [CRM, STAFF, ORDERS, FIRMS]
MEMBERS = dataset(
    "商城.会员表",
    "会员",
    "会员编号",
    {"姓名": "name", "手机号": "phone", "身份证号": "national_id", "会员卡号": "account", "紧急联系人电话": "phone"},
    key="会员编号",
    types={"会员编号": "varchar(40)"},
)


@pytest.fixture
def english(empty_url: str) -> str:
    """A shop with customers, staff, orders with recipients, and firms."""
    fill(
        empty_url,
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, full_name VARCHAR(80), email VARCHAR(120), mobile VARCHAR(60), "
        "office_phone VARCHAR(60), username VARCHAR(40))",
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, email VARCHAR(120), username VARCHAR(40))",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, ship_phone VARCHAR(40))",
        "CREATE TABLE firms (id INTEGER PRIMARY KEY, contact_email VARCHAR(120))",
        (
            "INSERT INTO customers VALUES (:id, :name, :email, :mobile, :office, :login)",
            [
                customer(1, "Li Na", "Li.Na@Quillfeather.example", "+86 139-0417-2263", SWITCHBOARD, "kestrel"),
                customer(2, "Wang Fang", "wang@quillfeather.example", "１３９０４１７２２６４", SWITCHBOARD, "wren"),
                customer(3, "Wang Wei", "family@quillfeather.example", "0086 139 0417 2265", None, "Kestrel"),
                customer(4, "Wang Lei", "Family@quillfeather.example ", "(139)0417.2266", None, None),
                customer(5, "Li Na", None, SWITCHBOARD, None, None),
                customer(6, "Zhao", None, SWITCHBOARD, None, None),
            ],
        ),
        "INSERT INTO staff VALUES (9, 'agent@quillfeather.example', 'kestrel')",
        "INSERT INTO orders VALUES (100, 2, '13904172263')",
        "INSERT INTO firms VALUES (7, 'li.na@quillfeather.example')",
    )
    return empty_url


@pytest.fixture
def chinese(empty_url: str, english: str) -> str:
    """A members' table in Chinese, in the same database under another system's name."""
    quote = "`" if empty_url.startswith(("mysql", "mariadb")) else '"'
    columns = ", ".join(f"{quote}{name}{quote} VARCHAR(80)" for name in ("姓名", "手机号", "身份证号", "会员卡号", "紧急联系人电话"))
    fill(
        empty_url,
        f"CREATE TABLE {quote}会员表{quote} ({quote}会员编号{quote} VARCHAR(40) PRIMARY KEY, {columns})",
        (
            f"INSERT INTO {quote}会员表{quote} VALUES (:key, :name, :phone, :id, :card, :other)",
            [
                member("M-1", "李娜", "139 0417 2263", ID_NUMBER.lower(), "8800 4172", "13904172264"),
                member("M-2", "王伟", "13904172299", "420106871123417", "8800 4173", None),
                member("M-3", "赵", "13904172265", "420106195001011236", None, "13904172263"),
            ],
        ),
    )
    return empty_url


def customer(id: int, name: str, email: str | None, mobile: str, office: str | None, login: str | None) -> dict[str, object]:
    return {"id": id, "name": name, "email": email, "mobile": mobile, "office": office, "login": login}


def member(key: str, name: str, phone: str, id: str, card: str | None, other: str | None) -> dict[str, object]:
    return {"key": key, "name": name, "phone": phone, "id": id, "card": card, "other": other}


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


Make = Callable[..., Subjects]


@pytest.fixture
def make(sqlite_store: SqlStore, fixed_clock: FixedClock, empty_url: str, audit: RememberingLog) -> Make:
    def subjects(datasets: list[Dataset], **change: object) -> Subjects:
        urls = {"crm": empty_url, "商城": empty_url}
        return service(sqlite_store, fixed_clock, change.pop("urls", urls), datasets, audit=audit, **change)  # type: ignore[arg-type]

    return subjects


def resolved(subjects: Subjects, *identifiers: Identifier) -> Resolution:
    return subjects.resolve(ALICE, identifiers)


def reasons(resolution: Resolution) -> dict[str, set[str]]:
    """Return the doubtful subjects by reason."""
    found: dict[str, set[str]] = {}
    for doubt in resolution.doubts:
        found.setdefault(doubt.reason, set()).update(map(str, doubt.subjects))
    return found


@pytest.mark.parametrize("written", ["13904172263", "+8613904172263", "86 139 0417 2263", "１３９－０４１７－２２６３", "0086-139-0417-2263"])
def test_a_phone_is_found_however_it_is_written_on_either_side(english: str, make: Make, written: str) -> None:
    """What people type and what tables hold differ; the number does not."""
    resolution = resolved(make(ENGLISH), asked(PHONE, written))
    assert resolution.subjects == tuple(refs("crm:customer:1"))
    assert [(match.dataset, match.field) for match in resolution.matches] == [("crm.customers", "mobile")]


def test_full_width_cells_and_odd_separators_are_found(english: str, make: Make) -> None:
    """The pass over the table lets through whatever could be the number."""
    subjects = make(ENGLISH)
    assert resolved(subjects, asked(PHONE, "13904172264")).subjects == tuple(refs("crm:customer:2"))
    assert resolved(subjects, asked(PHONE, "13904172265")).subjects == tuple(refs("crm:customer:3"))
    assert resolved(subjects, asked(PHONE, "13904172266")).subjects == tuple(refs("crm:customer:4"))


def test_an_email_is_found_in_any_case_and_an_organisations_contact_is_not_the_organisation(english: str, make: Make) -> None:
    """The contact person belongs to the firm; erasing her must never reach it."""
    resolution = resolved(make(ENGLISH), asked(EMAIL, "LI.NA@quillfeather.example"))
    assert resolution.subjects == tuple(refs("crm:customer:1"))
    assert reasons(resolution) == {"organisation": {"crm:company:7"}}


def test_what_two_people_share_identifies_neither(english: str, make: Make) -> None:
    """A switchboard in one's own phone field, a family's e-mail: a doubt that names them, no match."""
    subjects = make(ENGLISH)
    phone = resolved(subjects, asked(PHONE, SWITCHBOARD))
    assert (phone.subjects, phone.several_people) == ((), False)
    assert reasons(phone)["shared"] == {"crm:customer:5", "crm:customer:6"}
    email = resolved(subjects, asked(EMAIL, "family@quillfeather.example"))
    assert (email.subjects, reasons(email)) == ((), {"shared": {"crm:customer:3", "crm:customer:4"}})


def test_somebody_elses_field_is_weak(english: str, make: Make) -> None:
    """The phone of an order's recipient or of an office is not the customer's; a person looks at it."""
    resolution = resolved(make(ENGLISH), asked(PHONE, MOBILE))
    assert reasons(resolution) == {"weak": {"crm:customer:2"}}


def test_identifiers_of_different_people_are_said_to_be(english: str, make: Make) -> None:
    """Whose request would this be? Nobody's, until somebody has looked."""
    resolution = resolved(make(ENGLISH), asked(EMAIL, "wang@quillfeather.example"), asked(PHONE, MOBILE))
    assert resolution.several_people
    assert set(resolution.subjects) == set(refs("crm:customer:1", "crm:customer:2"))


def test_a_login_counts_only_where_it_was_issued(english: str, make: Make) -> None:
    """An administrator and a customer may have one login; case tells logins apart."""
    subjects = make(ENGLISH)
    assert resolved(subjects, asked(LOGIN, "kestrel", "crm.customers")).subjects == tuple(refs("crm:customer:1"))
    assert resolved(subjects, asked(LOGIN, "kestrel", "crm.staff")).subjects == tuple(refs("crm:employee:9"))
    assert resolved(subjects, asked(LOGIN, "Kestrel", "crm.customers.username")).subjects == tuple(refs("crm:customer:3"))
    both = resolved(subjects, asked(LOGIN, "kestrel", "crm"))
    assert (both.subjects, reasons(both)) == ((), {"shared": {"crm:customer:1", "crm:employee:9"}})
    with pytest.raises(InvalidInput) as refused:
        resolved(subjects, asked(LOGIN, "kestrel"))
    assert refused.value.flaws[0].pointer == "/identifiers/0/scope"


def test_a_name_alone_never_resolves(english: str, make: Make) -> None:
    """Namesakes go to the review list; beside a strong identifier the name adds nothing."""
    subjects = make(ENGLISH)
    alone = resolved(subjects, asked(NAME, "li na"))
    assert (alone.subjects, reasons(alone)) == ((), {"weak": {"crm:customer:1", "crm:customer:5"}})
    assert {str(found) for review in subjects.reviews(ALICE) for found in review.subjects} == {"crm:customer:1", "crm:customer:5"}
    assert resolved(subjects, asked(NAME, "Li Na"), asked(EMAIL, "wang@quillfeather.example")).subjects == tuple(refs("crm:customer:2"))


def test_a_phone_on_file_under_another_name_is_in_doubt(english: str, make: Make) -> None:
    """A son who gives his own name and the phone of his mother's account gets neither."""
    subjects = make(ENGLISH)
    found = resolved(subjects, asked(PHONE, "13904172264"), asked(NAME, "Wang Lei"))
    assert (found.subjects, reasons(found)["contradicting"]) == ((), {"crm:customer:2"})
    assert resolved(subjects, asked(PHONE, "13904172264"), asked(NAME, "F. Wang")).subjects == tuple(refs("crm:customer:2"))


def test_one_phone_of_a_family_does_not_join_its_accounts_in_two_systems(empty_url: str, make: Make) -> None:
    """In each system it looks like one person's; the names say otherwise, until a person says that they are one."""
    fill(
        empty_url,
        "CREATE TABLE a (id INTEGER PRIMARY KEY, phone VARCHAR(40), name VARCHAR(40), email VARCHAR(80))",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, phone VARCHAR(40), name VARCHAR(40), email VARCHAR(80))",
        "INSERT INTO a VALUES (1, '13904172263', '李小明', 'ming@quillfeather.example')",
        "INSERT INTO b VALUES (2, '139 0417 2263', '王芳', 'fang@quillfeather.example')",
    )
    columns = {"phone": "phone", "name": "name", "email": "email"}
    subjects = make([dataset("crm.a", "customer", "id", columns), dataset("商城.b", "customer", "id", columns)])
    assert reasons(resolved(subjects, asked(PHONE, "13904172263"))) == {"shared": {"crm:customer:1", "商城:customer:2"}}
    found = resolved(subjects, asked(EMAIL, "ming@quillfeather.example"))
    assert (found.subjects, reasons(found)) == (tuple(refs("crm:customer:1")), {"contradicting": {"商城:customer:2"}})
    subjects.link(ALICE, refs("crm:customer:1", "商城:customer:2"))
    assert set(resolved(subjects, asked(PHONE, "13904172263")).subjects) == set(refs("crm:customer:1", "商城:customer:2"))


def test_a_phone_does_not_lead_to_a_record_with_another_email(empty_url: str, make: Make) -> None:
    """A stranger registers with her victim's phone in a system that checks nothing: the victim's record elsewhere is not hers to have."""
    fill(
        empty_url,
        "CREATE TABLE weak (id INTEGER PRIMARY KEY, phone VARCHAR(40), email VARCHAR(80))",
        "CREATE TABLE strong (id INTEGER PRIMARY KEY, phone VARCHAR(40), email VARCHAR(80))",
        "INSERT INTO weak VALUES (1, '13904172263', 'stranger@elsewhere.example')",
        "INSERT INTO strong VALUES (2, '139 0417 2263', 'li.na@quillfeather.example')",
    )
    columns = {"phone": "phone", "email": "email"}
    subjects = make([dataset("crm.weak", "customer", "id", columns), dataset("商城.strong", "customer", "id", columns)])
    found = resolved(subjects, asked(EMAIL, "stranger@elsewhere.example"))
    assert (found.subjects, reasons(found)) == (tuple(refs("crm:customer:1")), {"contradicting": {"商城:customer:2"}})
    assert [review.reason for review in subjects.reviews(ALICE)] == ["contradicting"]
    subjects.link(ALICE, refs("crm:customer:1", "商城:customer:2"))
    linked = resolved(subjects, asked(EMAIL, "stranger@elsewhere.example"))
    assert {match.reach.value for match in linked.matches} == {"given", "followed"} and len({match.person for match in linked.matches} - {""}) == 1


def test_an_identifier_in_a_table_that_nobody_settled_is_a_doubt_and_others_are_not(empty_url: str, make: Make) -> None:
    """Its e-mail column is confirmed, whom its rows are about is not: nobody may say that nothing is held."""
    fill(
        empty_url,
        "CREATE TABLE newsletter (id INTEGER PRIMARY KEY, email VARCHAR(80))",
        "INSERT INTO newsletter VALUES (1, 'Li.Na@quillfeather.example')",
    )
    subjects = make([dataset("crm.newsletter", None, None, {"email": "email"})])
    found = resolved(subjects, asked(EMAIL, "li.na@quillfeather.example"))
    assert (found.subjects, [(doubt.reason, doubt.dataset, doubt.field) for doubt in found.doubts]) == ((), [("unconfirmed", "crm.newsletter", "email")])
    assert resolved(subjects, asked(EMAIL, "other@quillfeather.example")).doubts == ()


def test_identifiers_on_file_lead_into_other_systems(chinese: str, make: Make) -> None:
    """An e-mail finds the customer, her phone the member; the emergency contacts of others lead nowhere."""
    resolution = resolved(make([*ENGLISH, MEMBERS]), asked(EMAIL, "li.na@quillfeather.example"))
    assert {str(match.subject): match.reach.value for match in resolution.matches} == {"crm:customer:1": "given", "商城:会员:M-1": "followed"}


@pytest.mark.parametrize("written", [ID_NUMBER, ID_NUMBER.lower(), "420106-19871123-417X", "４２０１０６１９８７１１２３４１７ｘ"])
def test_a_resident_number_is_found_with_either_x(chinese: str, make: Make, written: str) -> None:
    """And leads on to the customer through the phone on file."""
    resolution = resolved(make([*ENGLISH, MEMBERS]), asked(ID, written))
    assert set(resolution.subjects) == set(refs("商城:会员:M-1", "crm:customer:1"))


def test_an_old_resident_number_on_file_is_found_by_the_new_one(chinese: str, make: Make) -> None:
    """Fifteen digits in the table, eighteen in the request."""
    from privacy.subjects.normalising import resident_id

    assert resolved(make([MEMBERS]), asked(ID, resident_id("420106871123417"))).subjects == tuple(refs("商城:会员:M-2"))


def test_a_member_card_is_compared_exactly_within_its_scope(chinese: str, make: Make) -> None:
    """Blanks are part of what is printed on it."""
    subjects = make([MEMBERS])
    assert resolved(subjects, asked(CARD, "8800 4172", "商城")).subjects == tuple(refs("商城:会员:M-1"))
    assert resolved(subjects, asked(CARD, "88004172", "商城")).subjects == ()
    assert resolved(subjects, asked(CARD, "8800 4172", "crm")).subjects == ()


def test_a_card_in_a_table_of_cards_leads_to_its_holder(empty_url: str, make: Make) -> None:
    """Where the card is the key of its row, or the scope names the table: a subject may hold several, a card has one holder."""
    fill(
        empty_url,
        "CREATE TABLE cards (card VARCHAR(20) PRIMARY KEY, customer_id INTEGER)",
        "CREATE TABLE logins (id INTEGER PRIMARY KEY, customer_id INTEGER, login VARCHAR(40))",
        "INSERT INTO cards VALUES ('8800417001', 1), ('8800417002', 1), ('8800417003', 2)",
        "INSERT INTO logins VALUES (10, 1, 'kestrel'), (11, 1, 'wren'), (12, 2, 'wren')",
    )
    cards = dataset("crm.cards", "customer", "customer_id", {"card": "account"}, key="card", types={"customer_id": "integer"})
    logins = dataset("crm.logins", "customer", "customer_id", {"login": "account"}, key="id", types={"customer_id": "integer"})
    subjects = make([cards, logins])
    assert resolved(subjects, asked(CARD, "8800417002", "crm")).subjects == tuple(refs("crm:customer:1"))
    assert resolved(subjects, asked(LOGIN, "kestrel", "crm.logins")).subjects == tuple(refs("crm:customer:1"))
    assert reasons(resolved(subjects, asked(LOGIN, "kestrel", "crm"))) == {"weak": {"crm:customer:1"}}
    assert reasons(resolved(subjects, asked(LOGIN, "wren", "crm.logins"))) == {"shared": {"crm:customer:1", "crm:customer:2"}}


def test_different_resident_numbers_contradict_a_phone(empty_url: str, make: Make) -> None:
    """Numbers are given to somebody else after a while: the phone alone does not link where identities differ."""
    fill(
        empty_url,
        "CREATE TABLE a (id INTEGER PRIMARY KEY, phone VARCHAR(40), nid VARCHAR(40), email VARCHAR(80))",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, phone VARCHAR(40), nid VARCHAR(40), email VARCHAR(80))",
        "INSERT INTO a VALUES (1, '13904172263', '420106198711234179', 'old@quillfeather.example')",
        "INSERT INTO b VALUES (2, '13904172263', '420106195001011236', 'new@quillfeather.example')",
    )
    columns = {"phone": "phone", "nid": "national_id", "email": "email"}
    subjects = make([dataset("crm.a", "customer", "id", columns), dataset("商城.b", "customer", "id", columns)])
    found = resolved(subjects, asked(EMAIL, "old@quillfeather.example"))
    assert (found.subjects, reasons(found)) == (tuple(refs("crm:customer:1")), {"contradicting": {"商城:customer:2"}})
    assert resolved(subjects, asked(PHONE, "13904172263")).several_people
    assert resolved(subjects, asked(EMAIL, "old@quillfeather.example"), asked(ID, "420106195001011236")).several_people
    assert resolved(subjects, asked(EMAIL, "old@quillfeather.example"), asked(ID, "420106200001011230")).several_people


def test_a_system_that_does_not_answer_is_a_doubt_and_hides_nobody_else(english: str, make: Make, tmp_path: Path) -> None:
    """Nothing is known about it, least of all that the person is not there."""
    gone = dataset("gone.customers", "customer", "id", {"email": "email", "mobile": "phone"})
    subjects = make([CRM, gone], urls={"crm": english, "gone": f"sqlite:///{tmp_path / 'nothing.db'}"})
    resolution = resolved(subjects, asked(EMAIL, "wang@quillfeather.example"))
    assert resolution.subjects == tuple(refs("crm:customer:2"))
    assert {(doubt.reason, doubt.dataset) for doubt in resolution.doubts} == {("unreachable", "gone.customers")}


def test_a_table_that_is_gone_is_a_doubt_as_well(english: str, make: Make) -> None:
    """The map may be older than the schema."""
    lost = dataset("crm.lost", "customer", "id", {"email": "email"})
    resolution = resolved(make([CRM, lost]), asked(EMAIL, "wang@quillfeather.example"))
    assert (resolution.subjects, [doubt.dataset for doubt in resolution.doubts]) == (tuple(refs("crm:customer:2")), ["crm.lost"])


def test_time_that_runs_out_is_a_doubt_beside_what_the_index_found(english: str, make: Make) -> None:
    """The usual spelling is answered; that nobody else has the number in another one is not known, and said."""
    rows = [customer(n, "x", f"p{n}@quillfeather.example", f"0086 {n:011}", None, None) for n in range(100, 20_000)]
    fill(english, ("INSERT INTO customers VALUES (:id, :name, :email, :mobile, :office, :login)", rows))
    resolution = resolved(make([CRM], seconds=0.001), asked(EMAIL, "wang@quillfeather.example"))
    assert resolution.subjects == tuple(refs("crm:customer:2"))
    assert "unreachable" in reasons(resolution)


def test_a_value_that_hundreds_share_hides_no_other(english: str, make: Make) -> None:
    """A hotline in front of the table, the person asked for behind it."""
    rows = [customer(n, "x", None, "400-820-8820", None, None) for n in range(100, 700)] + [
        customer(999, "Sun", "sun@quillfeather.example", "13904172299", None, None)
    ]
    fill(english, ("INSERT INTO customers VALUES (:id, :name, :email, :mobile, :office, :login)", rows))
    resolution = resolved(make([CRM]), asked(PHONE, "4008208820"), asked(EMAIL, "sun@quillfeather.example"))
    assert resolution.subjects == tuple(refs("crm:customer:999"))
    assert {doubt.reason for doubt in resolution.doubts} == {"shared"}


def test_what_nobody_has_confirmed_is_not_searched_and_said(english: str, make: Make) -> None:
    """A proposal is no fact; a dataset without a subject leads to nobody."""
    proposed = dataset("crm.customers", "customer", "id", {"email": "email", "mobile": "phone"}, proposed=["email"])
    unsettled = dataset("crm.staff", None, None, {"email": "email"}, proposed_subject_type="employee")
    resolution = resolved(make([proposed, unsettled]), asked(EMAIL, "wang@quillfeather.example"))
    assert (resolution.subjects, {(doubt.reason, doubt.dataset) for doubt in resolution.doubts}) == (
        (),
        {("unconfirmed", "crm.customers"), ("unconfirmed", "crm.staff")},
    )


def test_a_reference_names_a_subject_only_where_there_is_one(chinese: str, make: Make) -> None:
    """What a person chose from the review list comes back as a reference; it is looked for like anything else."""
    subjects = make([*ENGLISH, MEMBERS])
    found = resolved(subjects, asked(SUBJECT, "crm:customer:1"))
    assert set(found.subjects) == set(refs("crm:customer:1", "商城:会员:M-1"))
    assert resolved(subjects, asked(SUBJECT, "crm:customer:77")).subjects == ()
    assert resolved(subjects, asked(SUBJECT, "商城:会员:M-2")).subjects == tuple(refs("商城:会员:M-2"))


def test_numbers_kept_as_numbers_are_found(empty_url: str, make: Make) -> None:
    """A phone in an integer column, keys that are UUIDs."""
    fill(
        empty_url,
        f"CREATE TABLE users (id {'UUID' if empty_url.startswith('postgres') else 'CHAR(36)'} PRIMARY KEY, phone BIGINT)",
        "INSERT INTO users VALUES ('0190a1b2-0000-7000-8000-00000000002a', 13904172263), ('0190a1b2-0000-7000-8000-00000000002b', 13904172264)",
    )
    kinds = {"id": "uuid" if empty_url.startswith("postgres") else "char(36)", "phone": "bigint"}
    subjects = make([dataset("crm.users", "user", "id", {"phone": "phone"}, types=kinds)])
    wanted = tuple(refs("crm:user:0190a1b2-0000-7000-8000-00000000002a"))
    assert resolved(subjects, asked(PHONE, "+86 139 0417 2263")).subjects == wanted
    assert [contact.masked for contact in subjects.contacts(DEFAULT_TENANT, wanted[0])] == ["…63"]
    assert resolved(subjects, asked(SUBJECT, "crm:user:no-uuid")).subjects == ()


def test_names_of_any_kind_are_quoted(empty_url: str, make: Make) -> None:
    """A percent sign, a colon, a quote and a reserved word in names of columns and tables."""
    quote = "`" if empty_url.startswith(("mysql", "mariadb")) else '"'
    table, key, column = (f"{quote}{name}{quote}" for name in ("order %s", "select", "e?mail 100%"))
    fill(
        empty_url,
        f"CREATE TABLE {table} ({key} INTEGER PRIMARY KEY, {column} VARCHAR(80))".replace(":", r"\:"),
        f"INSERT INTO {table} VALUES (3, 'Li@Quillfeather.example')",
    )
    subjects = make([dataset("crm.order %s", "customer", "select", {"e?mail 100%": "email"})])
    assert resolved(subjects, asked(EMAIL, "li@quillfeather.example")).subjects == tuple(refs("crm:customer:3"))


def test_ten_thousand_people_and_one_of_them(empty_url: str, make: Make) -> None:
    """Every tenth is written in full width, every third with separators: each is still one person."""
    rows = [{"id": n, "phone": spelled(n), "email": f"person{n}@Quillfeather.example"} for n in range(10_000)]
    fill(
        empty_url,
        "CREATE TABLE people (id INTEGER PRIMARY KEY, phone VARCHAR(40), email VARCHAR(80))",
        ("INSERT INTO people VALUES (:id, :phone, :email)", rows),
    )
    subjects = make([dataset("crm.people", "customer", "id", {"phone": "phone", "email": "email"})])
    for n in (0, 30, 31, 4173, 9990, 9999):
        assert resolved(subjects, asked(PHONE, f"+86139{n:08}")).subjects == tuple(refs(f"crm:customer:{n}"))
        assert resolved(subjects, asked(EMAIL, f"PERSON{n}@quillfeather.example")).subjects == tuple(refs(f"crm:customer:{n}"))
    assert resolved(subjects, asked(PHONE, "+8613999999999")).subjects == ()


def spelled(n: int) -> str:
    number = f"139{n:08}"
    if n % 10 == 0:
        return number.translate({48 + digit: 0xFF10 + digit for digit in range(10)})
    return f"+86 {number[:3]}-{number[3:7]}-{number[7:]}" if n % 3 == 0 else number


def test_a_file_is_searched_to_its_end(make: Make, tmp_path: Path) -> None:
    """A CSV system has no keys declared; its rows tell whether each is one person."""
    (tmp_path / "guests.csv").write_text(
        "编号,手机号,邮箱\n" + "".join(f"G{n},139{n:08},guest{n}@quillfeather.example\n" for n in range(3000)), encoding="gb18030"
    )
    (tmp_path / "visits.csv").write_text("编号,手机号\nG1,13900002999\nG1,13900002998\n", encoding="utf-8")
    guests = dataset("files.guests", "guest", "编号", {"手机号": "phone", "邮箱": "email"}, key="")
    visits = dataset("files.visits", "guest", "编号", {"手机号": "phone"}, key="")
    subjects = make([guests, visits], urls={"files": f"csv:{tmp_path}"})
    resolution = resolved(subjects, asked(PHONE, "139-0000-2999"))
    assert (resolution.subjects, reasons(resolution)) == (tuple(refs("files:guest:G2999")), {"weak": {"files:guest:G1"}})
    assert [contact.value.reveal() for contact in subjects.contacts(DEFAULT_TENANT, refs("files:guest:G7")[0])] == [
        "13900000007",
        "guest7@quillfeather.example",
    ]


def test_contacts_are_those_on_file_and_the_persons_own(chinese: str, make: Make) -> None:
    """A code goes to the member, never to the emergency contact; what is shown tells a stranger nothing."""
    subjects = make([*ENGLISH, MEMBERS])
    member = subjects.contacts(DEFAULT_TENANT, refs("商城:会员:M-1")[0])
    assert [(contact.field, contact.value.reveal(), contact.masked) for contact in member] == [("手机号", "139 0417 2263", "…63")]
    customer = subjects.contacts(DEFAULT_TENANT, refs("crm:customer:1")[0])
    assert [(contact.kind, contact.masked) for contact in customer] == [(EMAIL, "L***@Q…"), (PHONE, "…63")]


def test_a_question_is_an_event_of_counts_and_needs_the_right(english: str, make: Make, audit: RememberingLog) -> None:
    """No identifier and no subject stands in the log."""
    subjects = make(ENGLISH)
    subjects.resolve(ALICE, [asked(EMAIL, "li.na@quillfeather.example")], request_id="r-1")
    (event,) = audit.events
    assert (event.action, event.request_id) == (Action.SUBJECTS_RESOLVED, "r-1")
    assert dict(event.counts) == {"identifiers": 1, "subjects": 1, "doubts": 1, "several_people": 0}
    assert "quillfeather" not in repr(event)
    assert ":1" not in repr(event)
    with pytest.raises(AccessDenied):
        subjects.resolve(CHARLIE, [asked(EMAIL, "li.na@quillfeather.example")])


@pytest.mark.parametrize(
    ("identifiers", "pointer"),
    [
        ([], "/identifiers"),
        ([asked(PHONE, "00000000")], "/identifiers/0/value"),
        ([asked(EMAIL, "li@quillfeather.example"), asked(ID, "?")], "/identifiers/1/value"),
        ([asked(SUBJECT, "nonsense")], "/identifiers/0/value"),
        ([asked(EMAIL, f"{n}@quillfeather.example") for n in range(21)], "/identifiers"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_by_place(sqlite_store: SqlStore, fixed_clock: FixedClock, identifiers: list[Identifier], pointer: str) -> None:
    """Never with the value."""
    with pytest.raises(InvalidInput) as refused:
        service(sqlite_store, fixed_clock, {}, []).resolve(ALICE, identifiers)
    assert refused.value.flaws[0].pointer == pointer


def test_doubts_say_where_and_never_what(english: str, make: Make) -> None:
    """Evidence names dataset and field."""
    doubts = resolved(make(ENGLISH), asked(PHONE, SWITCHBOARD)).doubts
    assert Doubt("shared", "crm.customers", "mobile", PHONE, tuple(refs("crm:customer:5", "crm:customer:6"))) in doubts
    assert "88415500" not in repr(doubts)
