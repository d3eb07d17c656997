"""The settings of a running service, as one value.

Owns their names, defaults and units. Leaves reading them from flags and ``HAMGATE_*`` variables to ``cli``.
"""

from __future__ import annotations

import os
import socket
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import platformdirs

from model import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

KIB = 1024
HOST = socket.gethostname()
"""Where this process runs, and what it keeps on disk is found."""


def default_database() -> str:
    """Return the URL of a SQLite file in the directory where this platform keeps a user's data."""
    return f"sqlite:///{platformdirs.user_data_path('hamgate') / 'hamgate.sqlite3'}"


def core_count() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How one service runs. Rates are counted in every worker by itself, in memory; 0 means no limit."""

    database: str
    model: Path = SHIPPED
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    max_body_kib: int = 1_024
    max_batch_body_kib: int = 16_384
    body_timeout_seconds: float = 10.0
    checks_per_minute: int = 1_000_000
    failed_keys_per_minute: int = 100
    keep_checks_days: float = 30.0
    keep_addresses_days: float = 365.0
    hash_addresses: bool = True
    akismet_blocks_review: bool = False
    share_labels: bool = False
    retrain_every: float = 0.0
    golden: tuple[str, ...] = ()
    max_upload_mib: int = 2_048
    privacy_contact: str = ""
    log_requests: bool = True
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    secret: str = field(default="", repr=False)
    trusted_proxies: str = ""
    user_header: str = ""
    openid_issuer: str = ""
    openid_client_id: str = ""
    openid_client_secret: str = field(default="", repr=False)
    openid_claim: str = "email"

    @property
    def strip_labels_days(self) -> float:
        """After how many days labelled comments lose what the model doesn't read: not while their checks are kept."""
        return max(self.keep_addresses_days, self.keep_checks_days)

    @property
    def keep_reports_days(self) -> float:
        """How long it is kept what came of a job: as long as checks, and a day at least."""
        return max(self.keep_checks_days, 1.0)

    @property
    def max_body_bytes(self) -> int:
        """The largest body of a request, in bytes."""
        return self.max_body_kib * KIB

    @property
    def max_batch_body_bytes(self) -> int:
        """The largest body of a batch, and so of all, in bytes."""
        return max(self.max_batch_body_kib, self.max_body_kib) * KIB

    @property
    def max_upload_bytes(self) -> int:
        """The largest file that can be imported in a browser, in bytes."""
        return self.max_upload_mib * KIB * KIB


DEFAULTS: dict[str, Any] = {one.name: one.default for one in fields(Config) if one.default is not MISSING}
