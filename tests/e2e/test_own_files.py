"""The service's own databases: an address that names them does no harm, and a file that is exchanged under the service is noticed."""

import time
from pathlib import Path

import pytest

from privacy.client import Client
from tests.e2e.office import Installation, Office, ask, command
from tests.e2e.running import Running, serving
from tests.e2e.test_footprint import workers

pytestmark = pytest.mark.e2e


def deleted_files(service: Running) -> list[str]:
    """Return what the service still writes to and nobody else will ever find."""
    (worker,) = workers(service)
    links = [str(entry.readlink()) for entry in Path(f"/proc/{worker}/fd").iterdir()]
    return [link for link in links if link.endswith("(deleted)") and ".db" in link]


def becomes(office: Office, status: int) -> bool:
    """Ask for readiness until it is `status`: the answer is kept for a moment."""
    for _ in range(50):
        if ask(office.url, "GET", "/health/ready").status == status:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.timeout(120)
def test_refusing_our_own_database_loses_nothing(installed: Installation, tmp_path: Path) -> None:
    """Refused by path, link and hard link; then a command beside the service, a write, a restart: the write is there."""
    copied = installed.copy(tmp_path / "var")
    (tmp_path / "link.sqlite").symlink_to(copied.state / "main.db")
    (tmp_path / "hard.csv").hardlink_to(copied.state / "main.db")
    with serving(copied.state) as service:
        office = Office(service, copied.made)
        token = office.token("dpo")
        for path in (copied.state / "main.db", copied.state / "keys.db", tmp_path / "link.sqlite", tmp_path / "hard.csv"):
            refused = ask(office.url, "POST", "/api/v1/systems", token, {"name": "own", "url": str(path)})
            assert (refused.status, refused.code) == (422, "invalid_input"), refused.text
        shell = command("systems", "scan", str(copied.state / "main.db"), state=copied.state)
        assert (shell.returncode, "belongs to the service" in shell.stderr) == (2, True), shell.stderr
        assert command("systems", "list", state=copied.state).returncode == 0
        kept = office.as_("admin").call("POST", "/api/v1/clients", {"name": "kept", "roles": ["application"], "purposes": []})
        assert deleted_files(service) == []
    with serving(copied.state) as service:
        assert Client(service.url, kept["client_id"], kept["client_secret"])._fresh_token()


@pytest.mark.timeout(90)
@pytest.mark.parametrize("name", ["main.db", "keys.db"])
def test_a_database_that_is_moved_away_is_noticed(installed: Installation, tmp_path: Path, name: str) -> None:
    """Not ready, and no disclosure that an event in a lost file would record; put back, all goes on."""
    copied = installed.copy(tmp_path / "var")
    body = {"purpose": "service", "texts": [{"text": "Call +44 20 7946 0958", "subject": "crm:customer:1"}]}
    with serving(copied.state) as service:
        office = Office(service, copied.made)
        token = office.token("application")
        assert ask(office.url, "POST", "/api/v1/mask", token, body).status == 200
        assert ask(office.url, "GET", "/health/ready").status == 200
        (copied.state / name).rename(tmp_path / "away.db")
        assert becomes(office, 503)
        if name == "main.db":
            assert ask(office.url, "POST", "/api/v1/mask", token, body).status == 503
        assert not (copied.state / name).exists()
        (tmp_path / "away.db").rename(copied.state / name)
        assert becomes(office, 200)
        assert ask(office.url, "POST", "/api/v1/mask", token, body).status == 200
