"""How a site's comments are processed, as it is really configured: the facts, and what follows from them to be said.

Owns which statement holds when. Leaves their words to ``catalogues``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from model.comment import FIELD_NAMES
from model.relation import RELATED
from training.forgetting import UNREAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.catalogues import Catalogue
    from service.config import Config
    from training.accounts import Account
    from training.settings import SiteSettings

READ = ("text", "author", "author_url", "author_email", "permalink", *RELATED)
"""What the model reads; of the e-mail address its domain alone."""
AS_SENT = tuple(name for name in FIELD_NAMES if name not in ("author_email", "user_ip"))


@dataclass(frozen=True, slots=True)
class Processing:
    """The facts of one site; 0 days: not kept at all."""

    site: str
    is_log_only: bool
    keep_checks_days: float
    keep_reports_days: float
    strip_labels_days: float
    hash_addresses: bool
    share_labels: bool
    retrains: bool
    moderators: int
    admins: int
    callback_hosts: tuple[str, ...]
    contact: str

    @classmethod
    def of(
        cls, site: str, config: Config, settings: SiteSettings, accounts: list[Account], hosts: tuple[str, ...]
    ) -> Processing:
        """Gather what holds for a site."""
        own_days = settings.keep_checks_days
        days = config.keep_checks_days if own_days is None else min(own_days, config.keep_checks_days)
        admins = sum(account.is_admin for account in accounts)
        return cls(
            site=site,
            is_log_only=settings.is_log_only,
            keep_checks_days=days,
            keep_reports_days=config.keep_reports_days,
            strip_labels_days=config.strip_labels_days,
            hash_addresses=config.hash_addresses,
            share_labels=config.share_labels,
            retrains=bool(config.retrain_every),
            moderators=sum(account.may_see(site) for account in accounts) - admins,
            admins=admins,
            callback_hosts=hosts,
            contact=config.privacy_contact,
        )

    def statements(self) -> Iterator[Statement]:
        """Yield all that is to be said, in order."""
        yield from self._purpose()
        yield from self._kept()
        yield from self._learnt()
        yield from self._seen()
        yield from self._rights()

    def as_json(self, catalogue: Catalogue) -> dict[str, Any]:
        """Return the facts and what is said of them, as plain JSON values."""
        said = [
            {"section": one.section, "statement": one.name, "text": one.text(catalogue)} for one in self.statements()
        ]
        return {"language": catalogue.language, "facts": asdict(self), "statements": said}

    def _purpose(self) -> Iterator[Statement]:
        yield _statement("purpose", "checked", site=self.site)
        yield _statement("purpose", "log_only" if self.is_log_only else "automatic")
        yield _statement("purpose", "received", fields=FIELD_NAMES)
        yield _statement("purpose", "read", fields=READ)

    def _kept(self) -> Iterator[Statement]:
        if self.keep_checks_days:
            yield _statement("kept", "checks", days=self.keep_checks_days)
        else:
            yield _statement("kept", "no_checks")
        yield _statement("kept", "labels")
        yield _statement("kept", "stripped", days=self.strip_labels_days, fields=UNREAD)
        yield _statement("kept", "hashed" if self.hash_addresses else "plain")
        yield _statement("kept", "as_sent", fields=AS_SENT)
        yield _statement("kept", "uploads")
        yield _statement("kept", "reports", days=self.keep_reports_days)
        yield _statement("kept", "campaigns")
        yield _statement("kept", "statistics")

    def _learnt(self) -> Iterator[Statement]:
        yield _statement("learnt", "at_once")
        yield _statement("learnt", "shared" if self.share_labels else "own")
        yield _statement("learnt", "retrained" if self.retrains else "retrainable")

    def _seen(self) -> Iterator[Statement]:
        yield _statement("seen", "accounts", moderators=self.moderators, admins=self.admins)
        yield _statement("seen", "operator")
        if self.callback_hosts:
            yield _statement("seen", "callbacks", hosts=self.callback_hosts)
            if not self.hash_addresses:
                yield _statement("seen", "callback_email")
        yield _statement("seen", "nobody_else")

    def _rights(self) -> Iterator[Statement]:
        yield _statement("rights", "export_and_erase")
        yield _statement("rights", "versions")
        if self.contact:
            yield _statement("rights", "contact", contact=self.contact)
        else:
            yield _statement("rights", "no_contact", site=self.site)


class Statement(NamedTuple):
    """A sentence or two of a section, and the values in it."""

    section: str
    name: str
    values: dict[str, Any]

    def text(self, catalogue: Catalogue) -> str:
        """Word it."""
        return catalogue.text(self.section, self.name, **self.values)


def _statement(section: str, name: str, **values: Any) -> Statement:
    return Statement(section, name, values)
