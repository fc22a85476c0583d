"""Masked copies of archived rows as JSON Lines: one folder per sweep, one file per batch, written whole before the rows go."""

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from privacy.kernel.errors import StoreUnavailable
from privacy.kernel.ids import TenantId

_NAME = re.compile(r"[\w.-]{1,64}")


class ArchiveFiles:
    """Implements `retention.ports.Archives` under `folder`, which is made on first use; nothing in it is readable by others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def part(self, tenant: TenantId, sweep: str, batch: int) -> Iterator["_Lines"]:
        """Raises StoreUnavailable when the file cannot be written: then nothing of the batch may go."""
        try:
            place = self._place(tenant, sweep, batch)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = place.with_suffix(".new")
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                yield _Lines(file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(place)
            _settle(place.parent)
        except OSError as error:
            raise StoreUnavailable(f"The archive cannot be written ({type(error).__name__}); look at the space and rights of PRIVACY_STATE_DIR.") from None

    def drop(self, tenant: TenantId, sweep: str, batch: int) -> None:
        self._place(tenant, sweep, batch).unlink(missing_ok=True)

    def _place(self, tenant: TenantId, sweep: str, batch: int) -> Path:
        if not (_NAME.fullmatch(tenant) and _NAME.fullmatch(sweep)):
            raise ValueError("not a name of ours")
        return self._folder / tenant / sweep / f"{batch:06d}.jsonl"


class _Lines:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, dataset: str, row: Mapping[str, Any]) -> None:
        self._file.write(json.dumps({"dataset": dataset, "row": dict(row)}, ensure_ascii=False) + "\n")


def _settle(folder: Path) -> None:
    # the new name itself is only safe once the folder is on the disk
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
