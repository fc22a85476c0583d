"""The first page of a package, in the person's language: what is in it, what was left out and why, and where to complain."""

from collections.abc import Mapping, Sequence
from typing import Any

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Your personal data",
        "who": "Controller: {name} ({country}). Contact: {contact}",
        "request": "Request {id} of {received}; put together on {made}.",
        "files": "data.json holds everything, with categories, purposes, recipients and periods. The folder csv holds the same rows as tables. "
        "carriers.json lists files and texts whose content could not be searched in full.",
        "redacted": "Values of other people and of staff were replaced: access must not harm others. data.json names the fields and how often.",
        "count": "{dataset}: {rows} rows, {redacted} values redacted",
        "staff": "Records you worked on as staff are not yours; they are counted only: {rows} in {dataset}.",
        "missing": "Not searched, because it did not answer: {places}. We will answer for these separately.",
        "rights": "Where to complain:",
    },
    "zh": {
        "title": "您的个人信息",
        "who": "个人信息处理者：{name}（{country}）。联系方式：{contact}",
        "request": "请求编号 {id}，收到时间 {received}；生成时间 {made}。",
        "files": "data.json 包含全部内容，以及类别、处理目的、接收方和保存期限；csv 文件夹为同样记录的表格；carriers.json 列出无法完全检索的文件和文本。",
        "redacted": "为保护他人权益，其他人及工作人员的信息已隐去；data.json 列明相关字段及数量。",
        "count": "{dataset}：{rows} 条记录，隐去 {redacted} 处",
        "staff": "您作为工作人员处理的记录不属于您的个人信息，仅列出数量：{dataset} 共 {rows} 条。",
        "missing": "以下系统未能响应，尚未检索：{places}。我们将另行答复。",
        "rights": "投诉途径：",
    },
}


def readme(language: str, document: Mapping[str, Any]) -> str:
    """Return the text of README.txt for a package's document."""
    words = _WORDS.get(language, _WORDS["en"])
    controller, request = document["controller"], document["request"]
    lines = [
        words["title"],
        "",
        words["who"].format(name=controller["name"], country=controller["country"], contact=controller["contact"] or "-"),
        words["request"].format(id=request["id"], received=request["received_at"][:10], made=request["made_at"][:10]),
        "",
        words["files"],
        words["redacted"],
        "",
        *_counts(words, document["datasets"]),
        *(words["staff"].format(**each) for each in document["worked_on_as_staff"]),
    ]
    if document["not_searched"]:
        lines += ["", words["missing"].format(places=", ".join(document["not_searched"]))]
    if document["rights"]:
        lines += ["", words["rights"], *(f"- {text}" for text in document["rights"].values())]
    return "\r\n".join(lines) + "\r\n"


def _counts(words: Mapping[str, str], datasets: Sequence[Mapping[str, Any]]) -> list[str]:
    counted = ((each["dataset"], len(each["rows"]), sum(sum(reasons.values()) for reasons in each["redacted"].values())) for each in datasets)
    return [f"- {words['count'].format(dataset=dataset, rows=rows, redacted=redacted)}" for dataset, rows, redacted in counted]
