"""Recognizers of Presidio: loaded only when needed, never on the network, never in the way of ours."""

import json
import os
import socket
import subprocess
import sys

import pytest

from privacy.adapters.presidio_analyzer import PlainPresidio, PresidioRecognisers
from privacy.discovery.text import Detector

REGIONS = ("CN", "US", "GB", "SG", "ES", "IT", "DE", "IN")


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(PresidioRecognisers(), REGIONS)


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("wallet 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "CRYPTO", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
        ("National insurance number AB 12 34 56 C", "UK_NINO", "AB 12 34 56 C"),
        ("NHS number 943 476 5919", "UK_NHS", "943 476 5919"),
        ("my driver's license number is A1234567", "US_DRIVER_LICENSE", "A1234567"),
        ("bank account number 123456789012", "US_BANK_NUMBER", "123456789012"),
        ("DEA number AB1234563", "MEDICAL_LICENSE", "AB1234563"),
        ("DNI 12345678Z", "ES_NIF", "12345678Z"),
    ],
)
def test_a_kept_recognizer_finds_its_type(detector: Detector, text: str, entity: str, value: str) -> None:
    """The types that ours do not cover come from Presidio."""
    assert [(f.entity, text[f.start : f.end]) for f in detector.find(text)] == [(entity, value)]


@pytest.mark.parametrize("text", ["A1234567 is on the shelf", "123456789012 units", "AB1234563", "943 476 5919"])
def test_a_weak_pattern_says_nothing_without_its_word(detector: Detector, text: str) -> None:
    """Any eight digits could be a licence: a word beside them must say so."""
    assert not {f.entity for f in detector.find(text)} & {"US_DRIVER_LICENSE", "US_BANK_NUMBER", "MEDICAL_LICENSE", "UK_NHS"}


def test_a_country_that_is_not_configured_is_not_asked() -> None:
    """Regions are opt-in, with their entities."""
    detector = Detector(PresidioRecognisers(), ("CN",))
    assert "ES_NIF" not in detector.entities
    assert detector.find("DNI 12345678Z") == []


def test_an_identifier_of_ours_outranks_a_foreign_guess(detector: Detector) -> None:
    """What proves itself stays what it is."""
    text = "bank account number GB82WEST12345698765432"
    assert [f.entity for f in detector.find(text)] == ["IBAN_CODE"]


_LOADED = """
import json, sys
from privacy.adapters.presidio_analyzer import PresidioRecognisers
from privacy.discovery.text import Detector
detector = Detector(PresidioRecognisers(), ("CN", "US", "GB"))
before = len(detector.find("姓名：李小明，身份证11010519491231002X，card 4111 1111 1111 1111, a@example.org, call 212-555-5555"))
loaded = "presidio_analyzer" in sys.modules
after = len(detector.find("bank account number 123456789012"))
print(json.dumps([before, loaded, after, "presidio_analyzer" in sys.modules, "spacy.lang.en" in sys.modules]))
"""


def test_presidio_is_not_even_imported_until_a_gate_opens() -> None:
    """Text with nothing foreign in it never pays for another library, and no language model is loaded at all."""
    run = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    assert json.loads(run.stdout.splitlines()[-1]) == [5, False, 1, True, False]


def test_detection_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither ours nor Presidio's recognizers, nor the benchmark's plain Presidio with its suffix list."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("detection tried to open a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    text = "a@example.org, DNI 12345678Z, NHS number 943 476 5919"
    assert len(Detector(PresidioRecognisers(), REGIONS).find(text)) == 3
    assert {result.entity_type for result in PlainPresidio().find(text)} >= {"EMAIL_ADDRESS"}
