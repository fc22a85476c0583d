# ruff: noqa: E501 - a table reads best as a table; Chinese characters count twice
"""The shop's rows. Numbers have right checksums and belong to nobody; KH0001 is the cast's 李小明, and another customer bears the same name."""

from typing import Any

from tests.cast import LI_XIAOMING

_LI = LI_XIAOMING
SWITCHBOARD = "010-62345678"
WANG_PHONE, LIQIANG_PHONE, CHEN_PHONE = "13905550142", "13905550163", "13905550188"
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PDF = b"%PDF-1.7\n1 0 obj"

ROWS: dict[str, list[tuple[Any, ...]]] = {
    # 编号, 姓名, 手机, 邮箱, 证件, 生日, 单位, 单位电话, 推荐人, 账号, 地址, 头像, 备注
    "kh_info": [
        ("KH0001", _LI.name, _LI.phone, _LI.email, _LI.id_number, _LI.birth_date, None, None, None, "xiaoming", "DZ01", _PNG, "老客户"),
        ("KH0002", "王芳", WANG_PHONE, "wangfang@youjian.example", None, "1990-02-28", None, None, None, "wangfang", "DZ02", None, None),
        ("KH0003", "李强", LIQIANG_PHONE, "liqiang@youjian.example", None, None, None, None, None, "liqiang", "DZ02", None, "王芳的丈夫"),
        ("KH0004", "张伟", "13905550174", "zhangwei@youjian.example", None, None, None, None, None, "zhangwei", "DZ03", None, None),
        ("KH0005", "欧阳娜娜", "13905550185", "ouyang@youjian.example", None, "2001-12-31", None, None, "KH0001", "ouyang", "DZ03", None, None),
        ("KH0006", "阿依古丽·买买提", SWITCHBOARD, "aygul@gongsi.example", None, None, "DW01", SWITCHBOARD, None, "aygul", None, None, "单位联系人"),
        ("KH0007", "John Smith", SWITCHBOARD, "john.smith@gongsi.example", None, None, "DW01", SWITCHBOARD, None, "jsmith", None, None, None),
        ("KH0008", "陈静", "+86 139-0555-0188", "CHENJING@YouJian.example", None, None, None, None, "KH0002", "chenjing", "DZ04", None, None),
        ("KH0009", "赵敏", None, None, None, None, None, None, None, None, None, None, None),
        ("KH0010", _LI.name, "13905550199", "xiaoming.other@youjian.example", None, "1987-11-23", None, None, None, "xiaoming2", "DZ05", None, "与另一位同名"),
    ],
    "dw_info": [("DW01", "四海贸易有限公司", SWITCHBOARD, "KH0006"), ("DW02", "无联系人单位", "021-51234567", None)],
    "dz_info": [
        ("DZ01", _LI.address, "430061"),
        ("DZ02", "浙江省杭州市西湖区柳浪路8号", "310002"),
        ("DZ03", "北京市朝阳区东坝中路21号院", "100018"),
        ("DZ04", "广东省广州市天河区海风路3号", "510630"),
        ("DZ05", "湖北省武汉市洪山区珞喻路100号", "430070"),
        ("DZ06", "空置仓库", None),
    ],
    "yg_info": [
        ("YG001", "刘经理", "13805550101", "liujl", None),
        ("YG002", "周洁", "13805550102", "zhoujie", "YG001"),
        ("YG003", "张伟", "13805550103", "zhangwei", "YG001"),
    ],
    "sp_info": [("SP01", "王芳牌手工皂", 19.9), ("SP02", "武汉热干面礼盒", 58), ("SP03", "北京果脯", 36.5)],
    # 编号, 客户, 收货人, 收货电话, 收货地址, 金额, 下单, 完成, 经办
    "dd_main": [
        ("DD0001", "KH0001", _LI.name, _LI.phone, _LI.address, 77.9, "2019-03-01 10:00:00", "2019-03-05 09:00:00", "YG002"),
        ("DD0002", "KH0001", "王芳", WANG_PHONE, "浙江省杭州市西湖区柳浪路8号", 58, "2025-06-18 12:30:00", "2025-06-21 18:00:00", "YG003"),
        ("DD0003", "KH0002", _LI.name, _LI.phone, _LI.address, 36.5, "2025-07-01 08:15:00", "2025-07-04 11:00:00", "YG003"),
        ("DD0004", "KH0003", "李强", LIQIANG_PHONE, "浙江省杭州市西湖区柳浪路8号", 19.9, "2020-01-15 20:00:00", "2020-01-18 10:00:00", None),
        ("DD0005", "KH0004", "孙悦", "13905550111", "天津市和平区南京路5号", 58, "2024-02-29 23:59:59", "2024-03-03 09:30:00", "YG002"),
        ("DD0006", "KH0006", "阿依古丽·买买提", SWITCHBOARD, "北京市海淀区知春路四海大厦", 580, "2023-05-05 09:00:00", "2023-05-08 15:00:00", "YG001"),
        ("DD0007", "KH0008", "陈静", "１３９０５５５０１８８", "广东省广州市天河区海风路3号", 36.5, "2022-08-08 08:08:08", "2022-08-10 10:00:00", None),
        ("DD0008", "KH0001", None, None, None, 19.9, "2026-10-30 16:45:00", None, None),
        ("DD0009", "KH0010", _LI.name, "13905550199", "湖北省武汉市洪山区珞喻路100号", 58, "2024-11-11 00:00:01", "2024-11-14 12:00:00", "YG003"),
    ],
    "dd_mx": [
        ("DD0001", 1, "SP01", 1), ("DD0001", 2, "SP02", 1), ("DD0002", 1, "SP02", 1), ("DD0003", 1, "SP03", 1), ("DD0004", 1, "SP01", 1), ("DD0005", 1, "SP02", 1),
        ("DD0006", 1, "SP02", 10), ("DD0007", 1, "SP03", 1), ("DD0008", 1, "SP01", 1), ("DD0009", 1, "SP02", 1), ("DD0009", 2, "SP01", 0),
    ],
    "dd_fj": [("FJ01", "DD0001", 2, _PDF), ("FJ02", "DD0003", 1, _PNG), ("FJ03", "DD0009", 2, _PDF)],
    "gd_info": [
        ("GD001", "KH0001", f"客户来电 {_LI.phone}，要求修改收货地址。", _PDF, "YG002", "2024-05-06 10:00:00"),
        ("GD002", "KH0002", f"订单由{_LI.name}（{_LI.phone}）代收，已确认。", None, "YG003", "2025-07-05 14:20:00"),
        ("GD003", "KH0001", f"请联系王芳 {WANG_PHONE} 取件。", None, "YG003", "2025-06-22 09:00:00"),
        ("GD004", "KH0004", "账号无法登录。", None, "YG002", "2023-01-01 00:00:00"),
        ("GD005", None, "匿名建议：增加自提点。", None, "YG001", "2023-02-02 02:02:02"),
    ],
    "hy_card": [("8800417001", "KH0001", 1200), ("8800417002", "KH0002", 30), ("8800417010", "KH0010", 5)],
    "xx_jl": [
        ("XX001", "KH0001", "KH0002", "麻烦帮我收一下快递"), ("XX002", "KH0002", "KH0001", "好的，已收到"), ("XX003", "KH0004", "KH0005", "周末有空吗"),
        ("XX004", "KH0010", None, "系统你好"),
    ],
    "dl_rz": [
        (1, "kh", "xiaoming", "203.0.113.7", "2026-01-02 08:00:00"), (2, "kh", "zhangwei", "203.0.113.8", "2026-01-02 08:05:00"),
        (3, "yg", "zhangwei", "198.51.100.3", "2026-01-02 08:06:00"), (4, "kh", "xiaoming", "203.0.113.7", "2026-02-03 21:00:00"),
        (5, "kh", "xiaoming2", "203.0.113.9", "2026-02-03 21:01:00"), (6, "yg", "zhoujie", "198.51.100.2", "2026-02-04 09:00:00"),
    ],
    "sp_pl": [(1, "SP01", "xiaoming", "味道不错"), (2, "SP01", "wangfang", "会回购"), (3, "SP02", "xiaoming2", "一般"), (4, "SP03", "ouyang", "好吃")],
    "xt_cs": [("kf_dh", "400-820-8820"), ("bb_h", "13.9.0.4"), ("qy_mc", "听涛小店")],
}  # fmt: skip
