"""The restore drill: back up, erase, restore by whatever means; nothing is disclosed until the ledger was replayed, then nothing of the person is left."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine, inspect, select

from privacy.adapters import backup
from privacy.adapters.database_urls import parse_address
from privacy.application import Application, build
from privacy.cli.init import _populate, prepare
from privacy.config import Config
from privacy.consent.model import Giving
from privacy.jobs.runner import run_now
from privacy.kernel.errors import KeyDestroyed, PrivacyError, StoreUnavailable
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.protection.items import ProtectItem, RevealItem
from tests.cast import ALICE, DAVE, LI_XIAOMING
from tests.company import tables
from tests.company.confirming import TRUTH, confirm_shop, connect
from tests.databases import Kind
from tests.web.steward import config_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
WHO = SubjectRef("shop", "customer", "KH0001")


@dataclass
class World:
    """An installation whose own stores and connected shop are databases of one kind."""

    config: Config
    shop: str
    application: Application

    def reopen(self) -> Application:
        self.application.close()
        self.application = build(self.config)
        return self.application


@pytest.fixture
def world(database_kind: Kind, tmp_path: Path) -> Iterator[World]:
    yield from built(database_kind, tmp_path)


@pytest.fixture
def sqlite_world(kind_of: Callable[[str], Kind], tmp_path: Path) -> Iterator[World]:
    yield from built(kind_of("sqlite"), tmp_path)


def built(kind: Kind, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as lent:
        main, keys, shop = (lent.enter_context(kind.empty()) for _ in range(3))
        config = config_in(tmp_path / "var", PRIVACY_DATABASE_URL=main, PRIVACY_KEYS_DATABASE_URL=keys)
        prepare(config)
        _populate(config, "Trial")
        tables.build(shop)
        opened = World(config, shop, build(config))
        connect(opened.application, ALICE, "shop", shop)
        confirm_shop(opened.application, ALICE)
        try:
            yield opened
        finally:
            opened.application.close()


def fill(application: Application) -> str:
    """Let our own stores hold things of the person; return a ciphertext of theirs."""
    notice = application.consent.notices(ALICE)[0]
    application.consent.give(ALICE, Giving(WHO, notice.content.purposes[0], notice.content.id, notice.version, "zh", "web_form"))
    return application.protection.protect_one(DEFAULT_TENANT, DatasetId("d1"), ProtectItem(WHO, "email", Plaintext(LI_XIAOMING.email)))


def erase(application: Application) -> None:
    plan = application.disposal.plan(ALICE, "drill", [WHO])
    application.disposal.approve(replace(DAVE, authenticated_at=datetime.now(UTC)), plan.id, plan.hash)
    run_now(application.jobs, application.handlers)
    application.sequencer.drain()


def take(world: World, folder: Path) -> backup.Manifest:
    stores = {"main": world.application.store, "keys": world.application.keys_store}
    return backup.take(folder, stores, world.config.state_dir, world.application.log_key.key, "file:1", "2026-11-22T00:00:00.000000Z", lambda *_: None)


def put_back(world: World, folder: Path, *roles: str) -> None:
    """Restore databases as an operator would with means of their own: nothing of ours is told."""
    stores = {"main": world.application.store, "keys": world.application.keys_store}
    manifest = backup.inspect_folder(folder)
    for role in roles:
        if role == "shop":
            empty(world.shop)
            tables.build(world.shop)
        else:
            backup.put_back(folder, role, manifest.parts[role], stores[role], lambda *_: None)
    application = world.reopen()
    if "main" in roles:
        application.sequencer.drain()
        application.audit.reopen(ALICE)
        application.sequencer.drain()


def empty(url: str) -> None:
    address = parse_address(url, setting="the shop's address")
    engine = create_engine(address.url, connect_args=address.arguments)
    with engine.begin() as opened:
        found = MetaData()
        found.reflect(opened)
        found.drop_all(opened)
    engine.dispose()


def everything(application: Application) -> str:
    """Return every cell of both our databases as one text."""
    cells: list[str] = []
    for store in (application.store, application.keys_store):
        with store.engine.connect() as opened:
            found = MetaData()
            found.reflect(opened, only=inspect(opened).get_table_names())
            cells += [str(value) for table in found.sorted_tables for row in opened.execute(select(table)) for value in row]
    return "\n".join(cells)


def test_nothing_leaves_before_the_replay_and_nothing_of_the_person_is_left_after_it(world: World, tmp_path: Path) -> None:
    """Main, keys and the connected database come back from before the erasure."""
    drill(world, tmp_path, ("main", "keys", "shop"))


@pytest.mark.parametrize("role", ["main", "keys", "shop"])
def test_one_restored_database_is_noticed_and_follows(sqlite_world: World, tmp_path: Path, role: str) -> None:
    drill(sqlite_world, tmp_path, (role,))


def drill(world: World, tmp_path: Path, roles: tuple[str, ...]) -> None:
    ciphertext = fill(world.application)
    before = tables.dump(world.shop)
    take(world, tmp_path / "copy")
    erase(world.application)
    erased = tables.dump(world.shop)
    assert erased != before and WHO.key not in {key[0] for key in erased["kh_info"]}

    put_back(world, tmp_path / "copy", *roles)

    application = world.application
    assert not application.replay.state().followed
    if roles == ("shop",):
        with pytest.raises(PrivacyError) as refused:
            application.disposal.collect(DEFAULT_TENANT, [WHO])
        assert refused.value.code == "needs_replay"
    else:
        with pytest.raises(StoreUnavailable) as closed:
            application.disposal.collect(DEFAULT_TENANT, [WHO])
        assert closed.value.code == "replay_needed"
        with pytest.raises(StoreUnavailable):
            application.checks["ledger"]()

    replayed = application.replay.replay(ALICE)

    assert replayed.open == {} and application.replay.state().followed
    assert tables.dump(world.shop) == erased
    revealed = application.protection.reveal(DEFAULT_TENANT, DatasetId("d1"), [RevealItem(WHO, "email", ciphertext)])
    assert isinstance(revealed[0], KeyDestroyed)
    assert application.subject_keys.audit_refs(DEFAULT_TENANT, [WHO]) == [b""]
    assert WHO not in list(application.consent.named(DEFAULT_TENANT))
    held = everything(application)
    truth: Any = TRUTH["people"]["xiaoming"]
    assert [value for value in (LI_XIAOMING.email, LI_XIAOMING.phone, LI_XIAOMING.id_number, LI_XIAOMING.address, truth["subject"]) if value in held] == []
    again = application.replay.replay(ALICE)
    assert (again.rows, again.keys, again.forgotten) == (0, 0, 0)
