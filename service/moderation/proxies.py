"""What a reverse proxy says of a request, believed only from addresses that the operator trusts.

That is where the request comes from, whether it came over https, and, in a header of the operator's choice, whom the
proxy has signed in. The proxy must remove that header from what its clients send.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from service.problems import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

SIGNED_IN = "hamgate.signed_in"
"""The name that a trusted proxy gives, in the environment of a request."""


class WrongProxyError(ServiceError):
    """What is trusted is no address and no network."""


class TrustedProxies:
    """A WSGI application around another one, to which trusted proxies lend their word."""

    def __init__(self, application: WSGIApplication, trusted: str, user_header: str) -> None:
        """Trust addresses and networks, separated by commas; without a header, nobody is signed in by a proxy.

        Raises:
            WrongProxyError: one of them is neither.
        """
        self._plain = application
        self._forwarded = ProxyFix(application, x_for=1, x_proto=1)
        self._trusted = [_network(one.strip()) for one in trusted.split(",") if one.strip()]
        self._header = f"HTTP_{user_header.upper().replace('-', '_')}" if user_header else ""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if not self._is_trusted(environ.get("REMOTE_ADDR", "")):
            return self._plain(environ, start_response)
        if environ.get(self._header):
            environ[SIGNED_IN] = environ[self._header]
        return self._forwarded(environ, start_response)

    def _is_trusted(self, address: str) -> bool:
        if not self._trusted:
            return False
        try:
            parsed = ip_address(address.strip("[]"))
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def _network(written: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(written)
    except ValueError as error:
        raise WrongProxyError(
            f"trusted proxies: found {written!r}, expected an address or a network: 10.0.0.0/8"
        ) from error
