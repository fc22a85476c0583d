"""Encryption beside the bare library: what envelope, keys and search cost on top of one cipher call per value."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from privacy.cli.bench_ratio import Ratio, fastest
from privacy.crypto.blind_index import BlindIndex
from privacy.crypto.ciphers import Algorithm, aead
from privacy.crypto.envelope import DataKey, SealingKey, open_column, place, seal_column, seal_rows, subject_part
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.protection.items import ProtectItem, RevealItem
from privacy.protection.service import Protection

_COUNT = 5000
_BATCH = 1000
_PEER = "peer: a bare AESGCM.encrypt per value, fixed nonce, 40 bytes of associated data; higher is better"
_WHERE = place("default", "dataset", "phone")


def run() -> list[Ratio]:
    """Measure for a few seconds."""
    return [*_columns(32), *_columns(1024), _blind_index(), _sm4(), *_service()]


def _columns(size: int) -> list[Ratio]:
    values, subjects, key = _values(size), _subjects(), _key(0)
    keys, wheres = [_key(number) for number in range(_COUNT)], [_WHERE] * _COUNT
    blobs = seal_column(key, _WHERE, subjects, values)
    sides: dict[str, Callable[[], object]] = {
        "encrypt a column, one key": lambda: seal_column(key, _WHERE, subjects, values),
        "encrypt, a hot key per subject": lambda: seal_rows(keys, wheres, subjects, values),
        "decrypt a column, one key": lambda: open_column(key, _WHERE, subjects, blobs),
    }
    peer = _bare(Algorithm.AES_256_GCM, values)
    return [Ratio.of_rates(f"{name}, {size} B", _COUNT, fastest(ours, peer), _PEER) for name, ours in sides.items()]


def _blind_index() -> Ratio:
    index = BlindIndex.of_field(os.urandom(32), "default", "dataset", "phone", "eq")
    numbers = [f"+8613{number:09}" for number in range(_COUNT)]
    return Ratio.of_rates("blind index of a phone number", _COUNT, fastest(lambda: index.of_many(numbers), _bare(Algorithm.AES_256_GCM, _values(32))), _PEER)


def _sm4() -> Ratio:
    values, subjects, key = _values(32), _subjects(), _key(0, Algorithm.SM4_GCM)
    seconds = fastest(lambda: seal_column(key, _WHERE, subjects, values), _bare(Algorithm.SM4_GCM, values), passes=7)
    return Ratio.of_rates("encrypt a column, SM4-GCM, 32 B", _COUNT, seconds, "peer: a bare Cipher(SM4, GCM) per value, fixed nonce; higher is better")


def _service() -> list[Ratio]:
    dataset = DatasetId("dataset")
    values = _values(32)[:_BATCH]
    peer = _bare(Algorithm.AES_256_GCM, values)
    items = [ProtectItem(SubjectRef("crm", "customer", str(n)), "phone", Plaintext(value.hex()[:32])) for n, value in enumerate(values)]
    with _protection() as protection:
        texts = protection.protect(DEFAULT_TENANT, dataset, items)
        back = [RevealItem(item.subject, item.field, str(text)) for item, text in zip(items, texts, strict=True)]

        def batch() -> object:
            return protection.protect(DEFAULT_TENANT, dataset, items)

        writing = fastest(batch, peer)
        reading = fastest(lambda: protection.reveal(DEFAULT_TENANT, dataset, back), peer)
        single = fastest(batch, lambda: [protection.protect_one(DEFAULT_TENANT, dataset, item) for item in items], passes=4)
    return [
        Ratio.of_rates("service protect, 1,000 subjects, text form", _BATCH, writing, _PEER),
        Ratio.of_rates("service reveal, 1,000 subjects, text form", _BATCH, reading, _PEER),
        Ratio.of_rates("service protect, a batch of 1,000", _BATCH, single, "peer: 1,000 single calls; higher is better"),
    ]


@contextmanager
def _protection() -> Iterator[Protection]:
    """Lend the service over a keys database of its own."""
    from privacy.adapters.key_file import FileKeyProvider
    from privacy.adapters.migrations import upgrade
    from privacy.adapters.store.engine import SqlStore
    from privacy.adapters.store.keys import SqlKeyRepository
    from privacy.crypto.keyring import KeyRing
    from privacy.crypto.subject_keys import SubjectKeys
    from privacy.kernel.clock import SystemClock

    with tempfile.TemporaryDirectory(prefix="privacy-bench-") as folder:
        store = SqlStore(f"sqlite:///{folder}/keys.db", role="keys")
        upgrade(store)
        ring = KeyRing(store, SqlKeyRepository(), FileKeyProvider.create(Path(folder) / "root.key"), SystemClock())
        ring.create_tenant(DEFAULT_TENANT)
        yield Protection(SubjectKeys(ring, store, SqlKeyRepository(), SystemClock()), ring)
        store.close()


def _bare(algorithm: Algorithm, values: Sequence[bytes]) -> Callable[[], object]:
    encrypt = aead(algorithm, os.urandom(16 if algorithm is Algorithm.SM4_GCM else 32)).encrypt
    nonce, associated = bytes(12), bytes(40)
    return lambda: [encrypt(nonce, value, associated) for value in values]


def _values(size: int) -> list[bytes]:
    return [os.urandom(size) for _ in range(_COUNT)]


def _subjects() -> list[bytes]:
    return [subject_part("crm", "customer", str(number)) for number in range(_COUNT)]


def _key(number: int, algorithm: Algorithm = Algorithm.AES_256_GCM) -> SealingKey:
    return DataKey(number, os.urandom(32)).under(algorithm)
