"""The key cache: bounded, short-lived, and empty the moment a key was destroyed."""

from privacy.crypto.cache import KeyCache


def test_an_entry_lives_for_its_seconds() -> None:
    """Nothing is answered once its time is over."""
    cache: KeyCache[str, int] = KeyCache(10, 60)
    cache.get_many("t", [], 0, 0)
    cache.put_many("t", {"a": 1}, 0, now=100)
    assert cache.get_many("t", ["a"], 0, now=159) == {"a": 1}
    assert cache.get_many("t", ["a"], 0, now=160) == {}


def test_a_clock_that_was_set_back_makes_entries_unknown() -> None:
    """Setting the clock back does not prolong the life of a key."""
    cache: KeyCache[str, int] = KeyCache(10, 60)
    cache.get_many("t", [], 0, 0)
    cache.put_many("t", {"a": 1}, 0, now=100)
    assert cache.get_many("t", ["a"], 0, now=50) == {}


def test_a_change_empties_the_tenant_and_no_other() -> None:
    """A destroyed key leaves memory, not only the answers."""
    cache: KeyCache[str, int] = KeyCache(10, 60)
    for tenant in ("t", "u"):
        cache.get_many(tenant, [], 0, 0)
        cache.put_many(tenant, {"a": 1, "b": 2}, 0, now=0)
    assert cache.get_many("t", ["a"], 1, now=1) == {}
    assert len(cache) == 2
    assert cache.get_many("u", ["a"], 0, now=1) == {"a": 1}


def test_what_was_read_before_a_change_is_not_remembered_after_it() -> None:
    """A slow reader cannot bring a destroyed key back."""
    cache: KeyCache[str, int] = KeyCache(10, 60)
    cache.get_many("t", ["a"], 0, now=0)
    cache.get_many("t", ["a"], 1, now=0)
    cache.put_many("t", {"a": 1}, 0, now=0)
    assert cache.get_many("t", ["a"], 1, now=0) == {}


def test_a_reader_of_an_older_state_does_not_turn_the_count_back() -> None:
    """Two threads that saw different counts leave the newer one."""
    cache: KeyCache[str, int] = KeyCache(10, 60)
    cache.get_many("t", [], 2, 0)
    cache.get_many("t", [], 1, 0)
    cache.put_many("t", {"a": 1}, 1, now=0)
    assert cache.get_many("t", ["a"], 2, now=0) == {}


def test_the_least_recently_used_goes_first() -> None:
    """The cache never holds more than its capacity."""
    cache: KeyCache[int, int] = KeyCache(3, 60)
    cache.get_many("t", [], 0, 0)
    cache.put_many("t", {1: 1, 2: 2, 3: 3}, 0, now=0)
    cache.get_many("t", [1], 0, now=0)
    cache.put_many("t", {4: 4}, 0, now=0)
    assert cache.get_many("t", [1, 2, 3, 4], 0, now=0) == {1: 1, 3: 3, 4: 4}
