"""The rule that turns receipts into a state, alone and against a second, slower reading of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from privacy.consent.fold import Notices, fold
from privacy.consent.model import Act, ConsentStatus, State

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOTICES = Notices({("n", 1): {"parcel"}, ("n", 2): {"parcel"}}, {"n": 1})


@dataclass(frozen=True)
class Row:
    id: str
    act: Act
    at: datetime
    recipient: str = ""
    channel: str = ""
    expires_at: datetime | None = None
    notice: str = "n"
    notice_version: int = 1


def gave(day: int, **more: object) -> Row:
    return Row(f"r{day:02}", Act.GIVEN, NOW - timedelta(days=30 - day), **more)  # type: ignore[arg-type]


def took_back(day: int, **more: object) -> Row:
    return Row(f"w{day:02}", Act.WITHDRAWN, NOW - timedelta(days=30 - day), **more)  # type: ignore[arg-type]


def ask(*rows: Row, recipient: str = "", channel: str = "", separate: bool = False, notices: Notices = NOTICES) -> ConsentStatus:
    return fold(rows, recipient, channel, NOW, notices, separate=separate)


def test_nothing_said_is_no_consent() -> None:
    """Silence is never consent."""
    assert ask() == ConsentStatus(State.NEVER, reason="never_asked")


def test_the_last_word_counts_whatever_the_order_of_recording() -> None:
    """Receipts that arrive late or in another order give the same state."""
    rows = [gave(1), took_back(5), gave(9)]
    assert {ask(*order).state for order in (rows, rows[::-1], [rows[1], rows[2], rows[0]])} == {State.GIVEN}
    assert ask(took_back(5), gave(1)).state is State.WITHDRAWN


def test_at_the_same_moment_the_withdrawal_wins() -> None:
    """When nobody can tell which came first, the person is left alone."""
    assert ask(gave(5), took_back(5)).state is State.WITHDRAWN


def test_withdrawing_one_channel_leaves_the_others() -> None:
    """No SMS any more, e-mail as before."""
    rows = [gave(1), took_back(2, channel="sms")]
    assert [ask(*rows, channel=channel).state for channel in ("sms", "email", "")] == [State.WITHDRAWN, State.GIVEN, State.GIVEN]


def test_withdrawing_the_purpose_reaches_all_channels_and_recipients() -> None:
    """One word is enough to end everything."""
    rows = [gave(1, channel="sms"), gave(1, recipient="parcel"), gave(2), took_back(3)]
    states = {ask(*rows, channel=channel, recipient=recipient).state for channel in ("", "sms") for recipient in ("", "parcel")}
    assert states == {State.WITHDRAWN}


def test_consent_to_one_channel_is_none_to_others_nor_to_all() -> None:
    """Yes to SMS does not answer for e-mail, nor for a use that names no channel."""
    rows = [gave(1, channel="sms")]
    assert [ask(*rows, channel=channel).state for channel in ("sms", "email", "")] == [State.GIVEN, State.NEVER, State.NEVER]


def test_a_recipient_named_in_the_notice_is_covered_unless_separate_consent_is_needed() -> None:
    """Consent to internal use reaches the recipients the person was told of; where the law wants separate consent it reaches none."""
    assert ask(gave(1), recipient="parcel").state is State.GIVEN
    assert ask(gave(1), recipient="stranger") == ConsentStatus(State.NEVER, reason="recipient_not_covered")
    assert ask(gave(1), recipient="parcel", separate=True).reason == "recipient_not_covered"
    assert ask(gave(1, recipient="parcel"), recipient="parcel", separate=True).state is State.GIVEN


def test_consent_for_a_recipient_is_none_for_internal_use() -> None:
    """What somebody may be sent is not thereby ours to use."""
    assert ask(gave(1, recipient="parcel")).state is State.NEVER


def test_consent_ends_at_its_end() -> None:
    """At the moment named it no longer holds."""
    assert ask(gave(1, expires_at=NOW + timedelta(microseconds=1))).state is State.GIVEN
    ended = ask(gave(1, expires_at=NOW))
    assert (ended.state, ended.reason, ended.at) == (State.EXPIRED, "ran_out", NOW)


def test_a_material_change_of_the_notice_ends_the_consent_an_editorial_one_does_not() -> None:
    """People who agreed to something else have to be asked again."""
    changed = Notices({}, {"n": 2})
    assert ask(gave(1), notices=changed).reason == "notice_changed"
    assert ask(gave(1, notice_version=2), notices=changed).state is State.GIVEN


_ROWS = st.lists(
    st.builds(
        Row,
        id=st.uuids().map(str),
        act=st.sampled_from(Act),
        at=st.integers(0, 5).map(lambda day: NOW - timedelta(days=day)),
        recipient=st.sampled_from(["", "parcel", "other"]),
        channel=st.sampled_from(["", "sms", "email"]),
        expires_at=st.one_of(st.none(), st.integers(-3, 3).map(lambda day: NOW + timedelta(days=day))),
        notice_version=st.integers(1, 2),
    ),
    max_size=8,
)


@given(rows=_ROWS, recipient=st.sampled_from(["", "parcel", "other"]), channel=st.sampled_from(["", "sms", "email"]), separate=st.booleans())
def test_consent_never_holds_against_a_later_withdrawal_that_covers_the_question(rows: list[Row], recipient: str, channel: str, separate: bool) -> None:
    """Whatever was recorded, in any order: given means a covering yes that is newer than every covering no, and not run out."""
    answer = ask(*rows, recipient=recipient, channel=channel, separate=separate)
    assert answer == ask(*reversed(rows), recipient=recipient, channel=channel, separate=separate)
    if answer.holds:
        yes = next(row for row in rows if row.id == answer.receipt)
        assert yes.channel in ("", channel)
        assert yes.recipient == recipient or not yes.recipient and recipient == "parcel" and not separate
        assert yes.expires_at is None or yes.expires_at > NOW
        for row in rows:
            if row.act is Act.WITHDRAWN and row.recipient in ("", recipient) and row.channel in ("", channel):
                assert row.at < yes.at
