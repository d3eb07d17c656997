"""The made-up examples, of spam and ham."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING

from model.comment import Comment
from training.labelled import LabelledComment
from training.made_up.senders import Sender, advertiser, bot, firm, nameless, visitor
from training.made_up.texts import templates_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.labelled import Label
    from training.made_up.texts import Template
    from training.made_up.words import Draw

SENDERS = 4_000
"""Examples of each label that are a sender's name, link and address alone."""
SHARE_OF_FIRMS = 0.08
"""Of the senders of ham."""
PER_TEMPLATE = 3
PER_TEMPLATE_OF_BOTS = 6
PER_STORY = 90
PER_TEMPLATE_OF_LETTERS = 60
"""Of those of letters drawn at random, no two of which are alike."""
SITES = tuple(f"made-up-{number}" for number in range(1, 7))
"""Six: an n-gram must be met at two sites, and the more sites examples are dealt to, the more they weigh together."""
SOURCE = "template"
"""Trains, and sets no threshold."""
SHARE_WITHOUT_SENDER = 0.12
"""Of texts; there are sites that ask for no name."""
SHARE_OF_NAMELESS = 0.04
"""Of texts; there are platforms that show a name for those who give none."""


@cache
def made_up_examples(seed: int) -> Sequence[LabelledComment]:
    """Make up the examples; the same seed makes the same."""
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    comments = [*_senders(draw, "spam"), *_senders(draw, "ham"), *_texts(draw, "spam"), *_texts(draw, "ham")]
    return tuple(
        LabelledComment(comment=comment, label=label, site=SITES[number % len(SITES)], label_source=SOURCE)
        for number, (label, comment) in enumerate(comments)
    )


def _senders(draw: Draw, label: Label) -> Iterator[tuple[Label, Comment]]:
    for _ in range(SENDERS):
        if label == "spam":
            sender = advertiser(draw)
        else:
            sender = firm(draw) if draw.random() < SHARE_OF_FIRMS else visitor(draw)
        yield label, _comment("", sender)


def _texts(draw: Draw, label: Label) -> Iterator[tuple[Label, Comment]]:
    for template in templates_of(label):
        for _ in range(_times(template)):
            sender = _sender_of_ham(draw, template) if label == "ham" else _sender_of_spam(draw, template)
            text = written(draw, template, label, sender)
            if not _is_told_by_sender(label, template):
                sender = _less_known(draw, sender)
            yield label, _comment(text, sender, template.language)


def _less_known(draw: Draw, sender: Sender) -> Sender:
    """Leave a sender out, or call it what platforms call those who give no name, or leave it as it is."""
    kind = draw.random()
    if kind < SHARE_WITHOUT_SENDER:
        return Sender("", "", "")
    return nameless(draw) if kind < SHARE_WITHOUT_SENDER + SHARE_OF_NAMELESS else sender


def _times(template: Template) -> int:
    """How often a template is written out."""
    if "{letters}" in template.text:
        return PER_TEMPLATE_OF_LETTERS
    if template.is_story:
        return PER_STORY
    return PER_TEMPLATE_OF_BOTS if template.by == "bot" else PER_TEMPLATE


def _sender_of_ham(draw: Draw, template: Template) -> Sender:
    return (firm if template.by == "firm" else visitor)(draw, template.language)


def _sender_of_spam(draw: Draw, template: Template) -> Sender:
    if template.by == "bot":
        return bot(draw)
    if _is_told_by_sender("spam", template) or (template.by != "person" and draw.random() < 0.75):
        return advertiser(draw, template.language)
    name, _, email = visitor(draw, template.language)
    return Sender(name, advertiser(draw, template.language).url if draw.random() < 0.2 else "", email)


def _is_told_by_sender(label: Label, template: Template) -> bool:
    """Whether a text may be as harmless as it looks, and it takes its sender's name and link to tell."""
    if label == "ham" or template.by == "person":
        return False
    return template.by in ("bot", "advertiser") or not template.has_offer


def _comment(text: str, sender: Sender, language: str = "") -> Comment:
    return Comment(text=text, author=sender.name, author_url=sender.url, author_email=sender.email, lang=language)
