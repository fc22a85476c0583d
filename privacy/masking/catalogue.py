"""All techniques by name: the one list that policy rows, the taxonomy and the documentation refer to."""

from collections.abc import Iterable, Mapping

from privacy.kernel.errors import Misconfigured
from privacy.masking import dates, general, groups, names, numbers, online, places
from privacy.masking.technique import Kind, MaskContext, Technique


def _withhold(value: str, context: MaskContext) -> str | None:
    return None


_SHIPPED = (
    Technique("none", Kind.CLEAR, "shown as it is", "原样显示", general.none, folds=False),
    Technique("redact", Kind.HIDE, "a fixed word, the same for every value", "固定占位符", general.redact, folds=False),
    Technique("name", Kind.HIDE, "surname or initials", "保留姓氏或首字母", names.name, keeps=names.is_surname),
    Technique("phone", Kind.HIDE, "area or network and the last digits", "保留前三后四", numbers.phone),
    Technique("email", Kind.HIDE, "first letter and domain", "保留首字母和域名", online.email),
    Technique("id_number", Kind.HIDE, "first and last character", "保留首尾各一位", numbers.id_number),
    Technique("card", Kind.HIDE, "last four digits", "保留后四位", numbers.card),
    Technique("address_city", Kind.GENERALISE, "province and city only", "仅保留省市", places.address_city),
    Technique("date_year", Kind.GENERALISE, "year only", "仅保留年份", dates.date_year),
    Technique("age_band", Kind.GENERALISE, "five-year band", "五岁年龄段", dates.age_band),
    Technique("category", Kind.GENERALISE, "a coarser group", "归入大类", groups.category),
    Technique("keep_edges", Kind.HIDE, "first and last letter", "保留首尾", general.keep_edges),
    Technique("pseudonym", Kind.PSEUDONYM, "a keyed word, stable within one purpose", "按目的稳定的密钥假名", general.pseudonym),
    Technique("ip_network", Kind.GENERALISE, "the network (/24, /48)", "仅保留网段", online.ip_network),
    Technique("plate", Kind.HIDE, "province, city letter, last character", "保留省市代码和末位", numbers.plate),
    Technique("text", Kind.HIDE, "found pieces replaced; without findings nothing is shown", "替换识别出的内容", _withhold, folds=False),
)


class Techniques:
    """A closed set of techniques."""

    def __init__(self, techniques: Iterable[Technique]) -> None:
        self._by_name: Mapping[str, Technique] = {technique.name: technique for technique in techniques}

    @classmethod
    def shipped(cls) -> "Techniques":
        return cls(_SHIPPED)

    def get(self, name: str) -> Technique:
        """Return the technique. Raises Misconfigured for an unknown name: policies are checked before they are activated, so a typo never masks less."""
        if (technique := self._by_name.get(name)) is None:
            raise Misconfigured(f"There is no masking technique of that name; known are {', '.join(self._by_name)}.")
        return technique

    def names(self) -> frozenset[str]:
        return frozenset(self._by_name)

    def all(self) -> tuple[Technique, ...]:
        return tuple(self._by_name.values())
