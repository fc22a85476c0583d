"""Identifiers of China, Hong Kong, Macau and Taiwan. Shapes and check digits by the standards named in validators.py."""

import re
from collections.abc import Iterable

from privacy.discovery.findings import CHECKSUM, CONTEXT, LABEL, PATTERN, Finding
from privacy.discovery.rules import NA, NB, SUSPECT, Decoys, Recogniser, Row, compiled
from privacy.discovery.scene import Scene
from privacy.discovery.validators import (
    cn_landline,
    cn_mobile,
    cn_permanent_residence,
    cn_resident_id,
    cn_resident_id_15,
    cn_resident_id_shape,
    cn_uscc,
    digits_of,
    hong_kong_id,
    taiwan_id,
)

_SEP = r"[ \t\-.·_/]?"
_PLATE_PROVINCES = "京津沪滬渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵青藏川宁寧琼瓊"
_ID_WORDS = r"身份|身分|证件|證件|公民|ID\s*card|identity|id\s*n(?:o|umber)"
_PASSPORT_WORDS = r"证件号|护照|護照|passport"
_ACCOUNT_WORDS = r"(?:银行|开户行?|对公|收款|付款|结算|还款)(?:账|帐)(?:号|户)|(?:账|帐)户号码?|銀行賬號|銀行帳號"
_PERMIT_WORDS = r"通行证|通行證|回乡证|回鄉證|台胞证|臺胞證|往来|往來|居留|permit"
_HK_WORDS = r"香港|身份证|身份證|身分證|HKID|hong\s*kong"
_TW_WORDS = r"台湾|台灣|臺灣|身份证|身分證|身份證|统一编号|統一編號|居留證|taiwan|national\s*id"
_PHONE_WORDS = r"手机|手機|电话|電話|联系|聯絡|聯繫|致电|拨打|来电|號碼|号码|热线|传真|座机|固话|tel|phone|mobile|call|fax|whatsapp|微信"
_HAN_DIGITS = {
    **{c: str(i) for i, c in enumerate("零一二三四五六七八九")},
    **{c: str(i) for i, c in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    "幺": "1",
    "两": "2",
    "貳": "2",
    "參": "3",
    "陸": "6",
}

_PLATE = (
    rf"[{_PLATE_PROVINCES}][A-HJ-NP-Za-hj-np-z][·\-. ]?(?:[DFdf][A-HJ-NP-Za-hj-np-z0-9][0-9]{{4}}|[0-9]{{5}}[DFdf]"
    rf"|(?=[A-Za-z]{{0,4}}[0-9])[A-HJ-NP-Za-hj-np-z0-9]{{4}}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳]){NA}"
)
_USCC_TAIL = "[0-9A-HJ-NP-RTUW-Ya-hj-np-rtuw-y]"

_ROWS = (
    Row("CN_ID_CARD", rf"{NB}[1-8](?:{_SEP}[0-9]){{16}}{_SEP}[0-9Xx]{NA}", check=cn_resident_id, proven=1.0, digits=17),
    # a labelled number with a wrong check character is mistyped rather than nobody's: reported below the usual threshold
    Row("CN_ID_CARD", rf"{NB}[1-8](?:{_SEP}[0-9]){{16}}{_SEP}[0-9Xx]{NA}", 0.1, _ID_WORDS, 0.4, check=cn_resident_id_shape, digits=17, wary=True),
    Row("CN_BANK_ACCOUNT", rf"{NB}[0-9](?:[ \-]?[0-9]){{11,24}}{NA}", 0.1, _ACCOUNT_WORDS, 0.75, digits=12, wary=True),
    Row("CN_PERMIT", rf"{NB}9(?:{_SEP}[0-9]){{16}}{_SEP}[0-9Xx]{NA}", check=cn_permanent_residence, proven=0.95, digits=17),
    Row("CN_ID_CARD", rf"{NB}[1-8](?:{_SEP}[0-9]){{14}}{NA}", SUSPECT, _ID_WORDS, 0.8, check=cn_resident_id_15, digits=15, wary=True),
    Row(
        "CN_USCC",
        rf"{NB}[1-9ANY]{_SEP}[0-9A]{_SEP}(?:[0-9]{_SEP}){{6}}(?:{_USCC_TAIL}{_SEP}){{9}}{_USCC_TAIL}{NA}",
        check=cn_uscc,
        wary=True,
        proven=1.0,
        digits=6,
    ),
    Row(
        "CN_LICENSE_PLATE",
        _PLATE,
        0.9,
        r"车牌|車牌|号牌|牌照|车辆|plate",
        0.95,
        han=True,
    ),
    Row("CN_PASSPORT", rf"{NB}[Ee][A-HJ-NP-Za-hj-np-z][0-9]{{7}}{NA}", 0.6, _PASSPORT_WORDS, 0.95, digits=7, wary=True),
    Row("CN_PASSPORT", rf"{NB}(?:[EGeg]{_SEP}[0-9]{{8}}|[DSPdsp][Ee]?{_SEP}[0-9]{{7,8}}|1[45][0-9]{{7}}){NA}", SUSPECT, _PASSPORT_WORDS, 0.9, digits=7),
    Row(
        "CN_PERMIT",
        rf"{NB}(?:[CWcw][A-Za-z0-9]?[0-9]{{7,8}}|[HMhm][0-9]{{8}}(?:[0-9]{{2}})?|[0-9]{{8}}|[A-Za-z]{{3}}[0-9]{{12}}){NA}",
        0.2,
        _PERMIT_WORDS,
        0.8,
        digits=7,
    ),
    Row("CN_HKID", rf"{NB}[A-Za-z]{{1,2}}[0-9]{{6}} ?\([0-9Aa]\)", check=hong_kong_id, proven=0.95, needs="("),
    Row("CN_HKID", rf"{NB}[A-Za-z]{{1,2}}[0-9]{{6}} ?（[0-9Aa]）", check=hong_kong_id, proven=0.95, needs="（"),
    Row("CN_HKID", rf"{NB}[A-Za-z]{{1,2}}[0-9]{{6}}-?[0-9Aa]{NA}", SUSPECT, _HK_WORDS, 0.85, check=hong_kong_id, digits=6, wary=True),
    Row("CN_TWID", rf"{NB}[A-Za-z]{_SEP}[1289](?:{_SEP}[0-9]){{8}}{NA}", 0.55, _TW_WORDS, 0.95, check=taiwan_id, digits=9, wary=True),
)
_QQ = r"(?:QQ|扣扣|企鹅)(?:\s*(?:号码|号|账号|帐号|群|群号|number))?[\s:：是为#(（]{0,4}([1-9][0-9]{4,10})(?![0-9A-Za-z@])"
_WECHAT = r"(?:微信|加[Vv]|薇信|威信|WeChat|VX|V信|v信|wx)(?:\s*(?:号码|号|账号|帐号|ID))?[\s:：是为#(（]{0,4}([A-Za-z][A-Za-z0-9_\-]{5,19})(?![0-9A-Za-z_@])"


def recognisers(decoys: Decoys) -> list[Recogniser]:
    """Return the recognisers of Chinese numbers."""
    return [
        *compiled(_ROWS, decoys),
        Recogniser(frozenset({"CN_MOBILE"}), _Mobile(decoys).find, digits=11),
        Recogniser(frozenset({"CN_LANDLINE"}), _Landline(decoys).find, digits=9),
        Recogniser(frozenset({"CN_MOBILE", "CN_ID_CARD"}), _HanDigits().find, han=True),
        Recogniser(frozenset({"CN_QQ", "CN_WECHAT"}), _Accounts().find),
    ]


class _Mobile:
    """Eleven digits in the groupings people write, with or without the country code; not when labelled as an order number."""

    def __init__(self, decoys: Decoys) -> None:
        gap = r"[ \t\-.·]?"
        grouped = rf"1[3-9][0-9](?:[ \t\-.·_]{{0,3}}[0-9]{{4}}){{2}}|1[3-9][0-9]{{2}}{gap}[0-9]{{3}}{gap}[0-9]{{4}}"
        grouped += rf"|1[3-9][0-9]{gap}[0-9]{{3}}{gap}[0-9]{{5}}|1[3-9][0-9]{{3}}{gap}[0-9]{{3}}{gap}[0-9]{{3}}"
        spaced = r"1(?:[ \t\-.·][0-9]){10}"
        country = r"(?:(?:\(\+?86\)|（\+?86）|\+?0{0,2}86)[ \t\-.·]?|0)?"
        self._pattern = re.compile(rf"(?<![0-9A-Za-z]){country}({grouped}|{spaced}){NA}(?!\.[0-9])")
        self._glued = re.compile(r"[0-9][.\-]$|[$¥€£]$")
        self._near = re.compile(_PHONE_WORDS, re.IGNORECASE)
        self._decoys = decoys

    def find(self, scene: Scene) -> Iterable[Finding]:
        for low, high in scene.windows(11):
            for match in self._pattern.finditer(scene.text, low, high):
                if cn_mobile(digits_of(match.group(1))) and not self._glued.search(scene.before(match.start(), 2)):
                    yield self._judge(scene, _with_plus(scene, match.start()), match.end())

    def _judge(self, scene: Scene, start: int, end: int) -> Finding:
        if self._decoys.stand_before(scene, start):
            return Finding("CN_MOBILE", start, end, SUSPECT, PATTERN)
        if self._near.search(scene.before(start)):
            return Finding("CN_MOBILE", start, end, 0.95, CONTEXT)
        return Finding("CN_MOBILE", start, end, 0.85, PATTERN)


class _Landline:
    """Area code and local number, extension included; the area code decides how long the local number is."""

    def __init__(self, decoys: Decoys) -> None:
        extension = r"(?:[ \t]?(?:转|轉|分机|ext\.?|x|-)[ \t]?[0-9]{1,5})?"
        country = r"(?:(?:\(\+?86\)|（\+?86）|\+?0{0,2}86)[ \t\-.·]?)?"
        area = r"(?:\(0[1-9][0-9]{1,2}\)|（0[1-9][0-9]{1,2}）|0[1-9][0-9]{1,2}|(?<=86)[1-9][0-9]{1,2}|(?<=86[ \-])\(?[1-9][0-9]{1,2}\)?)"
        local = r"[2-9][0-9]{2,3}[ \-.]?[0-9]{4}"
        self._pattern = re.compile(rf"(?<![0-9A-Za-z])({country})({area})([ \t\-.·]{{0,3}})({local}){extension}{NA}", re.IGNORECASE)
        self._near = re.compile(_PHONE_WORDS, re.IGNORECASE)
        self._decoys = decoys

    def find(self, scene: Scene) -> Iterable[Finding]:
        for low, high in scene.windows(9):
            for match in self._pattern.finditer(scene.text, low, high):
                area = digits_of(match.group(2))
                if cn_landline(("" if area.startswith("0") else "0") + area + digits_of(match.group(4))):
                    yield self._judge(scene, match)

    def _judge(self, scene: Scene, match: re.Match[str]) -> Finding:
        start, end = _with_plus(scene, match.start()), match.end()
        # without the country code, English text means some other country's 020
        elsewhere = scene.has_latin and not scene.has_han and not match.group(1)
        if elsewhere or self._decoys.stand_before(scene, start):
            return Finding("CN_LANDLINE", start, end, SUSPECT, PATTERN)
        if self._near.search(scene.before(start)):
            return Finding("CN_LANDLINE", start, end, 0.95, CONTEXT)
        separated = match.group(3) or match.group(1) or not match.group(2).isdigit()
        return Finding("CN_LANDLINE", start, end, 0.7 if separated and scene.has_han else 0.5, PATTERN)


class _HanDigits:
    """Numbers written out in Chinese numerals, to slip past a filter or to be read aloud."""

    def __init__(self) -> None:
        self._pattern = re.compile(f"(?<![{''.join(_HAN_DIGITS)}])[{''.join(_HAN_DIGITS)}]{{11,18}}(?![{''.join(_HAN_DIGITS)}])")

    def find(self, scene: Scene) -> Iterable[Finding]:
        for match in self._pattern.finditer(scene.text):
            number = "".join([_HAN_DIGITS[c] for c in match.group()])
            if cn_mobile(number):
                yield Finding("CN_MOBILE", match.start(), match.end(), 0.7, PATTERN)
            elif cn_resident_id(number):
                yield Finding("CN_ID_CARD", match.start(), match.end(), 1.0, CHECKSUM)


class _Accounts:
    """QQ and WeChat accounts: they look like anything, so a label directly before is needed (wxid_… names itself)."""

    def __init__(self) -> None:
        self._qq = re.compile(_QQ, re.IGNORECASE)
        self._wechat = re.compile(_WECHAT, re.IGNORECASE)
        self._wxid = re.compile(rf"{NB}wxid_[0-9a-z]{{10,20}}{NA}")

    def find(self, scene: Scene) -> Iterable[Finding]:
        text = scene.text
        if scene.most_digits >= 5 and any(word in scene.lower for word in ("qq", "扣扣", "企鹅")):
            for match in self._qq.finditer(text):
                yield Finding("CN_QQ", *match.span(1), 0.9, LABEL)
        if any(word in scene.lower for word in ("信", "wx", "vx", "wechat", "加v")):
            for match in self._wechat.finditer(text):
                yield Finding("CN_WECHAT", *match.span(1), 0.9, LABEL)
            for match in self._wxid.finditer(text):
                yield Finding("CN_WECHAT", *match.span(), 0.9, PATTERN)


def _with_plus(scene: Scene, start: int) -> int:
    """A leading + belongs to the number although it is not a boundary."""
    return start - 1 if start and scene.text[start - 1] == "+" else start
