# ruff: noqa: E501 - tables of made-up data, one line an entry
"""Made-up values for the schemas of `schemas.py`: written by hand, without a look at the lists the classifier uses."""

from random import Random

ZH_NAMES = "陈思远 王丽华 李建国 张晓燕 刘洋 赵敏 黄志强 周雨桐 吴俊杰 徐静怡 孙浩然 马丽娜 朱海涛 胡雪梅 郭子轩 何婉婷 高文博 林佳琪 罗永浩 郑爽 梁朝辉 谢娜 宋玉 唐嫣然 许巍 韩寒雪 冯绍峰 邓超群 曹颖 彭于晏 曾志伟 欧阳娜娜 司马懿 诸葛亮 上官婉儿 慕容雪 买买提·艾力 阿依古丽·热合曼 田雨 董洁 袁泉 潘石屹 蒋雯丽 蔡少芬 余文乐 杜鹃 叶倩文 程前 魏晨 苏醒 吕良伟 丁俊晖".split()
EN_FIRST = "Olivia Liam Noah Charlotte Sophia Ethan Mateo Harper Benjamin Amelia Priya Hiroshi Ingrid Carlos Fatima Declan Siobhan Rajesh Mei Tobias Annika Kwame Thandiwe Lars Beatriz Gareth Noelle Quentin Rosalind Desmond".split()
EN_LAST = "Thompson Nakamura O'Brien Fernandez Schmidt Patel Johansson Kowalczyk Osei Dubois Whitfield Abernathy Castellanos Lindqvist Mbeki Harrington Vandenberg Petrova Sandoval Ashworth Miller Garcia Clark Young Wright".split()
EN_CITIES = "Springfield Portland Leeds Hamburg Lyon Madison Austin Bristol Oslo Dayton Fresno Utrecht".split()
ZH_CITIES = "杭州市 成都市 武汉市 南京市 西安市 苏州市 长沙市 青岛市 郑州市 合肥市".split()
STREETS = "Maple Street|Oak Avenue|Elm Road|Harbour Lane|Station Road|Church Street|Sunset Boulevard|Mill Lane|Victoria Drive|Park Place".split("|")
PRODUCTS = "Wireless Mouse|Desk Lamp|Rose Gold Ring|Running Shoes|Coffee Grinder|Yoga Mat|Travel Mug|Bluetooth Speaker|Jordan Sneakers|Olive Oil 500ml|Garden Hose|Notebook A5".split(
    "|"
)
ZH_PRODUCTS = (
    "白色衬衫 黄金项链 高钙牛奶 方便面 金龙鱼油 安全座椅 马克杯 雷蛇鼠标 米家台灯 华为手机壳 云南白药 江小白酒 苏打饼干 田园薯片 牛肉干 和田大枣".split()
)
JOBS = "Sales Manager|Software Engineer|Accountant|Nurse|Driver|Regional Director|Office Assistant|Data Analyst".split("|")
ZH_JOBS = "销售经理 软件工程师 会计 护士 司机 教师 行政助理 个体户".split()
DRUGS = "阿莫西林胶囊 布洛芬缓释片 维生素C片 头孢克肟 奥美拉唑 板蓝根颗粒 氯雷他定".split()
DIAGNOSES = "高血压 2型糖尿病 急性上呼吸道感染 慢性胃炎 腰椎间盘突出 支气管肺炎 冠心病 偏头痛".split()
NOTES_CLEAN = "delivered in two boxes, everything in order|the lamp flickers when it is warm outside|please send the invoice again this week|replacement sent, waiting for the old one|asked about the warranty of the grinder".split(
    "|"
)


def digits(rng: Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def zh_name(rng: Random) -> str:
    return rng.choice(ZH_NAMES)


def zh_mobile(rng: Random) -> str:
    return rng.choice(("138", "139", "150", "186", "177", "159", "133")) + digits(rng, 8)


def zh_landline(rng: Random) -> str:
    return rng.choice(("010", "021", "0571", "028", "0755")) + "-" + rng.choice("5678") + digits(rng, 7)


def zh_id(rng: Random) -> str:
    base = (
        rng.choice(("110105", "330106", "510104", "420102", "320102"))
        + f"{rng.randint(1948, 2006)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
        + digits(rng, 3)
    )
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return base + "10X98765432"[sum(w * int(d) for w, d in zip(weights, base, strict=True)) % 11]


def card(rng: Random) -> str:
    base = "622202" + digits(rng, 9)
    total = sum(sum(divmod(int(d) * 2, 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(base)))
    return base + str(-total % 10)


def zh_address(rng: Random) -> str:
    return f"浙江省杭州市{rng.choice(('西湖区', '余杭区', '滨江区'))}{rng.choice(('文三路', '天目山路', '江南大道'))}{rng.randint(1, 300)}号{rng.randint(1, 30)}幢{rng.randint(101, 2503)}室"


def en_first(rng: Random) -> str:
    return rng.choice(EN_FIRST)


def en_last(rng: Random) -> str:
    return rng.choice(EN_LAST)


def en_name(rng: Random) -> str:
    return f"{en_first(rng)} {en_last(rng)}"


def email(rng: Random) -> str:
    return (
        f"{en_first(rng)}.{en_last(rng).replace(chr(39), '')}{rng.randint(1, 99)}@{rng.choice(('example.com', 'mail.example.org', 'firma.example.de'))}".lower()
    )


def us_phone(rng: Random) -> str:
    return rng.choice(("({}) {}-{}", "{}-{}-{}", "+1-{}-{}-{}", "{}.{}.{}x204")).format("415", digits(rng, 3), digits(rng, 4))


def street(rng: Random) -> str:
    return f"{rng.randint(1, 9999)} {rng.choice(STREETS)}"


def zip_code(rng: Random) -> str:
    return digits(rng, 5)


def ssn(rng: Random) -> str:
    return f"{rng.randint(101, 599)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"


def day(rng: Random, first: int, last: int) -> str:
    return f"{rng.randint(first, last)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"


def birthday(rng: Random) -> str:
    return day(rng, 1945, 2004)


def recent(rng: Random) -> str:
    return day(rng, 2022, 2026)


def moment(rng: Random) -> str:
    return f"{recent(rng)} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"


def ip(rng: Random) -> str:
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


def plate(rng: Random) -> str:
    return rng.choice("浙京沪粤") + rng.choice("ABCD") + rng.choice("ABCDEFG") + digits(rng, 4)


def order_number(rng: Random) -> str:
    return f"{rng.randint(2022, 2026)}{digits(rng, 10)}"


def hex_text(rng: Random, size: int = 64) -> str:
    return "".join(rng.choice("0123456789abcdef") for _ in range(size))
