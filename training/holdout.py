"""Which labels of a store a version has learnt from, and which were held out: the newest of each site.

Owns when a labelled comment was written and how a card names the newest that trained. Leaves choosing the cut to
``retrain``. Imports little, since every worker asks.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.labels import GivenLabel


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label of the store, its number there, and when (UTC) its comment was written, as far as that is known."""

    number: int
    given: GivenLabel
    written_at: datetime

    @classmethod
    def of(cls, number: int, given: GivenLabel) -> Labelled:
        """Date a label: by its comment's own date, unless that is missing or lies after the label."""
        return cls(number, given, min(_date(given.comment.date) or given.labelled_at, given.labelled_at))

    @property
    def is_spam(self) -> bool:
        """Whether it says spam."""
        return self.given.label == "spam"

    @property
    def place(self) -> tuple[str, int]:
        """Order a site's labels by time."""
        return self.written_at.astimezone(UTC).isoformat(timespec="seconds"), self.number


def held_out(card: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Read from a card, which may come from anywhere, the place of the newest label of each site that trained."""
    cuts = card.get("held_out")
    return {
        site: (cut[0], cut[1])
        for site, cut in (cuts.items() if isinstance(cuts, dict) else ())
        if isinstance(cut, list) and [type(part) for part in cut] == [str, int]
    }


def is_held_out(label: Labelled, cuts: Mapping[str, tuple[str, int]]) -> bool:
    """Whether a label is newer than those of its site that a version was trained on (see ``held_out``)."""
    cut = cuts.get(site_key(label.given.site))
    return cut is None or label.place > cut


def site_key(site: str) -> str:
    """Name a site in a card without telling other sites of it."""
    return hashlib.sha256(site.encode("utf-8", "replace")).digest()[:8].hex()


def _date(written: str) -> datetime | None:
    """Read a comment's date, in ISO 8601; without a time zone it is UTC."""
    try:
        read = datetime.fromisoformat(written)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
