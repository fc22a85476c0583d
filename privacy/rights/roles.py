"""Whom the columns of a row are about: `ship_to_name` and `ship_to_phone` are one group, 收货人姓名 and 收货电话 another, `shr_xm` and `shr_dh` a third.

A column's name is cut into a role (who) and a word (what): the words for name, phone, address and the like are taken off its end. What is left says who.
"""

import re
from dataclasses import dataclass

NAME, PHONE, EMAIL, NUMBER, PLACE = "name", "phone", "email", "national_id", "address"

_WORDS = {
    NAME: "name surname firstname lastname fullname forename nickname first last full given family middle maiden xm xingming 姓名 名字 全名 昵称",
    PHONE: "phone telephone tel mobile cell cellphone fax phonenumber dh dianhua sjh sjhm sj shouji lxdh 电话 手机 手机号 手机号码 电话号码 联系电话 座机 传真",
    EMAIL: "email mail emailaddress yx youxiang 邮箱 电子邮箱 电子邮件 邮件",
    NUMBER: "ssn idcard nino passport sfz sfzh sfzhm zjhm zjh 身份证 身份证号 身份证号码 证件号 证件号码 护照号",
    PLACE: "address addr street city state province county country zip zipcode postal postalcode postcode district region town suburb dz dizhi xxdz yb youbian "
    "地址 详细地址 住址 邮编 邮政编码 省 省份 市 城市 区 区县 街道",
}
_FILLERS = frozenset("no number num id code key line line1 line2 1 2 3 value text e bh hm mc 号 号码 编号 代码 标识 名称".split())
_OF_WORD = {word: category for category, words in _WORDS.items() for word in words.split()}
_LONGEST_FIRST = sorted((*_OF_WORD, *_FILLERS), key=len, reverse=True)
_INITIALS = tuple(
    word for word in _LONGEST_FIRST if word.isascii() and 2 <= len(word) <= 5 and word in {"xm", "dh", "sjh", "sjhm", "dz", "yx", "zjhm", "sfzh", "bh"}
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[^0-9A-Za-z\u3400-\u9fff]+|(?<=[\u3400-\u9fff])(?=[0-9A-Za-z])|(?<=[0-9A-Za-z])(?=[\u3400-\u9fff])")
# 收货人姓名 and 收货地址 are about one person
_AGENT = re.compile(r"(?<=.)[人者方员]$")

# in front of data in somebody's own row these say that it is somebody else's
_OTHERS = frozenset(
    "emergency spouse partner husband wife father mother parent parents child children son daughter kin next guardian referrer referee referral referred "
    "beneficiary recipient consignee receiver sender agent handler operator owner manager supervisor assignee creator approver reviewer "
    "relative sibling brother sister "
    "lxr jjlxr shr sjr fjr tjr jhr po fq mq jb jbr cl clr".split()
)  # fmt: skip
_OTHERS_HAN = re.compile(r"紧急|联系人|配偶|丈夫|妻子|父|母|子女|孩子|监护|推荐|介绍|收货|收件|寄件|发件|受益|经办|处理|负责|上级|客服|操作")
# names of these are no person's: 药品名称, product_name
_THINGS = frozenset(
    "product item goods article drug medicine medication company organisation organization employer brand category department dept project service shop "
    "store file table course book track album playlist genre model plan role group hotel bank school hospital clinic device event disease".split()
)  # fmt: skip
_THINGS_HAN = re.compile(
    r"(药品|药物|商品|产品|货品|物品|物料|品牌|公司|单位|企业|机构|组织|部门|科室|项目|服务|课程|店铺|门店|学校|医院|银行|文件|设备|疾病|诊断|套餐)$"
)
_STAFF = frozenset(
    "agent handler operator assignee clerk cashier staff employee jb jbr cl clr created updated modified approved reviewed handled assigned".split()
)
_STAFF_HAN = re.compile(r"经办|处理|负责|客服|坐席|操作|审核|审批|创建|录入|员工")


@dataclass(frozen=True, slots=True)
class Cut:
    """A column's name as role (empty: the row's own) and what its words say it holds (empty: they say nothing)."""

    role: str
    category: str


def cut(column: str) -> Cut:
    """Return the role and the category that a column's name tells."""
    tokens = [part.lower() for piece in _SPLIT.split(column) for part in _CAMEL.split(piece.rstrip("0123456789") or piece) if part]
    category = ""
    while tokens:
        word = tokens[-1]
        known = _ending(word)
        if not known:
            break
        category = category or _OF_WORD.get(known, "")
        rest = word[: len(word) - len(known)]
        tokens[-1:] = [rest] if rest else []
    role = " ".join(tokens)
    if category == NAME and ((tokens and tokens[-1] in _THINGS) or _THINGS_HAN.search(role)):
        category = ""
    return Cut(_AGENT.sub("", role), category)


def is_of_others(role: str) -> bool:
    """Does this role, in somebody's own row, name somebody else?"""
    return any(word in _OTHERS for word in role.split()) or bool(_OTHERS_HAN.search(role))


def is_staff(role: str) -> bool:
    return any(word in _STAFF for word in role.split()) or bool(_STAFF_HAN.search(role))


def _ending(word: str) -> str:
    """Return the known word that `word` is or ends with; inside a run-together name only Chinese words and initials count."""
    if word in _OF_WORD or word in _FILLERS:
        return word
    if not word.isascii():
        return next((known for known in _LONGEST_FIRST if not known.isascii() and word.endswith(known)), "")
    return next((known for known in _INITIALS if word.endswith(known) and 4 <= len(word) <= 7 and len(word) - len(known) >= 2 and _is_initials(word)), "")


def _is_initials(word: str) -> bool:
    # pinyin initials have hardly a vowel: shrxm, not column
    return not re.search(r"[aeiou]", word)
