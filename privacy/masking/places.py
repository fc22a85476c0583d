"""Postal addresses to the city: 广东省深圳市南山区… → 广东省深圳市; "12 High St, Leeds LS1 4AP, UK" → "Leeds, UK".

Anything in which no city can be told for sure is withheld: a street must not pass for a town.
"""

import re
from dataclasses import dataclass
from functools import cache

from privacy.masking.divisions import MUNICIPALITIES, PROVINCES, REGIONS_OF_THEIR_OWN
from privacy.masking.fold import is_han
from privacy.masking.technique import MaskContext

_LEAD_IN = re.compile(
    r"^(?:联系地址|收货地址|通讯地址|家庭住址|户籍地址|现住址|住址|地址|寄到|我住在|住在)?[:：\s]*(?:中国|中华人民共和国)?[,，\s]*(?:\d{6}[,，\s]*)?"
)
_ETHNIC = re.compile(r"(?:(?:朝鲜|土家|苗|藏|羌|彝|布依|侗|哈尼|壮|傣|白|景颇|傈僳|回|蒙古|柯尔克孜|哈萨克)族?)+自治州$|(?:地区|林区|盟)$")
_TRADITIONAL = str.maketrans("廣東蘇寧臺灣門慶陝貴遼龍內蒙隴雲蘭長濟鄭漢區縣", "广东苏宁台湾门庆陕贵辽龙内蒙陇云兰长济郑汉区县")
# what follows a town's short name when the name is a road's: 上海路, 中山大道
_ROADLIKE = re.compile(r"^[东西南北中一二三四五]{0,2}(?:路|街|道|巷|弄|里|村|镇|小区|花园|大厦|酒店|大学|医院|公司|银行|大道|广场)")
_DISTRICT = re.compile(r"^[\u4e00-\u9fff]{1,4}?[区县市旗]")

_PLACE_FIELD = re.compile(r"(?:^|_|(?<=[a-z]))(?:city|town|state|province|region|country|nation)(?:$|_|name)|市$|城市|省|国家|地区", re.IGNORECASE)
_STREET = re.compile(
    r"\b(?:street|st|road|rd|avenue|ave|av|lane|ln|drive|dr|court|ct|boulevard|blvd|way|place|pl|square|sq|terrace|close|crescent|highway|hwy|suite|apt|apartment|unit|floor"
    r"|box|rue|rua|via|calle|avenida|platz|weg|allee|house|building)\b|stra(?:ß|ss)e|str\.|[路街弄巷号栋幢座室楼村]",
    re.IGNORECASE,
)
_SAINT = re.compile(r"^ste?\.? ", re.IGNORECASE)
_CHINESE_PLACE = re.compile(r"[\u4e00-\u9fff]{2,12}(?:省|市|自治区|自治州|盟|国)")
_WORD = r"[^\W\d_][^\W\d_.'’-]*"
_CITY = rf"{_WORD}(?:[ '’.-]+{_WORD}){{0,4}}"
_STATE_ZIP = re.compile(r"([A-Z]{2})(?: \d{5}(?:-\d{4})?| [A-Z]\d[A-Z] ?\d[A-Z]\d)")
_UK = re.compile(rf"({_CITY}) [A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}}")
_UK_CODE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}")
_CODE_CITY = re.compile(rf"(?:[A-Z]{{1,2}}-)?\d{{4,6}}(?: [A-Z]{{2}}(?= ))?(?:-\d{{3}})? ({_CITY})")
_CITY_CODE = re.compile(rf"({_CITY})(?:,? ([A-Z]{{2,3}}))? \d{{4,6}}(?:-\d{{3,4}})?")


def address_city(value: str, context: MaskContext) -> str | None:
    """Keep province and city (elsewhere city, state or country); None where no city is certain."""
    if len(value) > 400:
        return None
    named_place = _PLACE_FIELD.search(context.field) is not None
    if any(map(is_han, value)):
        plain_place = named_place and _CHINESE_PLACE.fullmatch(value) and not _STREET.search(value)
        return _chinese(value) or (value if plain_place else None)
    return value if named_place and _is_place(value) else _western(value)


def _is_place(value: str) -> bool:
    # St. Louis is a town, Louis St. a street
    return len(value) <= 60 and re.fullmatch(_CITY + r"\.?", value) is not None and not _STREET.search(_SAINT.sub("", value))


@dataclass(frozen=True, slots=True)
class _City:
    """A prefecture: its province in full, its name short and in full (大理, 大理白族自治州)."""

    province: str
    stem: str
    whole: str


class _Gazetteer:
    """Provinces and cities by the first two characters of their names."""

    def __init__(self) -> None:
        self.provinces: dict[str, tuple[str, str]] = {}
        self.cities: dict[str, list[_City]] = {}
        for short, (full, cities) in PROVINCES.items():
            self.provinces[short[:2]] = (short, full)
            for city in cities.split():
                stem = _ETHNIC.sub("", city)
                whole = city if stem != city else city + "市"
                self.cities.setdefault(stem[:2], []).append(_City(full, stem, whole))

    def city(self, text: str, province: str = "") -> _City | None:
        """Return the city that `text` begins with, in full before in short."""
        found = [city for city in self.cities.get(text[:2], ()) if text.startswith(city.stem) and province in ("", city.province)]
        return max(found, key=lambda city: (text.startswith(city.whole), len(city.stem)), default=None)


@cache
def _gazetteer() -> _Gazetteer:
    return _Gazetteer()


def _chinese(value: str) -> str | None:
    text = _LEAD_IN.sub("", value.replace(" ", "").replace(",", "").replace("，", "")).translate(_TRADITIONAL)
    start = text[:2]
    if start in REGIONS_OF_THEIR_OWN:
        return None if _ROADLIKE.match(text[2:]) else REGIONS_OF_THEIR_OWN[start]
    if start in MUNICIPALITIES:
        return None if _ROADLIKE.match(text[2:]) else start + "市"
    places = _gazetteer()
    short, full = places.provinces.get(start, ("", ""))
    if short and text.startswith(short) and (found := _in_province(places, text, short, full)):
        return found
    return _city_alone(places, text)


def _in_province(places: _Gazetteer, text: str, short: str, full: str) -> str | None:
    named = text.startswith((full, short + "省", short + "自治区"))
    rest = text.removeprefix(full) if text.startswith(full) else text.removeprefix(short).removeprefix("自治区").removeprefix("省")
    city = places.city(rest, full)
    if city and (rest.startswith(city.whole) or not _ROADLIKE.match(rest.removeprefix(city.stem))):
        return full + city.whole
    # 吉林 is a province and a city: 吉林市 is left to the search for cities
    if named or not rest or _DISTRICT.match(rest) and not rest.startswith("市"):
        return full
    return None


def _city_alone(places: _Gazetteer, text: str) -> str | None:
    """Find a city written without its province: by its suffix, or by a district that follows."""
    city = places.city(text)
    if city is None:
        return None
    if text.startswith(city.whole):
        return None if _ROADLIKE.match(text.removeprefix(city.whole)) else city.province + city.whole
    rest = text.removeprefix(city.stem)
    district = _DISTRICT.match(rest) and not _ROADLIKE.match(rest)
    return city.province + city.whole if not rest or district else None


def _western(value: str) -> str | None:
    parts = [part.strip(" .") for part in value.split(",") if part.strip(" .")]
    if not 2 <= len(parts) <= 8:
        return None
    # two capitals at the end are a state (Springfield, IL) unless they are one of the countries people abbreviate
    country = parts.pop() if _is_place(parts[-1]) and (len(parts[-1]) > 2 or parts[-1] in ("UK", "US")) else ""
    found = _locality(parts)
    return None if found is None else found + (f", {country}" if country else "")


def _locality(parts: list[str]) -> str | None:
    if not parts:
        return None
    last = parts[-1]
    before = parts[-2] if len(parts) > 1 else ""
    if (state := _STATE_ZIP.fullmatch(last)) and _is_place(before):
        return f"{before}, {state[1]}"
    if _UK_CODE.fullmatch(last) and len(parts) > 2 and _is_place(before):
        return before
    if re.fullmatch(r"[A-Z]{2}", last) and len(parts) > 2 and _is_place(before):
        return f"{before}, {last}"
    for pattern in (_UK, _CODE_CITY, _CITY_CODE):
        if (match := pattern.fullmatch(last)) and _is_place(match[1]):
            return match[1] + (f", {match[2]}" if pattern is _CITY_CODE and match[2] else "")
    return None
