"""Passwords and tokens: what is accepted, how it is hashed, and how it is compared.

Passwords are hashed with Argon2id, with the memory and passes that OWASP's password storage cheat sheet recommends
(19 MiB, two passes): more would let a few sign-ins at once take a small server's memory. Tokens are 256 random bits, so
a plain digest does.
"""

from __future__ import annotations

import re
import secrets
from functools import cache
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.problems import WrongFieldError

MIN_PASSWORD_CHARACTERS = 10
MAX_PASSWORD_CHARACTERS = 1_000
_ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def account_name(text: str) -> str:
    """Read the name of an account, whatever its case.

    Raises:
        WrongFieldError: it can't be one.
    """
    name = text.strip().lower()
    if not _ACCOUNT_NAME.fullmatch(name):
        raise WrongFieldError("name", "expected up to 64 letters (a to z), digits, and . _ @ + - after the first")
    return name


def hashed(password: str) -> str:
    """Hash a password.

    Raises:
        WrongFieldError: it is too short or too long.
    """
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise WrongFieldError(
            "password", f"expected {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS:,} characters"
        )
    return _hasher.hash(password.encode("utf-8", "surrogatepass"))


def is_right(password: str, password_hash: str | None) -> bool:
    """Whether a password is the one that was hashed; takes as long to say no where there is no hash."""
    tried = password[: MAX_PASSWORD_CHARACTERS + 1].encode("utf-8", "surrogatepass")
    try:
        return _hasher.verify(password_hash or _nobodys_hash(), tried) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(make_token())


def make_token() -> str:
    """Make a token that nobody can guess."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """Hash a token: 32 bytes."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
