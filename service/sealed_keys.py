"""Sites' keys that Hamgate must be able to say: WordPress believes a webhook only if it names the site's own key.

Of all other keys nothing but a digest is kept. The key of a site that has callbacks allowed is taken from its requests
and kept encrypted (Fernet: AES and HMAC-SHA256) with a key derived from the installation's secret, which is not in the
database: who has a copy of the database alone can't read it. A key that was rotated is not told to anybody again.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hmac import compare_digest
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken

from service.auth import digest_of

if TYPE_CHECKING:
    from service.secret import Secret
    from training.callbacks import CallbackHosts
    from training.store import Store


class SealedKeys:
    """The keys of sites that have callbacks allowed."""

    def __init__(self, store: Store, hosts: CallbackHosts, secret: Secret) -> None:
        self._store = store
        self._hosts = hosts
        self._fernet = Fernet(urlsafe_b64encode(secret.key("callback keys")))
        self._kept: dict[str, str] = {}

    def keep(self, site: str, key: str) -> None:
        """Keep the key that a site has now."""
        key = key.lower()
        if self._kept.get(site) != key:
            self._hosts.keep_key(site, self._fernet.encrypt(key.encode()))
            self._kept[site] = key

    def of(self, site: str) -> str | None:
        """Return a site's key, ``None`` where it is not known, or no longer its key."""
        sealed = self._hosts.sealed_key(site)
        found = self._store.site(site)
        if sealed is None or found is None:
            return None
        try:
            key = self._fernet.decrypt(sealed).decode()
        except InvalidToken:  # sealed with a secret that was replaced
            return None
        return key if compare_digest(digest_of(key), found.key_digest) else None
