"""Which half of a name a field holds, read from the field's name: FirstName, given_name, 名, ming hold given names; LastName, surname, 姓氏, xing surnames."""

import re
from enum import StrEnum
from functools import lru_cache

_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[\u4e00-\u9fff])(?=[A-Za-z])|(?<=[A-Za-z])(?=[\u4e00-\u9fff])")
_NO_LETTER = re.compile(r"[\W\d_]+")
# `first` and `last` need `name` beside them or must end the field's name: last_contact_name is no surname
_GIVEN = re.compile(r"(?:^|_)(?:(?:given|fore|first|middle)_?names?|name_(?:given|first)|given|fname|名|ming)$|^(?:(?:given|first|fore)_?names?_|first$)")
_FAMILY = re.compile(
    r"(?:^|_)(?:(?:family|last|sur)_?names?|name_(?:family|last)|lname|姓氏?|xing)$|[\u4e00-\u9fff]姓氏?$|^(?:(?:family|last|sur)_?names?_|last$|family$)"
)

_BOTH = re.compile(r"(?=.*(?:^|_)(?:given|first|fore|名|ming))(?=.*(?:^|_)(?:family|last|sur|姓|xing))")


class Half(StrEnum):
    """The part of a name that a field is known to hold; WHOLE where its name does not say."""

    WHOLE = "whole"
    GIVEN = "given"
    FAMILY = "family"


@lru_cache(maxsize=1024)
def half_of(field: str) -> Half:
    """Return which half `field` holds. A name that says both (last_first_name) or neither (name, 姓名, 名字) holds a whole name."""
    words = _NO_LETTER.sub("_", _WORD_STARTS.sub("_", field[:128])).strip("_").lower()
    given, family = _GIVEN.search(words) is not None, _FAMILY.search(words) is not None
    if given == family or _BOTH.match(words):
        return Half.WHOLE
    return Half.GIVEN if given else Half.FAMILY
