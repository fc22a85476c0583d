"""CSV files and folders of them as connected systems."""

import os
import tracemalloc
from pathlib import Path

import pytest

from privacy.adapters.databases import open_connector
from privacy.adapters.databases.reserved import Reserved
from privacy.discovery.shapes import Table
from privacy.kernel.errors import ConnectorUnavailable, InvalidInput
from tests.discovery.building import scan


def read(path: Path) -> tuple[Table, dict[str, tuple[str, ...]]]:
    connector = open_connector(str(path))
    (table,) = connector.tables()
    values = {name: sample.values for name, sample in connector.sample(table, 500).items()}
    connector.close()
    return table, values


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_headers_are_read_in_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    """UTF-8 with and without a mark, GB 18030 as office programs write it, UTF-16 with a mark."""
    path = put(tmp_path / "客户.csv", "客户姓名,手机号\n王丽华,13800138000\n陈思远,13900139000\n", encoding)
    table, values = read(path)
    assert [column.name for column in table.columns] == ["客户姓名", "手机号"]
    assert values["客户姓名"] == ("王丽华", "陈思远")
    assert {proposal.column: proposal.category for proposal in scan(str(path))["客户"].proposals} == {"客户姓名": "name", "手机号": "phone"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_taken_from_the_header(tmp_path: Path, delimiter: str) -> None:
    """Comma, semicolon, tab and bar all separate."""
    path = put(tmp_path / "a.csv", f'name{delimiter}email\n"x{delimiter}y"{delimiter}a@example.com\n')
    assert read(path)[1] == {"name": (f"x{delimiter}y",), "email": ("a@example.com",)}


def test_a_folder_is_a_system_and_each_file_a_table(tmp_path: Path) -> None:
    """Files of other kinds are left alone; a file that cannot be read stops no other."""
    put(tmp_path / "customers.csv", "email\na@example.com\n")
    put(tmp_path / "orders.tsv", "id\ttotal\n1\t2\n")
    put(tmp_path / "empty.csv", "")
    put(tmp_path / "notes.txt", "x")
    reports = scan(str(tmp_path))
    assert set(reports) == {"customers", "orders", "empty"}
    assert reports["empty"].table.problem
    assert len(reports["customers"].proposals) == 1


def test_a_file_without_a_header_has_its_columns_counted(tmp_path: Path) -> None:
    """A first row of data is data: the columns are c1, c2, …, and the row is not lost."""
    table, values = read(put(tmp_path / "x.csv", "a@example.com,17\nb@example.com,18\n"))
    assert [column.name for column in table.columns] == ["c1", "c2"]
    assert values["c1"] == ("a@example.com", "b@example.com")


def test_ragged_rows_doubled_headers_and_nul_are_no_trouble(tmp_path: Path) -> None:
    """Short rows, long rows, two columns of one name, an unnamed column and a NUL byte are read as far as they go."""
    table, values = read(put(tmp_path / "x.csv", "a,a,\n1\n1,2,3,4\n\x005,,6\n\n"))
    assert [column.name for column in table.columns] == ["a", "a_2", "c3"]
    assert values == {"a": ("1", "5"), "a_2": ("2",), "c3": ("3", "6")}


def test_a_quote_that_never_closes_costs_this_file_only(tmp_path: Path) -> None:
    """A file whose quote swallows 17 MB is reported, the one beside it is scanned."""
    put(tmp_path / "bad.csv", 'email\n"' + "x" * (17 << 20))
    put(tmp_path / "good.csv", "email\na@example.com\n")
    reports = scan(str(tmp_path))
    assert reports["bad"].table.problem
    assert reports["good"].proposals[0].category == "email"


def test_late_rows_of_a_large_file_are_sampled_too(tmp_path: Path) -> None:
    """Fifty thousand rows: the sample holds some of the last ten thousand."""
    rows = "\n".join("early" if n < 40_000 else f"late{n}" for n in range(50_000))
    values = read(put(tmp_path / "x.csv", f"era\n{rows}\n"))[1]["era"]
    assert any(value.startswith("late") for value in values)
    assert len(values) <= 500


def test_other_files_are_no_csv_system(tmp_path: Path) -> None:
    """Only .csv and .tsv files are opened: a system's address cannot read any file of the machine."""
    with pytest.raises(InvalidInput):
        open_connector(f"csv:{put(tmp_path / 'shadow', 'a:b')}")


@pytest.mark.parametrize("address", ["csv:", "csv://", "csv:/", "csv:/dev/zero", "csv:/dev/stdin", "csv:/proc/self/mem"])
def test_addresses_that_are_no_files_are_refused(address: str) -> None:
    """Nothing, the root of the machine and devices are no CSV system."""
    with pytest.raises(InvalidInput):
        open_connector(address)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Neither as a system nor in a folder, not even where it takes a file's place after it was connected."""
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InvalidInput):
        open_connector(str(tmp_path / "pipe.csv"))
    put(tmp_path / "good.csv", "email\na@example.com\n")
    assert set(scan(str(tmp_path))) == {"good"}
    connector = open_connector(str(tmp_path / "good.csv"))
    (tmp_path / "good.csv").unlink()
    os.mkfifo(tmp_path / "good.csv")
    (table,) = connector.tables()
    assert table.problem


def test_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    """A link called x.csv makes no other file a table, and a link out of the folder is reported instead of followed."""
    folder = tmp_path / "data"
    folder.mkdir()
    put(tmp_path / "outside.csv", "email\nleaked@example.com\n")
    (folder / "passwd.csv").symlink_to("/etc/passwd")
    (folder / "out.csv").symlink_to(tmp_path / "outside.csv")
    put(folder / "day1.csv", "email\na@example.com\n")
    (folder / "latest.csv").symlink_to(folder / "day1.csv")
    with pytest.raises(InvalidInput):
        open_connector(str(folder / "passwd.csv"))
    reports = scan(str(folder))
    assert {name: bool(report.table.problem) for name, report in reports.items()} == {"passwd": True, "out": True, "day1": False, "latest": False}
    assert all(not reports[name].table.columns for name in ("passwd", "out"))


def test_a_file_of_ours_under_another_name_in_a_folder_is_never_opened(tmp_path: Path) -> None:
    """A hard link to our database, called a CSV file, is reported; its neighbour is read."""
    (tmp_path / "var").mkdir()
    (tmp_path / "data").mkdir()
    own = put(tmp_path / "var" / "main.db", "email\na@example.com\n")
    (tmp_path / "data" / "hard.csv").hardlink_to(own)
    put(tmp_path / "data" / "good.csv", "email\na@example.com\n")
    connector = open_connector(f"csv:{tmp_path / 'data'}", reserved=Reserved((own,)))
    tables = {table.name: table for table in connector.tables()}
    assert "belongs to the service" in tables["hard"].problem
    assert [column.name for column in tables["good"].columns] == ["email"]
    with pytest.raises(ConnectorUnavailable):
        connector.sample(tables["hard"], 10)


def test_one_endless_line_costs_little_memory(tmp_path: Path) -> None:
    """A sparse file of 600 MB without a line's end is reported after its first part."""
    with (tmp_path / "sparse.csv").open("wb") as file:
        file.truncate(600 << 20)
    tracemalloc.start()
    try:
        reports = scan(str(tmp_path / "sparse.csv"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "1 Mi characters" in reports["sparse"].table.problem
    assert peak < 64 << 20


def test_lines_that_never_make_a_row_end_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty lines are read up to a bound: a row behind it is not seen, the ones before are."""
    monkeypatch.setattr("privacy.adapters.files.csv_system._READ", 1000)
    values = read(put(tmp_path / "x.csv", "a\nseen\n" + "\n" * 2000 + "unseen\n"))[1]
    assert values == {"a": ("seen",)}


def test_a_file_of_countless_columns_is_reported(tmp_path: Path) -> None:
    """Each column costs memory: there is a bound."""
    assert "4,096 columns" in scan(str(put(tmp_path / "wide.csv", "a," * 5000 + "\n")))["wide"].table.problem
