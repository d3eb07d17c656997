"""How surprising letters are: names and words are usual, what a program draws at random is not."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from string import ascii_lowercase

import pytest

from model.comment import Comment
from model.letters import _BITS, MOST_STEPS, surprisal
from model.segments import parts_of
from training.made_up.words import Draw, gibberish, goods_by_language, lines_of, people_by_language, slug


def table_of_the_lists() -> tuple[str, ...]:
    lists = [*map(lines_of, ("blog_words", "nicknames", "places")), *goods_by_language().values()]
    names = [names for kinds in people_by_language().values() for names in kinds.values()]
    bigrams = Counter(bigram for group in (*lists, *names) for word in group for bigram in pairwise(slug(word)))
    rows = []
    for first in ascii_lowercase:
        counts = [bigrams[first, second] for second in ascii_lowercase]
        bits = [-math.log2((count + 0.5) / (sum(counts) + len(counts) / 2)) for count in counts]
        rows.append("".join(str(min(9, round(one))) for one in bits))
    return tuple(rows)


def test_the_table_is_that_of_the_lists() -> None:
    assert table_of_the_lists() == _BITS


@pytest.mark.parametrize(
    ("word", "steps"),
    [
        ("wordpress", 0),
        ("dalewhitmore", 0),
        ("nytimes", 0),
        ("haacked", 1),
        ("szczepan", 2),
        ("lucubgt", 4),
        ("liquid", 1),
        ("marquez", 1),
        ("frwcsehbll", 4),
        ("fwucqvmdxn", 5),
        ("qzxqjzqx", 5),
        ("nfwhdkjdwj rdqskwjfej", 5),
        ("wkwkwkwkwkwkwkwk", None),
        ("hahaha lucu sekali hahahahaha", 0),
        ("用 vtk dlg hwnd 的项目是我本科毕设的一部分", None),
        ("njzcza", 5),
        ("njzcz", None),
        ("1a2b3c4d", None),
        ("f-w-u-c-q-v-m", None),
        ("小明小明小明", None),
        ("", None),
    ],
)
def test_letters_surprise_where_words_do_not_have_them(word: str, steps: int | None) -> None:
    assert surprisal(word) == steps


def test_what_is_drawn_at_random_surprises() -> None:
    draw = Draw(0)
    drawn = [surprisal(gibberish(draw, ascii_lowercase, 6, 13)) or 0 for _ in range(2_000)]
    assert sum(steps >= 3 for steps in drawn) > 0.85 * len(drawn)


@pytest.mark.parametrize(
    ("text", "traits"),
    [
        ("Nfwhdkjdwj rdqskwjfej wkdwodkwkifjejr", {"text_letters_5", "text_letters_5_6"}),
        ("That solved it for me, thank you. " * 2 + "Nfwhdkjdwj rdqskwjfej wkdwodkwkifjejr" * 9, {"text_letters_0"}),
        ("Lucubgt", set()),
        ("太好了，谢谢分享", set()),
    ],
)
def test_how_surprising_the_letters_are_that_a_text_begins_with_is_a_trait(text: str, traits: set[str]) -> None:
    found = {trait for trait in parts_of(Comment(text=text)).traits if "_letters_" in trait}
    assert traits <= found
    assert bool(traits) == bool(found)


@pytest.mark.parametrize(
    ("url", "steps"),
    [
        ("http://www.fwucqvmdxn.com/x", MOST_STEPS),
        ("http://fwucqvmdxn.com?wonderful-gardens", MOST_STEPS),
        ("http://gardens.wonderful@fwucqvmdxn.com:8080", MOST_STEPS),
        ("http://fwucqvmdxn.wonderfulgardens.com", MOST_STEPS),
        ("https://xq.wordpress.com", 0),
        ("https://xn--e1afmkfd.xn--p1ai", None),
        ("https://npmjs.com", None),
    ],
)
def test_the_most_surprising_label_of_the_authors_host_is_a_trait(url: str, steps: int | None) -> None:
    traits = parts_of(Comment(text="Nice", author_url=url)).traits
    found = {trait for trait in traits if trait.startswith("url_letters_")}
    assert found == (set() if steps is None else {f"url_letters_{steps}", f"url_letters_{steps}_3"})
