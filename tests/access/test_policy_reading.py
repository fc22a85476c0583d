"""The strict reader: every way in which a policy file goes wrong in silence elsewhere is refused here, with place and remedy."""

from itertools import pairwise

import pytest

from privacy.access.loader import read_policy
from privacy.access.policies import PolicyFiles
from privacy.access.rows import Policy
from privacy.kernel.errors import Misconfigured
from tests.access.builders import SHIPPED, words

GOOD = "p, a, 10, agent, support, *, crm.*, contact, *, mask, true, phone, allow\n"


def read(text: str | bytes) -> Policy:
    return read_policy(text if isinstance(text, bytes) else text.encode(), "policy.csv", words())


def refused(text: str | bytes) -> Misconfigured:
    with pytest.raises(Misconfigured) as caught:
        read(text)
    assert caught.value.code == "policy_invalid"
    return caught.value


def test_the_shipped_policy_is_read_in_full() -> None:
    """Every p and g line of policies/policy.csv becomes a row or a link."""
    text = (SHIPPED / "policy.csv").read_text()
    lines = [line for line in text.splitlines() if line.startswith("p,")]
    assert len(read(text).rows) == len(lines) > 50


def test_rows_are_sorted_by_number_whatever_the_file_order() -> None:
    """Priority 9 decides before 10, also when it stands below it."""
    policy = read(GOOD + GOOD.replace("a, 10", "b, 9").replace("phone", "redact"))
    assert [row.id for row in policy.rows] == ["b", "a"]


@pytest.mark.parametrize(
    ("trap", "where", "says"),
    [
        pytest.param("", "", "no rule", id="zero rows"),
        pytest.param("# only a comment\n", "# only", "no rule", id="only comments"),
        pytest.param(GOOD.replace("allow", "Deny"), "Deny", "Unknown effect. Is deny meant?", id="effect in capitals"),
        pytest.param(GOOD.replace("allow", "alow"), "alow", "Is allow meant?", id="misspelt effect"),
        pytest.param(GOOD.replace("true", "True) or (True"), "True)", "Unknown condition", id="code as a condition"),
        pytest.param(GOOD.replace("true", "r.sub.delete()"), "r.sub", "Unknown condition", id="a call as a condition"),
        pytest.param(GOOD.replace("true", "grant_open"), "grant_open", "not available yet", id="a predicate without facts"),
        pytest.param(GOOD.replace("true", "row_owner"), "row_owner", "not available yet", id="another predicate without facts"),
        pytest.param(GOOD.replace("phone", "tail4"), "tail4", "Unknown technique", id="unknown technique"),
        pytest.param(GOOD.replace("agent", "agents"), "agents", "Is agent meant?", id="unknown role"),
        pytest.param(GOOD.replace("support", "suport"), "suport", "Is support meant?", id="unknown purpose"),
        pytest.param(GOOD.replace("contact", "contacts"), "contacts", "Is contact meant?", id="unknown class"),
        pytest.param(GOOD.replace("contact", "category:fone"), "category:fone", "Is category:phone meant?", id="unknown category"),
        pytest.param(GOOD.replace("mask", "read"), "read", "Unknown action", id="unknown action"),
        pytest.param(GOOD.replace("crm.*", "*.customer"), "*.customer", "would be ignored by casbin", id="a star inside a dataset"),
        pytest.param(GOOD.replace("contact, *", "contact, CN"), "CN", "two small letters", id="region in capitals"),
        pytest.param(GOOD.replace("10", "010"), "010", "leading zeros", id="leading zero"),
        pytest.param(GOOD.replace("10", "-1"), "-1", "whole number", id="negative priority"),
        pytest.param(GOOD.replace("10", "１０"), "１０", "whole number", id="full-width digits"),
        pytest.param(GOOD.replace(", allow", ""), "phone", "12 cells, 13 are needed", id="short row"),
        pytest.param(GOOD.replace("allow", "allow,"), "allow", "14 cells, 13 are needed", id="trailing comma"),
        pytest.param(GOOD.replace("crm.*", '"crm,x"'), '"crm', "Quotes are not used", id="quoted comma"),
        pytest.param(GOOD.replace("allow", "allow # all of them"), "# all", "line of its own", id="inline comment"),
        pytest.param("P" + GOOD[1:], "P,", "in small letters", id="capital ptype"),
        pytest.param("p2" + GOOD[1:], "p2", "begins with p", id="unknown ptype"),
        pytest.param(GOOD.replace("contact", ""), ", *, mask", "is empty", id="empty cell"),
        pytest.param(GOOD + GOOD.replace("a, 10", "b, 11"), "p, b", "repeats the one on line 1", id="duplicate row"),
        pytest.param(GOOD + GOOD.replace("contact", "identity"), "p, a", "stands already on line 1", id="duplicate id"),
        pytest.param(GOOD.replace("allow", "deny"), "phone", "technique none", id="a denial that masks"),
        pytest.param(GOOD.replace("mask", "reveal"), "phone", "Only the action mask", id="a reveal that masks"),
        pytest.param(GOOD.replace("contact,", "contact，"), "，", "full-width comma", id="full-width comma"),
        pytest.param(GOOD.replace("agent", "agent\u200b"), "\u200b", "invisible", id="invisible character"),
        pytest.param(GOOD + "g, agent, dpo\n", "dpo", "name of a role", id="a role as a group"),
        pytest.param(GOOD + "g, *, staff\n", "*, staff", "Unknown role", id="everybody in a group"),
        pytest.param(GOOD + "g, x, staff\n", "x, staff", "Unknown role", id="unknown role in a group"),
        pytest.param(GOOD + "g, agent\n", "agent\n", "3 are needed", id="short g line"),
    ],
)
def test_a_faulty_row_is_refused_with_its_place_and_the_remedy(trap: str, where: str, says: str) -> None:
    """No row is dropped, merged, truncated or half understood; file, line, column and what to do are named."""
    error = refused(trap)
    before = trap[: trap.rindex(where)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert error.flaws[0].pointer == f"policy.csv:{line}:{column}"
    assert says in error.flaws[0].detail


def test_a_byte_order_mark_is_refused() -> None:
    """A BOM would make the first row vanish for other readers."""
    assert "byte order mark" in refused(b"\xef\xbb\xbf" + GOOD.encode()).flaws[0].detail


def test_a_file_in_another_encoding_is_refused_with_its_line() -> None:
    """GBK bytes are not guessed at."""
    assert refused(GOOD.encode() + "# 客服\n".encode("gbk")).flaws[0].pointer == "policy.csv:2:1"


def test_a_windows_file_reads_like_any_other() -> None:
    """CRLF line ends are no fault."""
    assert read(GOOD.replace("\n", "\r\n")).digest == read(GOOD).digest


def test_all_faults_of_a_file_are_told_at_once() -> None:
    """A person mends a file in one go."""
    faulty = GOOD.replace("allow", "alow") + GOOD.replace("true", "tru").replace("a, 10", "b, 11")
    error = refused(faulty)
    assert [flaw.pointer.split(":")[1] for flaw in error.flaws] == ["1", "2"] and error.detail.startswith("policy.csv is refused for 2 faults")


def test_what_a_file_says_is_never_repeated() -> None:
    """Somebody may have named a file of customers instead of the policy."""
    error = refused("李小明,13904172263,420106198711234179\np, 李小明, 13904172263\n")
    said = error.detail + "".join(flaw.pointer + flaw.detail for flaw in error.flaws)
    assert "李小明" not in said and "13904172263" not in said


def test_groups_in_a_circle_are_refused() -> None:
    """A circle of groups has no meaning."""
    assert "circle" in refused(GOOD + "g, agent, x\ng, x, y\ng, y, x\n").flaws[0].detail


def test_groups_nested_deeper_than_five_are_refused() -> None:
    """casbin stops following after ten links and would deny; we say so instead."""
    chain = ["agent", "a1", "a2", "a3", "a4", "a5", "a6"]
    links = "".join(f"g, {role}, {group}\n" for role, group in pairwise(chain))
    assert "deeper than 5" in refused(GOOD + links).flaws[0].detail
    assert read(GOOD + links.replace("g, a5, a6\n", "")).roles_of(["agent"]) == set(chain[:-1])


def test_the_digest_covers_the_meaning_and_not_the_spelling() -> None:
    """Comments and spaces do not make another policy; another technique does."""
    spaced = "# note\n" + GOOD.replace(", ", ",   ")
    assert read(spaced).digest == read(GOOD).digest != read(GOOD.replace("phone", "redact")).digest


def test_a_missing_file_names_the_remedy(tmp_path: object) -> None:
    """The service says which file it wants and which setting names the folder."""
    with pytest.raises(Misconfigured, match="PRIVACY_POLICIES"):
        PolicyFiles.read(SHIPPED / "nowhere")
