"""`privacy detect` and `privacy evaluate` as a person at a terminal meets them."""

import io
import json
import sys
from pathlib import Path

import pytest

from privacy.cli import main


def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str], stdin: bytes = b"") -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capfd.readouterr()
    return int(stop.value.code or 0), out, err


def jsonl(*items: object) -> bytes:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items).encode()


def test_detect_answers_every_line_in_order_and_exits_zero(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Findings or none, the exit code says only whether it could be read."""
    code, out, err = run(
        monkeypatch, capfd, ["detect"], jsonl({"id": "甲", "text": "电话13800138000"}, {"id": 2, "text": "nothing"}, {"text": "a@example.org"})
    )
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [answer["id"] for answer in answers] == ["甲", 2, None]
    assert answers[0]["findings"] == [{"entity": "CN_MOBILE", "start": 2, "end": 13, "confidence": 0.95}]
    assert answers[1]["findings"] == []


def test_detect_never_prints_a_value(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither in answers nor in complaints about lines."""
    bad = b'{"id": 1, "text": 13800138000}\n[13800138000]\n{"text": "13800138000\n\xff13800138000\n' + b"[" * 100_000 + b"\n"
    code, out, err = run(monkeypatch, capfd, ["detect"], jsonl({"id": 1, "text": "13800138000"}) + bad + jsonl({"id": 9, "text": "x"}))
    assert "13800138000" not in out + err
    assert code == 2
    assert [line.split()[2] for line in err.splitlines()] == ["2", "3", "4", "5", "6"]
    assert [json.loads(line)["id"] for line in out.splitlines()] == [1, 9]


def test_detect_reads_a_file_with_a_byte_order_mark_and_empty_lines(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Files come from spreadsheets, too."""
    file = tmp_path / "texts.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + jsonl({"id": 1, "text": "a@example.org"}) + b'\n\n{"id": 2, "text": "\\ud800"}\n')
    code, out, _ = run(monkeypatch, capfd, ["detect", str(file)])
    assert code == 0
    assert [len(json.loads(line)["findings"]) for line in out.splitlines()] == [1, 0]


def test_detect_narrows_by_entity_confidence_and_language(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The options reach the detector."""
    text = jsonl({"id": 1, "text": "姓名：李小明 13800138000 a@example.org"})
    _, out, _ = run(monkeypatch, capfd, ["detect", "--entities", "CN_MOBILE,PERSON", "--language", "en"], text)
    assert [f["entity"] for f in json.loads(out)["findings"]] == ["CN_MOBILE"]
    _, out, _ = run(monkeypatch, capfd, ["detect", "--min-confidence", "0.99"], text)
    assert [f["entity"] for f in json.loads(out)["findings"]] == ["EMAIL_ADDRESS"]


@pytest.mark.parametrize("arguments", [["--entities", "SHOE_SIZE"], ["--language", "fr"], ["--min-confidence", "2"], ["/no/such/file"]])
def test_detect_refuses_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Usage errors are exit code 2 with a sentence."""
    code, out, err = run(monkeypatch, capfd, ["detect", *arguments], jsonl({"id": 1, "text": "x"}))
    assert (code, out) == (2, "")
    assert err.strip()


def test_evaluate_prints_figures_with_n(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Per type and over all, as a table or as JSON."""
    data = tmp_path / "data.jsonl"
    data.write_bytes(
        jsonl(
            {"id": 1, "text": "see https://example.com/x", "spans": [{"entity": "DOMAIN_NAME", "start": 4, "end": 25}]},
            {"id": 2, "text": "Nordwind Ltd pays", "spans": [{"entity": "ORGANIZATION", "start": 0, "end": 12}]},
            {"id": 3, "text": "nothing", "spans": []},
        )
    )
    code, out, _ = run(monkeypatch, capfd, ["evaluate", str(data), "--json"])
    report = json.loads(out)
    assert (code, report["micro"]["f1"], report["micro"]["n"]) == (0, 1.0, 1)
    assert report["not_known_to_us"] == ["ORGANIZATION"]
    assert report["types"][1]["note"] == "too few"
    code, out, _ = run(monkeypatch, capfd, ["evaluate", str(data)])
    assert (code, "overlap_f1" in out) == (0, True)


@pytest.mark.parametrize("line", [{"text": "ab", "spans": [{"entity": "URL", "start": 0, "end": 9}]}, {"text": "ab", "spans": 3}, {"spans": []}, 5])
def test_evaluate_names_the_line_it_cannot_use(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, line: object) -> None:
    """A figure over half the data would be a wrong figure: it stops."""
    data = tmp_path / "data.jsonl"
    data.write_bytes(jsonl({"text": "ok", "spans": []}, line))
    code, _, err = run(monkeypatch, capfd, ["evaluate", str(data)])
    assert code == 2
    assert "ine 2" in err
