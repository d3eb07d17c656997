"""With which key addresses are hashed where comments are stored, and whether they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.labels import LabelStore
from training.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from service.secret import Secret
    from training.database import Database


def pseudonyms_with(secret: Secret) -> Pseudonyms:
    """Return the pseudonyms of all who use this secret."""
    return Pseudonyms(secret.key("addresses"))


def label_store(database: Database, secret: Secret, hash_addresses: bool) -> LabelStore:
    """Open the label store to write to it."""
    return LabelStore(database, pseudonyms_with(secret) if hash_addresses else None)
