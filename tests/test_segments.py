"""What is looked at in a comment's name and links: their words, and how they are written."""

from __future__ import annotations

import pytest

from model.comment import Comment
from model.ngrams import grams_of
from model.segments import Kind, Parts, parts_of


def traits(author: str = "", author_url: str = "") -> list[str]:
    return parts_of(Comment(text="Hi", author=author, author_url=author_url)).traits


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("Jane Doe", "title"),
        ("jane", "lower"),
        ("JANE", "upper"),
        ("Best seo tools", "first"),
        ("cheap nhl Jerseys", "mixed"),
        ("小明", "mixed"),
        ("Жанна", "title"),
    ],
)
def test_the_case_of_a_name_is_a_trait(name: str, case: str) -> None:
    assert f"name_{case}" in traits(name)
    assert f"name_{case}_{name.count(' ') + 1}" in traits(name)


@pytest.mark.parametrize(
    ("url", "has_capitals"),
    [
        ("http://Www.Shoes.example/a", True),
        ("https://Shoes.example", True),
        ("HTTP://shoes.example/A", False),
        ("http://shoes.example/Cheap-Shoes", False),
        ("", False),
    ],
)
def test_capitals_in_the_host_of_the_authors_link_are_a_trait(url: str, has_capitals: bool) -> None:
    assert ("url_host_capitals" in traits("Jane", url)) == has_capitals


def test_names_and_links_keep_their_case() -> None:
    comment = Comment(text="see http://Shoes.example/A", author="Jane Doe", author_url="http://Www.Shoes.example/B/")
    strings = dict(parts_of(comment).segments)
    assert strings[Kind.AUTHOR] == " Jane Doe "
    assert strings[Kind.URL] == " Www.Shoes.example/B "
    assert strings[Kind.LINK] == " Shoes.example/A "


def test_a_name_in_its_link_is_found_in_any_case() -> None:
    assert traits("Cheap Shoes", "http://CHEAP-shoes.example").count("name_in_url_4") == 1


@pytest.mark.parametrize(("one", "other"), [("Cheap SHOES", "cheap shoes"), ("ДЕШЁВЫЕ туфли", "дешёвые туфли")])
def test_words_count_as_the_same_in_any_case_and_characters_do_not(one: str, other: str) -> None:
    grams, others = (grams_of([Parts([(Kind.AUTHOR, name)], [])]) for name in (one, other))
    words, other_words = grams.columns[grams.is_word], others.columns[others.is_word]
    assert words.tolist() == other_words.tolist()
    assert set(grams.columns[~grams.is_word].tolist()) != set(others.columns[~others.is_word].tolist())


def test_pings_are_told_from_what_people_write() -> None:
    kinds = ("pingback", "trackback", "comment", "reply", "")
    assert grams_of([parts_of(Comment(text="x", type=kind)) for kind in kinds]).is_ping.tolist() == [
        True,
        True,
        *3 * [False],
    ]
