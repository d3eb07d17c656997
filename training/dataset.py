"""Which labelled comments train, how much each site may say, and which sites are left out together.

Owns caps, near-copies, folds and writing templates out. Leaves reading files to ``formats`` and learning to
``model.classifier``.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from training.labelled import LabelledComment

MAX_PER_SITE_AND_LABEL = 4_000
MAX_NEAR_COPIES = 3
NEAR_COPY_LETTERS = 120
NEAR_COPY_CHARACTERS = 1_000
TEXTS_PER_TEMPLATE = 2
MAX_SPUN_CHARACTERS = 3_000
MAX_NESTED_CHOICES = 20
_INNERMOST = re.compile(r"\{([^{}]*)\}")
_NO_LETTER = re.compile(r"[\W\d_]+")


def balanced(examples: Iterable[LabelledComment], seed: int) -> list[LabelledComment]:
    """Keep at most three near-copies a site, and at most 4,000 comments of one label a site, chosen at random.

    So that neither a campaign nor a site outvotes the rest. The order depends on the examples alone.
    """
    copies: Counter[tuple[str, str | None, str]] = Counter()
    by_site: defaultdict[tuple[str, str], list[LabelledComment]] = defaultdict(list)
    for example in examples:
        key = (example.site, example.label, near_copy_key(example.comment.text))
        copies[key] += 1
        if copies[key] <= MAX_NEAR_COPIES:
            by_site[example.site, example.label or ""].append(example)
    rng = np.random.default_rng(seed)
    kept: list[LabelledComment] = []
    for _, group in sorted(by_site.items()):
        if len(group) > MAX_PER_SITE_AND_LABEL:
            chosen = np.sort(rng.choice(len(group), MAX_PER_SITE_AND_LABEL, replace=False))
            group = [group[i] for i in chosen]
        kept.extend(group)
    return kept


def expanded(examples: Iterable[LabelledComment], seed: int) -> Iterator[LabelledComment]:
    """Yield the examples, spam templates in spintax (``{Hello|Hi} there``) as texts that they generate."""
    chooser = random.Random(seed)  # noqa: S311 - a sample, not a secret
    for example in examples:
        if example.label != "spam" or not _is_template(example.comment.text):
            yield example
            continue
        for _ in range(TEXTS_PER_TEMPLATE):
            text = spun(example.comment.text, chooser)[:MAX_SPUN_CHARACTERS]
            yield replace(example, comment=replace(example.comment, text=text))


def _is_template(text: str) -> bool:
    return any("|" in choice for choice in _INNERMOST.findall(text))


def spun(template: str, chooser: random.Random) -> str:
    """Write a template out: one of each ``{this|or that}``, the innermost first.

    At most ``MAX_NESTED_CHOICES`` deep; braces without a choice stay.
    """
    for _ in range(MAX_NESTED_CHOICES):
        text = _INNERMOST.sub(lambda match: _chosen(match, chooser), template)
        if text == template:
            break
        template = text
    return template


def _chosen(match: re.Match[str], chooser: random.Random) -> str:
    return chooser.choice(match[1].split("|")) if "|" in match[1] else match[0]


def near_copy_key(text: str) -> str:
    """Return the first 120 letters, lower-cased, which campaigns share that vary links, numbers and spacing."""
    return _NO_LETTER.sub("", text[:NEAR_COPY_CHARACTERS].lower())[:NEAR_COPY_LETTERS]


def site_folds(sites: Sequence[str], fold_count: int) -> np.ndarray:
    """Put whole sites into folds of about equal size: shape (n,), values 0..fold_count-1, largest sites first."""
    sizes = Counter(sites)
    loads = [0] * fold_count
    fold_of: dict[str, int] = {}
    for site, size in sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])):
        fold = loads.index(min(loads))
        fold_of[site] = fold
        loads[fold] += size
    return np.array([fold_of[site] for site in sites], dtype=np.int64)
