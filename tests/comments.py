"""Made-up comments, as many as a test needs: spam of one kind, that no filter knows yet, and what people say."""

from __future__ import annotations

import random

from model.comment import Comment

_WHO = ("my neighbour", "our cousin", "a colleague", "the wife", "somebody at the station", "an old friend", "the boss")
_VERB = ("sold", "traded", "kept", "swapped", "grew", "polished", "collected", "restored", "catalogued", "insured")
_WHAT = ("tin kettles", "garden gnomes", "brass buttons", "clay whistles", "tram tickets", "wax seals", "milk caps")
_WHERE = ("in Lisbon", "by the lake", "at the fair", "near Graz", "on a ferry", "behind the mill", "in the attic")
_BAIT = ("zorbex vault", "zorbex ledger", "zorbex tokens", "the zorbex club")
_TALK = ("I doubt that", "You are right about that", "That is odd", "Thanks for explaining", "I tried this yesterday")
_POINT = ("the second step", "the diagram", "what you say of the old version", "the last paragraph", "the recipe")
_MORE = ("fails on my machine", "needs a source", "made me laugh", "is what my sister always says", "could be shorter")


def campaign(count: int, seed: int = 0) -> list[Comment]:
    """Make spam for one product, each with other words around it."""
    chooser = random.Random(seed)  # noqa: S311 - a sample, not a secret
    pick = chooser.choice
    return [
        Comment(
            text=f"{pick(_WHO).capitalize()} {pick(_VERB)} {pick(_WHAT)} {pick(_WHERE)} and put {number * 7 + seed} "
            f"into {pick(_BAIT)}, now {pick(_WHO)} joined zorbex too {pick(_WHERE)}",
            author=pick(("Ana", "Ben", "Cem", "Dora")),
        )
        for number in range(count)
    ]


def conversation(count: int, seed: int = 0) -> list[Comment]:
    """Make comments of readers who have read what they comment on."""
    chooser = random.Random(seed + 1_000_000)  # noqa: S311 - a sample, not a secret
    pick = chooser.choice
    return [
        Comment(
            text=f"{pick(_TALK)}: {pick(_POINT)} {pick(_MORE)}, {pick(_WHO)} {pick(_VERB)} {pick(_WHAT)} {number} "
            f"times {pick(_WHERE)}. And {pick(_POINT)} {pick(_MORE)}.",
            author=pick(("Ana", "Ben", "Cem", "Dora")),
        )
        for number in range(count)
    ]
