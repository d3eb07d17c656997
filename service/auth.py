"""Sites' keys: making them, hashing them, and finding the site that a request's key belongs to.

A key is twelve random letters and digits of an alphabet of 32 without look-alikes, sixty bits. Twelve, because
WordPress's Akismet plugin refuses any other length; one case, because keys in a host name arrive in lower case, so keys
are compared without regard to case. Only the SHA-256 digest of a key is stored. A slow, salted hash is for passwords
that people choose: with sixty random bits there is no dictionary, and a stolen digest takes 2^59 hashes on average.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from hashlib import sha256
from math import ceil
from threading import Lock
from typing import TYPE_CHECKING

from service.problems import NotReadyError, TooManyRequestsError, UnknownKeyError
from training.database import DatabaseUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIEnvironment

    from training.store import Site, Store

KEY_LENGTH = 12
KEY_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
LOOKUP_LIFETIME_SECONDS = 1.0

_log = logging.getLogger("hamgate.auth")


def make_key() -> str:
    """Make a random key."""
    return "".join(secrets.choice(KEY_LETTERS) for _ in range(KEY_LENGTH))


def digest_of(key: str) -> bytes:
    """Hash a key, whatever its case: 32 bytes."""
    return sha256(key.lower().encode("utf-8", "surrogatepass")).digest()


def bearer_key(authorization: str) -> str | None:
    """Return the key of an ``Authorization: Bearer KEY`` header, or ``None`` where there is none."""
    scheme, _, key = authorization.partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


class Keys:
    """Finds sites by key, remembering what the database said for at most a second.

    So a busy site costs no database query per request, and a rotated or removed key is void within that second.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._found: dict[bytes, tuple[Site, float]] = {}

    def site_of(self, key: str) -> Site | None:
        """Find the site that a key belongs to.

        Raises:
            NotReadyError: the database can't be reached.
        """
        digest = digest_of(key)
        remembered = self._found.get(digest)
        now = self._clock()
        if remembered is not None and now < remembered[1]:
            return remembered[0]
        site = self._looked_up(digest)
        if site is None or not hmac.compare_digest(site.key_digest, digest):
            self._found.pop(digest, None)
            return None
        self._found[digest] = site, now + LOOKUP_LIFETIME_SECONDS
        return site

    def _looked_up(self, digest: bytes) -> Site | None:
        try:
            return self._store.site_with_key(digest)
        except DatabaseUnusableError as error:
            _log.error("no key can be looked up: %s", error)
            raise NotReadyError("the database can't be reached; the log says why") from error


class Allowance:
    """So many a minute for each name, counted in this process alone; 0 means no limit.

    Counts start afresh with each minute, so memory is bounded by the names of one minute. (The in-memory store of the
    ``limits`` package starts a thread every 10 ms while it is used, which took 9 % of the time of a request.)
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._lock = Lock()
        self._minute = 0
        self._spent: dict[str, int] = {}

    def spend(self, name: str, amount: int = 1) -> None:
        """Take ``amount`` from what is left to ``name`` in this minute.

        Raises:
            TooManyRequestsError: there is not enough left; nothing is taken.
        """
        if not self._per_minute:
            return
        now = self._clock()
        with self._lock:
            minute = int(now // 60)
            if minute != self._minute:
                self._minute, self._spent = minute, {}
            spent = self._spent.get(name, 0) + amount
            if spent <= self._per_minute:
                self._spent[name] = spent
                return
        raise TooManyRequestsError(
            f"over the limit of {self._per_minute:,} a minute; try again later", ceil((minute + 1) * 60 - now)
        )


class Guard:
    """Lets requests with a site's key pass, at the rate that is allowed.

    A right key always passes: somebody who guesses from the same address (behind a proxy, everybody has the same) must
    not lock a site out.
    """

    def __init__(self, keys: Keys, checks: Allowance, failures: Allowance) -> None:
        self._keys = keys
        self._checks = checks
        self._failures = failures

    def site_of(self, environ: WSGIEnvironment) -> Site:
        """Find the site that a request comes from.

        Raises:
            UnknownKeyError: the header holds no site's key.
            TooManyRequestsError: nor did too many others from this address.
        """
        key = bearer_key(environ.get("HTTP_AUTHORIZATION", ""))
        site = None if key is None else self._keys.site_of(key)
        if site is not None:
            return site
        self._failures.spend(environ.get("REMOTE_ADDR", ""))
        if key is None:
            raise UnknownKeyError("no key; send it as Authorization: Bearer KEY")
        raise UnknownKeyError("the key belongs to no site")

    def site_with(self, key: str, environ: WSGIEnvironment) -> Site | None:
        """Find the site of a key that came in some other way than a header, ``None`` where there is none.

        Raises:
            TooManyRequestsError: too many others from this address had no site's key either.
        """
        site = self._keys.site_of(key) if key else None
        if site is None:
            self._failures.spend(environ.get("REMOTE_ADDR", ""))
        return site

    def charge(self, site: Site, checks: int) -> None:
        """Count checks against a site's limit.

        Raises:
            TooManyRequestsError: the site is over it.
        """
        self._checks.spend(site.name, checks)
