"""The made-up examples, of as many spam as ham."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from model.comment import Comment
from training.labelled import LabelledComment
from training.made_up.senders import Sender, advertiser, visitor
from training.made_up.texts import templates_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.labelled import Label
    from training.made_up.texts import Template
    from training.made_up.words import Draw

SENDERS = 4_000
"""Examples of each label that are a sender's name, link and address alone."""
PER_TEMPLATE = 3
SITES = ("made-up-1", "made-up-2")
"""Two, for an n-gram must be met at two sites: so it must stand in two examples."""
SOURCE = "template"
"""Trains, and sets no threshold."""
SHARE_WITHOUT_SENDER = 0.12
"""Of texts; there are sites that ask for no name."""


def made_up_examples(seed: int) -> list[LabelledComment]:
    """Make up the examples; the same seed makes the same."""
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    comments = [*_senders(draw, "spam"), *_senders(draw, "ham"), *_texts(draw, "spam"), *_texts(draw, "ham")]
    return [
        LabelledComment(comment=comment, label=label, site=SITES[number % len(SITES)], label_source=SOURCE)
        for number, (label, comment) in enumerate(comments)
    ]


def _senders(draw: Draw, label: Label) -> Iterator[tuple[Label, Comment]]:
    for _ in range(SENDERS):
        yield label, _comment("", advertiser(draw) if label == "spam" else visitor(draw))


def _texts(draw: Draw, label: Label) -> Iterator[tuple[Label, Comment]]:
    for template in templates_of(label):
        for _ in range(PER_TEMPLATE):
            sender = visitor(draw, template.language) if label == "ham" else _advertiser_of(draw, template)
            text = written(draw, template, label, sender)
            yield label, _comment(text, Sender("", "", "") if draw.random() < SHARE_WITHOUT_SENDER else sender)


def _advertiser_of(draw: Draw, template: Template) -> Sender:
    """Make up who sends spam of a kind."""
    if not template.is_signed and draw.random() < 0.75:
        return advertiser(draw)
    name, _, email = visitor(draw, template.language)
    return Sender(name, advertiser(draw).url if draw.random() < 0.2 else "", email)


def _comment(text: str, sender: Sender) -> Comment:
    return Comment(text=text, author=sender.name, author_url=sender.url, author_email=sender.email)
