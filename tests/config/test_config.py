"""Settings: read once, understood whole or refused with the remedy, never shown."""

import dataclasses
from pathlib import Path

import pytest

from privacy.application import build
from privacy.config import SETTINGS, Config, load
from privacy.kernel.errors import Misconfigured

SECRET = "postgresql://privacy:swordfish-417@db.example/main"


def test_an_empty_environment_is_a_complete_configuration() -> None:
    """A newcomer sets nothing."""
    config = load({})
    assert config.database_url == f"sqlite:///{Path('var').resolve()}/main.db"
    assert (config.host, config.port, config.workers) == ("127.0.0.1", 8000, 1)


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    """One table; nothing is read beside it."""
    assert {setting.field for setting in SETTINGS} == {field.name for field in dataclasses.fields(Config)}


def test_the_state_directory_moves_everything_below_it(tmp_path: Path) -> None:
    """One setting moves an installation."""
    config = load({"PRIVACY_STATE_DIR": str(tmp_path)})
    assert config.keys_database_url == f"sqlite:///{tmp_path}/keys.db"
    assert config.key_provider == f"file:{tmp_path}/root.key"


def test_the_environment_wins_over_the_file_and_a_secret_file_over_both(tmp_path: Path) -> None:
    """Later sources win, as the table says."""
    (tmp_path / "config.toml").write_text('port = 9000\nhost = "::1"\ndatabase_url = "sqlite:///a"\n')
    (tmp_path / "url").write_text(SECRET + "\n")
    config = load(
        {
            "PRIVACY_CONFIG": str(tmp_path / "config.toml"),
            "PRIVACY_PORT": "9001",
            "PRIVACY_DATABASE_URL": "sqlite:///b",
            "PRIVACY_DATABASE_URL_FILE": str(tmp_path / "url"),
        }
    )
    assert (config.host, config.port, config.database_url) == ("::1", 9001, SECRET)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("PRIVACY_PORT", "80000", "1 to 65535"),
        ("PRIVACY_PORT", "417-eight", "number"),
        ("PRIVACY_TRUSTED_PROXY", "yes-417", "true or false"),
        ("PRIVACY_CIPHER", "rot-417", "aes-256-gcm"),
        ("PRIVACY_PUBLIC_URL", "example-417", "https://"),
        ("PRIVACY_TOKEN_SECONDS", "86400417", "600"),
    ],
)
def test_a_value_that_is_not_understood_is_refused_with_the_remedy_and_not_repeated(name: str, value: str, remedy: str) -> None:
    """It may be a password in the wrong place."""
    with pytest.raises(Misconfigured) as refused:
        load({name: value})
    assert name in refused.value.detail
    assert remedy in refused.value.detail
    assert value not in refused.value.detail


def test_a_misspelt_name_is_refused_with_the_one_that_was_meant() -> None:
    """A setting that is silently ignored is the worst kind."""
    with pytest.raises(Misconfigured, match=r"PRIVACY_DATABASE_URL\?"):
        load({"PRIVACY_DATABSE_URL": SECRET})


def test_a_misspelt_key_in_the_file_is_refused(tmp_path: Path) -> None:
    """As in the environment."""
    (tmp_path / "config.toml").write_text("prot = 9000\n")
    with pytest.raises(Misconfigured, match="prot"):
        load({"PRIVACY_CONFIG": str(tmp_path / "config.toml")})


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_refused(content: bytes | None, tmp_path: Path) -> None:
    """Missing, not TOML, not text: each stops the start, none with a traceback of another library."""
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Misconfigured):
        load({"PRIVACY_CONFIG": str(path)})


def test_the_test_suites_own_variables_are_not_ours_to_refuse() -> None:
    """`PRIVACY_TEST_DATA` may be set where the service runs."""
    load({"PRIVACY_TEST_DATA": "x", "PRIVACY_REQUIRE_DATABASES": "1"})


def test_a_configuration_does_not_print_its_secrets() -> None:
    """Addresses and tokens end up in tracebacks otherwise."""
    assert "swordfish" not in repr(load({"PRIVACY_DATABASE_URL": SECRET}))


def test_from_a_folder_without_an_installation_every_command_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making one there is seldom what was meant; the setting that names the folder is."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Misconfigured, match="PRIVACY_STATE_DIR") as refused:
        build(load({}))
    assert str(tmp_path / "var") in refused.value.detail
    assert list(tmp_path.iterdir()) == []


def test_a_root_key_that_is_gone_from_an_installation_is_said_as_such(tmp_path: Path) -> None:
    """That folder is the right one, and the file has to come back."""
    (tmp_path / "log.key").write_text("")
    with pytest.raises(Misconfigured, match=r"root\.key is missing"):
        build(load({"PRIVACY_STATE_DIR": str(tmp_path)}))
