"""Messages into a file instead of to people: for development and trials. Mode 0600, in the state directory, one JSON line a message.

Limit: the file holds codes and addresses in clear: whoever reads it can prove to be anybody. Real people are never served with it.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from privacy.kernel.clock import rfc3339
from privacy.kernel.errors import ConnectorUnavailable
from privacy.rights.ports import Message


class FileMessenger:
    """Implements `rights.ports.Messenger`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def channels(self) -> frozenset[str]:
        return frozenset({"email", "phone"})

    def send(self, channel: str, message: Message) -> None:
        line = {"at": rfc3339(datetime.now(UTC)), "channel": channel, "to": message.to.reveal(), "subject": message.subject, "text": message.text.reveal()}
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError:
            raise ConnectorUnavailable("The message could not be written into the state directory; see that this user may write there.") from None
