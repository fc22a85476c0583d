"""Every setting in one table; `load` reads them once into a frozen `Config` and refuses what it does not understand.

Sources, later ones win: default, TOML file named by PRIVACY_CONFIG, environment `NAME`, file named by `NAME_FILE` (for secrets).
docs/settings.md is generated from this table.
"""

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privacy.kernel.errors import Misconfigured

_PROJECT = Path(__file__).resolve().parent.parent
# read by the test suite and the scripts, not by the product
_FOREIGN = ("PRIVACY_TEST_", "PRIVACY_REQUIRE_DATABASES")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: environment name, how its text is read, default (may name `{state}`), meaning."""

    name: str
    read: Callable[[str], Any]
    default: str
    meaning: str
    secret: bool = False

    @property
    def field(self) -> str:
        return self.name.removeprefix("PRIVACY_").lower()


def _text(text: str) -> str:
    return text.strip()


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _optional_path(text: str) -> Path | None:
    return _path(text) if text.strip() else None


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("write true or false")
    return text == "true"


def _between(low: float, high: float, kind: type = int) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError(f"write a number from {low} to {high}")
        return value

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"write one of: {', '.join(words)}")
        return text

    return read


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("write an address that starts with http:// or https://")
    return text.rstrip("/")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(_path(word) for word in _words(text))


SETTINGS: tuple[Setting, ...] = (
    Setting("PRIVACY_STATE_DIR", _path, "var", "Folder for what must outlive the databases: log key, signed checkpoints, ledger; mode 0700."),
    Setting("PRIVACY_DATABASE_URL", _text, "sqlite:///{state}/main.db", "Main database: sqlite, postgresql or mariadb.", secret=True),
    Setting("PRIVACY_KEYS_DATABASE_URL", _text, "sqlite:///{state}/keys.db", "Keys database, with its own short backups.", secret=True),
    Setting("PRIVACY_KEY_PROVIDER", _text, "file:{state}/root.key", "Where the root key lives: file:PATH. Keep it off the databases' machine and backups."),
    Setting("PRIVACY_POLICIES", _path, str(_PROJECT / "policies"), "Folder with model.conf, policy.csv, taxonomy.toml and the other files an operator edits."),
    Setting(
        "PRIVACY_PUBLIC_URL",
        _url,
        "http://127.0.0.1:8000",
        "How callers reach the service; issuer of its tokens; its host names the log, for good, at the first init.",
    ),
    Setting("PRIVACY_HOST", _text, "127.0.0.1", "Address to listen on. Beyond loopback it needs a certificate or a trusted proxy."),
    Setting("PRIVACY_PORT", _between(1, 65535), "8000", "Port to listen on."),
    Setting("PRIVACY_WORKERS", _between(1, 64), "1", "Serving processes; more than one needs a server database."),
    Setting("PRIVACY_THREADS", _between(1, 256), "16", "Threads per serving process."),
    Setting(
        "PRIVACY_JOB_THREADS",
        _between(0, 64),
        "2",
        "Jobs that each serving process runs at once, besides answering calls; 0: none, nor schedules: `privacy worker` does both then.",
    ),
    Setting("PRIVACY_SWEEP_PACE", _between(0, 100, float), "0", "Seconds a retention sweep rests for each second it works, so that others get their turn."),
    Setting("PRIVACY_TLS_CERTIFICATE", _optional_path, "", "PEM certificate chain; with it the service speaks HTTPS."),
    Setting("PRIVACY_TLS_KEY", _optional_path, "", "PEM private key of the certificate, mode 0600."),
    Setting("PRIVACY_TRUSTED_PROXY", _flag, "false", "true: a proxy in front speaks TLS and only it can reach the port."),
    Setting("PRIVACY_CIPHER", _one_of("aes-256-gcm", "sm4-gcm"), "aes-256-gcm", "Cipher of new values of a new tenant; old values stay readable."),
    Setting("PRIVACY_PHONE_REGIONS", _words, "CN,US,GB,DE,FR", "Countries whose local phone formats are recognised, comma-separated."),
    Setting(
        "PRIVACY_SEARCH_SECONDS",
        _between(1, 3600, float),
        "20",
        "Longest search for a person in one table of a connected system; what takes longer is a doubt.",
    ),
    Setting("PRIVACY_FILE_ROOTS", _paths, "", "Folders (comma-separated) below which calls may connect SQLite and CSV files; empty: anywhere."),
    Setting("PRIVACY_MAX_BODY_MIB", _between(1, 1024), "16", "Largest request body in MiB."),
    Setting("PRIVACY_MAX_RECORDS", _between(1, 10000), "1000", "Most records, texts or items in one call."),
    Setting("PRIVACY_STORE_TIMEOUT", _between(0.1, 60, float), "2", "Seconds a database is waited for before a call answers 503."),
    Setting("PRIVACY_CHECKPOINT_SECONDS", _between(0.05, 60, float), "0.5", "Seconds between signed checkpoints while events arrive."),
    Setting("PRIVACY_TOKEN_SECONDS", _between(30, 600), "600", "Life of an access token in seconds."),
    Setting(
        "PRIVACY_MESSENGER",
        _text,
        "none",
        "How one-time codes reach people: none, file (messages.jsonl in the state folder, for trials alone), smtp://user@host:587/?from=ADDRESS or smtps://…",
    ),
    Setting("PRIVACY_MESSENGER_PASSWORD", _text, "", "Password of the mail server's user.", secret=True),
    Setting("PRIVACY_PACKAGE_DAYS", _between(1, 90), "7", "Days within which a package of a person's data can be downloaded, once."),
    Setting("PRIVACY_LOG_LEVEL", _one_of("debug", "info", "warning", "error"), "info", "Least level of log lines (JSON on standard error)."),
    Setting("PRIVACY_TOKEN", _text, "", "Access token the command line acts with; without it: operator, who sees no personal values.", secret=True),
)
_CONFIG_FILE = "PRIVACY_CONFIG"


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """All settings, read and checked. Has no repr: addresses and tokens hold secrets."""

    state_dir: Path
    database_url: str
    keys_database_url: str
    key_provider: str
    policies: Path
    public_url: str
    host: str
    port: int
    workers: int
    threads: int
    job_threads: int
    sweep_pace: float
    tls_certificate: Path | None
    tls_key: Path | None
    trusted_proxy: bool
    cipher: str
    phone_regions: tuple[str, ...]
    search_seconds: float
    file_roots: tuple[Path, ...]
    max_body_mib: int
    max_records: int
    store_timeout: float
    checkpoint_seconds: float
    token_seconds: int
    messenger: str
    messenger_password: str
    package_days: int
    log_level: str
    token: str


def load(environment: Mapping[str, str] | None = None) -> Config:
    """Read the settings from `environment` (default: the process's). Raises Misconfigured with name and remedy, never the value."""
    given = dict(os.environ if environment is None else environment)
    _refuse_unknown(given)
    texts = _from_file(given.get(_CONFIG_FILE, "")) | {s.name: given[s.name] for s in SETTINGS if s.name in given}
    for setting in SETTINGS:
        if path := given.get(f"{setting.name}_FILE"):
            texts[setting.name] = _secret_file(setting.name, path)
    state = texts.get("PRIVACY_STATE_DIR", SETTINGS[0].default)
    return Config(**{s.field: _value(s, texts.get(s.name, s.default).replace("{state}", str(Path(state).expanduser().resolve()))) for s in SETTINGS})


def _value(setting: Setting, text: str) -> Any:
    try:
        return setting.read(text)
    except ValueError as error:
        # our own words only: int("…") would repeat the text
        remedy = str(error) if str(error).startswith("write ") else "write a number"
        raise Misconfigured(f"{setting.name} is not usable: {remedy}. {setting.meaning}") from None


def _refuse_unknown(given: Mapping[str, str]) -> None:
    known = {s.name for s in SETTINGS} | {f"{s.name}_FILE" for s in SETTINGS} | {_CONFIG_FILE}
    for name in given:
        if name.startswith("PRIVACY_") and name not in known and not name.startswith(_FOREIGN):
            near = difflib.get_close_matches(name, known, 1)
            raise Misconfigured(f"{name} is no setting" + (f"; did you mean {near[0]}?" if near else "; see docs/settings.md."))


def _from_file(path: str) -> dict[str, str]:
    if not path:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"{_CONFIG_FILE} names a file that cannot be read.") from None
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"The file named by {_CONFIG_FILE} is not TOML: {str(error).split(' (')[0]}.") from None
    fields = {s.field: s.name for s in SETTINGS}
    if unknown := sorted(set(content) - set(fields)):
        raise Misconfigured(f"The file named by {_CONFIG_FILE} has an unknown key {unknown[0]!r}; keys are the settings' names in lower case without PRIVACY_.")
    return {fields[key]: _as_text(value) for key, value in content.items()}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _secret_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"{name}_FILE names a file that cannot be read.") from None
