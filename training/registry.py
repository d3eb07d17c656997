"""Model versions in the database, beside the labels, and which of them is served.

A version is the bytes of one artefact: they never change, and are verified whenever they are read. What is served is
the version promoted last; a rollback returns to the one before; where nothing is promoted it is the model file that
the service was started with. Owns those rules. Leaves whether a version may be promoted to ``gate``.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from model.artifact import ArtifactError, load, unpacked
from training.database import StoreError, UtcDateTime, take_turns

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from model.artifact import Filter
    from training.database import Database

_NAME_CHARACTERS = 253
_REASON_CHARACTERS = 1_000
_schema = sa.MetaData()
_versions = sa.Table(
    "versions",
    _schema,
    sa.Column("version", sa.String(16), primary_key=True),
    sa.Column("added_at", UtcDateTime),
    sa.Column("added_by", sa.String(_NAME_CHARACTERS)),
    sa.Column("card", sa.LargeBinary),
    sa.Column("artefact", sa.LargeBinary),
)
_promotions = sa.Table(
    "promotions",
    _schema,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("version", sa.String(16)),
    sa.Column("is_rollback", sa.Boolean),
    sa.Column("is_forced", sa.Boolean),
    sa.Column("promoted_at", UtcDateTime),
    sa.Column("promoted_by", sa.String(_NAME_CHARACTERS)),
    sa.Column("reason", sa.String(_REASON_CHARACTERS)),
)
_PROMOTIONS_LOCK = 0x48414D50

_log = logging.getLogger("hamgate.registry")


class UnknownVersionError(StoreError):
    """There is no such version, or more than one begins like that."""


class ServedVersionChangedError(StoreError):
    """Somebody else promoted or rolled back since the version was compared with what was served then."""


class NothingToRollBackError(StoreError):
    """Nothing is promoted, so the model file is served already."""


@dataclass(frozen=True, slots=True)
class Version:
    """A registered model: its content address, when (UTC) and by whom it was added, and its card."""

    version: str
    added_at: datetime
    added_by: str
    card: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What was served from then on (``None``: the model file), who said so, and if the gate was overruled, and why."""

    number: int
    version: str | None
    is_rollback: bool
    is_forced: bool
    promoted_at: datetime
    promoted_by: str
    reason: str | None


class Registry:
    """The versions and promotions in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, content: bytes, now: datetime, by: str) -> str:
        """Register an artefact's bytes and return its version; one that is there already stays as it is.

        Raises:
            ArtifactError: they are no model.
        """
        model = unpacked(content, "the new version")
        row = {
            "version": model.version,
            "added_at": now,
            "added_by": by[:_NAME_CHARACTERS],
            "card": json.dumps(model.card).encode(),
            "artefact": content,
        }
        with self._database.transaction() as connection:
            take_turns(connection, _PROMOTIONS_LOCK)
            known = connection.execute(sa.select(_versions.c.version).where(_versions.c.version == model.version))
            if known.one_or_none() is None:
                connection.execute(sa.insert(_versions).values(row))
        return model.version

    def versions(self) -> list[Version]:
        """List what is registered, oldest first."""
        columns = [_versions.c[name] for name in ("version", "added_at", "added_by", "card")]
        with self._database.transaction() as connection:
            rows = connection.execute(sa.select(*columns).order_by(_versions.c.added_at, _versions.c.version)).all()
        return [Version(row.version, row.added_at, row.added_by, json.loads(row.card)) for row in rows]

    def find(self, beginning: str) -> Version:
        """Return the one version that begins like that.

        Raises:
            UnknownVersionError: there is none, or more than one.
        """
        versions = self.versions()
        found = [version for version in versions if beginning and version.version.startswith(beginning)]
        if len(found) != 1:
            known = ", ".join(version.version for version in found or versions) or "none"
            raise UnknownVersionError(f"found {len(found)} versions {beginning!r}, expected one; known: {known}")
        return found[0]

    def content(self, version: str) -> bytes:
        """Return a version's bytes, not yet verified.

        Raises:
            UnknownVersionError: there is none of that name.
        """
        with self._database.transaction() as connection:
            chosen = sa.select(_versions.c.artefact).where(_versions.c.version == version)
            content = connection.execute(chosen).scalar_one_or_none()
        if content is None:
            raise UnknownVersionError(f"there is no version {version!r}")
        return bytes(content)

    def load(self, version: str) -> Filter:
        """Load and verify a version.

        Raises:
            UnknownVersionError: there is none of that name.
            ArtifactError: its bytes are not what they were.
        """
        return verified(self.content(version), version)

    def promotions(self) -> list[Promotion]:
        """List every promotion and rollback, oldest first."""
        with self._database.transaction() as connection:
            return _promoted(connection)

    def newest_promotion(self) -> tuple[int, str | None]:
        """Return the number of the last promotion and what is served since; 0 and ``None`` where there is none."""
        chosen = sa.select(_promotions.c.number, _promotions.c.version).order_by(_promotions.c.number.desc()).limit(1)
        with self._database.transaction() as connection:
            row = connection.execute(chosen).one_or_none()
        return (0, None) if row is None else (row.number, row.version)

    def served(self) -> str | None:
        """Return the version that is served, ``None`` for the model file."""
        return self.newest_promotion()[1]

    def load_served(self, base: Path) -> Filter:
        """Load the version promoted last, or ``base``, the model file, where there is none or it can't be loaded.

        A version of an older format can't, nor one whose bytes are damaged; a service that starts then serves the model
        file as well. The log says so.

        Raises:
            ArtifactError: the model file is no model.
            OSError: it can't be read.
        """
        version = self.served()
        if version is not None:
            try:
                return self.load(version)
            except (ArtifactError, UnknownVersionError) as error:
                _log.warning("the promoted version can't be loaded, so the model file counts as served: %s", error)
        return load(base)

    def promote(
        self,
        version: str,
        now: datetime,
        by: str,
        is_forced: bool = False,
        upon: int | None = None,
        reason: str | None = None,
    ) -> None:
        """Have a registered version served from now on; nothing changes where it is already.

        ``upon`` is the number of the last promotion that the caller knows of, ``reason`` why the gate was overruled.

        Raises:
            UnknownVersionError: there is none of that name.
            ServedVersionChangedError: there has been a promotion after ``upon``.
        """
        with self._database.transaction() as connection:
            take_turns(connection, _PROMOTIONS_LOCK)
            known = connection.execute(sa.select(_versions.c.version).where(_versions.c.version == version))
            if known.one_or_none() is None:
                raise UnknownVersionError(f"there is no version {version!r}")
            before = _promoted(connection)
            if upon is not None and (before[-1].number if before else 0) != upon:
                raise ServedVersionChangedError(
                    f"{before[-1].promoted_by} has changed what is served since {version} was compared with it; "
                    "compare again"
                )
            if not before or before[-1].version != version:
                _insert(connection, version, now, by, is_forced=is_forced, reason=reason)

    def roll_back(self, now: datetime, by: str) -> str | None:
        """Have what was served before the last promotion served again, and return it; ``None`` is the model file.

        Several rollbacks go back further.

        Raises:
            NothingToRollBackError: nothing is promoted.
        """
        with self._database.transaction() as connection:
            take_turns(connection, _PROMOTIONS_LOCK)
            standing: list[str | None] = [None]
            for promotion in _promoted(connection):
                if promotion.is_rollback:
                    standing.pop()
                else:
                    standing.append(promotion.version)
            if len(standing) == 1:
                raise NothingToRollBackError("nothing is promoted, so there is nothing to roll back")
            _insert(connection, standing[-2], now, by, is_rollback=True)
            return standing[-2]


def verified(content: bytes, version: str) -> Filter:
    """Unpack what a registry holds under a version, which must be that version's bytes.

    Raises:
        ArtifactError: they are not.
    """
    model = unpacked(content, f"version {version}")
    if model.version != version:
        raise ArtifactError(f"version {version}: holds the bytes of {model.version}")
    return model


def _insert(
    connection: sa.Connection,
    version: str | None,
    now: datetime,
    by: str,
    *,
    is_rollback: bool = False,
    is_forced: bool = False,
    reason: str | None = None,
) -> None:
    row = {
        "version": version,
        "is_rollback": is_rollback,
        "is_forced": is_forced,
        "promoted_at": now,
        "promoted_by": by[:_NAME_CHARACTERS],
        "reason": None if reason is None else reason.replace("\x00", "")[:_REASON_CHARACTERS],
    }
    connection.execute(sa.insert(_promotions).values(row))


def _promoted(connection: sa.Connection) -> list[Promotion]:
    return [Promotion(*row) for row in connection.execute(sa.select(_promotions).order_by(_promotions.c.number))]
