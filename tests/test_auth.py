"""Keys: what they look like, how they are kept, whom they let in and how often."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from service.auth import KEY_LETTERS, Allowance, Guard, Keys, bearer_key, digest_of, make_key
from service.problems import TooManyRequestsError, UnknownKeyError
from training.store import SiteExistsError, Store, UnknownSiteError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'sites.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


def added_site(store: Store, name: str = "blog.example") -> str:
    key = make_key()
    store.add_site(name, digest_of(key), NOW)
    return key


def test_a_key_is_twelve_lower_case_letters_and_digits_without_look_alikes() -> None:
    keys = {make_key() for _ in range(2_000)}
    assert len(keys) == 2_000
    assert all(re.fullmatch(r"[a-km-np-z2-9]{12}", key) for key in keys)


def test_a_key_has_sixty_bits() -> None:
    assert len(set(KEY_LETTERS)) == len(KEY_LETTERS) == 32
    frequencies = Counter("".join(make_key() for _ in range(4_000)))
    assert set(frequencies) == set(KEY_LETTERS)
    assert max(frequencies.values()) < 1.3 * min(frequencies.values())


def test_the_database_holds_no_key(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'sites.sqlite3'}") as store:
        key = added_site(store)
        written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert digest_of(key) in written
    assert key.encode() not in written


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  abc ", "abc"),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
        ("abc", None),
        ("Basic abc", None),
    ],
)
def test_the_key_is_what_follows_bearer(header: str, key: str | None) -> None:
    assert bearer_key(header) == key


def test_a_key_finds_its_site_whatever_its_case(store: Store) -> None:
    key = added_site(store)
    added_site(store, "other.example")
    for written in (key, key.upper(), key.title()):
        site = Keys(store).site_of(written)
        assert site is not None
        assert site.name == "blog.example"


def test_no_other_key_finds_a_site(store: Store) -> None:
    key = added_site(store)
    keys = Keys(store)
    for wrong in (make_key(), key[:-1], f"{key}a", f" {key}", "ключ", "\ud800", ""):
        assert keys.site_of(wrong) is None


def test_a_rotated_key_is_void_within_a_second(store: Store, clock: Clock) -> None:
    old, new = added_site(store), make_key()
    keys = Keys(store, clock)
    assert keys.site_of(old)
    store.replace_key("blog.example", digest_of(new), NOW)
    assert keys.site_of(new)
    clock.seconds = 1.0
    assert keys.site_of(old) is None


def test_a_removed_site_has_no_key_within_a_second(store: Store, clock: Clock) -> None:
    key = added_site(store)
    keys = Keys(store, clock)
    assert keys.site_of(key)
    store.remove_site("blog.example")
    clock.seconds = 1.0
    assert keys.site_of(key) is None


def test_within_the_second_a_known_key_needs_no_database(store: Store, clock: Clock, tmp_path: Path) -> None:
    key = added_site(store)
    keys = Keys(store, clock)
    assert keys.site_of(key)
    store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    clock.seconds = 0.99
    assert keys.site_of(key)


def test_sites_are_listed_by_name_and_their_names_are_unique(store: Store) -> None:
    added_site(store, "b.example")
    added_site(store, "a.example")
    assert [site.name for site in store.sites()] == ["a.example", "b.example"]
    with pytest.raises(SiteExistsError, match=r"a\.example"):
        added_site(store, "a.example")


def test_an_unknown_site_is_answered_with_the_known_ones(store: Store) -> None:
    added_site(store)
    with pytest.raises(UnknownSiteError, match=r"nope.*known: blog\.example"):
        store.remove_site("nope")
    with pytest.raises(UnknownSiteError, match="nope"):
        store.replace_key("nope", digest_of("x"), NOW)


def test_an_allowance_counts_each_name_by_itself_and_afresh_each_minute(clock: Clock) -> None:
    clock.seconds = 30.0
    allowance = Allowance(3, clock)
    allowance.spend("a", 2)
    allowance.spend("a")
    allowance.spend("b", 3)
    with pytest.raises(TooManyRequestsError) as caught:
        allowance.spend("a")
    assert caught.value.retry_after_seconds == 30
    clock.seconds = 60.0
    allowance.spend("a", 3)


def test_what_is_refused_is_not_spent(clock: Clock) -> None:
    allowance = Allowance(3, clock)
    with pytest.raises(TooManyRequestsError):
        allowance.spend("a", 4)
    allowance.spend("a", 3)


def test_an_allowance_of_zero_has_no_limit(clock: Clock) -> None:
    allowance = Allowance(0, clock)
    for _ in range(1_000):
        allowance.spend("a", 1_000_000)


def test_wrong_keys_of_one_address_are_refused_but_a_right_one_still_passes(store: Store, clock: Clock) -> None:
    key = added_site(store)
    guard = Guard(Keys(store, clock), Allowance(0), Allowance(2, clock))
    wrong = {"HTTP_AUTHORIZATION": f"Bearer {make_key()}", "REMOTE_ADDR": "192.0.2.1"}
    for _ in range(2):
        with pytest.raises(UnknownKeyError):
            guard.site_of(wrong)
    with pytest.raises(TooManyRequestsError):
        guard.site_of(wrong)
    with pytest.raises(UnknownKeyError):
        guard.site_of({**wrong, "REMOTE_ADDR": "192.0.2.2"})
    assert guard.site_of({**wrong, "HTTP_AUTHORIZATION": f"Bearer {key}"}).name == "blog.example"
