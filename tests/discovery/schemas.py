# ruff: noqa: E501 - tables of made-up data, one line an entry
"""Schemas in the manner of ones we have not seen, with the truth beside each column: Chinese, pinyin, English, opaque, with comments and without.

A column is (name, type, truth, generator, comment); truth is a category, `` for not personal, or `?` where reasonable people differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.discovery import schema_words as w

Generator = Callable[[Random, int], Any]
ANY = "?"


@dataclass(frozen=True)
class Col:
    name: str
    type: str
    truth: str
    make: Generator
    comment: str = ""


@dataclass(frozen=True)
class Tab:
    name: str
    columns: tuple[Col, ...]
    comment: str = ""
    rows: int = 60
    primary: str = ""


def col(name: str, type: str, truth: str, make: Any, comment: str = "") -> Col:
    """`make` is a function of the random source, a list to choose from, or a constant."""
    if callable(make):
        return Col(name, type, truth, lambda rng, row: make(rng), comment)
    if isinstance(make, list):
        return Col(name, type, truth, lambda rng, row: rng.choice(make), comment)
    return Col(name, type, truth, lambda rng, row: make, comment)


def pk(name: str = "id", comment: str = "") -> Col:
    return Col(name, "INTEGER", "", lambda rng, row: row + 1, comment)


def ref(name: str, comment: str = "") -> Col:
    return Col(name, "INTEGER", "", lambda rng, row: rng.randint(1, 40), comment)


def amount(name: str, comment: str = "", truth: str = "") -> Col:
    return Col(name, "DECIMAL(12,2)", truth, lambda rng, row: round(rng.random() * 9000, 2), comment)


def number(name: str, high: int = 50, comment: str = "", truth: str = "") -> Col:
    return Col(name, "INTEGER", truth, lambda rng, row: rng.randint(0, high), comment)


V, T, D, TS = "VARCHAR(200)", "TEXT", "DATE", "TIMESTAMP"


HOSPITAL = (
    Tab("患者信息", (
        pk("患者编号"), col("姓名", V, "name", w.zh_name), col("性别", V, "gender", ["男", "女"]), col("出生日期", D, "birth_date", w.birthday),
        col("身份证号", V, "national_id", w.zh_id), col("联系电话", V, "phone", w.zh_mobile), col("家庭住址", V, "address", w.zh_address),
        col("民族", V, "ethnicity", ["汉族", "回族", "满族"]), col("婚姻状况", V, "marital_status", ["已婚", "未婚", "离异"]), col("职业", V, "occupation", w.ZH_JOBS),
        col("血型", V, "health", ["A型", "B型", "O型", "AB型"]), col("过敏史", V, "health", ["青霉素", "无", "花粉"]), col("医保卡号", V, "national_id", lambda r: w.digits(r, 12)),
        col("紧急联系人", V, "relative", w.zh_name), col("紧急联系人电话", V, "phone", w.zh_mobile), col("建档时间", TS, "", w.moment), col("状态", V, "", ["正常", "注销"]),
    ), primary="患者编号"),
    Tab("就诊记录", (
        pk("就诊编号"), ref("患者编号"), col("科室名称", V, "", ["内科", "外科", "儿科", "方便门诊"]), col("医生姓名", V, "name", w.zh_name), col("主诉", T, "health", ["头痛三天", "咳嗽伴发热", "胸闷气短"]),
        col("诊断", V, "health", w.DIAGNOSES), col("就诊时间", TS, "", w.moment), amount("费用"), col("就诊类型", V, "", ["初诊", "复诊"]),
    ), primary="就诊编号"),
    Tab("药品目录", (pk("药品编号"), col("药品名称", V, "", w.DRUGS), col("规格", V, "", ["0.25g*24", "10mg*7"]), col("生产厂家", V, "", ["华北制药有限公司", "云南白药集团"]), amount("单价"), number("库存", 999))),
    Tab("科室", (pk("科室编号"), col("科室名称", V, "", ["内科", "外科", "儿科"]), col("位置", V, "", ["门诊楼二层", "住院部三层"]), col("负责人", V, "name", w.zh_name), col("电话", V, ANY, w.zh_landline))),
)  # fmt: skip

PINYIN = (
    Tab("t_kh", (
        pk("khbh"), col("xm", V, "name", w.zh_name), col("xb", V, "gender", ["1", "2"]), col("csrq", V, "birth_date", w.birthday), col("sfzh", V, "national_id", w.zh_id),
        col("sjh", V, "phone", w.zh_mobile), col("yx", V, "email", w.email), col("dz", V, "address", w.zh_address), col("yzbm", V, "address", lambda r: "31" + w.digits(r, 4)),
        col("gzdw", V, "employer", ["杭州某某科技有限公司", "成都市第一中学", "某某银行"]), col("yhkh", V, "bank_card", w.card), col("cjsj", TS, "", w.moment), number("zt", 2), number("jf", 9999),
    ), primary="khbh"),
    Tab("t_dd", (
        pk("ddbh"), ref("khbh"), col("ddh", V, "", w.order_number), col("shr", V, "name", w.zh_name), col("lxdh", V, "phone", w.zh_mobile), col("shdz", V, "address", w.zh_address),
        amount("je"), amount("yf"), number("zt", 4), col("xdsj", TS, "", w.moment), col("bz", V, ANY, ["尽快发货", "放门卫", "周末送"]),
    ), primary="ddbh"),
    Tab("t_sp", (pk("spbh"), col("spmc", V, "", w.ZH_PRODUCTS), amount("jg"), number("kc", 500), col("lb", V, "", ["服装", "食品", "数码"]), col("sjsj", TS, "", w.moment), col("spms", T, "", ["优质面料，舒适透气", "口感香脆，老少皆宜"])), primary="spbh"),
    Tab("t_gys", (pk("gysbh"), col("gysmc", V, "", ["金华食品厂", "方圆包装有限公司", "宁波日用百货公司"]), col("lxr", V, "name", w.zh_name), col("lxdh", V, "phone", w.zh_mobile))),
)  # fmt: skip

HR = (
    Tab("employees", (
        pk("emp_no"), col("fname", V, "name", w.en_first), col("lname", V, "name", w.en_last), col("sex", V, "gender", ["M", "F"]), col("dob", D, "birth_date", w.birthday), col("hire_dt", D, "employment_date", lambda r: w.day(r, 2005, 2026)),
        col("job_title", V, "occupation", w.JOBS), amount("base_salary", truth="income"), col("ssn", V, "national_id", w.ssn), col("work_email", V, "email", w.email), col("mobile_no", V, "phone", w.us_phone),
        col("addr_line1", V, "address", w.street), col("city", V, "address", w.EN_CITIES), col("state", V, "address", ["OR", "CA", "TX"]), col("zip", V, "address", w.zip_code), ref("dept_id"), ref("manager_id"),
        col("bank_acct_no", V, "bank_account", lambda r: w.digits(r, 10)), col("emergency_contact_name", V, "relative", w.en_name), col("emergency_contact_phone", V, "phone", w.us_phone), col("marital_status", V, "marital_status", ["Single", "Married"]),
        col("is_active", "SMALLINT", "", [0, 1]), col("created_at", TS, "", w.moment),
    ), primary="emp_no"),
    Tab("departments", (pk("dept_id"), col("dept_name", V, "", ["Sales", "Finance", "Marketing"]), col("cost_center", V, "", lambda r: "CC" + w.digits(r, 4)), col("location", V, "", w.EN_CITIES)), primary="dept_id"),
    Tab("leave_requests", (pk(), ref("employee_id"), col("leave_type", V, "", ["annual", "sick"]), col("start_date", D, "", w.recent), col("end_date", D, "", w.recent), col("approved_by", V, ANY, w.en_name), col("status", V, "", ["open", "approved"]))),
    Tab("job_openings", (pk(), col("title", V, "", w.JOBS), col("description", T, "", w.NOTES_CLEAN), number("openings"), col("posted_on", D, "", w.recent), amount("salary_min", truth=ANY), amount("salary_max", truth=ANY))),
    Tab("candidates", (pk(), col("name", V, "name", w.en_name), col("email", V, "email", w.email), col("phone", V, "phone", w.us_phone), col("university", V, "education", ["MIT", "ETH Zurich"]), col("linkedin_url", V, ANY, lambda r: "https://www.example.com/in/" + w.en_first(r).lower()), col("applied_on", D, "", w.recent), ref("job_id"))),
)  # fmt: skip

OPAQUE = (
    Tab("tbl_a", (
        Col("c1", "INTEGER", "", lambda rng, row: row + 1), col("c2", V, "name", w.en_name), col("c3", V, "email", w.email), col("c4", V, "phone", w.us_phone), col("c5", V, "address", w.street), col("c6", V, "address", ["Portland", "Leeds", "Hamburg", "Austin", "Madison"]),
        col("c7", D, "birth_date", w.birthday), col("c8", V, "", w.order_number), col("c9", "DECIMAL(10,2)", "", lambda r: round(r.random() * 100, 2)),
    )),
    Tab("tbl_b", (
        Col("c1", "INTEGER", "", lambda rng, row: row + 1), col("c2", V, "name", w.zh_name), col("c3", V, "phone", w.zh_mobile), col("c4", V, "national_id", w.zh_id), col("c5", V, "address", w.zh_address), col("c6", V, "gender", ["男", "女"]),
        col("c7", V, "bank_card", w.card), col("c8", V, "", w.ZH_PRODUCTS), col("c9", TS, "", w.moment),
    )),
    Tab("tbl_c", (Col("c1", "INTEGER", "", lambda rng, row: row + 1), col("c2", V, "", w.PRODUCTS), col("c3", V, "", lambda r: "SKU-" + w.digits(r, 6)), col("c4", "DECIMAL(10,2)", "", lambda r: round(r.random() * 100, 2)), col("c5", D, "", w.recent), col("c6", V, "", ["red", "green", "white"]), col("c7", "INTEGER", "", lambda r: r.randint(1, 99)))),
    Tab("tbl_d", (Col("c1", V, "", lambda rng, row: f"E{row:05d}"), col("c2", V, "name", w.en_first), col("c3", V, "name", w.en_last), col("c4", V, "ip_address", w.ip), col("c5", V, "vehicle", w.plate), col("c6", V, "ethnicity", ["汉族", "回族", "藏族"]), col("c7", V, "national_id", w.ssn))),
)  # fmt: skip

SAAS = (
    Tab("users", (
        pk(), col("username", V, "account", lambda r: w.en_first(r).lower() + w.digits(r, 2)), col("password_hash", V, "credential", lambda r: "$2b$12$" + w.hex_text(r, 53)), col("email", V, "email", w.email), col("email_verified_at", TS, "", w.moment), col("display_name", V, "name", w.en_name),
        col("last_login_ip", V, "ip_address", w.ip), col("last_login_at", TS, "", w.moment), col("locale", V, "", ["en_US", "zh_CN"]), col("time_zone", V, "", ["Europe/Berlin", "Asia/Shanghai"]), col("is_admin", "SMALLINT", "", [0, 1]), number("failed_logins", 5), col("plan", V, "", ["free", "pro"]),
    ), primary="id"),
    Tab("sessions", (col("id", V, "", lambda r: w.hex_text(r, 32)), ref("user_id"), col("ip_address", V, "ip_address", w.ip), col("user_agent", T, ANY, ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"]), col("expires_at", TS, "", w.moment))),
    Tab("products", (pk(), col("name", V, "", w.PRODUCTS), col("description", T, "", w.NOTES_CLEAN), amount("price"), col("sku", V, "", lambda r: w.digits(r, 8)), col("brand", V, "", ["Calvin Klein", "Ralph Lauren", "Tommy Hilfiger", "Hugo Boss", "Acme"]), col("image_url", V, "", lambda r: f"https://cdn.example.com/{w.digits(r, 6)}.jpg"), col("country_of_origin", V, "", ["China", "Germany"]))),
    Tab("support_tickets", (pk(), ref("user_id"), col("subject", V, "", ["Login problem", "Refund", "Broken lamp"]), col("body", T, "personal_text", lambda r: f"Hello, please call me at {w.us_phone(r)} or write to {w.email(r)} about order {w.order_number(r)}."), col("status", V, "", ["open", "closed"]), col("created_at", TS, "", w.moment))),
    Tab("orders", (pk(), ref("user_id"), col("order_number", V, "", w.order_number), col("shipping_name", V, "name", w.en_name), col("shipping_street", V, "address", w.street), col("shipping_city", V, "address", w.EN_CITIES), col("shipping_zip", V, "address", w.zip_code), col("shipping_country", V, "address", ["US", "DE", "GB"]), amount("total"), col("currency", V, "", ["USD", "EUR"]), col("placed_at", TS, "", w.moment), col("tracking_number", V, "", lambda r: "1Z" + w.digits(r, 14)))),
    Tab("feature_flags", (pk(), col("key", V, "", ["new_checkout", "dark_mode"]), col("name", V, "", ["New checkout", "Dark mode"]), col("enabled", "SMALLINT", "", [0, 1]))),
    Tab("stores", (pk(), col("name", V, "", ["Downtown", "Harbour", "Airport"]), col("address", V, "", w.street), col("city", V, "", w.EN_CITIES), col("phone", V, ANY, w.us_phone), col("latitude", "DECIMAL(9,6)", "", lambda r: 40 + r.random()))),
    Tab("email_templates", (pk(), col("name", V, "", ["welcome", "reset"]), col("subject", V, "", ["Welcome!", "Reset"]), col("body", T, "", ["Hello there, thank you for joining our service today.", "Use the button below to choose a new one now."]))),
)  # fmt: skip

ADMIN = (
    Tab("sys_user", (
        pk("user_id", "用户ID"), ref("dept_id", "部门ID"), col("login_name", V, "account", lambda r: w.en_first(r).lower(), "登录账号"), col("user_name", V, "account", w.zh_name, "用户昵称"), col("email", V, "email", w.email, "用户邮箱"), col("phonenumber", V, "phone", w.zh_mobile, "手机号码"),
        col("sex", V, "gender", ["0", "1", "2"], "用户性别（0男 1女 2未知）"), col("avatar", V, ANY, lambda r: f"/profile/{w.hex_text(r, 8)}.png", "头像路径"), col("password", V, "credential", lambda r: w.hex_text(r, 32), "密码"), col("salt", V, "credential", lambda r: w.hex_text(r, 6), "盐加密"), col("status", V, "", ["0", "1"], "帐号状态（0正常 1停用）"),
        col("login_ip", V, "ip_address", w.ip, "最后登录IP"), col("login_date", TS, "", w.moment, "最后登录时间"), col("create_by", V, ANY, ["admin"], "创建者"), col("create_time", TS, "", w.moment, "创建时间"), col("remark", V, ANY, ["管理员", ""], "备注"),
    ), "用户信息表", primary="user_id"),
    Tab("sys_dept", (pk("dept_id", "部门id"), col("dept_name", V, "", ["研发部门", "市场部门"], "部门名称"), number("order_num", comment="显示顺序"), col("leader", V, "name", w.zh_name, "负责人"), col("phone", V, "phone", w.zh_mobile, "联系电话"), col("email", V, ANY, w.email, "邮箱")), "部门表", primary="dept_id"),
    Tab("sys_menu", (pk("menu_id", "菜单ID"), col("menu_name", V, "", ["系统管理", "用户管理"], "菜单名称"), col("url", V, "", ["/system/user"], "请求地址"), col("perms", V, "", ["system:user:list"], "权限标识")), "菜单权限表", primary="menu_id"),
    Tab("sys_oper_log", (pk("oper_id", "日志主键"), col("title", V, "", ["用户管理", "部门管理"], "模块标题"), col("method", V, "", ["com.example.edit()"], "方法名称"), col("oper_name", V, "name", w.zh_name, "操作人员"), col("oper_ip", V, "ip_address", w.ip, "主机地址"), col("oper_time", TS, "", w.moment, "操作时间")), "操作日志记录", primary="oper_id"),
    Tab("biz_yw", (pk("id", "主键"), col("f1", V, "name", w.zh_name, "申请人姓名"), col("f2", V, "national_id", w.zh_id, "证件号码"), col("f3", V, "", ["居民身份证", "护照"], "证件类型"), col("f4", V, "address", w.zh_address, "户籍地址"), col("f5", V, "", ["待审核", "已通过"], "审核状态"), col("f6", V, "phone", w.zh_mobile, "联系方式"), amount("f7", "申请金额"), col("f8", V, "vehicle", w.plate, "车牌号码")), "业务申请表", primary="id"),
)  # fmt: skip

TRADE = (
    Tab("customers", (col("customer_id", V, "", lambda r: w.hex_text(r, 5).upper()), col("company_name", V, ANY, ["Blue Harbour Ltd", "Nordwind GmbH"]), col("contact_name", V, "name", w.en_name), col("contact_title", V, "occupation", w.JOBS), col("address", V, "address", w.street), col("city", V, "address", w.EN_CITIES), col("region", V, "address", ["WA", "BC", None]), col("postal_code", V, "address", w.zip_code), col("country", V, "address", ["Germany", "USA", "UK"]), col("phone", V, "phone", w.us_phone), col("fax", V, "phone", w.us_phone))),
    Tab("products", (pk("product_id"), col("product_name", V, "", w.PRODUCTS), ref("supplier_id"), col("quantity_per_unit", V, "", ["10 boxes", "24 bottles"]), amount("unit_price"), number("units_in_stock"), col("discontinued", "SMALLINT", "", [0, 1]))),
    Tab("orders", (pk("order_id"), col("customer_id", V, "", lambda r: w.hex_text(r, 5).upper()), ref("employee_id"), col("order_date", D, "", w.recent), col("shipped_date", D, "", w.recent), amount("freight"), col("ship_name", V, "name", w.en_name), col("ship_address", V, "address", w.street), col("ship_city", V, "address", w.EN_CITIES), col("ship_postal_code", V, "address", w.zip_code), col("ship_country", V, "address", ["Germany", "USA"]))),
    Tab("categories", (pk("category_id"), col("category_name", V, "", ["Beverages", "Seafood"]), col("description", T, "", ["Soft drinks and coffees", "Seaweed and fish"]))),
    Tab("shippers", (pk("shipper_id"), col("company_name", V, "", ["Speedy Express", "United Package"]), col("phone", V, ANY, w.us_phone))),
    Tab("film_actor", (ref("actor_id"), ref("film_id"), col("last_update", TS, "", w.moment))),
    Tab("films", (pk("film_id"), col("title", V, "", ["ACADEMY DINOSAUR", "ALONE TRIP", "BUCKET BROTHERHOOD"]), col("description", T, "", ["A epic drama of a feminist and a mad scientist", "A fast-paced documentary of a dog and a dentist"]), number("release_year", 2020), amount("rental_rate"), number("length", 180), col("rating", V, "", ["PG", "R", "G"]))),
    Tab("address", (pk("address_id"), col("address", V, "address", w.street), col("district", V, "address", ["Alberta", "QLD", "Nagasaki"]), ref("city_id"), col("postal_code", V, "address", w.zip_code), col("phone", V, "phone", lambda r: w.digits(r, 11)), col("last_update", TS, "", w.moment))),
    Tab("city", (pk("city_id"), col("city", V, "", w.EN_CITIES), ref("country_id"))),
    Tab("staff", (pk("staff_id"), col("first_name", V, "name", w.en_first), col("last_name", V, "name", w.en_last), ref("address_id"), col("email", V, "email", w.email), ref("store_id"), col("active", "SMALLINT", "", [0, 1]), col("username", V, "account", w.en_first), col("password", V, "credential", lambda r: w.hex_text(r, 40)))),
)  # fmt: skip

SCHOOL = (
    Tab("students", (pk(), col("student_no", V, "account", lambda r: "S" + w.digits(r, 7)), col("name", V, "name", w.en_name), col("birth_year", "INTEGER", "birth_date", lambda r: r.randint(1995, 2006)), col("gender", V, "gender", ["male", "female"]), col("nationality", V, "nationality", ["German", "French"]), col("guardian_name", V, ANY, w.en_name), col("homeaddress", V, "address", w.street), col("phonenumber", V, "phone", w.us_phone), number("class_id"), col("enrollment_date", D, "", w.recent), col("religion", V, "religion", ["Catholic", "Muslim", "None"])), primary="id"),
    Tab("courses", (pk("course_id"), col("course_name", V, "", ["Algebra", "World History"]), col("teacher_name", V, "name", w.en_name), number("credits", 6), col("room", V, "", ["A101", "B202"]))),
    Tab("grades", (pk(), ref("student_id"), ref("course_id"), number("score", 100), col("graded_at", TS, "", w.moment))),
    Tab("laoshi", (pk(), col("xingming", V, "name", w.zh_name), col("gonghao", V, "account", lambda r: "T" + w.digits(r, 4)), col("shoujihao", V, "phone", w.zh_mobile), col("youxiang", V, "email", w.email), col("zhicheng", V, "occupation", ["讲师", "教授"]), col("ruzhiriqi", D, "employment_date", w.recent), col("bumen", V, "", ["数学系", "物理系"]))),
    Tab("medical_visits", (pk(), ref("patient_id"), col("diagnosis_code", V, "health", ["J06.9", "E11"]), col("blood_pressure", V, "health", ["120/80", "135/88"]), col("notes", T, ANY, w.NOTES_CLEAN), col("visit_date", D, "", w.recent), col("doctor", V, "name", w.en_name))),
    Tab("vehicles", (pk(), col("plate_no", V, "vehicle", w.plate), col("vin", V, "vehicle", lambda r: "1HGCM8263" + w.digits(r, 8)), col("make", V, "", ["Ford", "Honda"]), col("model", V, "", ["Focus", "Civic"]), number("year", 2024), col("owner_name", V, "name", w.en_name))),
)  # fmt: skip

ALL = {"hospital": HOSPITAL, "pinyin": PINYIN, "hr": HR, "opaque": OPAQUE, "saas": SAAS, "admin": ADMIN, "trade": TRADE, "school": SCHOOL}


def rows(table: Tab, seed: int = 11) -> list[tuple[Any, ...]]:
    """Return the table's made-up rows, the same for the same seed."""
    rng = Random(f"{table.name}:{seed}")
    return [tuple(column.make(rng, number) for column in table.columns) for number in range(table.rows)]


def truth(tables: tuple[Tab, ...]) -> dict[tuple[str, str], str]:
    return {(table.name, column.name): column.truth for table in tables for column in table.columns}
