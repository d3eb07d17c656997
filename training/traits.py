"""What strikes one about a comment at first sight, as words to count by: its length, links, script, author's address.

Coarse on purpose: drift is seen, and slices are compared, by a handful of values each. What the model itself looks at
is in ``model.segments`` and ``model.traits``.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from model.scripts import MAX_LETTERS, script_of_letter
from model.text import read

if TYPE_CHECKING:
    from model.comment import Comment

SHORT, LONG = 80, 400
NOTHING = "none"


def traits_of(comment: Comment) -> dict[str, str]:
    """Return the value of each trait."""
    reading = read(comment.text)
    return {
        "length": _length(len(reading.plain)),
        "links": str(len(reading.links)) if len(reading.links) < 3 else "3 or more",
        "script": script_of(reading.plain),
        "author_url": "given" if comment.author_url else NOTHING,
    }


def script_of(text: str) -> str:
    """Return the script that most of the first letters are of, as Unicode calls it: latin, cyrillic, cjk, ..."""
    letters = islice(filter(str.isalpha, text), MAX_LETTERS)
    counts = Counter(map(script_of_letter, letters))
    return max(sorted(counts), key=counts.__getitem__, default=NOTHING)


def _length(characters: int) -> str:
    return "short" if characters < SHORT else "medium" if characters < LONG else "long"
