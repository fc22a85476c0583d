"""What a proof covers, over real tables in two systems: a shop that checks who registers, and a newsletter that takes anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.kernel.errors import Conflict, InvalidInput
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.rights.erasing import Erasing
from privacy.rights.identity import Identity
from privacy.rights.letters import Letters
from privacy.rights.model import RequestKind
from privacy.rights.sealing import Lookups
from privacy.subjects.model import Identifier
from privacy.subjects.service import Subjects
from tests.cast import ALICE
from tests.consent.builders import MemoryKeys
from tests.rights.office import AGNES, POLICIES, Bureau
from tests.subjects.building import EMAIL, NAME, PHONE, asked, dataset, fill, refs, service

VICTIM_PHONE, VICTIM_MAIL, STRANGER_MAIL = "13904172263", "li.na@quillfeather.example", "stranger@elsewhere.example"
COLUMNS = {"full_name": "name", "phone": "phone", "email": "email"}
STRANGER, VICTIM = refs("news:reader:1", "shop:customer:2")


@dataclass
class Scene:
    """An office over the two systems. `put` writes into them as their own applications do."""

    office: Bureau
    subjects: Subjects
    identity: Identity
    erasing: Erasing
    urls: dict[str, str]

    def put(self, system: str, *statements: str) -> None:
        fill(self.urls[system], *statements)

    def receive(self, *identifiers: Identifier) -> str:
        return self.office.receive(RequestKind.ERASURE, *identifiers)

    def by_code(self, *identifiers: Identifier) -> str:
        id = self.receive(*identifiers)
        self.identity.ask(AGNES, id)
        self.identity.verify(ALICE, id, self.office.pigeon.last_code)
        return id

    def proven(self, id: str) -> set[SubjectRef]:
        return set(self.identity.again(ALICE, self.office.cases.get(DEFAULT_TENANT, id)).subjects)

    def left_out(self, id: str) -> set[SubjectRef]:
        return {each.subject for each in self.identity.again(ALICE, self.office.cases.get(DEFAULT_TENANT, id)).reached if not each.covered}

    @property
    def sent_to(self) -> Sequence[str]:
        return [message.to.reveal() for message in self.office.pigeon.sent]


@pytest.fixture
def scene(office: Bureau, sqlite_store: SqlStore, tmp_path: Path) -> Scene:
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in ("shop", "news")}
    fill(urls["news"], "CREATE TABLE readers (id INTEGER PRIMARY KEY, full_name VARCHAR(40), phone VARCHAR(40), email VARCHAR(80))")
    fill(urls["shop"], "CREATE TABLE customers (id INTEGER PRIMARY KEY, full_name VARCHAR(40), phone VARCHAR(40), email VARCHAR(80))")
    datasets = [dataset("news.readers", "reader", "id", COLUMNS), dataset("shop.customers", "customer", "id", COLUMNS)]
    subjects = service(sqlite_store, office.clock, urls, datasets)
    identity = Identity(office.cases, Lookups(MemoryKeys().derive), subjects, office.pigeon)
    erasing = Erasing(office.cases, identity, office.disposal, office.cases._catalogue, Letters.load(POLICIES / "requests.toml"))  # type: ignore[arg-type]
    made = Scene(office, subjects, identity, erasing, urls)
    made.put("shop", f"INSERT INTO customers VALUES (2, '李娜', '{VICTIM_PHONE}', '{VICTIM_MAIL}')")
    return made


def test_a_stranger_with_the_victims_phone_gets_nothing_of_hers(scene: Scene) -> None:
    """Registered where nothing is checked, under her name and phone; the code comes to his own address."""
    scene.put("news", f"INSERT INTO readers VALUES (1, '李娜', '{VICTIM_PHONE}', '{STRANGER_MAIL}')")
    id = scene.by_code(asked(EMAIL, STRANGER_MAIL))
    assert scene.proven(id) == {STRANGER}


def test_the_victims_phone_and_name_given_by_the_stranger_prove_nothing_of_hers_by_his_address(scene: Scene) -> None:
    """Both records match what was given; wherever the code goes, it proves the record that holds that address."""
    scene.put("news", f"INSERT INTO readers VALUES (1, '李娜', '{VICTIM_PHONE}', '{STRANGER_MAIL}')")
    id = scene.by_code(asked(PHONE, VICTIM_PHONE), asked(NAME, "李娜"))
    (address,) = scene.sent_to
    assert scene.proven(id) == ({STRANGER} if address == STRANGER_MAIL else {VICTIM})
    assert scene.left_out(id) == {STRANGER, VICTIM} - scene.proven(id)
    planned = scene.erasing.plan(ALICE, id)
    assert {(each.subject, each.dataset, each.field, each.covered) for each in planned.reached} == {
        (STRANGER, "news.readers", "phone", address == STRANGER_MAIL),
        (VICTIM, "shop.customers", "phone", address == VICTIM_MAIL),
    }


def test_a_record_without_an_address_that_the_phone_leads_to_is_left_out(scene: Scene) -> None:
    """Nothing contradicts, and nothing proves: the phone stands in the stranger's record because he wrote it there."""
    scene.put("shop", "UPDATE customers SET email = NULL")
    scene.put("news", f"INSERT INTO readers VALUES (1, '李娜', '{VICTIM_PHONE}', '{STRANGER_MAIL}')")
    id = scene.by_code(asked(EMAIL, STRANGER_MAIL))
    assert (scene.proven(id), scene.left_out(id)) == ({STRANGER}, {VICTIM})


def test_the_same_address_in_two_systems_is_proven_in_both(scene: Scene) -> None:
    """Whoever reads that mailbox is the one whom both records know."""
    scene.put("news", f"INSERT INTO readers VALUES (1, NULL, NULL, '{VICTIM_MAIL.upper()}')")
    assert scene.proven(scene.by_code(asked(EMAIL, VICTIM_MAIL))) == {STRANGER, VICTIM}


def test_what_people_linked_is_proven_with_it(scene: Scene) -> None:
    scene.put("shop", "UPDATE customers SET email = NULL, phone = NULL")
    scene.put("news", f"INSERT INTO readers VALUES (1, '李娜', NULL, '{VICTIM_MAIL}')")
    scene.subjects.link(ALICE, [STRANGER, VICTIM], evidence="both accounts shown at the counter")
    assert scene.proven(scene.by_code(asked(EMAIL, VICTIM_MAIL))) == {STRANGER, VICTIM}


def test_an_attestation_covers_what_was_given_and_what_it_names(scene: Scene) -> None:
    scene.put("shop", "UPDATE customers SET email = NULL")
    scene.put("news", f"INSERT INTO readers VALUES (1, '李娜', '{VICTIM_PHONE}', '{STRANGER_MAIL}')")
    plain, naming = scene.receive(asked(EMAIL, STRANGER_MAIL)), scene.office.receive(RequestKind.ACCESS, asked(EMAIL, STRANGER_MAIL))
    scene.identity.attest(ALICE, plain, "id_document", Plaintext("copy 17"))
    assert scene.proven(plain) == {STRANGER}
    with pytest.raises(InvalidInput):
        scene.identity.attest(ALICE, naming, "id_document", Plaintext("copy 18"), refs("shop:customer:77"))
    scene.identity.attest(ALICE, naming, "id_document", Plaintext("copy 18"), [VICTIM])
    assert scene.proven(naming) == {STRANGER, VICTIM}


def test_what_changes_after_proof_adds_nobody(scene: Scene) -> None:
    """The stranger proves his own record, then writes her address into it."""
    scene.put("news", f"INSERT INTO readers VALUES (1, 'x', NULL, '{STRANGER_MAIL}')")
    id = scene.by_code(asked(EMAIL, STRANGER_MAIL))
    scene.put("news", f"UPDATE readers SET full_name = '李娜', phone = '{VICTIM_PHONE}'")
    scene.put("shop", "UPDATE customers SET email = NULL")
    assert (scene.proven(id), scene.left_out(id)) == ({STRANGER}, {VICTIM})


def test_another_record_of_the_same_kind_asks_for_proof_again(scene: Scene) -> None:
    """The mailbox now stands in the victim's record alone."""
    scene.put("shop", f"INSERT INTO customers VALUES (3, 'x', NULL, '{STRANGER_MAIL}')")
    id = scene.by_code(asked(EMAIL, STRANGER_MAIL))
    scene.put("shop", "UPDATE customers SET email = NULL WHERE id = 3", f"UPDATE customers SET email = '{STRANGER_MAIL}' WHERE id = 2")
    with pytest.raises(Conflict, match="changed") as refused:
        scene.erasing.plan(ALICE, id)
    assert refused.value.code == "identity_unclear" and scene.office.disposal.plans == {}
    shown = scene.office.requests.identify(AGNES, id, [asked(EMAIL, STRANGER_MAIL)]).request
    assert (shown.state.value, shown.verified_how, shown.verified_at) == ("received", "", None)


def test_a_code_that_was_sent_proves_nobody_found_since(scene: Scene) -> None:
    """Asked again without being sent, the old code still proves what it was sent for; for others it is void."""
    scene.put("news", f"INSERT INTO readers VALUES (1, 'x', NULL, '{STRANGER_MAIL}')")
    id = scene.receive(asked(EMAIL, STRANGER_MAIL))
    scene.identity.ask(AGNES, id)
    scene.put("news", f"UPDATE readers SET full_name = '李娜', phone = '{VICTIM_PHONE}'")
    scene.put("shop", "UPDATE customers SET email = NULL")
    scene.identity.recognise(ALICE, scene.office.cases.get(DEFAULT_TENANT, id))
    with pytest.raises(Conflict):
        scene.identity.verify(ALICE, id, scene.office.pigeon.last_code)


@pytest.mark.parametrize(
    ("identifiers", "why"),
    [
        ([asked(EMAIL, VICTIM_MAIL)], "found"),
        ([asked(NAME, "赵云")], "weak"),
        ([asked(EMAIL, "nobody@elsewhere.example"), asked(NAME, "李娜")], "weak"),
    ],
)
def test_nothing_held_is_refused_with_why_and_what_to_do(scene: Scene, identifiers: list[Identifier], why: str) -> None:
    id = scene.receive(*identifiers)
    with pytest.raises(Conflict, match=f"not certain that nothing is held \\({why}\\)") as refused:
        scene.identity.nobody(ALICE, scene.office.cases.get(DEFAULT_TENANT, id))
    assert {"found": "POST …/identity", "weak": "review list"}[why] in refused.value.detail
    scene.identity.nobody(ALICE, scene.office.cases.get(DEFAULT_TENANT, scene.receive(asked(EMAIL, "certain@elsewhere.example"))))
