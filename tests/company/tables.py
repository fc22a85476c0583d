# ruff: noqa: E501 - a table reads best as a table; Chinese characters count twice
"""The shop's tables as its makers would have declared them: pinyin names, Chinese comments, no foreign keys, a composite key, blobs."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, create_engine, text

from privacy.adapters.database_urls import parse_address
from tests.company.rows import ROWS

KEY, TEXT, LONG, BYTES, NUMBER, MOMENT, DAY, MONEY = "key", "text", "long", "bytes", "number", "moment", "day", "money"
_TYPES = {
    "sqlite": {KEY: "VARCHAR(32)", TEXT: "VARCHAR(200)", LONG: "TEXT", BYTES: "BLOB", NUMBER: "INTEGER", MOMENT: "DATETIME", DAY: "DATE", MONEY: "DECIMAL(10,2)"},
    "postgresql": {KEY: "varchar(32)", TEXT: "varchar(200)", LONG: "text", BYTES: "bytea", NUMBER: "integer", MOMENT: "timestamp", DAY: "date", MONEY: "numeric(10,2)"},
    "mysql": {KEY: "varchar(32)", TEXT: "varchar(200)", LONG: "longtext", BYTES: "longblob", NUMBER: "int", MOMENT: "datetime", DAY: "date", MONEY: "decimal(10,2)"},
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    name: str
    comment: str
    key: tuple[str, ...]
    columns: tuple[tuple[str, str, bool, str], ...]  # name, kind, required, comment

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, *_ in self.columns)


TABLES = (
    Made("kh_info", "客户信息表", ("kh_bh",), (
        ("kh_bh", KEY, True, "客户编号"), ("xm", TEXT, True, "姓名"), ("sjh", TEXT, False, "手机号"), ("yx", TEXT, False, "邮箱"), ("zjhm", TEXT, False, "身份证号码"),
        ("csrq", DAY, False, "出生日期"), ("dw_bh", KEY, False, "所属单位编号"), ("dwdh", TEXT, False, "单位电话"), ("tjr_bh", KEY, False, "推荐人客户编号"),
        ("zh_mc", TEXT, False, "登录账号"), ("dz_bh", KEY, False, "地址编号"), ("tx", BYTES, False, "头像"), ("bz", LONG, False, "备注"),
    )),
    Made("dw_info", "单位信息表", ("dw_bh",), (
        ("dw_bh", KEY, True, "单位编号"), ("dw_mc", TEXT, True, "单位名称"), ("zjdh", TEXT, False, "总机电话"), ("lxr_bh", KEY, False, "联系人客户编号"),
    )),
    Made("dz_info", "地址表", ("dz_bh",), (
        ("dz_bh", KEY, True, "地址编号"), ("xxdz", TEXT, True, "详细地址"), ("yb", TEXT, False, "邮编"),
    )),
    Made("yg_info", "员工表", ("yg_bh",), (
        ("yg_bh", KEY, True, "员工编号"), ("xm", TEXT, True, "员工姓名"), ("sjh", TEXT, False, "手机号"), ("zh_mc", TEXT, False, "登录账号"), ("sj_bh", KEY, False, "上级员工编号"),
    )),
    Made("sp_info", "商品表", ("sp_bh",), (
        ("sp_bh", KEY, True, "商品编号"), ("sp_mc", TEXT, True, "商品名称"), ("dj", MONEY, False, "单价"),
    )),
    Made("dd_main", "订单主表", ("dd_bh",), (
        ("dd_bh", KEY, True, "订单编号"), ("kh_bh", KEY, True, "下单客户编号"), ("shr_xm", TEXT, False, "收货人姓名"), ("shr_dh", TEXT, False, "收货人电话"),
        ("shr_dz", TEXT, False, "收货地址"), ("je", MONEY, True, "金额"), ("xdsj", MOMENT, True, "下单时间"), ("wcsj", MOMENT, False, "完成时间"), ("jb_bh", KEY, False, "经办员工编号"),
    )),
    Made("dd_mx", "订单明细表", ("dd_bh", "hh"), (
        ("dd_bh", KEY, True, "订单编号"), ("hh", NUMBER, True, "行号"), ("sp_bh", KEY, True, "商品编号"), ("sl", NUMBER, True, "数量"),
    )),
    Made("dd_fj", "订单明细附件表", ("fj_bh",), (
        ("fj_bh", KEY, True, "附件编号"), ("dd_bh", KEY, True, "订单编号"), ("hh", NUMBER, True, "行号"), ("wj", BYTES, False, "文件内容"),
    )),
    Made("gd_info", "客服工单表", ("gd_bh",), (
        ("gd_bh", KEY, True, "工单编号"), ("kh_bh", KEY, False, "客户编号"), ("nr", LONG, False, "工单内容"), ("fj", BYTES, False, "附件"), ("cl_bh", KEY, False, "处理员工编号"),
        ("cjsj", MOMENT, True, "创建时间"),
    )),
    Made("hy_card", "会员卡表", ("hykh",), (
        ("hykh", KEY, True, "会员卡号"), ("kh_bh", KEY, True, "客户编号"), ("jf", NUMBER, True, "积分"),
    )),
    Made("xx_jl", "客户消息记录表", ("xx_bh",), (
        ("xx_bh", KEY, True, "消息编号"), ("fsr_bh", KEY, False, "发送人客户编号"), ("jsr_bh", KEY, False, "接收人客户编号"), ("nr", LONG, False, "消息内容"),
    )),
    Made("dl_rz", "登录日志表", ("rz_bh",), (
        ("rz_bh", NUMBER, True, "日志编号"), ("zh_lx", TEXT, True, "账号类型"), ("zh_mc", TEXT, True, "登录账号"), ("ip", TEXT, False, "登录地址"), ("dlsj", MOMENT, True, "登录时间"),
    )),
    Made("sp_pl", "商品评论表", ("pl_bh",), (
        ("pl_bh", NUMBER, True, "评论编号"), ("sp_bh", KEY, True, "商品编号"), ("zh_mc", TEXT, True, "评论账号"), ("nr", LONG, False, "评论内容"),
    )),
    Made("xt_cs", "系统参数表", ("cs_mc",), (
        ("cs_mc", TEXT, True, "参数名称"), ("cs_z", TEXT, False, "参数值"),
    )),
)  # fmt: skip
BY_NAME = {table.name: table for table in TABLES}


def build(url: str) -> None:
    """Make the shop in the empty database at `url`."""
    address = parse_address(url, setting="the shop's address")
    engine = create_engine(address.url, connect_args=address.arguments)
    try:
        with engine.begin() as opened:
            for table in TABLES:
                _create(opened, table)
                _fill(opened, table)
    finally:
        engine.dispose()


def dump(url: str) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """Return every row of the shop's own tables by key: table → key → column → value."""
    address = parse_address(url, setting="the shop's address")
    engine = create_engine(address.url, connect_args=address.arguments)
    try:
        with engine.connect() as opened:
            return {table.name: _rows(opened, table) for table in TABLES}
    finally:
        engine.dispose()


def _rows(opened: Connection, table: Made) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = opened.execute(text(f"SELECT {', '.join(table.names)} FROM {table.name}")).mappings()
    rows = [{name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()} for row in found]
    return {tuple(row[name] for name in table.key): row for row in sorted(rows, key=lambda row: [str(row[name]) for name in table.key])}


def _create(opened: Connection, table: Made) -> None:
    kind = opened.dialect.name
    comment = {"sqlite": " -- {}", "mysql": " COMMENT '{}'"}.get(kind, "").format
    lines = []
    for name, type, required, said in table.columns:
        line = f"{name} {_TYPES[kind][type]}{' NOT NULL' if required else ''}"
        # SQLite keeps a schema's text as it was written, comments included
        lines.append(f"{line},{comment(said)}\n" if kind == "sqlite" else f"{line}{comment(said)},\n")
    head = f"CREATE TABLE {table.name} ({f' -- {table.comment}' if kind == 'sqlite' else ''}\n"
    tail = f"PRIMARY KEY ({', '.join(table.key)})){f' COMMENT {chr(39)}{table.comment}{chr(39)}' if kind == 'mysql' else ''}"
    opened.exec_driver_sql(head + "".join(lines) + tail)
    if kind == "postgresql":
        opened.exec_driver_sql(f"COMMENT ON TABLE {table.name} IS '{table.comment}'")
        for name, _, _, said in table.columns:
            opened.exec_driver_sql(f"COMMENT ON COLUMN {table.name}.{name} IS '{said}'")


def _fill(opened: Connection, table: Made) -> None:
    rows = [dict(zip(table.names, row, strict=True)) for row in ROWS[table.name]]
    opened.execute(text(f"INSERT INTO {table.name} ({', '.join(table.names)}) VALUES ({', '.join(f':{name}' for name in table.names)})"), rows)
