"""Messages by e-mail (RFC 5321) over TLS: `smtp://user@host:587` upgrades the connection or gives up, `smtps://user@host:465` begins with it."""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from privacy.kernel.errors import ConnectorUnavailable, InvalidInput, Misconfigured
from privacy.rights.ports import Message

_SECONDS = 10.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FORM = "PRIVACY_MESSENGER is written none, file, smtp://user@host:587/?from=privacy@company.example or smtps://user@host:465/?from=…"


@dataclass(frozen=True, slots=True)
class Smtp:
    """Where and as whom to send. The password has a setting of its own."""

    host: str
    port: int
    sender: str
    user: str = ""
    tls: bool = True
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, address: str, password: str) -> "Smtp":
        """Read the setting. Raises Misconfigured with its form, never its content."""
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise Misconfigured(_FORM) from None
        sender = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if "=" in pair).get("from", "")
        if parts.scheme not in ("smtp", "smtps") or not host or "@" not in sender or parts.password:
            raise Misconfigured(_FORM)
        tls = parts.scheme == "smtps"
        return cls(host, port or (465 if tls else 587), unquote(sender), unquote(parts.username or ""), tls, password)


class SmtpMessenger:
    """Implements `rights.ports.Messenger` for e-mail. A message is handed over or it failed: the server queues it from there."""

    def __init__(self, smtp: Smtp, *, context: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        self._smtp, self._context = smtp, context

    @property
    def channels(self) -> frozenset[str]:
        return frozenset({"email"})

    def send(self, channel: str, message: Message) -> None:
        mail = self._mail(message)
        try:
            with self._connected() as server:
                if self._smtp.user:
                    server.login(self._smtp.user, self._smtp.password)
                server.send_message(mail)
        except (smtplib.SMTPException, OSError):  # their texts hold the address
            raise ConnectorUnavailable("The mail server did not take the message; look at its log and at PRIVACY_MESSENGER, then try again.") from None

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        try:
            mail["From"], mail["To"], mail["Subject"] = self._smtp.sender, message.to.reveal(), message.subject
        except (ValueError, IndexError):  # a line break or what is no address at all, in a customer's record
            raise InvalidInput("The contact on file is no e-mail address that can be written to.") from None
        mail["Date"], mail["Message-ID"] = formatdate(localtime=False), make_msgid(domain=self._smtp.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text.reveal())
        return mail

    def _connected(self) -> smtplib.SMTP:
        host, port = self._smtp.host, self._smtp.port
        if self._smtp.tls:
            return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=self._context())
        server = smtplib.SMTP(host, port, timeout=_SECONDS)
        try:
            server.ehlo()
            # on this machine nobody listens in; elsewhere a code is never sent in clear
            if server.has_extn("starttls") or host not in _LOOPBACK:
                server.starttls(context=self._context())
        except BaseException:
            server.close()
            raise
        return server
