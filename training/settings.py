"""What operators have set for single sites, and who changed what when. Nothing is overwritten: the last change holds.

A change, of a list too, has a number that ascends, so that one small query tells every worker whether there is anything
new. Leaves the lines of lists to ``lists``, and choosing thresholds to ``consequences``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from model.thresholds import Thresholds
from training.database import UtcDateTime, take_turns
from training.tables import NAME_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from training.database import Database

BUDGET = "budget"
LOG_ONLY = "log-only"
KEEP_CHECKS_DAYS = "keep-checks-days"
LISTS, CALLBACKS, KEY = "lists", "callbacks", "key"
"""What can change. The first three have the value that ``SiteSettings`` says, ``None`` for what holds without it; the
others are kept elsewhere, and their values say what was done."""

_changes = sa.Table(
    "setting_changes",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("site", sa.String(NAME_CHARACTERS)),
    sa.Column("setting", sa.String(32)),
    sa.Column("value", sa.LargeBinary),
    sa.Column("changed_by", sa.String(NAME_CHARACTERS)),
    sa.Column("changed_at", UtcDateTime),
)
SETTINGS_LOCK = 0x48414D54


@dataclass(frozen=True, slots=True)
class Change:
    """Who set what of a site to which JSON value, and when (UTC)."""

    number: int
    site: str
    setting: str
    value: Any
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """What holds for a site.

    ``budget`` says how its own thresholds were chosen (``consequences.Choice.as_json``), ``None`` where it has the
    model's. Where ``is_log_only``, verdicts are recorded, and the site is told to allow. ``keep_checks_days`` shortens
    how long checks are remembered, ``None`` for as long as the service keeps them.
    """

    budget: Mapping[str, Any] | None = None
    is_log_only: bool = False
    keep_checks_days: int | None = None

    @property
    def thresholds(self) -> Thresholds | None:
        """The site's own thresholds, ``None`` where it has the model's."""
        return None if self.budget is None else Thresholds(**self.budget["thresholds"])


class SettingsStore:
    """The settings in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> int:
        """Return the number of the last change, 0 where there is none."""
        with self._database.transaction() as connection:
            return connection.execute(sa.select(sa.func.max(_changes.c.number))).scalar() or 0

    def sites_changed(self, after: int) -> list[str]:
        """List the sites of which something changed after that number."""
        chosen = sa.select(_changes.c.site).where(_changes.c.number > after).distinct().order_by(_changes.c.site)
        with self._database.transaction() as connection:
            return list(connection.execute(chosen).scalars())

    def of(self, site: str) -> SiteSettings:
        """Return what holds for a site."""
        found = {name: self._last(site, name) for name in (BUDGET, LOG_ONLY, KEEP_CHECKS_DAYS)}
        return SiteSettings(found[BUDGET], bool(found[LOG_ONLY]), found[KEEP_CHECKS_DAYS])

    def change(self, site: str, setting: str, value: Any, now: datetime, by: str) -> None:
        """Set something of a site."""
        with self._database.transaction() as connection:
            take_turns(connection, SETTINGS_LOCK)
            note_change(connection, site, setting, value, now, by)

    def history(self, site: str, most: int) -> list[Change]:
        """List the changes of a site, the newest first."""
        chosen = sa.select(_changes).where(_changes.c.site == site).order_by(_changes.c.number.desc()).limit(most)
        with self._database.transaction() as connection:
            return [
                Change(row.number, row.site, row.setting, json.loads(row.value), row.changed_by, row.changed_at)
                for row in connection.execute(chosen)
            ]

    def _last(self, site: str, setting: str) -> Any:
        chosen = sa.select(_changes.c.value).where(_changes.c.site == site, _changes.c.setting == setting)
        with self._database.transaction() as connection:
            value = connection.execute(chosen.order_by(_changes.c.number.desc()).limit(1)).scalar_one_or_none()
        return None if value is None else json.loads(value)


def note_change(connection: sa.Connection, site: str, setting: str, value: Any, now: datetime, by: str) -> None:
    """Record a change in a transaction that holds ``SETTINGS_LOCK``, so that numbers become visible in order."""
    row = {
        "site": site,
        "setting": setting,
        "value": json.dumps(value).encode(),
        "changed_by": by[:NAME_CHARACTERS],
        "changed_at": now,
    }
    connection.execute(sa.insert(_changes), row)
