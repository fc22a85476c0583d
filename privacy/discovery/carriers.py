"""Columns without fixed content: free text, JSON, bytes. They are listed whatever is found in them; what is found makes a proposal."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from privacy.discovery.combine import Candidate
from privacy.discovery.lexicon import Strength
from privacy.discovery.names import NameReader
from privacy.discovery.ports import TextFinder
from privacy.discovery.proposals import Evidence
from privacy.discovery.shapes import Family, Sample
from privacy.discovery.table_context import Look, Scene
from privacy.discovery.values import ValueReader
from privacy.inventory.taxonomy import Taxonomy

_TEXTS_READ = 100
_TEXT_CUT = 4000
_TEXT_TOTAL = 64 << 10
_PATHS = 200
# what a text may hold without being about anybody
_NOT_TELLING = frozenset({"DATE_TIME", "URL", "LOCATION", "ORGANIZATION", "TITLE", "NRP", "AGE", "UUID", "CN_USCC", "CRYPTO", "MEDICAL_LICENSE"})
_PICTURE_WORDS = frozenset({"photo", "picture", "image", "avatar", "portrait", "headshot", "照片", "头像", "图片", "证件照"})
_RECORDING_WORDS = frozenset({"audio", "recording", "video", "voice", "录音", "视频", "音频"})
_DOCUMENT_WORDS = frozenset({"document", "file", "attachment", "pdf", "scan", "resume", "附件", "文件", "扫描件", "简历"})
_KEY_WORDS = frozenset({"key", "name", "attribute", "attr", "property", "field", "code", "type", "label", "item", "属性", "字段", "键", "指标"})
_VALUE_WORDS = frozenset({"value", "val", "data", "content", "text", "值", "内容", "取值"})
_CLAUSES = frozenset("，。！？；")
_LATIN_CLAUSE = re.compile(r"[!?](?:\s|$)|[^\W\d_]{4,}[.;](?:\s|$)")  # of a full stop the word before must be long: St., Apt. and Blvd. stand in addresses
# kinds that a word within a value is enough for: a complaint that names a doctor is no job title
_WITHIN = frozenset({"Chinese addresses", "companies", "job titles"})
_SEVERAL, _TEXTS_TRIED = 12, 30
_PAIR = re.compile(r'"([^"\\]{1,64})"\s*:\s*(?:"((?:[^"\\]|\\.){0,256})"|(-?\d[\d.]*))')


class CarrierReader:
    """Names carriers and looks into them."""

    def __init__(self, names: NameReader, values: ValueReader, finder: TextFinder | None, taxonomy: Taxonomy) -> None:
        self._names = names
        self._values = values
        self._finder = finder
        self._taxonomy = taxonomy

    def kind(self, look: Look, sample: Sample) -> str:
        """Return the kind of carrier a column is, or nothing."""
        family = look.column.family
        if family is Family.JSON or (family in (Family.TEXT, Family.OTHER) and _holds_json(sample)):
            return "json"
        if family is Family.BINARY or sample.binary > 0 and sample.binary * 2 >= sample.seen - sample.nulls:
            return _bytes_kind(look, sample)
        text = family in (Family.TEXT, Family.OTHER) and (_is_free_text(look, sample) or self._holds_several(look, sample))
        return "free_text" if text else ""

    def candidates(self, look: Look, scene: Scene, sample: Sample, carrier: str) -> Iterator[Candidate]:
        """Yield what the inside of a carrier proposes."""
        if carrier == "free_text":
            yield from self._in_texts(look, scene, sample)
        elif carrier == "json":
            yield from self._in_json(sample, scene)
        else:
            yield from _in_bytes(look, scene, carrier)

    def key_value(self, scene: Scene, samples: Mapping[str, Sample]) -> dict[str, Candidate]:
        """Find attribute-and-value tables: the names of the attributes tell what the value column holds."""
        keys = [look for look in scene.looks if look.words and look.words[-1] in _KEY_WORDS and look.column.family is Family.TEXT]
        values = [look for look in scene.looks if look.words and look.words[-1] in _VALUE_WORDS and look.column.family in (Family.TEXT, Family.JSON)]
        if len(values) != 1 or not keys:
            return {}
        best = max((self._attributes(samples.get(key.column.name)) for key in keys), key=len)
        return {values[0].column.name: self._mixed(best, "attribute")} if best else {}

    # -- texts ---------------------------------------------------------------------------------------------------------------------

    def _in_texts(self, look: Look, scene: Scene, sample: Sample) -> Iterator[Candidate]:
        named = max((hint.strength for hint in look.hints if hint.category == "personal_text"), default=0.0)
        if self._finder is None:
            return
        texts = list(_bounded(sample.values))
        hits = sum(1 for text in texts if self._tells(text))
        if hits:
            strength = 0.6 if hits == 1 and not named else min(0.9, 0.74 + hits / len(texts) / 4)
            detail = f"{hits} of {len(texts)} texts mention people, numbers or addresses of theirs"
            yield Candidate("personal_text", "PERSONAL_TEXT", strength, (Evidence("values", detail, strength),))
        elif named >= 0.3 and scene.people >= 0.6:
            yield Candidate("personal_text", "PERSONAL_TEXT", 0.5, (Evidence("name", "a remark in a table about people", 0.5),))

    def _tells(self, text: str) -> bool:
        return bool(self._told(text))

    def _told(self, text: str) -> set[str]:
        assert self._finder is not None
        found = self._finder.find(text[:_TEXT_CUT], min_confidence=0.6)
        return {finding.entity for finding in found} - _NOT_TELLING

    def _holds_several(self, look: Look, sample: Sample) -> bool:
        """Do values hold several kinds each (王芳 13800138000)? No clause tells such a text, and no kind explains it as a whole."""
        profile = look.profile
        if self._finder is None or profile.mean_length < _SEVERAL or _structured(look, _WITHIN) or profile.numeric > 0.5 or profile.dates > 0.5:
            return False
        texts = sample.values[:_TEXTS_TRIED]
        return bool(texts) and sum(len(self._told(text)) > 1 for text in texts) >= 0.3 * len(texts)

    # -- JSON and attributes -------------------------------------------------------------------------------------------------------

    def _in_json(self, sample: Sample, scene: Scene) -> Iterator[Candidate]:
        leaves: dict[str, list[str]] = {}
        for text in sample.values[:_TEXTS_READ]:
            for key, value in _leaves(parsed) if (parsed := _parse(text)) is not None else _pairs_of_cut(text):
                if len(leaves) < _PATHS or key in leaves:
                    leaves.setdefault(key, []).append(value)
        found: dict[str, int] = {}
        for key, values in leaves.items():
            if (category := self._leaf(key, values, scene)) is not None:
                found.setdefault(category, len(values))
        if found:
            yield self._mixed(found, "key")

    def _leaf(self, key: str, values: Sequence[str], scene: Scene) -> str | None:
        profile = self._values.profile(tuple(dict.fromkeys(values)))
        sure = [
            match for match in profile.matches if match.strength >= 0.5 and match.kind not in ("places", "codes of places", "postal codes", "web addresses")
        ]
        hint = self._names.column(key)
        if hint:
            told = hint.key is Strength.STRONG and hint.strength > 0.6
            named = hint.key is Strength.PERSON and hint.category == "name" and scene.people >= 0.75
            if told or named or any(match.category == hint.category for match in profile.matches):
                return hint.category
        return max(sure, key=lambda match: match.strength).category if sure else None

    def _attributes(self, sample: Sample | None) -> dict[str, int]:
        found: dict[str, int] = {}
        for name in (sample.values if sample else ())[:_PATHS]:
            hint = self._names.column(name) if len(name) <= 64 else None
            if hint and hint.strength >= 0.6:
                found[hint.category] = found.get(hint.category, 0) + 1
        return found

    def _mixed(self, categories: Mapping[str, int], what: str) -> Candidate:
        """One category stands for itself; several make a mixed text, which is masked span by span."""
        one = next(iter(categories)) if len(categories) == 1 else "personal_text"
        detail = f"{what}s that read as {', '.join(sorted(categories))}"
        strength = 0.8 if len(categories) > 1 or one != "personal_text" else 0.6
        return Candidate(one, self._taxonomy.category(one).entity, strength, (Evidence("structure", detail, strength),))


def _bounded(values: Sequence[str]) -> Iterator[str]:
    """Yield texts until a column has cost enough."""
    left = _TEXT_TOTAL
    for text in values[:_TEXTS_READ]:
        if left <= 0:
            return
        left -= min(len(text), _TEXT_CUT)
        yield text


def _in_bytes(look: Look, scene: Scene, carrier: str) -> Iterator[Candidate]:
    named = [hint for hint in look.hints if hint.category == "biometric" and hint.strength > 0]
    if carrier == "image" and scene.people >= 0.75:
        yield Candidate("biometric", "BIOMETRIC", 0.6, (Evidence("structure", "pictures in a table about people", 0.6),))
    elif named and named[0].key is Strength.STRONG:
        yield Candidate("biometric", "BIOMETRIC", 0.85, (Evidence(named[0].source, f"“{named[0].phrase}”", 0.85),))
    secret = [hint for hint in look.hints if hint.category == "credential" and hint.strength > 0.6]
    if secret:
        yield Candidate("credential", "CREDENTIAL", 0.8, (Evidence(secret[0].source, f"“{secret[0].phrase}”", 0.8),))


def _is_free_text(look: Look, sample: Sample) -> bool:
    profile = look.profile
    if profile.distinct == 0:
        return any(hint.category == "personal_text" for hint in look.hints)
    if _in_sentences(sample):
        return True  # whatever is found within them, no kind of value is written in clauses
    if _structured(look, _WITHIN) or profile.numeric > 0.5 or profile.dates > 0.5:
        return False
    long = profile.mean_words >= 6 or (profile.longest >= 60 and profile.mean_words >= 4)
    chinese = profile.mean_words < 2.5 and profile.mean_length >= 25 and _wordy(look)
    return long or chinese or any(hint.category == "personal_text" and hint.strength > 0 for hint in look.hints)


def _structured(look: Look, but: AbstractSet[str]) -> bool:
    """Does a kind explain the values as a whole? Those in `but` are also met inside sentences, and so explain nothing."""
    return any(match.strength >= 0.5 and match.kind not in but for match in look.profile.matches)


def _in_sentences(sample: Sample) -> bool:
    """Chinese remarks are short: what tells them from names and codes are the signs between and after clauses. Others also need words enough."""
    values = sample.values[:_TEXTS_READ]
    return bool(values) and sum(map(_is_sentence, values)) / len(values) >= 0.3


def _is_sentence(value: str) -> bool:
    return any(sign in _CLAUSES for sign in value) or (len(value.split(None, 6)) > 6 and _LATIN_CLAUSE.search(value) is not None)


def _wordy(look: Look) -> bool:
    """Chinese writes without spaces: long values of many different lengths that no kind explains."""
    profile = look.profile
    technical = any(hint.category in ("credential", "url", "device_id") for hint in look.hints)
    return profile.letters > 0.2 and profile.longest > profile.mean_length * 1.2 and not technical


def _holds_json(sample: Sample) -> bool:
    values = sample.values[:20]
    return (
        bool(values)
        and all(value[:1] in "{[" for value in values)
        and sum(isinstance(_parse(value), dict | list) or len(value) >= _TEXT_CUT for value in values) * 2 > len(values)
    )


def _bytes_kind(look: Look, sample: Sample) -> str:
    if sample.media:
        return sample.media
    words = set(look.words)
    for kind, known in (("image", _PICTURE_WORDS), ("recording", _RECORDING_WORDS), ("document", _DOCUMENT_WORDS)):
        if words & known:
            return kind
    return "blob"


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _pairs_of_cut(text: str) -> Iterator[tuple[str, str]]:
    """Read keys and values of a document that was cut in the middle."""
    for key, value, number in _PAIR.findall(text):
        yield key, value or number


def _leaves(node: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (nearest key, value) of every leaf, eight levels deep at most."""
    if depth > 8:
        return
    if isinstance(node, dict):
        for name, value in list(node.items())[:_PATHS]:
            yield from _leaves(value, str(name), depth + 1)
    elif isinstance(node, list):
        for value in node[:20]:
            yield from _leaves(value, key, depth + 1)
    elif node is not None and not isinstance(node, bool):
        yield key, str(node)[:256]
