"""What strikes one about a comment at first sight, as words to count by: its length, links, script, author's address.

Coarse on purpose: drift is seen, and slices are compared, by a handful of values each. What the model itself looks at
is in ``model.segments`` and ``model.traits``.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from model.text import read

if TYPE_CHECKING:
    from model.comment import Comment

MAX_LETTERS = 200
"""So many letters tell a text's script."""
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
    counts = Counter(map(_script, letters))
    return max(sorted(counts), key=counts.__getitem__, default=NOTHING)


def _length(characters: int) -> str:
    return "short" if characters < SHORT else "medium" if characters < LONG else "long"


@lru_cache(4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, NOTHING).partition(" ")[0].lower()
