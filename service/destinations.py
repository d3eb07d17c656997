"""Where a callback may lead: hosts that the operator allowed, at addresses that such a host may have.

A callback comes from whoever holds a site's key, and so does much of what it says; without this, Hamgate could be made
to ask what only its own machine or network can reach (server-side request forgery, CWE-918).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from yarl import URL

from service.problems import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from training.callbacks import AllowedHost

MAX_URL_CHARACTERS = 2_048
MAX_NAME_CHARACTERS = 253
SCHEMES = ("http", "https")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
_WRITTEN = re.compile(r"[^\s\x00-\x1f\x7f/?#@\\%]+")


class WrongHostError(ServiceError):
    """That is not how a host is written; the message says how."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A callback that is allowed: where to, and whether the host may have a private address."""

    url: URL
    is_private: bool

    def admits(self, address: str) -> bool:
        """Whether a request may go to this address of the host.

        Link-local addresses (cloud providers keep credentials there), multicast and reserved ones are nobody's site.
        """
        found = _innermost(ip_address(address))
        if not self.is_private:
            return found.is_global and not found.is_multicast
        odd = found.is_link_local or found.is_multicast or found.is_reserved or found.is_unspecified
        return found.is_loopback or not odd


def host_of(written: str) -> str:
    """Return a host, with its port if it has one, as allow-lists keep it: lower case, names in ASCII.

    Raises:
        WrongHostError: it is neither NAME nor NAME:PORT, where NAME is a host name or an IP address.
    """
    url = _parsed(f"http://{written}") if _WRITTEN.fullmatch(written) else None
    if url is None:
        raise WrongHostError(f"found {written!r}, expected a host: blog.example, blog.example:8080 or [2001:db8::1]")
    return _name(url) if url.explicit_port is None else f"{_name(url)}:{url.explicit_port}"


def destination_of(callback: str, allowed: Iterable[AllowedHost]) -> Destination | None:
    """Return where a callback leads, ``None`` where that is not allowed.

    A host without a port is allowed at the scheme's own, one with a port at that alone.
    """
    url = _parsed(callback)
    if url is None:
        return None
    port = f"{_name(url)}:{url.port}"
    wanted = (port, _name(url)) if url.is_default_port() else (port,)
    for entry in allowed:
        if entry.host in wanted:
            return Destination(url, entry.is_private)
    return None


def _parsed(written: str) -> URL | None:
    """Read a URL of the web; one with a user's name in it is none."""
    if len(written) > MAX_URL_CHARACTERS:
        return None
    try:
        url = URL(written)
        is_usable = url.scheme in SCHEMES and url.port and url.user is None and url.password is None
    except (ValueError, UnicodeError):
        return None
    return url if is_usable and _is_host(_name(url)) else None


def _name(url: URL) -> str:
    name = (url.raw_host or "").lower().rstrip(".")
    return f"[{name}]" if ":" in name else name


def _is_host(name: str) -> bool:
    """Whether that is a name or an address; what is all digits and dots must be an address, written in full."""
    if len(name) > MAX_NAME_CHARACTERS or not _NAME.fullmatch(name):
        return False
    return not name.replace(".", "").isdigit() or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _innermost(found: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(found, IPv4Address):
        return found
    if found in _NAT64:
        return IPv4Address(int(found) & 0xFFFFFFFF)
    teredo = found.teredo
    return found.ipv4_mapped or found.sixtofour or (teredo[1] if teredo else None) or found
