"""What stands in a package: exactly the person's rows, nothing of anybody else, everything that could not be searched by name."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from privacy.adapters.presidio_analyzer import PresidioRecognisers
from privacy.discovery.text import Detector
from privacy.disposal.closure import collect
from privacy.disposal.model import Collection
from privacy.disposal.target import ColumnShape
from privacy.inventory.catalogue_model import Purpose, Recipient
from privacy.inventory.catalogue_ports import Contents
from privacy.inventory.model import Dataset
from privacy.inventory.relations import Relation
from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import ConnectorUnavailable
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.rights.letters import Letters
from privacy.rights.model import Request, Requester, RequestKind, RequestState
from privacy.rights.package import Builder
from tests.cast import LI_XIAOMING
from tests.company.tables import BY_NAME
from tests.disposal import shop
from tests.disposal.memory_target import MemoryTarget
from tests.rights.office import CONTROLLER, NOW, POLICIES

TAXONOMY = Taxonomy.load(POLICIES / "taxonomy.toml")
DETECTOR = Detector(PresidioRecognisers(), ("CN", "US", "GB", "DE", "FR"))


class Shop:
    """The data map, the relations, the rows and the walk over them: what the builder is given."""

    def __init__(self, datasets: Mapping[str, Dataset], relations: Sequence[Relation], target: MemoryTarget) -> None:
        self._datasets, self._relations, self._target = dict(datasets), tuple(relations), target
        self.silent = False
        self.locked: dict[str, Any] = {}

    def datasets(self, tenant: TenantId, system: str | None = None) -> list[Dataset]:
        return list(self._datasets.values())

    def of_system(self, tenant: TenantId, system: str) -> Sequence[Relation]:
        return self._relations

    def collect(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[Collection]:
        if self.silent:
            raise ConnectorUnavailable("The system does not answer.")
        from privacy.disposal.closure import Terrain

        return [collect(Terrain(tenant, shop.SYSTEM, self._datasets, self._target.shapes(), self._relations), self._target, subjects)]

    def of(self, tenant: TenantId, dataset: DatasetId) -> dict[str, Any]:
        return self.locked if dataset == "id-kh_info" else {}

    def contents(self, tenant: TenantId) -> Contents:
        purpose = Purpose("service", "Service", "main", "contract", ("name", "phone", "address"), retention="P3Y", name_zh="服务")
        return Contents(1, {"main": CONTROLLER}, {"service": purpose}, {"parcel": Recipient("parcel", "Parcel Ltd", "processor", "DE", purposes=("service",))})

    def __call__(self, tenant: TenantId, system: str, *, write: bool = True) -> MemoryTarget:
        assert not write
        return self._target

    def builder(self) -> Builder:
        letters = Letters.load(POLICIES / "requests.toml")
        return Builder(self, self, self, self, self, TAXONOMY, DETECTOR, self, letters, FixedClock(NOW))  # type: ignore[arg-type]


def chinese_shop() -> Shop:
    return Shop(shop.datasets(), shop.relations(), shop.memory())


def request(**changes: Any) -> Request:
    who = {"received_by": "user:agnes", "channel": "web", "language": "zh", "requester": Requester.SELF, "identifier_kinds": ("email",)}
    made = Request("r-1", DEFAULT_TENANT, RequestKind.ACCESS, RequestState.VERIFIED, "main", ("gdpr", "pipl"), NOW, NOW, **who)  # type: ignore[arg-type]
    return replace(made, **changes)


def unpacked(company: Shop, *subjects: SubjectRef, **changes: Any) -> dict[str, str]:
    asked, builder = request(**changes), company.builder()
    built = builder.build(asked, subjects, builder.collect(asked, subjects), ())
    with zipfile.ZipFile(io.BytesIO(built.content)) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


@pytest.fixture(scope="module")
def packages() -> dict[str, dict[str, str]]:
    return {person: unpacked(chinese_shop(), shop.subject(person)) for person in shop.TRUTH["people"]}


@pytest.mark.parametrize("person", shop.TRUTH["people"])
def test_the_rows_are_those_of_the_truth_and_no_others(packages: dict[str, dict[str, str]], person: str) -> None:
    truth = shop.TRUTH["people"][person]
    found: dict[str, dict[str, list[str]]] = {"own": {}, "shared": {}}
    document = json.loads(packages[person]["data.json"])
    for dataset in document["datasets"]:
        table = dataset["dataset"].partition(".")[2]
        keys = ["/".join(str(row[column]) for column in BY_NAME[table].key) for row in dataset["rows"]]
        found["own" if dataset["share"] == "owned" else "shared"].setdefault(table, []).extend(keys)
    for share in ("own", "shared"):
        assert {table: sorted(keys) for table, keys in found[share].items()} == {table: sorted(keys) for table, keys in truth[share].items()}
    assert {each["dataset"].partition(".")[2]: each["rows"] for each in document["worked_on_as_staff"]} == truth["handled"]


@pytest.mark.parametrize("person", shop.TRUTH["people"])
def test_no_value_of_anybody_else_stands_anywhere(packages: dict[str, dict[str, str]], person: str) -> None:
    """Not in rows, not in tables, not in texts; whose values these are was written down before this engine was."""
    whole = "\n".join(packages[person].values())
    assert [value for value in shop.TRUTH["people"][person]["others"] if value in whole] == []


@pytest.mark.parametrize("person", shop.TRUTH["people"])
def test_what_could_not_be_searched_is_named(packages: dict[str, dict[str, str]], person: str) -> None:
    carriers = json.loads(packages[person]["carriers.json"])["carriers"]
    named = {each["dataset"].partition(".")[2] + "." + each["field"] for each in carriers if each["content"] == "not searched"}
    assert named == set(shop.TRUTH["people"][person]["carriers"])


def test_the_persons_own_values_are_all_there(packages: dict[str, dict[str, str]]) -> None:
    """Redaction takes what is others', not what is theirs."""

    whole = packages["xiaoming"]["data.json"]
    for value in (
        LI_XIAOMING.name,
        LI_XIAOMING.phone,
        LI_XIAOMING.email,
        LI_XIAOMING.id_number,
        LI_XIAOMING.birth_date,
        LI_XIAOMING.address,
        "xiaoming",
        "8800417001",
        "味道不错",
        "203.0.113.7",
    ):
        assert value in whole, "a value of the person's own was taken out"


def test_it_says_what_article_15_asks_for(packages: dict[str, dict[str, str]]) -> None:
    document = json.loads(packages["xiaoming"]["data.json"])
    orders = next(each for each in document["datasets"] if each["dataset"] == "shop.dd_main")
    assert {each["id"] for each in orders["categories"]} >= {"name", "phone", "address"}
    assert orders["purposes"][0] == {"id": "service", "name": "Service", "name_zh": "服务", "lawful_basis": "contract", "retention": "P3Y"}
    assert orders["recipients"][0]["name"] == "Parcel Ltd"
    assert orders["redacted"]["shr_xm"] == {"another_person": 1} and orders["redacted"]["jb_bh"] == {"staff": 2}
    assert set(document["rights"]) == {"gdpr", "pipl"}
    assert document["controller"]["contact"]


def test_the_first_page_is_in_the_persons_language(packages: dict[str, dict[str, str]]) -> None:
    assert "您的个人信息" in packages["xiaoming"]["README.txt"]
    assert "Your personal data" in unpacked(chinese_shop(), shop.subject("chenjing"), language="en")["README.txt"]


def test_a_system_that_does_not_answer_is_named_and_not_passed_over() -> None:
    company = chinese_shop()
    company.silent = True
    files = unpacked(company, shop.subject("xiaoming"))
    assert json.loads(files["data.json"])["not_searched"] == ["shop"]
    assert "shop" in files["README.txt"]


def test_tables_hold_no_formula() -> None:
    """A spreadsheet must not carry out what a person or somebody else wrote."""
    target = shop.memory()
    evil = ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "＝1"]
    for row, text in zip([row for row in target.rows["gd_info"] if row["kh_bh"] == "KH0001"], evil, strict=False):
        row["nr"] = text
    for row in target.rows["kh_info"]:
        row["bz"] = evil[2]
    files = unpacked(Shop(shop.datasets(), shop.relations(), target), shop.subject("xiaoming"))
    for name, text in files.items():
        if name.endswith(".csv"):
            for cells in csv.reader(io.StringIO(text.removeprefix("\ufeff"))):
                assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "＝")) or (cell.startswith("-") and not cell[1:].isdigit())]


def test_californians_learn_that_numbers_are_held_without_seeing_them() -> None:
    """CCPA regulations 7024(d); where European or Chinese law applies too the copy is whole."""

    only = unpacked(chinese_shop(), shop.subject("xiaoming"), regimes=("ccpa",))["data.json"]
    both = unpacked(chinese_shop(), shop.subject("xiaoming"), regimes=("ccpa", "gdpr"))["data.json"]
    assert LI_XIAOMING.id_number not in only and "已保存，不予展示" in only
    assert LI_XIAOMING.id_number in both


@dataclass
class Locked:
    """A column encrypted in place, as subjects' port shows it: texts open for the subject they were locked for."""

    shadow_column: str
    index_column: str

    def reveal(self, asked: Sequence[tuple[SubjectRef, str]]) -> list[Plaintext | None]:
        return [Plaintext(text.removeprefix(f"pv1:{subject.key}:")) if text.startswith(f"pv1:{subject.key}:") else None for subject, text in asked]


def test_what_was_encrypted_in_place_is_opened_for_the_person_and_our_columns_are_not_shown() -> None:
    """The shop's phones after the switch: emptied, with the ciphertext and its index beside them."""
    target = shop.memory()
    known = target.shapes()["kh_info"]
    families = {"sjh_enc": "text", "sjh_bidx": "integer"}
    added = {name: ColumnShape(name, family, family, nullable=True) for name, family in families.items()}
    target.tables["kh_info"] = replace(known, columns={**known.columns, **added})
    for row in target.rows["kh_info"]:
        row["sjh_enc"], row["sjh_bidx"], row["sjh"] = (f"pv1:{row['kh_bh']}:{row['sjh']}", 417, None) if row["sjh"] else (None, None, None)
    datasets = shop.datasets()
    datasets["kh_info"] = replace(datasets["kh_info"], beside={"sjh": ("sjh_enc", "sjh_bidx")})
    company = Shop(datasets, shop.relations(), target)
    company.locked = {"sjh": Locked("sjh_enc", "sjh_bidx")}
    whole = "".join(unpacked(company, shop.subject("xiaoming")).values())
    assert LI_XIAOMING.phone in whole
    assert "pv1:" not in whole and "sjh_enc" not in whole and "sjh_bidx" not in whole
    # also found of oneself in others' columns, since the opened value is one of the person's own
    assert json.loads(unpacked(company, shop.subject("wangfang"))["data.json"])["datasets"]


def test_equal_data_gives_an_equal_archive() -> None:
    company, asked = chinese_shop(), request()
    builder, subjects = company.builder(), (shop.subject("xiaoming"),)
    one, other = (builder.build(asked, subjects, builder.collect(asked, subjects), ()).content for _ in range(2))
    assert one == other


def test_a_number_of_staff_that_equals_ones_own_is_not_shown() -> None:
    """Customers and employees count from one: customer 3 was served by employee 3."""
    target = shop.memory()
    for row in target.rows["dd_main"]:
        row["jb_bh"] = "KH0001"
    orders = rows_of(Shop(shop.datasets(), shop.relations(), target), "dd_main")
    assert orders and {row["jb_bh"] for row in orders} == {"［工作人员］"}
    assert {row["kh_bh"] for row in orders} == {"KH0001"}


def test_a_table_with_a_subject_whose_rows_are_no_people_is_referred_to_openly() -> None:
    """An order has a confirmed subject, too; the number of one's own order stands in every line."""
    datasets = shop.datasets()
    datasets["dd_main"] = replace(datasets["dd_main"], subject_type="customer", subject_field="kh_bh")
    lines = rows_of(Shop(datasets, shop.relations(), shop.memory()), "dd_mx")
    assert lines and not [row for row in lines if "［" in str(row["dd_bh"])]
    whole = "".join(unpacked(Shop(datasets, shop.relations(), shop.memory()), shop.subject("xiaoming")).values())
    assert [value for value in shop.TRUTH["people"]["xiaoming"]["others"] if value in whole] == []


def test_people_whom_rows_refer_to_are_not_named_in_texts() -> None:
    """The employee who took the order stands in no column of the package, only by number; a text of another row names her."""
    target = shop.memory()
    for row in target.rows["yg_info"]:
        row["xm"], row["sjh"] = "欧阳慕容", "x-4417-77"
    for row in target.rows["gd_info"]:
        row["nr"] = f"欧阳慕容已联系{LI_XIAOMING.name}，内线 X-4417-77"
    tickets = rows_of(Shop(shop.datasets(), shop.relations(), target), "gd_info")
    assert tickets
    for row in tickets:
        assert "欧阳慕容" not in row["nr"] and "4417" not in row["nr"]
        assert LI_XIAOMING.name in row["nr"], "one's own name stays"


def rows_of(company: Shop, table: str) -> list[dict[str, Any]]:
    datasets = json.loads(unpacked(company, shop.subject("xiaoming"))["data.json"])["datasets"]
    return [row for each in datasets if each["dataset"] == f"shop.{table}" for row in each["rows"]]


def test_handled_rows_are_counted_and_never_shown(packages: dict[str, dict[str, str]]) -> None:
    staff = packages["staff_zhangwei"]
    assert "csv/shop.dd_main.csv" not in staff and "csv/shop.kh_info.csv" not in staff
    assert json.loads(staff["data.json"])["worked_on_as_staff"]
