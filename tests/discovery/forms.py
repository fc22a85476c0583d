"""A seeded generator of Chinese lines with known spans: every identifier in every form people write, and decoys that look like one."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from privacy.discovery.validators import cn_mobile

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WIDE = str.maketrans({c: chr(ord(c) + 0xFEE0) for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-"})


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    entity: str
    start: int
    end: int


def resident_id(rng: random.Random) -> str:
    body = (
        rng.choice(("110105", "310104", "440305", "330106", "510107", "620201", "810000", "542421"))
        + f"{rng.randint(1930, 2020)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(0, 999):03}"
    )
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(_WEIGHTS, body, strict=True)) % 11]


def credit_code(rng: random.Random) -> str:
    body = rng.choice(("91", "92", "12", "52", "93")) + rng.choice(("110105", "310115", "440300", "350100")) + "".join(rng.choice(_USCC) for _ in range(9))
    total = sum(3**i % 31 * _USCC.index(c) for i, c in enumerate(body))
    return body + _USCC[(31 - total % 31) % 31]


def card(rng: random.Random) -> str:
    size, prefix = rng.choice(((16, "622202"), (19, "621700"), (19, "622848"), (16, "625912"), (17, "623058")))
    return luhn_completed(prefix + "".join(str(rng.randint(0, 9)) for _ in range(size - 7)))


def luhn_completed(body: str) -> str:
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(body)))
    return body + str(-total % 10)


def hong_kong(rng: random.Random) -> str:
    letter, digits = rng.choice("ABCGKZ"), f"{rng.randint(0, 999_999):06}"
    total = 9 * 36 + 8 * (ord(letter) - 55) + sum(w * int(d) for w, d in zip((7, 6, 5, 4, 3, 2), digits, strict=True))
    return f"{letter}{digits}({'0123456789A'[(11 - total % 11) % 11]})"


def mobile(rng: random.Random) -> str:
    while not cn_mobile(number := f"1{rng.randint(3, 9)}{rng.randint(0, 9)}{rng.randint(0, 99_999_999):08}"):
        pass
    return number


def landline(rng: random.Random) -> str:
    return f"{rng.choice(('010', '021', '0755', '0571', '029'))}-{rng.randint(2, 8)}{rng.randint(0, 9_999_999):07}"


MAKERS: dict[str, tuple[Callable[[random.Random], str], tuple[str, ...], tuple[int, ...]]] = {
    "CN_ID_CARD": (resident_id, ("身份证号", "证件号码：", "公民身份号码是", ""), (6, 8, 4)),
    "CN_USCC": (credit_code, ("统一社会信用代码：", "信用代码", "税号 ", ""), (8, 9, 1)),
    "CN_BANK_CARD": (card, ("银行卡号", "储蓄卡 ", "收款账户：", ""), (4, 4, 4, 4, 4)),
    "CN_HKID": (hong_kong, ("香港身份证", "持证人 ", ""), ()),
    "CN_MOBILE": (mobile, ("手机", "联系电话：", "请拨打", "备注"), (3, 4, 4)),
    "CN_LANDLINE": (landline, ("座机", "办公电话：", "总机 ", ""), ()),
}
_ENDS = ("，请核对", "已登记。", "的客户来电", "", "；其余见附件", " 谢谢")


def lines(entity: str, count: int, seed: int) -> Iterator[Line]:
    """Yield `count` lines that hold one value of `entity` each, in a plain, spaced, dashed, dotted, full-width or zero-width form."""
    make, labels, grouping = MAKERS[entity]
    rng = random.Random(seed)
    for _ in range(count):
        shown = _form(make(rng), grouping, rng)
        lead = rng.choice(("客户资料，", "工单记录：", "您好，", "【系统】", "")) + rng.choice(labels)
        text = lead + shown + rng.choice(_ENDS)
        yield Line(text, entity, len(lead), len(lead) + len(shown))


def _form(value: str, grouping: tuple[int, ...], rng: random.Random) -> str:
    form = rng.randrange(6)
    if form in (1, 2, 3) and grouping:
        parts, rest = [], value
        for size in grouping:
            parts.append(rest[:size])
            rest = rest[size:]
        return (" ", "-", "·")[form - 1].join(p for p in parts if p)
    if form == 4:
        return value.translate(_WIDE)
    if form == 5:
        at = rng.randrange(1, len(value))
        return value[:at] + rng.choice("\u200b\u200d\ufeff\u2060") + value[at:]
    return value


def decoys(count: int, seed: int) -> Iterator[str]:
    """Yield lines with numbers that are nobody's: orders, parcels, contracts, materials, versions, amounts, broken checksums."""
    rng = random.Random(seed)

    def digits(n: int) -> str:
        return "".join(str(rng.randint(0, 9)) for _ in range(n))

    def broken(value: str) -> str:
        return value[:-1] + str((int(value[-1]) + rng.randint(1, 9)) % 10) if value[-1].isdigit() else value[:-1] + "1"

    makers: tuple[Callable[[], str], ...] = (
        lambda: f"订单号{digits(18)}已发货",
        lambda: f"运单号：SF{digits(13)}，请留意",
        lambda: f"快递单号 {digits(rng.choice((12, 13, 15)))} 派送中",
        lambda: f"合同编号HT-2024-{digits(4)}-{digits(3)}已归档",
        lambda: f"物料编码 {digits(8)}-{digits(2)} 库存{digits(3)}件",
        lambda: f"当前版本{rng.randint(1, 9)}.{rng.randint(0, 20)}.{rng.randint(0, 99)}，构建号{digits(6)}",
        lambda: f"合计金额{rng.randint(1, 999)},{digits(3)}.{digits(2)}元",
        lambda: f"流水号{digits(20)}处理完成",
        lambda: f"身份证号{broken(resident_id(rng))}校验失败",
        lambda: f"卡号{broken(card(rng))}无效",
        lambda: f"统一社会信用代码{broken(credit_code(rng))}有误",
        lambda: f"设备序列号 {rng.choice('BDFKX')}{digits(7)}{rng.choice('QW')} 已激活",
        lambda: f"订单号1{rng.randint(3, 9)}{digits(9)}，请勿重复提交",
        lambda: f"库存{digits(5)}，条形码69{digits(11)}",
        lambda: f"批次号{digits(11)}检验合格",
        lambda: f"第{rng.randint(1, 99)}期报告共{rng.randint(10, 999)}页，浏览{digits(7)}次",
    )
    for index in range(count):
        yield makers[index % len(makers)]()
