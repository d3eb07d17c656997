"""The answer to a check: a decision, the score behind it, and the reasons for the score."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Decision(StrEnum):
    """What the site should do, from mildest to strictest."""

    ALLOW = "allow"
    REVIEW = "review"
    BLOCK = "block"
    DISCARD = "discard"


TAUGHT = "labels"
"""The feature of the reason that says what people's labels have taught since the model was trained."""


class Reason(NamedTuple):
    """One additive contribution to the score's log-odds: positive speaks for spam, negative for ham."""

    feature: str
    weight: float
    text: str


class Verdict(NamedTuple):
    """Decision, calibrated P(spam), its reasons, and the version of the model that said so.

    ``sketch`` is what ``model.sketch`` makes of the comment, to tell near-duplicates by.
    """

    decision: Decision
    score: float
    reasons: tuple[Reason, ...]
    model: str
    sketch: bytes = b""
