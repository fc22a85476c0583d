"""Messengers: a file for trials, a mail server for people; nothing of a message in any error."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from privacy.adapters.messenger_smtp import Smtp, SmtpMessenger
from privacy.adapters.messengers import open_messenger
from privacy.kernel.errors import ConnectorUnavailable, InvalidInput, Misconfigured
from privacy.kernel.plaintext import Plaintext
from privacy.rights.ports import Message
from tests.cast import LI_XIAOMING

MESSAGE = Message(Plaintext(LI_XIAOMING.email), "个人信息请求验证码", Plaintext("验证码为 04172639，15分钟内有效。"))


class MailServer:
    """Speaks as much SMTP as a client needs; refuses recipients when told so."""

    def __init__(self) -> None:
        self.refuses, self.heard, self.mail = False, [], b""  # type: ignore[var-annotated]
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as lines:
                self._talk(peer, lines)

    def _talk(self, peer: socket.socket, lines) -> None:  # type: ignore[no-untyped-def]
        peer.sendall(b"220 here\r\n")
        for line in lines:
            word = line[:4].upper().decode("ascii")
            self.heard.append(word)
            if word == "DATA":
                peer.sendall(b"354 go on\r\n")
                while (part := next(lines)) != b".\r\n":
                    self.mail += part
            refused = word == "RCPT" and self.refuses
            peer.sendall(b"550 no such person\r\n" if refused else b"221 bye\r\n" if word == "QUIT" else b"250 fine\r\n")
            if word == "QUIT":
                return


@pytest.fixture
def server() -> Iterator[MailServer]:
    made = MailServer()
    yield made
    made.close()


def test_a_message_reaches_the_mail_server_as_it_was_written(server: MailServer) -> None:
    """Also in Chinese, and marked as not to be answered automatically."""
    SmtpMessenger(Smtp("127.0.0.1", server.port, "privacy@company.example", tls=False)).send("email", MESSAGE)
    mail = message_from_bytes(server.mail, policy=policy.default)
    assert (mail["To"], mail["From"], mail["Subject"]) == (LI_XIAOMING.email, "privacy@company.example", MESSAGE.subject)
    assert "04172639" in mail.get_content() and mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"].endswith("@company.example>")


def test_a_refusal_of_the_server_names_nobody(server: MailServer) -> None:
    server.refuses = True
    with pytest.raises(ConnectorUnavailable) as refused:
        SmtpMessenger(Smtp("127.0.0.1", server.port, "privacy@company.example", tls=False)).send("email", MESSAGE)
    assert LI_XIAOMING.email not in refused.value.detail and refused.value.__cause__ is None


def test_nothing_leaves_this_machine_without_encryption(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server elsewhere that offers no TLS gets no code."""
    monkeypatch.setattr("privacy.adapters.messenger_smtp._LOOPBACK", ())
    with pytest.raises(ConnectorUnavailable):
        SmtpMessenger(Smtp("127.0.0.1", server.port, "privacy@company.example", tls=False), context=ssl.create_default_context).send("email", MESSAGE)
    assert "DATA" not in server.heard and "MAIL" not in server.heard


@pytest.mark.parametrize("contact", ["a@x.example\r\nBcc: all@x.example", "a@x.example\nSubject: y"])
def test_what_is_on_file_cannot_write_headers(server: MailServer, contact: str) -> None:
    with pytest.raises(InvalidInput):
        SmtpMessenger(Smtp("127.0.0.1", server.port, "p@company.example", tls=False)).send("email", Message(Plaintext(contact), "x", Plaintext("y")))
    assert server.heard == []


def test_a_server_that_is_not_there_is_told_in_words() -> None:
    with pytest.raises(ConnectorUnavailable, match="PRIVACY_MESSENGER"):
        SmtpMessenger(Smtp("127.0.0.1", 1, "p@company.example", tls=False)).send("email", MESSAGE)


def test_the_setting_names_the_messenger(tmp_path: Path) -> None:
    assert open_messenger("none", "", tmp_path) is None
    mail = open_messenger("smtps://steward@mail.company.example/?from=privacy@company.example", "secret", tmp_path)
    assert isinstance(mail, SmtpMessenger) and mail.channels == {"email"}
    for wrong in (
        "pigeon",
        "smtp://",
        "smtp://mail.example",
        "smtp://u:p@mail.example/?from=a@b.example",
        "http://x/?from=a@b.example",
        "smtp://h:x/?from=a@b",
    ):
        with pytest.raises(Misconfigured) as refused:
            open_messenger(wrong, "secret", tmp_path)
        assert "secret" not in refused.value.detail and "mail.example" not in refused.value.detail


def test_the_file_of_trials_is_for_its_owner_alone(tmp_path: Path) -> None:
    messenger = open_messenger("file", "", tmp_path)
    assert messenger is not None
    messenger.send("email", MESSAGE)
    messenger.send("phone", MESSAGE)
    path = tmp_path / "messages.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line)["channel"] for line in path.read_text("utf-8").splitlines()] == ["email", "phone"]
    with pytest.raises(ConnectorUnavailable):
        open_messenger("file", "", tmp_path / "gone").send("email", MESSAGE)  # type: ignore[union-attr]
