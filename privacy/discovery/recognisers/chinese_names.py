"""Chinese names beside a label, a form of address, a verb of speech or another identifier, and in lists of names.

Free names without any of these are not found: that needs a tokenizer or a model.
"""

import re
from collections.abc import Iterator

from privacy.discovery.findings import LABEL, LIST, PATTERN, Finding
from privacy.discovery.gazetteer import AMBIGUOUS_SURNAMES, CITIES, COMMON_SURNAMES, COMPOUND_SURNAMES, PROVINCES, SURNAMES
from privacy.discovery.rules import HAN, Recogniser, either
from privacy.discovery.scene import Scene

_OF_WHOM = either(
    """
    客户 顾客 用户 会员 员工 学生 患者 病人 家长 乘客 旅客 住户 业主 租客 房东 司机 借款人 申请人 被保险人 投保人 担保人 负责人 法定代表人 法人代表 法人
    经办人 代理人 监护人 紧急联系人 联系人 收件人 收货人 寄件人 发件人 付款人 收款人 车主 驾驶员 驾驶人 乘车人 持照人 持证人 律师 房主 机主 老板 持卡人
    开户人 户主 受益人 签收人 证人 原告 被告 被告人 当事人 作者
    医生 护士 老师 经理 主任 同事 朋友 同学 父亲 母亲 丈夫 妻子 儿子 女儿 配偶 客戶 聯絡人 聯繫人 收件者 病患
    记者 編輯 编辑 法官 检察官 发言人 嫌疑人 受害人 被害人 被申请人 家属 采购员 审核 制单 复核 出纳 制表 发送人 接收人 主治医师 主治医生 医师 醫師 主刀 麻醉师
    甲方 乙方 丙方 买方 卖方 出租方 承租方 出租人 承租人 委托人 受托人 见证人 介绍人 推荐人 保证人 债务人 债权人 继承人 投诉人 举报人 报案人 访客 候选人 应聘者
    预约人 入住人 下单人 取件人 领取人 值班人员 值班员 技术员 维修员 快递员 配送员 骑手 店长 班主任 辅导员 导师 组长 队长 科长 主管 总监 秘书 助理
    教练 选手 演员
    董事长 总裁 创始人 校长 院长 局长 市长 书记 教授 博士 村民 市民 网友 被保人 收货者 寄件者 抄送 主持人 记录人 参会人 申報人 乘客姓名
    真实 中文 英文 本人 您的 我的 他的 她的 持有人 签字 签名 签署人 同意人 姓名 名字 名叫 全名 户名 昵称
    """
)
_LABELS = rf"{_OF_WHOM}的?(?:姓名|名字|名称|名)?"
_LINK = r"(?:[\s:：=\"“'（(）)]|是|为|為|叫|叫做){0,3}"
_INTRODUCTIONS = either(
    """
    我叫 我是 我名叫 本人 他叫 她叫 叫做 名叫 叫 转账给 汇款给 打款给 打给 交给 寄给 发给 还给 告诉 敬爱的 尊敬的 亲爱的 你好[，,] 您好[，,]
    转给 移交给 分配给 派给 移交 @ 请联系 请找 请转 转交 转告 通知 感谢 委托 致电 联系
    """
)
_ADDRESSED = either(
    """
    先生 女士 小姐 太太 夫人 老师 老師 医生 醫生 大夫 护士 教授 博士 经理 經理 主任 律师 師傅 师傅 阿姨 叔叔 警官 法官 院长 校长 局长 处长 科长 董事长
    同学 同志 总监 总经理 工程师 会计 客服
    """
)
# What follows a name because it is somebody's: one branch of literals, so that the engine can look for their first characters.
_LINKED = either("身份证 身份證 身分證 证件号 手机 手機 电话 電話 联系电话 聯絡電話 联系方式 微信 QQ 护照 生于 出生 男 女 分机 工号")
_OWNED = r"的(?:手机|电话|身份证|邮箱|住址|地址|银行卡|微信|账号|护照|病历|工资|生日)|(?<![签代查接验回征吸])收(?=[\s，。；,;]|$)"
_BETWEEN = " \t,，、:：（("
_FOLLOWERS = either(
    """
    电话 手机 電話 手機 联系 身份 证件 性别 年龄 地址 住址 住在 邮箱 微信 账号 卡号 银行 护照 车牌 生日 出生 先生 女士 小姐 老师 医生 经理 主任 同学 教授
    的 于 在 是 为 和 与 及 或 等 说 表示 称 来 去 已 因 向 将 被 把 给 从 对 同意 申请 提交 办理 购买 预约 反馈 投诉 要求 今年 现年 男 女 毕业 工作
    今天 昨天 明天 昨晚 今早 处理 审批 从 让 宣布 开 担任 签字 签名 提出 建议 回复 指出 认为 介绍 透露 请假 出席 主持 正在 没有 曾 也 还 都 就 再 又
    会 不 未 表态 称
    驾驶 家住 入职 离职 签收 收到 拨打 致电 登记 参加 负责 确认 需要 希望 转账 汇款 咨询 您好 你好 收
    """
)
_NOT_GIVEN = frozenset("的了是在和与及或等说为有无未请不已将被把给从对要会能我你他她它们这那哪什么个号码人员名单位址话机卡码费款额件份")
_NOT_NAMES = frozenset(
    """
    高中生 高级 高兴 程序 程序员 经理 经办 安全 安装 安排 方便 方式 方法 方案 成功 成员 成都 平台 平时 平安 时间 时候 时代 常用 常见 常规 全部 全国
    全体 全职 都是 都有 高度 高速 金额 金融 关于 关系 关注 单位 单独 信息 公司 公民 应该 应用 明天 明年 明细 明确 计划 计算 水平 国家 国际 国内 文件
    文化 相关 相信 简单 简介 简历 夏天 白天 白色 红色 黄金 马上 云南 江苏 贵阳 包括 包裹 安徽 石家 项目 管理 管家 管理员 和平 连接 连续 温度 温馨
    路由 路径 钟点 钟头 解决 解释 解除 古代 万元 万一 于是 向上 车辆 车牌 能够 能力 有限 有效 有关 曾经 严格 严重 宣传 封面 广州 广告 广东 宁波 武汉
    后台 后续 后来 易于 通过 通知 通用 师傅 空白 空间 毛病 任何 任务 任意 干部 富裕 宝贝 党员 权限 权利 印章 幸福 强制 强烈 双方 双休 别人 别名 花费
    夏令 秋天 司机 牛奶 羊肉 商品 商店 商家 商务 商户 家人 家长 家庭 边界 充值 充分 终于 终端 益处 盖章 利用 利息 利润 满意 满足 满员 步骤 步行 东西
    麻烦 国王 大王 女王 帝王 查房 查看 查询 查收 时任 现任 前任 任课 许多 任教 余下 余额 周边 周末 周围 周期 周日 周一 周二 周三 周四 周五 周六 范围
    何必 何况 何以 江南 江北 江西 江边 黄山 黄河 钱包 雷达 史料
    史上 段落 龙头 武器 武警 夏季 陆军 陆续 毛利 毛巾 孔雀 石油 石材 石头 万科 万物 易购 管道 管控 毕业 毕竟 单价 简体 关键 关门 康复 常委 常务 常州
    文件 文字 文员
    章节 章程 齐全 盛会 盛大 严厉 严密 严谨 严禁 祝贺 温州 温泉 古人 古典 吉祥 吉林 司令 司法 左右 左边 席位 宗教 冷静 冷库 冷链 金牛 米饭 米粉 米线 洪水 洪灾
    童年 童话 童装 季度 季节 梅花 梅雨 蓝色 蓝牙 蓝天 柴油 蒙古 欧洲 欧盟 欧美 江湖 江山 江苏 海关 黄瓜 黄豆 黄油 叶子 马桶 马路 马力 马拉松 龙虾 田野 田径 汤圆
    苏打 苏州 宋代 唐代 唐朝 宋朝 林业 林地 陶瓷 熊猫 姜片 庄园 庄稼 沈阳 徐州 郑州 贺卡 顾客 顾问 颜色 颜值 严重 甘蔗 甘肃 申请 申报 申诉 焦点 焦虑
    邮件 柳州 柳树
    许昌 梁山 程度 高层 高管 高校 高铁 高温 高端 项目部 易拉罐 易碎 路灯 车主 车间 车票 车厢 车型 安检 安保 白酒 白菜 白班 万分 方圆 丁香 单元 单据
    单身 金钱 金银
    东方 南方 北方 祝您 祝你 祝福 谢谢 谢您 何时 何人 何处 那时 那边 陈述 许可 许多 张贴 严肃 韩国 华为 华东 华北 华南 金牌 卫生 孔子
    """.split()
)


# Forms of address behind a family name alone (王先生, 欧阳经理); what is one character long is a word's beginning as often.
_FORMS = either(
    """
    先生 女士 小姐 太太 夫人 老师 老師 医生 醫生 大夫 护士 教授 博士 经理 經理 主任 律师 律師 师傅 師傅 阿姨 叔叔 警官 法官 院长 校长 局长 处长 科长 部长 董事长
    同学 總經理 总经理 副总 总监 工程师 会计 老板 書記 书记 组长 队长 大哥 大姐 奶奶 爷爷 大爷 大妈 秘书 主管 店长 医师 醫師 村长 镇长 厂长 行长 主席
    总裁 导演 教练
    """
)
_SHORT_FORMS = (
    r"(?:总(?![书是的体部数共之量计额会结经监裁统在理有归务]|$)|工(?![作程人厂业具资会序商夫种地艺单])|董(?!事)|哥(?!哥)|姐(?![姐夫妹])"
    r"|导(?![致演入航师出弹体管]))"
)
_SPEECH = (
    r"(?:表示|指出|认为|認為|回忆|坦言|透露|介绍说|告诉记者|强调|宣布"
    r"|说(?=[^\u3400-\u9fff]|$|道|他|她)|称(?=[，,：:]))"
)
_DONE = either(
    """
    签收 签字 代签 代收 领取 主持 主刀 主讲 接待 经办 负责 跟进 审批 审核 批准 陪同 护送 驾驶 操作 填写 录入 转交 保管 执导 主演
    """
)
_ENDS_OF_WORDS = frozenset(
    """
    紧张 夸张 主张 开张 扩张 慌张 嚣张 国王 大王 女王 帝王 行李 桃李 也许 允许 或许 准许 森林 长江 现金 资金 基金 树叶 红叶 上万 千万 课程 工程 过程
    """.split()
)
_ENDS_OF_BODIES = frozenset("方部厅局市省县州区镇村院校司会团队店家民厂所站处科组界者党派业行社馆")
_PLACES = frozenset((*PROVINCES, *CITIES))
_LISTS = r"(?:名单|人员|成员|组员|参会人?|与会者?|出席者?|列席者?|缺席|抄送|嘉宾|获奖者|录取者|同学|同事|学员)(?:名单|如下|有|为|包括)?[:：]\s?"


def recognisers() -> list[Recogniser]:
    """Return the recogniser of Chinese names."""
    return [Recogniser(frozenset({"PERSON"}), _Names().find, words=True)]


class _Names:
    """A family name and one to two given characters (compound family names, middle-dot names included) beside a trigger."""

    def __init__(self) -> None:
        self._labelled = re.compile(rf"({_LABELS})({_LINK})(?={HAN})")
        self._introduced = re.compile(_INTRODUCTIONS)
        self._after = [
            re.compile(pattern)
            for pattern in (_ADDRESSED, _OWNED, _LINKED, r"(?:\+?86[ \-]?)?1[3-9][0-9](?=[ \-]?[0-9])", r"[1-8][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
        ]
        self._spaced = re.compile(rf"{HAN} {{1,3}}{HAN}(?!{HAN})")  # 李　雷: two characters set apart to fill a column
        self._dotted = re.compile(rf"({HAN}{{2,6}}(?:·{HAN}{{1,8}}){{1,3}})")
        self._dot_end = re.compile(
            r"(?:来电|来访|来信|已|的|在|是|因|将|被|把|与|表示|说|同意|申请|提交|办理|先生|女士|登|询问|要求|反映|于|到|入|签|今|昨|住|购|投诉|拨打|致电|手机|电话)"
        )
        self._follower = re.compile(rf"$|[^\u3400-\u9fff]|{_FOLLOWERS}")
        one = f"[{''.join(sorted(COMMON_SURNAMES))}]"
        two = "|".join(sorted(COMPOUND_SURNAMES))
        self._addressed = re.compile(rf"(?:{two}|{one})(?:({_FORMS})|{_SHORT_FORMS})|[小老]{one}(?=今天|昨天|明天|昨晚|今早|说|已|刚|请|去|来|，|,|负责|那边)")
        self._spoken = re.compile(_SPEECH)
        self._doer = re.compile(rf"(?:由|经|请|被|让)(?={HAN}{{2,4}}{_DONE})")
        self._done = re.compile(_DONE)
        self._number_before = re.compile(rf"(?<![0-9])(?:1[3-9][0-9]{{9}}|[1-9][0-9]{{16}}[0-9Xx])[\s,，、/|]{{1,3}}(?={HAN}{{2,4}}(?!{HAN}))")
        self._list_label = re.compile(_LISTS)
        self._item = re.compile(rf"({HAN}{{2,4}})(?!{HAN})\s?(?:[、，,;；/]\s?)?")
        self._row = re.compile(rf"(?<!{HAN}){HAN}{{2,4}}(?:、{HAN}{{2,4}}){{2,}}(?!{HAN})")
        self._latin = re.compile(rf"(?:{_LABELS})[\s:：=]{{1,3}}([A-Z][a-z]+(?:[ \-·][A-Z][A-Za-z]*\.?){{0,3}})(?![A-Za-z])")
        self._lead = re.compile(rf"(?:{_LABELS}|{_INTRODUCTIONS}|[是为叫和与及由被给向找让请对跟把问约陪])+")

    def find(self, scene: Scene) -> Iterator[Finding]:
        if not scene.chinese_words:
            return
        text = scene.text
        for match in self._labelled.finditer(text):
            sure = any(c in match.group(2) for c in ":：=是为為叫") or match.group(1).endswith(("姓名", "名字"))
            yield from self._name_at(text, match.end(), 0.9 if sure else 0.7)
        for match in self._introduced.finditer(text):
            yield from self._name_at(text, match.end(), 0.65)
        for pattern in self._after:
            for match in pattern.finditer(text):
                yield from self._name_before(text, _back_over(text, match.start()))
        yield from self._by_family_name(text)
        yield from self._doers(text)
        yield from self._in_lists(text)
        if "·" in text:
            yield from self._middle_dots(text)
        if scene.has_latin:
            for match in self._latin.finditer(text):
                yield Finding("PERSON", *match.span(1), 0.85, LABEL)

    def _name_at(self, text: str, start: int, confidence: float) -> Iterator[Finding]:
        family = _family(text, start)
        rare = family == 1 and text[start] in AMBIGUOUS_SURNAMES and text[start] not in COMMON_SURNAMES
        if not family or (confidence < 0.9 and (rare or text[start : start + 2] in _NOT_NAMES)):
            return
        given = start + family
        for size in (2, 1, 3) if confidence >= 0.9 else (2, 1):
            end = given + size
            if _given(text[given:end], size) and self._follower.match(text, end) and _plausible(text[start:end]) and not self._splits(text, given, end):
                yield Finding("PERSON", start, end, confidence, LABEL)
                return
        # No boundary seen: two given characters are the commonest, and a label that says "name" is trusted that far.
        if confidence >= 0.9 and (spaced := self._spaced.match(text, start)):
            yield Finding("PERSON", start, spaced.end(), confidence, LABEL)
        elif confidence >= 0.9 and _given(text[given : given + 2], 2):
            yield Finding("PERSON", start, given + 2, 0.6, LABEL)

    def _by_family_name(self, text: str) -> Iterator[Finding]:
        """A common family name with a form of address: the two together stand for the person (王先生)."""
        for match in self._addressed.finditer(text):
            start, end = match.span()
            if text[max(0, start - 1) : start + 1] in _ENDS_OF_WORDS or text[start:end] in _NOT_NAMES:
                continue
            bounded = start == 0 or not _is_han(text[start - 1]) or self._ends_with_lead(text, start)
            unclear = not match.group(1) or text[start] in AMBIGUOUS_SURNAMES or text[start] in "任曾"
            if bounded and (not unclear or self._follower.match(text, end) or not match.group(1)):
                yield Finding("PERSON", start, end, 0.65 if match.group(1) else 0.5, LABEL)
            elif not bounded and not unclear:
                yield Finding("PERSON", start, end, 0.5, LABEL)

    def _doers(self, text: str) -> Iterator[Finding]:
        """Who speaks (张伟表示), who did it (由王芳签收), whose number stands before (13700001111 蔡明)."""
        for match in self._spoken.finditer(text):
            for size in (3, 2, 4):
                start = match.start() - size
                if (
                    start >= 0
                    and self._is_common(text[start : match.start()])
                    and (start == 0 or not _is_han(text[start - 1]) or self._ends_with_lead(text, start))
                ):
                    yield Finding("PERSON", start, match.start(), 0.6, LABEL)
                    break
        for match in self._doer.finditer(text):
            for end in range(match.end() + 2, match.end() + 5):
                if self._done.match(text, end) and self._is_common(text[match.end() : end]):
                    yield Finding("PERSON", match.end(), end, 0.65, LABEL)
                    break
        for match in self._number_before.finditer(text):
            yield from self._name_at(text, match.end(), 0.65)

    def _in_lists(self, text: str) -> Iterator[Finding]:
        """Names behind the label of a list one by one; without a label three names or more, and nothing but names."""
        for label in self._list_label.finditer(text):
            item = self._item.match(text, label.end())
            while item and self._is_name(text, *item.span(1)):
                yield Finding("PERSON", *item.span(1), 0.8, LABEL)
                item = self._item.match(text, item.end())
        for row in self._row.finditer(text) if "、" in text else ():
            names = row.group().split("、")
            if all(self._is_common(name) for name in names):
                start = row.start()
                for name in names:
                    yield Finding("PERSON", start, start + len(name), 0.6, LIST)
                    start += len(name) + 1

    def _is_common(self, name: str) -> bool:
        """A name with a common family name that begins no ordinary word and no place."""
        if not self._is_name(name, 0, len(name)) or name[0] in AMBIGUOUS_SURNAMES or name[:2] in _NOT_NAMES or name[:2] in _PLACES:
            return False
        return (name[0] in COMMON_SURNAMES or name[:2] in COMPOUND_SURNAMES) and name[-1] not in _ENDS_OF_BODIES

    def _splits(self, text: str, given: int, end: int) -> bool:
        """Would a follower (手机, 先生 …) begin inside the given name? Then a shorter one is meant."""
        return end - given > 1 and any((m := self._follower.match(text, i)) and m.end() > end for i in range(given + 1, end))

    def _name_before(self, text: str, end: int) -> Iterator[Finding]:
        """Look left from a form of address: 李小明先生. The longest plausible name wins, a boundary before it makes it surer."""
        for size in (3, 2, 4):
            start = end - size
            if start < 0 or not self._is_name(text, start, end):
                continue
            bounded = start == 0 or not _is_han(text[start - 1]) or self._ends_with_lead(text, start)
            if bounded or text[start] not in AMBIGUOUS_SURNAMES:
                yield Finding("PERSON", start, end, 0.75 if bounded else 0.5, LABEL)
                return

    @staticmethod
    def _is_name(text: str, start: int, end: int) -> bool:
        family = _family(text, start)
        given = end - start - family
        if text[start : start + 2] in _NOT_NAMES:
            return False
        return bool(family) and 1 <= given <= 2 and _plausible(text[start:end]) and _given(text[start + family : end], given)

    def _ends_with_lead(self, text: str, start: int) -> bool:
        return any(self._lead.fullmatch(text, low, start) for low in range(max(0, start - 6), start))

    def _middle_dots(self, text: str) -> Iterator[Finding]:
        for match in self._dotted.finditer(text):
            start = match.start()
            lead = self._lead.match(text, start, match.end())
            if lead and "·" not in lead.group() and text[lead.end()] != "·":
                start = lead.end()
            if _is_han(text[start]):
                last = match.group().rindex("·") + match.start() + 1
                verb = self._dot_end.search(text, last + 2, match.end())
                yield Finding("PERSON", start, verb.start() if verb else match.end(), 0.8 if lead else 0.55, PATTERN)


def _back_over(text: str, end: int) -> int:
    """Step left over up to three characters that may stand between a name and what belongs to it."""
    for _ in range(3):
        if end and text[end - 1] in _BETWEEN:
            end -= 1
    return end


def _family(text: str, start: int) -> int:
    """Return how many characters the family name at `start` has, or 0."""
    if text[start : start + 2] in COMPOUND_SURNAMES:
        return 2
    return 1 if text[start : start + 1] in SURNAMES and text[start : start + 1] else 0


def _given(characters: str, size: int) -> bool:
    return len(characters) == size and all(_is_han(c) and c not in _NOT_GIVEN for c in characters)


def _plausible(name: str) -> bool:
    """Neither an ordinary word nor a family name with a form of address (刘女士)."""
    return name not in _NOT_NAMES and not name.endswith(("先生", "女士", "小姐", "老师", "经理", "医生", "阿姨", "叔叔", "师傅"))


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"
