"""The root key file: made once, refused when others can read it or when it is damaged, always with the remedy."""

import base64
import os
from pathlib import Path

import pytest

from privacy.adapters.key_file import FileKeyProvider
from privacy.kernel.errors import Misconfigured

CONTEXT = ("tenant-key", "default", "kek", "1")


def lines(path: Path) -> list[str]:
    return path.read_text("ascii").splitlines()


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """Nobody else can read it, whatever the umask."""
    old = os.umask(0)
    try:
        FileKeyProvider.create(tmp_path / "keys" / "root.key")
    finally:
        os.umask(old)
    assert (tmp_path / "keys" / "root.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_creating_again_keeps_the_key(tmp_path: Path) -> None:
    """`privacy init` never replaces a root key."""
    wrapped = FileKeyProvider.create(tmp_path / "root.key").wrap(b"k" * 32, CONTEXT)
    assert FileKeyProvider.create(tmp_path / "root.key").unwrap(wrapped, CONTEXT) == b"k" * 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o602, 0o610, 0o601])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """Any bit for group or world is too much; the remedy is named."""
    path = tmp_path / "root.key"
    FileKeyProvider.create(path)
    path.chmod(mode)
    with pytest.raises(Misconfigured, match="chmod 600"):
        FileKeyProvider(path)


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    """Serving never creates a key: it would hide that the right one is gone."""
    with pytest.raises(Misconfigured, match="missing; run `privacy init`"):
        FileKeyProvider(tmp_path / "root.key")
    assert not (tmp_path / "root.key").exists()


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    """What is not a file is named as such or as unreadable."""
    with pytest.raises(Misconfigured):
        FileKeyProvider(tmp_path)


@pytest.mark.parametrize("content", ["", "# only a comment\n", "\n\n"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: str) -> None:
    """An emptied file is not a fresh installation."""
    path = tmp_path / "root.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Misconfigured, match="holds no key"):
        FileKeyProvider(path)


def test_every_damaged_character_of_the_key_is_noticed(tmp_path: Path) -> None:
    """A changed, cut or garbled line is refused with its number, and the key is not in the text."""
    path = tmp_path / "root.key"
    FileKeyProvider.create(path)
    *comments, line = lines(path)
    number, key = len(comments) + 1, line.split()[3]
    damaged = [line[:position] + ("A" if line[position] != "A" else "B") + line[position + 1 :] for position in range(len(line) - 1)]
    for changed in [*damaged, line[:-9], line[:4], "garbled", line + " more", line.replace("v1 1", "v1 2"), "\x00\xff"]:
        path.write_text("\n".join([*comments, changed]), "utf-8")
        with pytest.raises(Misconfigured, match=f"damaged in line {number}") as caught:
            FileKeyProvider(path)
        assert key[:10] not in str(caught.value)


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    """Sixteen bytes are not thirty-two."""
    path = tmp_path / "root.key"
    path.write_text(f"v1 1 00000000 {base64.b64encode(bytes(16)).decode()}\n")
    path.chmod(0o600)
    with pytest.raises(Misconfigured, match="damaged in line 1"):
        FileKeyProvider(path)


def test_what_was_wrapped_opens_only_with_its_context(tmp_path: Path) -> None:
    """A tenant key cannot be passed off as another tenant's, or as another version."""
    provider = FileKeyProvider.create(tmp_path / "root.key")
    wrapped = provider.wrap(b"k" * 32, CONTEXT)
    assert provider.unwrap(wrapped, CONTEXT) == b"k" * 32
    for other in (("tenant-key", "other", "kek", "1"), ("tenant-key", "default", "kek", "2"), ("tenant-key", "default", "kek1", ""), ()):
        with pytest.raises(Misconfigured):
            provider.unwrap(wrapped, other)


def test_another_root_key_is_told_from_a_damaged_database(tmp_path: Path) -> None:
    """An operator learns which of the two to restore."""
    wrapped = FileKeyProvider.create(tmp_path / "one.key").wrap(b"k" * 32, CONTEXT)
    with pytest.raises(Misconfigured, match="is not the one"):
        FileKeyProvider.create(tmp_path / "two.key").unwrap(wrapped, CONTEXT)
    with pytest.raises(Misconfigured, match="altered or moved"):
        FileKeyProvider(tmp_path / "one.key").unwrap(wrapped[:-1] + b"\x00", CONTEXT)


def test_older_versions_in_the_file_still_open(tmp_path: Path) -> None:
    """The highest version wraps, all unwrap."""
    old, new = tmp_path / "old.key", tmp_path / "new.key"
    wrapped = FileKeyProvider.create(old).wrap(b"k" * 32, CONTEXT)
    FileKeyProvider.create(new)
    from privacy.adapters.key_file import _line

    new.write_text(old.read_text() + _line(2, b"n" * 32))
    both = FileKeyProvider(new)
    assert both.unwrap(wrapped, CONTEXT) == b"k" * 32
    assert both.current_version().startswith("file:2:")
    assert both.unwrap(both.wrap(b"x" * 32, CONTEXT), CONTEXT) == b"x" * 32
    with pytest.raises(Misconfigured, match="is not the one"):
        FileKeyProvider(old).unwrap(both.wrap(b"x" * 32, CONTEXT), CONTEXT)


def test_health_tells_versions_and_never_the_key(tmp_path: Path) -> None:
    """What `privacy doctor` prints is safe to paste."""
    provider = FileKeyProvider.create(tmp_path / "root.key")
    secret = base64.b64decode(lines(tmp_path / "root.key")[-1].split()[3])
    assert "1 version(s), current file:1:" in provider.health()
    assert secret.hex()[:8] not in provider.health()
    assert provider.destroy_semantics() == "best_effort"
