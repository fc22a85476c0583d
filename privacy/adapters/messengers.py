"""The messenger that the settings name."""

from pathlib import Path

from privacy.adapters.messenger_file import FileMessenger
from privacy.adapters.messenger_smtp import Smtp, SmtpMessenger
from privacy.rights.ports import Messenger

NONE, FILE = "none", "file"


def open_messenger(setting: str, password: str, state_dir: Path) -> Messenger | None:
    """Return the messenger of `PRIVACY_MESSENGER`, None for `none`. Raises Misconfigured for anything but its forms."""
    if setting == NONE:
        return None
    if setting == FILE:
        return FileMessenger(state_dir / "messages.jsonl")
    return SmtpMessenger(Smtp.parse(setting, password))
