# ruff: noqa: E501 - tables of made-up data, one line an entry
"""Schemas without one declared key, in the manner of ones we have not seen, with the truth about what refers to what: it follows from how the rows are made.

A column is made by one of the makers below; `to`, `both` and `kinds` make references, which are the truth. Roles are told beside them. Everything else is
a column that must not be taken for a reference: ranks, counts, codes, states, copies of names.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from sqlalchemy import create_engine, text

from privacy.adapters.database_urls import parse_address
from tests.discovery import schema_words as w

Truth = tuple[str, tuple[str, ...], str, tuple[str, ...]]


@dataclass(frozen=True)
class Made:
    """A column: its type, what fills it, and for references where they lead (`table.column`) and as what."""

    type: str
    fill: Callable[[Random, int], Any] | None = None
    to: str = ""
    role: str = ""
    empty: float = 0.0
    kinds: Mapping[str, str] = field(default_factory=dict)
    beside: str = ""
    each: bool = False  # go through the parents in turn instead of picking any


@dataclass(frozen=True)
class Table:
    name: str
    columns: Mapping[str, Made]
    rows: int = 60
    comment: str = ""
    comments: Mapping[str, str] = field(default_factory=dict)
    both: Sequence[tuple[tuple[str, ...], str, tuple[str, ...], str]] = ()


@dataclass(frozen=True)
class Schema:
    name: str
    tables: tuple[Table, ...]

    @cached_property
    def rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return _Filling(self).rows()

    @cached_property
    def truth(self) -> Mapping[Truth, str]:
        return dict(self._truth())

    def _truth(self) -> Iterator[tuple[Truth, str]]:
        for table in self.tables:
            for column, made in table.columns.items():
                for target in [made.to, *made.kinds.values()]:
                    if target and made.role:
                        parent, _, name = target.partition(".")
                        yield (table.name, (column,), parent, (name,)), made.role
            for mine, parent, theirs, role in table.both:
                yield (table.name, mine, parent, theirs), role


class _Filling:
    """Fills tables so that each reference holds: parents before children, and a cycle's second half afterwards."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._rng = Random(schema.name)
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def rows(self) -> Mapping[str, list[dict[str, Any]]]:
        for table in self._schema.tables:
            plain = {name: made for name, made in table.columns.items() if made.fill is not None}
            self._rows[table.name] = [{name: made.fill(self._rng, row) for name, made in plain.items() if made.fill} for row in range(table.rows)]
        for _ in range(4):  # a reference may lead to a column that is a reference itself
            for table in self._schema.tables:
                self._refer(table)
        return self._rows

    def _refer(self, table: Table) -> None:
        for name, made in table.columns.items():
            if made.to:
                self._fill(table, name, made)
            for_kind = {kind: self._values(target) for kind, target in made.kinds.items()}
            for row in self._rows[table.name] if for_kind else ():
                row.setdefault(name, self._rng.choice(for_kind[row[made.beside]]))
        for mine, parent, theirs, _ in table.both:
            for number, row in enumerate(self._rows[table.name]):
                if not all(name in row for name in mine):
                    picked = self._rows[parent][number % len(self._rows[parent])]
                    row |= {left: picked[right] for left, right in zip(mine, theirs, strict=True) if right in picked}

    def _fill(self, table: Table, name: str, made: Made) -> None:
        values = self._values(made.to)
        if not values:
            return
        for number, row in enumerate(self._rows[table.name]):
            if name not in row:
                row[name] = None if self._rng.random() < made.empty else values[number % len(values)] if made.each else self._rng.choice(values)

    def _values(self, target: str) -> list[Any]:
        table, _, column = target.partition(".")
        return [row[column] for row in self._rows[table] if row.get(column) is not None]


# --- makers --------------------------------------------------------------------------------------------------------------------------

INT, BIG, CODE, NAME, LONG, DAY, MOMENT, MONEY = "INTEGER", "BIGINT", "VARCHAR(32)", "VARCHAR(120)", "TEXT", "DATE", "TIMESTAMP", "DECIMAL(12,2)"


def pk(start: int = 1, step: int = 1, type: str = INT) -> Made:
    return Made(type, lambda rng, row: start + row * step)


def code(prefix: str) -> Made:
    return Made(CODE, lambda rng, row: f"{prefix}{2026000000 + row * 37 + 11}")


def login() -> Made:
    return Made(CODE, lambda rng, row: f"{rng.choice(('mei', 'tom', 'ana', 'li', 'kofi', 'eva'))}.{rng.choice(('ng', 'berg', 'sato', 'cruz'))}{row}")


def to(target: str, role: str, type: str = INT, empty: float = 0.1) -> Made:
    return Made(type, None, target, role, empty)


def kinds(beside: str, targets: Mapping[str, str], role: str) -> Made:
    return Made(INT, None, "", role, 0.0, targets, beside)


def one(*values: Any, type: str = CODE) -> Made:
    return Made(type, lambda rng, row: rng.choice(values))


def some(high: int, low: int = 0) -> Made:
    return Made(INT, lambda rng, row: rng.randint(low, high))


def said(make: Callable[[Random], Any], type: str = NAME) -> Made:
    return Made(type, lambda rng, row: make(rng))


def person() -> Made:
    return said(w.en_name)


def ren() -> Made:
    return said(w.zh_name)


def phone() -> Made:
    return said(w.zh_mobile)


def email() -> Made:
    return Made(NAME, lambda rng, row: f"{rng.choice(('mei', 'tom', 'ana'))}{row * 7}@{rng.choice(('post', 'mail'))}.example")


def thing(*words: str) -> Made:
    return Made(NAME, lambda rng, row: f"{words[row % len(words)]} {row // len(words) + 1}")


def day() -> Made:
    return said(w.birthday, DAY)


def when() -> Made:
    return said(w.moment, MOMENT)


def money() -> Made:
    return Made(MONEY, lambda rng, row: round(rng.random() * 900 + 1, 2))


def sentence() -> Made:
    return one("Called twice, no answer.", "Please deliver to the back door.", "Ok.", "Was broken on arrival, wants a new one.", type=LONG)


# --- schemas -------------------------------------------------------------------------------------------------------------------------

ISSUES = Schema("camelCase, polymorphic, two kinds of people", (
    Table("AppUser", {"id": pk(), "userName": login(), "fullName": person(), "email": email(), "roleId": to("UserRole.id", "ref"), "managerId": to("AppUser.id", "handled_by", empty=0.3), "isActive": one(0, 1, type=INT)}, 25),
    Table("UserRole", {"id": pk(), "label": thing("Reader", "Editor", "Owner"), "sortOrder": some(9)}, 5),
    Table("Customer", {"id": pk(100), "displayName": person(), "emailAddress": email(), "phone": phone(), "accountManagerId": to("AppUser.id", "handled_by"), "countryCode": one("CN", "GB", "DE", type="CHAR(2)"), "loyaltyLevel": some(5)}, 80),
    Table("Ticket", {"id": pk(5000), "ticketNumber": code("T"), "customerId": to("Customer.id", "owned_by", empty=0), "assigneeId": to("AppUser.id", "handled_by"), "createdById": to("AppUser.id", "handled_by"), "priority": some(4, 1), "statusId": to("TicketStatus.id", "ref"), "parentTicketId": to("Ticket.id", "accessed_by", empty=0.6), "subject": thing("Broken", "Late", "Wrong"), "openedAt": when()}, 150),
    Table("TicketStatus", {"id": pk(), "name": thing("open", "closed", "waiting")}, 6),
    Table("TicketMessage", {"id": pk(), "ticketId": to("Ticket.id", "owned_by", empty=0), "authorUserId": to("AppUser.id", "handled_by"), "body": sentence(), "position": some(12, 1)}, 300),
    Table("Attachment", {"id": pk(), "ownerType": one("Ticket", "Customer", "TicketMessage"), "ownerId": kinds("ownerType", {"Ticket": "Ticket.id", "Customer": "Customer.id", "TicketMessage": "TicketMessage.id"}, "owned_by"), "fileName": thing("scan.pdf", "photo.jpg"), "sizeKb": some(900), "uploadedBy": to("AppUser.userName", "handled_by", CODE)}, 120),
    Table("Tag", {"id": pk(), "label": thing("vip", "spam")}, 12),
    Table("TicketTag", {"ticketId": to("Ticket.id", "owned_by", empty=0), "tagId": to("Tag.id", "ref", empty=0)}, 90),
))  # fmt: skip

WHOLESALE = Schema("run-together lower-case names, columns named like tables", (
    Table("customer", {"customerid": pk(), "customername": person(), "vatno": code("GB"), "customergroup": to("customergroup.customergroupid", "ref"), "salesrep": to("employee.employeeid", "handled_by")}, 70),
    Table("customergroup", {"customergroupid": pk(), "groupname": thing("retail", "trade")}, 8),
    Table("customerdeliveryaddress", {"customerdeliveryaddressid": pk(), "customerid": to("customer.customerid", "owned_by", empty=0), "street": said(w.zh_address), "postcode": thing("EC1A", "SW9"), "cityid": to("city.cityid", "ref")}, 110),
    Table("city", {"cityid": pk(), "cityname": thing("Leeds", "York", "Bath")}, 20),
    Table("employee", {"employeeid": pk(), "employeename": person(), "loginname": login(), "reportsto": to("employee.employeeid", "handled_by", empty=0.3), "department": to("department.departmentid", "ref")}, 25),
    Table("department", {"departmentid": pk(), "departmentname": thing("Sales", "Stock"), "managerid": to("employee.employeeid", "handled_by")}, 6),
    Table("salesorder", {"salesorderid": pk(1000), "orderno": code("SO"), "customer": to("customer.customerid", "owned_by", empty=0), "deliveryaddress": to("customerdeliveryaddress.customerdeliveryaddressid", "owned_by"), "orderdate": day(), "createdby": to("employee.loginname", "handled_by", CODE), "approvedby": to("employee.loginname", "handled_by", CODE), "totalamount": money()}, 200),
    Table("salesorderline", {"salesorderlineid": pk(), "salesorder": to("salesorder.salesorderid", "owned_by", empty=0), "product": to("product.productid", "ref", empty=0), "lineno": some(9, 1), "quantity": some(40, 1), "unitprice": money()}, 500),
    Table("product", {"productid": pk(), "productcode": code("P"), "productname": thing("Bolt", "Nut", "Saw"), "productgroupid": to("productgroup.productgroupid", "ref")}, 60),
    Table("productgroup", {"productgroupid": pk(), "parentgroupid": to("productgroup.productgroupid", "ref", empty=0.5), "groupname": thing("Metal", "Wood")}, 10),
    Table("payment", {"paymentid": pk(), "orderno": to("salesorder.orderno", "owned_by", CODE, 0), "amount": money(), "paidon": day(), "paymentmethod": one("card", "transfer")}, 180),
))  # fmt: skip

MALL = Schema("pinyin and prefixes, Chinese comments", (
    Table("t_kehu", {"kehu_id": pk(), "xingming": ren(), "shouji": phone(), "huiyuan_kahao": code("H"), "tuijianren_id": to("t_kehu.kehu_id", "handled_by", empty=0.5), "dengji": some(5)}, 90, "客户信息表",
          {"kehu_id": "客户编号", "xingming": "姓名", "shouji": "手机号", "huiyuan_kahao": "会员卡号", "tuijianren_id": "推荐人", "dengji": "会员等级"}),
    Table("t_dingdan", {"dingdan_id": pk(1), "dingdan_hao": code("DD"), "kehu_id": to("t_kehu.kehu_id", "owned_by", empty=0), "mendian_id": to("t_mendian.mendian_id", "ref"), "jingbanren": to("t_yuangong.yuangong_id", "handled_by"), "shouhuoren": ren(), "zhuangtai": some(5), "xiadan_shijian": when()}, 220, "订单表",
          {"dingdan_id": "订单ID", "dingdan_hao": "订单号", "kehu_id": "下单客户", "mendian_id": "所属门店", "jingbanren": "经办人", "shouhuoren": "收货人姓名", "zhuangtai": "状态"}),
    Table("t_dingdan_mingxi", {"mingxi_id": pk(), "dingdan_id": to("t_dingdan.dingdan_id", "owned_by", empty=0), "shangpin_id": to("t_shangpin.shangpin_id", "ref"), "shuliang": some(9, 1), "xuhao": some(9, 1)}, 400, "订单明细表",
          {"dingdan_id": "所属订单", "shangpin_id": "商品", "shuliang": "数量", "xuhao": "序号"}),
    Table("t_shangpin", {"shangpin_id": pk(), "mingcheng": thing("杯子", "毛巾"), "fenlei_id": to("t_shangpin_fenlei.fenlei_id", "ref"), "jiage": money()}, 50, "商品表", {"fenlei_id": "商品分类"}),
    Table("t_shangpin_fenlei", {"fenlei_id": pk(), "mingcheng": thing("家居", "厨具"), "shangji_id": to("t_shangpin_fenlei.fenlei_id", "ref", empty=0.4)}, 12, "商品分类", {"shangji_id": "上级分类"}),
    Table("t_mendian", {"mendian_id": pk(), "mingcheng": thing("东门店", "西门店"), "dianzhang": to("t_yuangong.yuangong_id", "handled_by")}, 9, "门店", {"dianzhang": "负责人"}),
    Table("t_yuangong", {"yuangong_id": pk(), "xingming": ren(), "gonghao": code("E"), "mendian_id": to("t_mendian.mendian_id", "ref")}, 30, "员工表", {"gonghao": "工号"}),
    Table("t_huiyuan_jifen", {"id": pk(), "kahao": to("t_kehu.huiyuan_kahao", "owned_by", CODE, 0), "jifen": some(900), "leixing": some(3)}, 150, "会员积分流水", {"kahao": "会员卡号", "jifen": "积分"}),
    Table("t_gongdan", {"id": pk(), "kehu_id": to("t_kehu.kehu_id", "owned_by", empty=0), "chuliren_gonghao": to("t_yuangong.gonghao", "handled_by", CODE), "guanlian_dingdan": to("t_dingdan.dingdan_hao", "owned_by", CODE), "neirong": sentence()}, 130, "客服工单", {"chuliren_gonghao": "处理人工号", "guanlian_dingdan": "关联订单号", "neirong": "内容"}),
))  # fmt: skip

HANZI = Schema("Chinese names throughout", (
    Table("患者", {"编号": pk(), "姓名": ren(), "身份证号": said(w.zh_id), "联系电话": phone(), "主治医生": to("医生.编号", "handled_by")}, 120),
    Table("医生", {"编号": pk(), "姓名": ren(), "工号": code("D"), "所属科室": to("科室.编号", "ref")}, 20),
    Table("科室", {"编号": pk(), "名称": thing("内科", "外科"), "上级科室": to("科室.编号", "ref", empty=0.4), "负责人": to("医生.编号", "handled_by")}, 9),
    Table("就诊记录", {"编号": pk(), "患者编号": to("患者.编号", "owned_by", empty=0), "医生编号": to("医生.编号", "handled_by"), "科室编号": to("科室.编号", "ref"), "诊断": said(lambda rng: rng.choice(w.DIAGNOSES)), "就诊次数": some(9, 1), "就诊时间": when()}, 300),
    Table("处方", {"编号": pk(), "就诊编号": to("就诊记录.编号", "owned_by", empty=0), "开方医生": to("医生.编号", "handled_by"), "状态": some(3)}, 260),
    Table("处方明细", {"编号": pk(), "处方编号": to("处方.编号", "owned_by", empty=0), "药品编码": to("药品.药品编码", "ref", CODE), "数量": some(9, 1), "序号": some(5, 1)}, 500),
    Table("药品", {"药品编码": code("Y"), "药品名称": said(lambda rng: rng.choice(w.DRUGS)), "单价": money(), "库存": some(999)}, 40),
))  # fmt: skip

FORUM = Schema("links by login name, followers, answers", (
    Table("users", {"user_id": pk(3, 7), "login": login(), "real_name": person(), "mail": email(), "karma": some(900)}, 90),
    Table("forums", {"forum_id": pk(), "title": thing("News", "Help"), "moderator": to("users.login", "handled_by", CODE), "parent_forum_id": to("forums.forum_id", "ref", empty=0.5), "display_order": some(9)}, 10),
    Table("threads", {"thread_id": pk(), "forum_id": to("forums.forum_id", "ref", empty=0), "author": to("users.login", "owned_by", CODE, 0), "views": some(4000), "title": thing("How", "Why")}, 120),
    Table("posts", {"post_id": pk(), "thread_id": to("threads.thread_id", "owned_by", empty=0), "author": to("users.login", "owned_by", CODE, 0), "reply_to": to("posts.post_id", "accessed_by", empty=0.5), "body": sentence(), "edited_by": to("users.login", "handled_by", CODE, 0.5)}, 400),
    Table("likes", {"post_id": to("posts.post_id", "accessed_by", empty=0), "user_id": to("users.user_id", "owned_by", empty=0), "liked_at": when()}, 300),
    Table("follows", {"follower_id": to("users.user_id", "owned_by", empty=0), "followee_id": to("users.user_id", "accessed_by", empty=0)}, 150),
    Table("private_messages", {"id": pk(), "sender_id": to("users.user_id", "owned_by", empty=0), "recipient_id": to("users.user_id", "accessed_by", empty=0), "body": sentence()}, 200),
    Table("bans", {"id": pk(), "user_id": to("users.user_id", "owned_by", empty=0), "banned_by": to("users.login", "handled_by", CODE), "severity": some(3), "days": some(30)}, 30),
))  # fmt: skip

BANK = Schema("composite keys, codes, a cycle", (
    Table("bank", {"bank_no": code("B"), "bank_name": thing("North", "South")}, 6),
    Table("branch", {"bank_no": Made(CODE, None, "bank.bank_no", "ref", each=True), "branch_no": Made(CODE, lambda rng, row: f"{row // 6 + 101}"), "branch_name": thing("Main", "High"), "head_clerk_id": to("clerk.clerk_id", "handled_by")}, 24),
    Table("clerk", {"clerk_id": pk(), "name": person(), "bank_no": to("bank.bank_no", "ref", CODE, 0), "grade": some(6, 1)}, 40),
    Table("holder", {"holder_id": pk(10_000, 13), "first_name": person(), "last_name": person(), "birth_date": day(), "national_no": said(w.zh_id)}, 100),
    Table("account", {"bank_no": Made(CODE), "branch_no": Made(CODE), "account_no": Made(CODE, lambda rng, row: f"{row // 24 + 1:06d}"), "holder_id": to("holder.holder_id", "owned_by", empty=0), "currency": one("EUR", "CNY", type="CHAR(3)"), "balance": money()}, 140, both=((("bank_no", "branch_no"), "branch", ("bank_no", "branch_no"), "ref"),)),
    Table("booking", {"booking_id": pk(), "bank_no": Made(CODE), "branch_no": Made(CODE), "account_no": Made(CODE), "amount": money(), "booked_on": day(), "entered_by": to("clerk.clerk_id", "handled_by"), "reversal_of": to("booking.booking_id", "accessed_by", empty=0.8)}, 600, both=((("account_no", "bank_no", "branch_no"), "account", ("account_no", "bank_no", "branch_no"), "owned_by"),)),
    Table("card", {"card_no": Made(CODE, lambda rng, row: f"62170041{row * 97 + 10_000_000}"), "holder_id": to("holder.holder_id", "owned_by", empty=0), "limit_amount": some(9000), "pin_tries": some(3)}, 120),
    Table("card_use", {"id": pk(), "card_no": to("card.card_no", "owned_by", CODE, 0), "terminal": thing("POS", "ATM"), "amount": money()}, 400),
))  # fmt: skip

ALL = (ISSUES, WHOLESALE, MALL, HANZI, FORUM, BANK)


def build(url: str, schema: Schema) -> None:
    """Create and fill the schema in the empty database at `url`, with comments in the database's own manner and no key declared."""
    address = parse_address(url, setting="test")
    engine = create_engine(address.url, connect_args=address.arguments)
    with engine.begin() as opened:
        dialect, quote = opened.dialect.name, opened.dialect.identifier_preparer.quote_identifier
        for table in schema.tables:
            lines = [
                _line(name, made, table.comments.get(name, ""), dialect, quote, last=name == list(table.columns)[-1]) for name, made in table.columns.items()
            ]
            head = f" -- {table.comment}" if dialect == "sqlite" and table.comment else ""
            tail = f" COMMENT='{table.comment}'" if dialect == "mysql" and table.comment else ""
            opened.exec_driver_sql(f"CREATE TABLE {quote(table.name)} ({head}\n" + "\n".join(lines) + f"\n){tail}")
            if dialect == "postgresql":
                opened.exec_driver_sql(f"COMMENT ON TABLE {quote(table.name)} IS '{table.comment}'")
                for name, comment in table.comments.items():
                    opened.exec_driver_sql(f"COMMENT ON COLUMN {quote(table.name)}.{quote(name)} IS '{comment}'")
            names = {f"p{number}": name for number, name in enumerate(table.columns)}
            insert = f"INSERT INTO {quote(table.name)} VALUES ({', '.join(f':{name}' for name in names)})"
            opened.execute(text(insert), [{short: row.get(name) for short, name in names.items()} for row in schema.rows[table.name]])
    engine.dispose()


def _line(name: str, made: Made, comment: str, dialect: str, quote: Any, *, last: bool) -> str:
    kind = "DATETIME" if made.type == "TIMESTAMP" and dialect == "mysql" else made.type
    inline = f" COMMENT '{comment}'" if dialect == "mysql" and comment else ""
    trailing = f" -- {comment}" if dialect == "sqlite" and comment else ""
    return f"  {quote(name)} {kind}{inline}{'' if last else ','}{trailing}"
