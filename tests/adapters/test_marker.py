"""The fence of a run: who holds a higher token keeps others out, and nobody else does."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from privacy.adapters.databases.marker import Marker, ddl
from privacy.kernel.errors import Conflict


class Late(Marker):
    """Sees the first row of the run only at the second look, as beside a worker that begins the same run in this moment."""

    looks = 0

    def _take(self, run: str, token: int) -> bool:
        self.looks += 1
        return self.looks > 1 and super()._take(run, token)


@pytest.fixture
def opened(tmp_path: Path) -> Connection:
    engine = create_engine(f"sqlite:///{tmp_path / 'target.sqlite'}")
    with engine.connect() as connection, closing(connection):
        connection.exec_driver_sql(ddl("sqlite"))
        Marker(connection).fence("run", 5)
        yield connection
    engine.dispose()


def test_a_worker_that_begins_a_run_beside_another_is_not_taken_for_one_that_lost_it(opened: Connection) -> None:
    late = Late(opened)
    late.fence("run", 5)
    assert late.looks == 2


@pytest.mark.parametrize("marker", [Marker, Late])
def test_a_worker_with_an_older_token_is_refused(opened: Connection, marker: type[Marker]) -> None:
    with pytest.raises(Conflict) as refused:
        marker(opened).fence("run", 4)
    assert refused.value.code == "lease_lost"
