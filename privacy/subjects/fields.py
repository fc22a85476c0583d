"""Which fields of a dataset say who the row's subject is, and which hold somebody else's number: the emergency contact, the employer, the recipient."""

import re
from dataclasses import dataclass
from itertools import pairwise

from privacy.inventory.model import Dataset, Field, Status
from privacy.subjects.model import IdentifierKind

KINDS: dict[str, tuple[IdentifierKind, ...]] = {
    "email": (IdentifierKind.EMAIL,),
    "phone": (IdentifierKind.PHONE,),
    "national_id": (IdentifierKind.RESIDENT_ID,),
    "account": (IdentifierKind.LOGIN, IdentifierKind.MEMBER_CARD),
    "name": (IdentifierKind.NAME,),
}
LINKING = (IdentifierKind.EMAIL, IdentifierKind.PHONE, IdentifierKind.RESIDENT_ID)  # what may lead from one system into another
SCOPED = (IdentifierKind.LOGIN, IdentifierKind.MEMBER_CARD)

# a value under such a name belongs to another person, or to many: it never identifies by itself
_OTHERS = frozenset(
    "emergency spouse husband wife partner guardian parent father mother family relative kin child referrer referral referee inviter introducer "
    "agent broker recipient receiver consignee addressee sender shipper shipping ship delivery deliver billing landlord employer company "
    "corporate organisation organization office work business switchboard manager supervisor superior assistant secretary representative rep "
    "support sales fax household beneficiary guarantor trustee witness vendor supplier jinji jianhuren tuijianren jieshaoren danwei gongsi "
    "bangong chuanzhen shouhuo shouhuoren shoujianren jijianren zongji peiou jiashu qinshu danbaoren lianxiren jjlxdh jjlxrdh lxrdh lxrsj jhrdh "
    "jhrsj tjrdh tjrsj dwdh gsdh bgdh bgdhhm shdh shrdh shrsj sjrdh sjrsj jjrdh jjrsj czhm".split()
)
_PAIRS = (("contact", "person"), ("next", "of"), ("contact", "name"), ("head", "office"))
_OTHERS_ZH = re.compile(
    "紧急|联系人|监护人|家属|亲属|父亲|母亲|家长|配偶|丈夫|妻子|子女|推荐人|介绍人|邀请人|收货|收件|寄件|发件|签收|单位|公司|企业|办公|传真|总机|担保人|受益人|负责人|"
    "经办人|代理人|经理|主管|业务员|房东"
)
_ORGANISATIONS = frozenset(
    "organisation organization company corporation firm enterprise business supplier vendor merchant institution department employer branch store shop school "
    "hospital agency bank manufacturer distributor gongsi qiye danwei jigou gongyingshang shanghu bumen".split()
)
_ORGANISATIONS_ZH = re.compile("公司|企业|单位|机构|供应商|商户|商家|组织|部门|学校|医院|银行|门店|厂商|经销商")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class IdentifierField:
    """A field that may hold identifiers of these kinds. `own` false: somebody else's value, as far as its name and comment tell."""

    name: str
    kinds: tuple[IdentifierKind, ...]
    own: bool
    confirmed: bool


def identifier_fields(dataset: Dataset) -> tuple[IdentifierField, ...]:
    """Return the fields in which people of this dataset can be found, proposals included (`confirmed` tells)."""
    return tuple(_identifier(field) for field in dataset.fields.values() if field.category in KINDS and field.status in (Status.CONFIRMED, Status.PROPOSED))


def is_organisation(dataset: Dataset) -> bool:
    """Is the dataset's subject an organisation? A contact person belongs to one, and is not one (decision 24)."""
    type_ = dataset.subject_type or ""
    return bool(_ORGANISATIONS & set(_words(type_)) or _ORGANISATIONS_ZH.search(type_))


def keys_a_row(dataset: Dataset) -> bool | None:
    """Is each row one subject? None where the map does not tell (files, tables without a declared key) and only the rows can."""
    key = dataset.fields.get(dataset.subject_field or "")
    others = any(field.key == "primary" and not field.gone for field in dataset.fields.values() if field is not key)
    if key is None or others:
        return False
    return True if key.key == "primary" else None


def _identifier(field: Field) -> IdentifierField:
    own = not _somebody_elses(field.name) and not _OTHERS_ZH.search(field.comment) and not _somebody_elses(field.comment)
    return IdentifierField(field.name, KINDS[field.category], own, field.status is Status.CONFIRMED)


def _somebody_elses(text: str) -> bool:
    words = _words(text)
    pairs = set(pairwise(words))
    return bool(_OTHERS & set(words) or pairs & set(_PAIRS) or _OTHERS_ZH.search(text))


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
