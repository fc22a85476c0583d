"""The leak scan: every log record of the whole run is searched for the values of the cast while it is written."""

import logging
from dataclasses import dataclass

from tests.cast import secrets_of_the_cast


@dataclass(frozen=True, slots=True)
class Leak:
    """One log record with a value of the cast in it: where it was written and whose value, never the value."""

    logger: str
    place: str
    value: str

    def __str__(self) -> str:
        return f"{self.place} (logger {self.logger}) wrote the cast's {self.value}"


class LeakScan(logging.Handler):
    """Renders every record as an operator's log would, traceback included, and remembers those that show a value of the cast."""

    def __init__(self) -> None:
        super().__init__(level=logging.NOTSET)
        self._secrets = secrets_of_the_cast()
        self._leaks: list[Leak] = []
        self.records_seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records_seen += 1
        text = self.format(record)
        # JSON logs and reprs escape other scripts, which would hide a Chinese name from a plain search
        for name, value in self._secrets.items():
            if value in text or (not value.isascii() and _escaped(value) in text):
                self._leaks.append(Leak(record.name, f"{record.pathname}:{record.lineno}", name))

    def take(self) -> list[Leak]:
        """Return the leaks since the last call, once each."""
        found, self._leaks = self._leaks, []
        return list(dict.fromkeys(found))


def _escaped(value: str) -> str:
    return value.encode("unicode_escape").decode("ascii")


def watch_everything(scan: LeakScan) -> None:
    """Attach `scan` to the root logger, with our own loggers fully open and the libraries' at the level of a talkative operator."""
    root = logging.getLogger()
    root.addHandler(scan)
    root.setLevel(logging.INFO)
    logging.getLogger("privacy").setLevel(logging.DEBUG)
