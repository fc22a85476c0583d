"""Chinese postal addresses: from the first administrative name to the last number with its unit. A bare place name is not an address."""

import re
from collections.abc import Iterator

from privacy.discovery.findings import CONTEXT, PATTERN, Finding
from privacy.discovery.gazetteer import CITIES, PROVINCES
from privacy.discovery.rules import HAN, Recogniser, either
from privacy.discovery.scene import Scene

_UNITS = "号楼|號樓|号院|号|號|弄|栋|棟|幢|座|单元|單元|室|楼|樓|层|層|户|房|门|組|组|巷|期|区|F"
# one class at the start, so that the engine can search for its characters
_NUMBER = r"[0-9A-Za-z一二三四五六七八九十百甲乙丙丁]{1,5}(?:[-之#][0-9A-Za-z]{1,4}){0,2}"
_STOPS = '，。；！？,;!?：:\\n\\r"“”'
_ROADS = either(
    """
    大道 大街 路 街 巷 弄 胡同 里 道 段 村 镇 鎮 乡 鄉 苑 园 園 城 庄 莊 小区 小區 社区 花园 广场 廣場 大厦 大廈 公寓 新村 家园 中心 学院 大学
    村民组 村民小组 屯 寨 湾 坊 庭 府 邸 轩 居 组 队 村委会 工业区 开发区 科技园 产业园
    """
)
_DISTRICTS = "省|市|区|區|县|縣|旗|州|盟|自治区|特别行政区|特別行政區|新区|街道|镇|鎮|乡|鄉"
_LEADS = either(
    """
    现居住地址 家庭住址 收货地址 收件地址 通讯地址 通信地址 联系地址 注册地址 办公地址 公司地址 户籍地址 户籍所在地 详细地址 所在地区 居住地址 居住地
    现住址 现住 现居 家住 住址 地址 住所 住在 居住在 位于 地处 寄到 寄往 送到 送至 送货至 发往 搬到 搬至 寄给 配送至 前往 来到 到达 坐落于 座落于
    入住 租住 租住在 地點 地点 位置 是 在 到 至 于 往 为
    """
)


def recognisers() -> list[Recogniser]:
    """Return the recogniser of Chinese addresses."""
    return [Recogniser(frozenset({"CN_ADDRESS"}), _Addresses().find, words=True)]


class _Addresses:
    """Works backwards: find numbers with units, take the run of characters before them, start at the place where an address begins."""

    def __init__(self) -> None:
        place = "|".join(sorted(map(re.escape, {*PROVINCES, *CITIES}), key=len, reverse=True))
        piece = rf"(?:{HAN}|[A-Za-z0-9]|[·#、\-]|[（(]{HAN}{{1,10}}[)）]|[ \t](?={HAN}|[0-9A-Za-z]{{1,5}}(?:{_UNITS})))"
        self._run = re.compile(rf"{piece}{{4,90}}")
        self._unbroken = re.compile(f"[^{_STOPS}]+$")
        self._labelled = re.compile(r"(?:地址|住址|住所|所在地|居住地|户籍地?|戶籍地?|籍贯|现住|現住|家住|通讯处)[\s:：=是为]{1,4}")
        self._unit = re.compile(
            rf"{_NUMBER}\s?(?:{_UNITS})(?:之[0-9]{{1,3}}|[0-9]{{1,5}}(?![0-9]|{_UNITS})|{HAN}{{2,8}}(?<!电话)(?<!手机)[0-9]{{1,3}}(?:-[0-9]{{1,4}}){{1,2}}(?![0-9\-]))?(?![內内線线路月日])"
        )
        self._road = re.compile(rf"{HAN}(?:{_ROADS}|{_DISTRICTS})")
        self._place = re.compile(rf"(?:{place})")
        self._lead = re.compile(_LEADS)
        self._label = re.compile(r"(?:地址|住址|住所|所在地|居住地|户籍地?|戶籍地?|籍贯|现住|現住|家住|通讯处)[\s:：=是为]{0,4}$")

    def find(self, scene: Scene) -> Iterator[Finding]:
        if not scene.chinese_words:
            return
        done = 0
        for run in self._runs(scene.text):
            if run.start() >= done:
                done = run.end()
                found = self._in_run(scene, run)
                if found:
                    yield found

    def _runs(self, text: str) -> Iterator[re.Match[str]]:
        """Return the runs of address characters around a number with its unit, and behind a label."""
        done = 0
        for unit in self._unit.finditer(text):
            if unit.start() < done:
                continue
            lead = self._unbroken.search(text, max(0, unit.start() - 90), unit.start())
            low = lead.start() if lead else unit.start()
            run = next((run for run in self._run.finditer(text, low, unit.end() + 90) if run.start() <= unit.start() < run.end()), None)
            if run:
                done = run.end()
                yield run
        for label in self._labelled.finditer(text):
            behind = self._run.match(text, label.end())
            if behind:
                yield behind

    def _in_run(self, scene: Scene, run: re.Match[str]) -> Finding | None:
        text, (low, high) = scene.text, run.span()
        start = self._start(text, low, high)
        labelled = start == low and self._label.search(scene.before(start, 16)) is not None or self._label.search(text, max(0, start - 10), start) is not None
        roads = list(self._road.finditer(text, start, high))
        if not roads:
            return None
        end = self._end(text, roads[0].start(), high)
        listed = self._place.match(text, start) is not None
        if end:
            return Finding("CN_ADDRESS", start, end, 0.95 if labelled else 0.85 if listed else 0.65, CONTEXT if labelled else PATTERN)
        # Without a number only a label makes it somebody's address: 地址：河北省某县某镇某村
        if labelled and (listed or len(roads) > 1):
            return Finding("CN_ADDRESS", start, roads[-1].end(), 0.75, CONTEXT)
        return None

    def _start(self, text: str, low: int, high: int) -> int:
        """Begin at the first listed place; else after the last lead-in before the first district or road."""
        first_unit = self._unit.search(text, low, high)
        limit = first_unit.start() if first_unit else high
        place = self._place.search(text, low, limit)
        lead_end = low
        for lead in self._lead.finditer(text, low, place.start() if place else limit):
            if self._road.search(text, lead.end(), high):
                lead_end = lead.end()
        return place.start() if place else _skip(text, lead_end, high)

    def _end(self, text: str, low: int, high: int) -> int:
        """Return the end of the last unit that follows the first road without a break of more than a name's length, or 0."""
        end, reach = 0, low
        for unit in self._unit.finditer(text, low, high):
            if unit.start() - reach > 24:
                break
            end = reach = unit.end()
        return end


def _skip(text: str, start: int, high: int) -> int:
    while start < high and text[start] in " \t、-·#":
        start += 1
    return start
