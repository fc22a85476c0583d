"""Days that somebody names: within the years for which calendars, zones and every database agree."""

from datetime import date

from privacy.kernel.errors import InvalidInput

FIRST_YEAR, LAST_YEAR = 1900, 2200


def check_day(when: date | None, pointer: str) -> None:
    """Raise InvalidInput for a day or instant outside 1900–2200: nothing is due there, and arithmetic of zones and periods may leave the calendar."""
    if when is not None and not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise InvalidInput(f"Name a day between the years {FIRST_YEAR} and {LAST_YEAR}.", pointer=pointer)
