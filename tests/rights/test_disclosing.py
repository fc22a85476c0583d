"""Whose a group of columns is, in schemas of other makers: camel case, other languages, namesakes, shared phones, contacts, JSON."""

import json
from typing import Any

import pytest

from privacy.adapters.presidio_analyzer import PresidioRecognisers
from privacy.discovery.text import Detector
from privacy.disposal.model import Share
from privacy.inventory.model import Carrier, Dataset, Field, Status
from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId
from privacy.kernel.normalise import Normalisers
from privacy.rights.disclosing import Column, Discloser, Place, Reference, Scene, columns_of, own_values
from privacy.rights.roles import cut
from tests.cast import MARGUERITE
from tests.rights.office import POLICIES

TAXONOMY = Taxonomy.load(POLICIES / "taxonomy.toml")
DETECTOR = Detector(PresidioRecognisers(), ("GB", "US", "CN"))
CLASSES = {entity: TAXONOMY.of_entity(entity).field_class for entity in TAXONOMY.entities}
M = MARGUERITE
OWN = {"id": 43, "firstName": "Marguerite", "lastName": "Okonkwo-Hale", "email": M.email, "phone": M.phone, "address": M.address}
CUSTOMER: Place = ("shop.customer", ("id",))
EMPLOYEE: Place = ("shop.employee", ("id",))
OTHER_PHONE, OTHER_MAIL = "+447700900999", "rupert@elsewhere.example"


def columns(row: dict[str, Any], **more: dict[str, Any]) -> tuple[Column, ...]:
    return tuple(Column(name, **({"category": cut(name).category, "cut": cut(name)} | more.get(name, {}))) for name in row)  # type: ignore[arg-type]


def discloser(own: dict[str, Any] | None = None) -> Discloser:
    mine = own or OWN
    return Discloser(own_values([(Scene(columns(mine), Share.OWNED, own=True), mine)], Normalisers("GB")), {CUSTOMER: {("43",)}}, DETECTOR, CLASSES)


def seen(
    row: dict[str, Any],
    *,
    share: Share = Share.OWNED,
    own: bool = False,
    link: set[str] | None = None,
    references: tuple[Reference, ...] = (),
    **more: dict[str, Any],
) -> dict[str, Any]:
    engine, scene = discloser(), Scene(columns(row, **more), share, own, frozenset(link or ()), references)
    clean, reasons = engine.row(scene, row)
    engine.texts(scene, clean, reasons)
    assert {name for name in clean if clean[name] != row[name]} == reasons.keys()
    return clean


def hidden(row: dict[str, Any], **more: Any) -> set[str]:
    clean = seen(row, **more)
    return {name for name in row if clean[name] != row[name]}


@pytest.mark.parametrize(
    ("column", "role", "category"),
    [
        ("ship_to_name", "ship to", "name"),
        ("shipToPhone", "ship to", "phone"),
        ("ShipCity", "ship", "address"),
        ("shr_xm", "shr", "name"),
        ("shr_dz", "shr", "address"),
        ("shrxm", "shr", "name"),
        ("收货人姓名", "收货", "name"),
        ("收货电话", "收货", "phone"),
        ("收货地址", "收货", "address"),
        ("紧急联系人电话", "紧急联系", "phone"),
        ("FirstName", "", "name"),
        ("e_mail", "", "email"),
        ("phone2", "", "phone"),
        ("customer_id", "customer", ""),
        ("BillingPostalCode", "billing", "address"),
        ("total_amount", "total amount", ""),
        ("recipient", "recipient", ""),
        ("手机号", "", "phone"),
    ],
)
def test_a_name_is_cut_into_who_and_what(column: str, role: str, category: str) -> None:
    assert (cut(column).role, cut(column).category) == (role, category)


def test_a_parcel_to_oneself_is_ones_own() -> None:
    assert hidden({"shipToName": "Okonkwo-Hale, Marguerite".replace(",", ""), "shipToPhone": "07700 900417", "shipToStreet": "1 Elsewhere Road"}) == set()


def test_a_parcel_to_somebody_else_is_theirs_but_for_the_order_itself() -> None:
    row = {"order_no": "A-17", "ship_to_name": "Rupert Finch", "ship_to_phone": OTHER_PHONE, "ship_to_street": "9 Rook Lane", "total": "17.40"}
    assert hidden(row) == {"ship_to_name", "ship_to_phone", "ship_to_street"}


def test_a_namesake_with_another_phone_is_not_taken_for_the_person() -> None:
    """A name alone tells nobody: what is equal may be seen, the rest may not."""
    row = {"recipient_name": "Marguerite Okonkwo-Hale", "recipient_phone": OTHER_PHONE, "recipient_address": "9 Rook Lane"}
    assert hidden(row) == {"recipient_phone", "recipient_address"}


def test_another_name_behind_ones_own_phone_stays_anothers() -> None:
    """A household or a switchboard: one phone, several people."""
    assert hidden({"contact_name": "Rupert Finch", "contact_phone": M.phone}) == {"contact_name"}


def test_half_a_name_is_nobodys() -> None:
    assert hidden({"guest_first_name": "Marguerite", "guest_last_name": "Finch"}) == {"guest_first_name", "guest_last_name"}


def test_an_address_beside_nobodys_name_goes_with_the_row() -> None:
    """The billing address of one's own invoice; in a row that is somebody else's it is not one's own."""
    row = {"billing_street": "417 Quillfeather Lane", "billing_city": "Bristol"}
    assert hidden(row) == set()
    assert hidden(row, share=Share.ACCESSED) == {"billing_street", "billing_city"}


def test_ones_own_record_is_ones_own_but_for_its_emergency_contact() -> None:
    row = OWN | {"mobile_phone": "+447700900418", "emergency_contact_name": "Rupert Finch", "emergency_contact_phone": OTHER_PHONE, "spouse_email": OTHER_MAIL}
    assert hidden(row, own=True) == {"emergency_contact_name", "emergency_contact_phone", "spouse_email"}


def test_a_companys_contact_person_is_the_person_where_the_record_names_no_other() -> None:
    own = {"id": 43, "companyName": "Quill Ltd", "contactName": "Marguerite Okonkwo-Hale", "phone": M.phone}
    made = columns(own, companyName={"category": "employer"})
    engine = Discloser(own_values([(Scene(made, Share.OWNED, own=True), own)], Normalisers("GB")), {}, DETECTOR, CLASSES)
    assert engine.row(Scene(made, Share.OWNED, own=True), own)[1] == {}
    assert engine.text("Marguerite Okonkwo-Hale") == "Marguerite Okonkwo-Hale"


def test_the_reference_that_led_here_says_whose_its_group_is() -> None:
    """A stale copy of the customer's name beside customer_id is still the customer's."""
    row = {"customer_id": 43, "customer_name": "Marguerite Okonkwo", "agent_name": "Rupert Finch"}
    assert hidden(row, link={"customer"}) == {"agent_name"}


def test_references_to_others_go_and_to_oneself_stay() -> None:
    row = {"sender_id": 43, "recipient_id": 44, "agent_id": 7}
    led = (Reference(("sender_id",), CUSTOMER), Reference(("recipient_id",), CUSTOMER), Reference(("agent_id",), EMPLOYEE, staff=True))
    assert seen(row, references=led) == {"sender_id": 43, "recipient_id": "[another person's]", "agent_id": "[staff]"}


def test_a_staff_number_that_reads_like_ones_own_key_is_still_staff() -> None:
    assert seen({"agent_id": 43}, references=(Reference(("agent_id",), EMPLOYEE, staff=True),)) == {"agent_id": "[staff]"}


def test_a_key_is_ones_own_in_its_dataset_alone() -> None:
    """Customer 43 is not vendor 43; a reference that says of which kind it is counts in the rows of that kind."""
    vendor: Place = ("shop.vendor", ("id",))
    assert seen({"vendor_id": 43}, references=(Reference(("vendor_id",), vendor),)) == {"vendor_id": "[another person's]"}
    led = (Reference(("of_id",), vendor, when={"of": "vendor"}), Reference(("of_id",), CUSTOMER, when={"of": "customer"}))
    assert seen({"of": "customer", "of_id": "43"}, references=led)["of_id"] == "43"
    assert seen({"of": "vendor", "of_id": "43"}, references=led)["of_id"] == "[another person's]"


@pytest.mark.parametrize("name", ["药品名称", "商品名称", "yp_mc", "product_name", "ItemName", "companyName", "公司名称"])
def test_the_name_of_a_thing_tells_of_nobody(name: str) -> None:
    """The drug of one's own prescription is one's own, and so is what stands beside it."""
    assert cut(name).category == ""
    assert hidden({name: "阿莫西林胶囊", "数量": 2}) == set()


def test_the_data_map_decides_what_a_column_says_and_its_name_only_groups_it() -> None:
    looked_at = {"包装名字": ("", Status.UNKNOWN), "shr_xm": ("name", Status.CONFIRMED), "shr_dz": ("", Status.UNKNOWN), "lxr_dh": ("phone", Status.PROPOSED)}
    fields = {name: Field(name, category, "", 3, "redact", status) for name, (category, status) in looked_at.items()}
    row = {"包装名字": "大盒", "shr_xm": "王芳", "shr_dz": "鹤鸣路9号", "lxr_dh": OTHER_PHONE, "later_phone": OTHER_PHONE}
    dataset = Dataset(DatasetId("d"), DEFAULT_TENANT, "shop", "t", fields=fields)
    clean, reasons = discloser().row(Scene(columns_of(dataset, list(row), ()), Share.OWNED, own=False), row)
    assert reasons.keys() == {"shr_xm", "shr_dz", "lxr_dh", "later_phone"}, "a proposal nobody rejected, and a column nobody has looked at, count"
    assert clean["包装名字"] == "大盒"


def test_names_of_people_that_rows_refer_to_go_from_texts_and_ones_own_stay() -> None:
    engine = discloser()
    engine.learn(["Rupert Finch", "Mark", "Hale", "王芳", OTHER_MAIL, "Marguerite Okonkwo-Hale"])
    assert engine.text("RUPERT FINCH said to mark it; ask Mark, 王芳 (Rupert@Elsewhere.example), not Hales.") == (
        "[another person's] said to mark it; ask [another person's], [another person's] ([another person's]), not Hales."
    )
    assert engine.text("for Marguerite Okonkwo-Hale") == "for Marguerite Okonkwo-Hale"


def test_texts_lose_what_is_found_of_others_and_keep_ones_own() -> None:
    row = {"note": f"Call Rupert Finch at {OTHER_PHONE} or {OTHER_MAIL}; the customer is {M.email}, {M.phone}.", "ship_to_name": "Rupert Finch"}
    clean = seen(row, note={"carrier": Carrier.FREE_TEXT})["note"]
    assert M.email in clean and M.phone in clean
    assert "Rupert" not in clean and OTHER_PHONE not in clean and OTHER_MAIL not in clean


def test_what_was_redacted_in_one_row_is_redacted_in_the_text_of_another() -> None:
    engine, order, ticket = discloser(), {"ship_to_name": "Wren"}, {"body": "left with Wren next door"}
    engine.row(Scene(columns(order), Share.OWNED, own=False), order)
    scene = Scene(columns(ticket), Share.OWNED, own=False)
    clean, reasons = engine.row(scene, ticket)
    engine.texts(scene, clean, reasons)
    assert clean["body"] == "left with [another person's] next door"


def test_json_is_read_like_rows() -> None:
    others, mine = {"name": "Rupert Finch", "phone": OTHER_PHONE}, {"email": M.email, "phone": M.phone}
    held = {"to": others, "me": mine, "lines": [{"sku": "A", "n": 2}], "memo": f"mail {OTHER_MAIL}"}
    clean = json.loads(seen({"extra": json.dumps(held)}, extra={"carrier": Carrier.JSON})["extra"])
    assert clean["me"] == held["me"] and clean["lines"] == held["lines"]
    assert "Rupert" not in json.dumps(clean) and OTHER_PHONE not in json.dumps(clean) and OTHER_MAIL not in json.dumps(clean)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a": NaN}', "{}", "[1, 2]"])
def test_what_looks_like_json_and_is_none_is_read_as_text(text: str) -> None:
    assert seen({"extra": text})["extra"] == text


def test_credentials_are_handed_to_nobody() -> None:
    assert hidden(OWN | {"password_hash": "$argon2id$…"}, own=True, password_hash={"category": "credential"}) == {"password_hash"}
