"""HTTPS with a certificate of one's own, and no way to serve others without one."""

import json
import shutil
import ssl
import subprocess
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.office import Installation, ask, command
from tests.e2e.running import Running, serving

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    openssl = shutil.which("openssl")
    assert openssl, "install openssl"
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost"
    subprocess.run([openssl, *make.split(), "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"], check=True, capture_output=True)
    (folder / "key.pem").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def secure(installed: Installation, certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = installed.copy(tmp_path_factory.mktemp("tls") / "var").state
    files = {"PRIVACY_TLS_CERTIFICATE": str(certificate / "certificate.pem"), "PRIVACY_TLS_KEY": str(certificate / "key.pem")}
    with serving(state, **files) as service:
        yield service


def test_https_works_with_a_certificate_of_ones_own(secure: Running, certificate: Path) -> None:
    """Verified against it, as a caller should."""
    context = ssl.create_default_context(cafile=certificate / "certificate.pem")
    ready = ask(secure.url, "GET", "/health/ready", context=context)
    assert (ready.status, json.loads(ready.body)["status"]) == (200, "ready")
    refused = ask(secure.url, "POST", "/api/v1/detect", body={"texts": ["x"]}, context=context)
    assert (refused.status, refused.code) == (401, "unauthenticated")


def test_nothing_is_answered_in_clear_on_the_same_port(secure: Running) -> None:
    """A caller who forgot the s learns it before a token is answered."""
    with pytest.raises((urllib.error.URLError, OSError)):
        ask(secure.url.replace("https", "http"), "GET", "/health/live")


def test_a_caller_who_does_not_know_the_certificate_is_not_talked_to(secure: Running) -> None:
    """The certificate is the service's own, not just any."""
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(secure.url, "GET", "/health/live", context=ssl.create_default_context())


def test_old_tls_is_refused(secure: Running, certificate: Path) -> None:
    """TLS 1.2 is the oldest that is spoken."""
    context = ssl.create_default_context(cafile=certificate / "certificate.pem")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises((urllib.error.URLError, OSError)):
        ask(secure.url, "GET", "/health/live", context=context)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.17", "privacy.example"])
def test_an_address_beyond_this_machine_is_refused_without_a_certificate(installed: Installation, host: str) -> None:
    """With what would mend it, before anything listens."""
    refused = command("serve", "--host", host, state=installed.state)
    assert refused.returncode == 3
    assert "PRIVACY_TLS_CERTIFICATE" in refused.stderr
    assert "PRIVACY_TRUSTED_PROXY" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_half_a_certificate_is_refused(installed: Installation, certificate: Path) -> None:
    """Certificate and key belong together."""
    refused = command("serve", state=installed.state, PRIVACY_TLS_CERTIFICATE=str(certificate / "certificate.pem"))
    assert refused.returncode == 3
    assert "PRIVACY_TLS_KEY" in refused.stderr


@pytest.mark.parametrize("wrong", ["missing", "garbled", "swapped"])
def test_files_that_are_no_certificate_and_key_are_refused_with_their_settings(installed: Installation, certificate: Path, tmp_path: Path, wrong: str) -> None:
    """A sentence, no traceback of the server."""
    given = {"missing": tmp_path / "nothing.pem", "garbled": tmp_path / "garbled.pem", "swapped": certificate / "key.pem"}[wrong]
    (tmp_path / "garbled.pem").write_text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")
    refused = command("serve", state=installed.state, PRIVACY_TLS_CERTIFICATE=str(given), PRIVACY_TLS_KEY=str(certificate / "key.pem"))
    assert refused.returncode == 3
    assert "PRIVACY_TLS_CERTIFICATE" in refused.stderr
    assert "Traceback" not in refused.stderr
