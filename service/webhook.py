"""The one request that Hamgate ever sends: a site is told that verdicts have changed, as Akismet tells it.

The key in it is what WordPress goes by. Others can go by the signature, which is made as Standard Webhooks says
(https://www.standardwebhooks.com), with the site's key as the secret. The host's addresses are looked up once, those
that it may not have are left out, and the connection goes to one of the others. Redirects are not followed, proxies
not used, and after ``DEADLINE_SECONDS`` it is over, whatever the receiver does.
"""

from __future__ import annotations

import json
from collections import Counter
from errno import EADDRNOTAVAIL
from hashlib import sha256
from ipaddress import ip_address
from socket import AF_UNSPEC, AddressFamily
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from standardwebhooks import Webhook

from service.problems import ServiceError
from training.pseudonyms import is_pseudonym

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.destinations import Destination
    from training.tellings import Change

DEADLINE_SECONDS = 15.0
MAX_ANSWER_BYTES = 64 * 1024
HEADERS = {"Content-Type": "application/json", "User-Agent": "Hamgate", "X-Akismet-Webhook": "1"}


class UntoldError(ServiceError):
    """The site was not told; the message says why."""


async def tell(destination: Destination, key: str, changes: Sequence[Change], now: datetime) -> Counter[str]:
    """Tell a site of changes of its verdicts, and return how many it says it could apply ("success") or not ("error").

    Raises:
        UntoldError: it did not answer with a status of success.
    """
    body = json.dumps(members(key, changes)).encode()
    headers = HEADERS | signed(key, message_id(changes), body, now)
    _require_admitted(destination)
    connector = TCPConnector(resolver=_Resolver(destination), use_dns_cache=False, force_close=True)
    timeout = ClientTimeout(total=DEADLINE_SECONDS)
    try:
        async with (
            ClientSession(connector=connector, timeout=timeout, trust_env=False) as session,
            session.post(destination.url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            if not 200 <= response.status < 300:
                raise UntoldError(f"it answered {response.status}")
            return _statuses(await response.content.read(MAX_ANSWER_BYTES))
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        raise UntoldError(f"it can't be asked: {error or type(error).__name__}") from error


def members(key: str, changes: Sequence[Change]) -> dict[str, Any]:
    """Return what the site is told, in the Akismet webhook's words."""
    return {"key": key, "endpoint": "comment-check", "comments": [_comment(change) for change in changes]}


def message_id(changes: Sequence[Change]) -> str:
    """Name a message by what it tells: the same when it is sent again, another when a verdict changes again."""
    told = [(change.telling.check_id, change.is_spam, change.changed_at) for change in changes]
    return f"hamgate-{sha256(repr(told).encode()).hexdigest()[:32]}"


def signed(key: str, message: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers that prove who sent a body, and when."""
    signature = Webhook(key.encode()).sign(message, now, body.decode())
    return {"webhook-id": message, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


def _comment(change: Change) -> dict[str, str]:
    """Return one comment's members; what is not known is left out, for WordPress looks for what is there."""
    telling, email = change.telling, change.comment.author_email
    found = {
        "guid": telling.check_id,
        "result": str(change.is_spam).lower(),
        "comment_post_ID": telling.post_id,
        "comment_parent": telling.parent_id,
        "comment_author_email": "" if is_pseudonym(email) else email,
    }
    return {name: value for name, value in found.items() if value}


def _statuses(answer: bytes) -> Counter[str]:
    """Count what the site says of each comment; it need not say anything."""
    try:
        said = json.loads(answer)["comments"].values()
        return Counter("success" if one["status"] == "success" else "error" for one in said)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return Counter()


def _require_admitted(destination: Destination) -> None:
    """Raise UntoldError where the host is an address, which is never looked up, and not one that is admitted."""
    host = destination.url.raw_host or ""
    try:
        is_admitted = destination.admits(str(ip_address(host)))
    except ValueError:
        return
    if not is_admitted:
        raise UntoldError(f"{host} is not an address that it may have")


class _Resolver(AbstractResolver):
    """Looks a host up, and passes on the addresses that it may have."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._resolver = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_UNSPEC) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        admitted = [address for address in found if self._destination.admits(address["host"])]
        if not admitted:
            raise OSError(EADDRNOTAVAIL, f"{host} has no address that it may have")
        return admitted

    async def close(self) -> None:
        await self._resolver.close()
