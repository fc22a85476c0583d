"""Categorical values to coarser groups: occupation, education, marital status, nationality.

Sex has no coarser group that says anything, so it is redacted. A value that stands in no table is redacted as well.
Sources: occupations follow the major groups of ISCO-08, education the stages of ISCED 2011, regions those of the UN's M49.
"""

import re
from dataclasses import dataclass

from privacy.masking.fold import is_han
from privacy.masking.technique import MaskContext, token


@dataclass(frozen=True, slots=True)
class Group:
    """A group and what belongs to it: whole words in English (singular), parts of words in Chinese."""

    en: str
    zh: str
    english: str
    han: str


_OCCUPATIONS = (
    Group(
        "student or not working",
        "学生或未就业",
        "student pupil trainee intern retired pensioner unemployed homemaker housewife",
        "学生 实习 退休 离休 待业 无业 失业 家庭主妇 全职妈妈",
    ),
    Group(
        "armed forces",
        "军人",
        "soldier sergeant captain military army navy",
        "军人 士兵 军官 现役",
    ),
    Group(
        "manager",
        "管理人员",
        "manager director head chief president ceo cto cfo executive supervisor principal",
        "经理 总监 主管 总裁 董事 厂长 店长 负责人 局长 处长 科长 主任",
    ),
    Group(
        "professional",
        "专业技术人员",
        """
            engineer doctor physician nurse teacher lecturer professor lawyer solicitor accountant architect scientist researcher programmer
            developer analyst designer journalist editor pharmacist dentist psychologist consultant economist writer artist
        """,
        "工程师 医生 医师 护士 教师 老师 教授 律师 会计 建筑师 科学家 研究员 程序员 开发 分析师 设计师 记者 编辑 药师 顾问 翻译 作家",
    ),
    Group(
        "technician",
        "技术辅助人员",
        "technician paramedic inspector pilot broker agent paralegal",
        "技术员 技师 检验员 飞行员 经纪人 测量员",
    ),
    Group(
        "clerical",
        "办事人员",
        "clerk secretary receptionist assistant administrator operator cashier support it",
        "文员 秘书 前台 助理 行政 出纳 职员 客服 公务员",
    ),
    Group(
        "service and sales",
        "服务与销售人员",
        "sales salesperson salesman waiter waitress cook chef hairdresser shopkeeper guard police firefighter steward",
        "销售 营业员 服务员 厨师 理发 保安 警察 消防 导游 店员",
    ),
    Group(
        "agriculture",
        "农林牧渔人员",
        "farmer fisherman gardener forester",
        "农民 渔民 牧民 园艺 养殖",
    ),
    Group(
        "craft and machine work",
        "生产与运输人员",
        "worker driver mechanic electrician plumber carpenter welder builder courier machinist labourer laborer cleaner",
        "工人 司机 驾驶员 机械 电工 焊工 木工 快递 外卖 装配 保洁 搬运",
    ),
)
_EDUCATION = (
    Group(
        "higher education",
        "高等教育",
        "bachelor bachelors master masters doctorate doctoral phd mba degree undergraduate postgraduate graduate university college associate",
        "本科 学士 硕士 研究生 博士 大专 专科 大学 高职",
    ),
    Group(
        "secondary education",
        "中等教育",
        "secondary high middle vocational gcse a-level diploma",
        "高中 中专 初中 职高 技校 中学",
    ),
    Group(
        "primary education or less",
        "小学及以下",
        "primary elementary none illiterate",
        "小学 文盲 未上学",
    ),
)
_MARITAL = (
    Group(
        "not in a partnership",
        "无配偶",
        "single unmarried divorced widowed widow widower separated",
        "未婚 单身 离异 离婚 丧偶",
    ),
    Group(
        "in a partnership",
        "有配偶",
        "married partnered cohabiting remarried engaged",
        "已婚 再婚 复婚 初婚",
    ),
)
_NATIONALITY = (
    Group(
        "Europe",
        "欧洲",
        """
            german germany french france italian italy spanish spain british uk english polish poland dutch netherlands swedish sweden portuguese
            portugal greek greece austrian austria swiss switzerland belgian belgium danish denmark norwegian norway finnish finland irish
            ireland czech romanian romania hungarian hungary ukrainian ukraine russian russia
        """,
        "德国 法国 意大利 西班牙 英国 波兰 荷兰 瑞典 葡萄牙 希腊 奥地利 瑞士 比利时 丹麦 挪威 芬兰 爱尔兰 捷克 罗马尼亚 匈牙利 乌克兰 俄罗斯",
    ),
    Group(
        "Asia",
        "亚洲",
        """
            chinese china prc japanese japan korean korea indian india vietnamese vietnam thai thailand indonesian indonesia malaysian malaysia
            singaporean singapore filipino philippines pakistani pakistan turkish turkey iranian iran iraqi iraq israeli israel saudi
        """,
        "中国 日本 韩国 朝鲜 印度 越南 泰国 印尼 印度尼西亚 马来西亚 新加坡 菲律宾 巴基斯坦 土耳其 伊朗 伊拉克 以色列 沙特",
    ),
    Group(
        "Americas",
        "美洲",
        """
            american usa us canadian canada mexican mexico brazilian brazil argentine argentina chilean chile colombian colombia peruvian peru
            cuban cuba
        """,
        "美国 加拿大 墨西哥 巴西 阿根廷 智利 哥伦比亚 秘鲁 古巴",
    ),
    Group(
        "Africa",
        "非洲",
        "nigerian nigeria egyptian egypt kenyan kenya ethiopian ethiopia moroccan morocco algerian algeria ghanaian ghana",
        "尼日利亚 埃及 肯尼亚 埃塞俄比亚 南非 摩洛哥 阿尔及利亚 加纳",
    ),
    Group(
        "Oceania",
        "大洋洲",
        "australian australia zealander zealand",
        "澳大利亚 新西兰",
    ),
)
_TABLES: dict[str, tuple[Group, ...]] = {"occupation": _OCCUPATIONS, "education": _EDUCATION, "marital_status": _MARITAL, "nationality": _NATIONALITY}


def category(value: str, context: MaskContext) -> str | None:
    """Replace an occupation, an education, a marital status or a nationality by its group; everything else is redacted."""
    table = _TABLES.get(context.category, ())
    if len(value) > 120:
        return token(context)
    chinese = any(map(is_han, value))
    for group in table:
        if value in (group.en, group.zh) or (_has_part(value, group.han) if chinese else _has_word(value, group.english)):
            return group.zh if chinese or context.language == "zh" else group.en
    return token(context)


def _has_part(value: str, parts: str) -> bool:
    return any(part in value for part in parts.split())


def _has_word(value: str, words: str) -> bool:
    said = re.findall(r"[a-z][a-z-]*", value.lower().replace("'", ""))
    known = set(words.split())
    return any(word in known or word.removesuffix("s") in known for word in said)


def grouped_categories() -> tuple[str, ...]:
    """Return the categories that have a table, for the documentation."""
    return tuple(_TABLES)
