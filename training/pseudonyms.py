"""E-mail and IP addresses as keyed hashes (HMAC-SHA256): equal for equal addresses, and nothing to who lacks the key.

The domain of an e-mail address stays, since the model reads it, and it alone of both; so a comment is judged alike with
its pseudonyms. Owns what equal addresses are. Leaves keeping the key to the service.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.comment import Comment

_HASH_CHARACTERS = 32
_PSEUDONYM = re.compile(rf"keyed-[0-9a-f]{{{_HASH_CHARACTERS}}}(@.*)?", re.DOTALL)


class Pseudonyms:
    """Puts keyed hashes in the place of addresses; what is one already stays as it is."""

    def __init__(self, key: bytes) -> None:
        self._email = hmac.new(key, b"email:", "sha256")
        self._ip = hmac.new(key, b"ip:", "sha256")

    def of(self, comment: Comment) -> Comment:
        """Return the comment with pseudonyms for its addresses."""
        instead = self.instead_of(comment)
        return replace(comment, **instead) if instead else comment

    def instead_of(self, comment: Comment) -> dict[str, str]:
        """Return pseudonyms by the names of the comment's fields that hold addresses."""
        instead = {}
        if comment.author_email:
            instead["author_email"] = self.of_email(comment.author_email)
        if comment.user_ip:
            instead["user_ip"] = self.of_ip(comment.user_ip)
        return instead

    def of_email(self, address: str) -> str:
        """Return ``keyed-HASH@DOMAIN``, without ``@DOMAIN`` where there is none; nobody's address stays nobody's."""
        if not address or is_pseudonym(address):
            return address
        same = normal_email(address)
        if "@" not in same:
            return _keyed(self._email, same)
        local, _, domain = same.rpartition("@")
        return f"{_keyed(self._email, same) if local else ''}@{domain}"

    def of_ip(self, address: str) -> str:
        """Return ``keyed-HASH``; nothing stays nothing."""
        if not address or is_pseudonym(address):
            return address
        return _keyed(self._ip, normal_ip(address))


def is_pseudonym(address: str) -> bool:
    """Whether that is a hash in the place of an address."""
    return address.startswith("keyed-") and _PSEUDONYM.fullmatch(address) is not None


def normal_email(address: str) -> str:
    """Return what equal e-mail addresses have in common: upper and lower case, and spaces around, make no other."""
    local, at, domain = address.lower().rpartition("@")
    return f"{local.strip()}{at}{domain.strip()}"


def normal_ip(address: str) -> str:
    """Return what equal IP addresses have in common: IPv6 can be written in many ways, and IPv4 within it."""
    written = address.strip().lower()
    if ":" not in written:
        return written
    try:
        parsed = IPv6Address(written)
    except ValueError:
        return written
    return str(parsed.ipv4_mapped or parsed)


def _keyed(begun: hmac.HMAC, text: str) -> str:
    mac = begun.copy()
    mac.update(text.encode("utf-8", "surrogatepass"))
    return f"keyed-{mac.hexdigest()[:_HASH_CHARACTERS]}"
