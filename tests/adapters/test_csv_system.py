"""CSV files and folders of them as connected systems."""

from pathlib import Path

import pytest

from privacy.adapters.databases import open_connector
from privacy.discovery.shapes import Table
from privacy.kernel.errors import InvalidInput
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
