"""Presidio's recognizers behind our port, and a plain Presidio to measure ourselves against.

Only types ours do not cover are taken from there: each recognizer class is built alone, on first use, when its gate is open; no engine, no NLP
pipeline, no model, nothing on the network. Guarantee: importing this module loads nothing of Presidio.
"""

import importlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from privacy.discovery.findings import CHECKSUM, CONTEXT, PATTERN, Finding
from privacy.discovery.foreign import Gate

_NEAR = 40
_RECOGNIZERS = "presidio_analyzer.predefined_recognizers"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A recognizer we keep: its class, when to ask it, and whether it may speak without a context word near its match."""

    entity: str
    class_name: str
    shape: str
    context: str = ""
    region: str = ""
    alone: bool = False


_KEPT = (
    _Kept("CRYPTO", "CryptoRecognizer", r"(?<![0-9a-z])(?:bc1|[13])[a-hj-np-z0-9]{25,59}", alone=True),
    _Kept("UK_NINO", "UkNinoRecognizer", r"(?<![0-9a-z])[a-z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[a-d](?![0-9a-z])", region="GB", alone=True),
    _Kept("UK_NHS", "NhsRecognizer", r"[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{4}", r"\bnhs\b|health (?:service|authority)", "GB"),
    _Kept("US_BANK_NUMBER", "UsBankRecognizer", r"[0-9]{8}", r"\b(?:bank|checking|savings?) (?:account|acct)|\b(?:account|acct)\.? ?(?:number|no\b|#)", "US"),
    _Kept("US_DRIVER_LICENSE", "UsLicenseRecognizer", r"[0-9]{3}", r"driv\w+(?:'s|’s|s)? (?:licen[cs]e|lic\b)|\bdl ?(?:number|no\b|#)", "US"),
    _Kept("MEDICAL_LICENSE", "MedicalLicenseRecognizer", r"[a-z][a-z9][0-9]{7}", r"\bdea\b|medical|physician|prescri", "US"),
    _Kept("US_MBI", "UsMbiRecognizer", r"[1-9][a-z][0-9a-z]{2}", r"medicare|\bmbi\b", "US"),
    _Kept("CA_SIN", "CaSinRecognizer", r"[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{3}", r"\bsin\b|social insurance", "CA"),
    _Kept("AU_TFN", "AuTfnRecognizer", r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", r"\btfn\b|tax file", "AU"),
    _Kept("AU_MEDICARE", "AuMedicareRecognizer", r"[0-9]{4} ?[0-9]{5} ?[0-9]", r"medicare", "AU"),
    _Kept("IN_AADHAAR", "InAadhaarRecognizer", r"[0-9]{4}[- :]?[0-9]{4}[- :]?[0-9]{4}", r"aadha?ar|uidai", "IN"),
    _Kept("IN_PAN", "InPanRecognizer", r"[a-z]{5}[0-9]{4}[a-z]", r"\bpan\b|permanent account|income tax", "IN"),
    _Kept("SG_NRIC_FIN", "SgFinRecognizer", r"(?<![0-9a-z])[stfgm][0-9]{7}[a-z](?![0-9a-z])", region="SG", alone=True),
    _Kept("DE_TAX_ID", "DeTaxIdRecognizer", r"[0-9]{11}", r"steuer|tax id|\bidnr\b", "DE"),
    _Kept(
        "DE_SOCIAL_SECURITY",
        "DeSocialSecurityRecognizer",
        r"[0-9]{8}[a-z][0-9]{3}",
        r"sozialversicherung|rentenversicherung|\brvnr\b|\bsvnr\b|social security",
        "DE",
    ),
    _Kept("ES_NIF", "EsNifRecognizer", r"[0-9]{7,8}-?[a-z]", region="ES", alone=True),
    _Kept("IT_FISCAL_CODE", "ItFiscalCodeRecognizer", r"[a-z]{6}[0-9a-z]{2}[a-z][0-9a-z]{2}[a-z][0-9a-z]{3}[a-z]", region="IT", alone=True),
    _Kept("PL_PESEL", "PlPeselRecognizer", r"[0-9]{11}", r"pesel", "PL"),
    _Kept("KR_RRN", "KrRrnRecognizer", r"[0-9]{6}-?[0-9]{7}", r"주민|\brrn\b|resident registration", "KR"),
    _Kept("TH_TNIN", "ThTninRecognizer", r"[0-9]{13}", r"thai|บัตร|\btnin\b", "TH"),
)


class PresidioRecognisers:
    """Implements `discovery.foreign.Recognisers`."""

    def __init__(self) -> None:
        self._kept = {kept.entity: kept for kept in _KEPT}
        self._near = {kept.entity: re.compile(kept.context, re.IGNORECASE) for kept in _KEPT if kept.context}
        self._built: dict[str, Any] = {}
        self._lock = threading.Lock()

    def gates(self) -> tuple[Gate, ...]:
        return tuple(Gate(k.entity, k.shape, k.context, k.region) for k in _KEPT)

    def find(self, text: str, entities: frozenset[str]) -> Iterator[Finding]:
        for entity in sorted(entities):
            for result in self._recognizer(entity).analyze(text, [entity]) or ():
                near = self._is_near(entity, text, result.start)
                if near or self._kept[entity].alone:
                    yield _finding(entity, result, near)

    def _is_near(self, entity: str, text: str, start: int) -> bool:
        context = self._near.get(entity)
        return context is not None and context.search(text, max(0, start - _NEAR), start) is not None

    def _recognizer(self, entity: str) -> Any:
        with self._lock:  # the first call builds; recognizers themselves hold no state between calls
            if entity not in self._built:
                self._built[entity] = getattr(_load(), self._kept[entity].class_name)()
            return self._built[entity]


def _load() -> Any:
    """Import Presidio's recognizers. A pattern may run two seconds at most, not Presidio's sixty."""
    os.environ.setdefault("REGEX_TIMEOUT_SECONDS", "2")
    return importlib.import_module(_RECOGNIZERS)


def _finding(entity: str, result: Any, near: bool) -> Finding:
    if result.score >= 1.0:
        return Finding(entity, result.start, result.end, 1.0, CHECKSUM)
    if near:
        return Finding(entity, result.start, result.end, max(0.75, min(0.95, round(result.score + 0.35, 2))), CONTEXT)
    return Finding(entity, result.start, result.end, round(result.score, 2), PATTERN)


class PlainPresidio:
    """Presidio as it comes, English, without a model: the peer of `privacy bench detect` and nothing else."""

    def __init__(self) -> None:
        _load()
        _keep_off_the_network()
        engine = importlib.import_module("presidio_analyzer.nlp_engine").NoOpNlpEngine(models=[{"lang_code": "en", "model_name": ""}])
        self._analyzer = importlib.import_module("presidio_analyzer").AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])

    def find(self, text: str, entities: Iterable[str] = ()) -> list[Any]:
        found: list[Any] = self._analyzer.analyze(text, "en", entities=list(entities) or None)
        return found


def _keep_off_the_network() -> None:
    """Presidio's e-mail recognizer would fetch the public suffix list on first use: give it the list that ships with tldextract."""
    tldextract = importlib.import_module("tldextract")
    recognizer = importlib.import_module(f"{_RECOGNIZERS}.generic.email_recognizer")
    recognizer.__dict__["tldextract"] = SimpleNamespace(extract=tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None))
