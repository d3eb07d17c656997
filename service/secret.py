"""The installation's secret, from which the keys of everything keyed are derived: form tokens, hashed addresses.

It is what ``HAMGATE_SECRET`` says or, without that, kept in a file beside the database. Hosts that share a database
need the same one, for else what one has hashed means nothing to the others; the database keeps its fingerprint.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from service.files import beside, kept_private
from service.problems import ServiceError
from training.fingerprint import agreed_fingerprint

if TYPE_CHECKING:
    from training.database import Database

MIN_CHARACTERS = 32


class WrongSecretError(ServiceError):
    """The secret is too short, or not the one that this database is used with."""


class Secret:
    """A secret. Equal secrets give equal keys, on every host and for good."""

    def __init__(self, value: str) -> None:
        self._value = value.encode()

    def key(self, purpose: str) -> bytes:
        """Derive the key of a purpose (32 bytes); nothing can be told from one key of another, or of the secret."""
        return hmac.digest(self._value, purpose.encode(), "sha256")

    def digest(self, purpose: str, text: str) -> bytes:
        """Hash a text with the key of a purpose: 32 bytes."""
        return hmac.digest(self.key(purpose), text.encode("utf-8", "surrogatepass"), "sha256")


def open_secret(database: Database, url: str, given: str = "") -> Secret:
    """Return the secret that a database (at ``url``) is used with: the one given, or else that of the file.

    Raises:
        WrongSecretError: it is not the one that the database was used with before, or too short.
        OSError: the file can't be read or written.
    """
    if given and len(given) < MIN_CHARACTERS:
        raise WrongSecretError(f"HAMGATE_SECRET has {len(given)} characters, expected {MIN_CHARACTERS} or more")
    file = beside(url, "secret")
    secret = Secret(given or kept_private(file, secrets.token_urlsafe(32)))
    fingerprint = secret.key("fingerprint")
    if not hmac.compare_digest(agreed_fingerprint(database, fingerprint), fingerprint):
        raise WrongSecretError(
            f"the secret ({'HAMGATE_SECRET' if given else file}) is not the one that this database was used with;"
            " every host needs the same HAMGATE_SECRET, and the first one may have kept its own in a file. Where it is"
            " lost: hamgate secret replace"
        )
    return secret
