"""What the shape of a comment is, and that it is no more than that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.comment import Comment
from model.ngrams import FAMILIES, grams_of
from model.segments import parts_of
from model.shape import MAX_CHARACTERS, shaped
from model.sketch import sketches_of

SHAPE = FAMILIES.index("shape")


def shape_of(string: str) -> list[int]:
    codes = np.frombuffer(string.encode("utf-32-le", "surrogatepass"), np.uint32)
    shape = np.empty(len(codes), np.uint32)
    return shape[: shaped(codes, shape)].tolist()


def ngrams_of_shape(comment: Comment) -> set[int]:
    grams = grams_of([parts_of(comment)])
    return set(grams.columns[grams.cells == SHAPE].tolist())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("visit my shop", "enjoy big wins"),
        ("a b c", "a b c d"),
        ("Nice Post", "Good Work"),
        ("SEO", "VPN"),
        ("don't", "cant"),
        ("don’t", "cant"),
        ("12345", "987654321"),
        ("so \x07nice", "so nice"),
        ("nic\u0301e", "nice"),
        ("спасибо", "полезно"),
        ("😀", "🎰"),
        ("see http://a.example/b/c", "see HTTPS://other.example/d/e"),
        ("see http://a.example", "see www.other.example"),
        ("\r\n", "\n"),
    ],
)
def test_what_is_said_makes_no_shape(one: str, other: str) -> None:
    assert shape_of(one) == shape_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nice post", "Nice post"),
        ("Nice post", "Nice Post"),
        ("Nice", "NICE"),
        ("Nice", "NIce"),
        ("I", "A1"),
        ("a b c d", "a b c d e"),
        ("nice,post", "nice , post"),
        ("nice post", "nice  post"),
        ("nice\npost", "nice\n\npost"),
        ("nice\npost", "nice \npost"),
        ("nice\npost", "nice\n post"),
        ("nice!", "nice?"),
        ("12", "123"),
        ("спасибо", "thanks"),
        ("спасибо", "感谢博主"),
        ("да", "пожалуйста"),
        ("http://a.example", "http://a.example/"),
        ("http://a.example/b", "http://a.example/b/c"),
        ("http://a.example", "a.example"),
        ("😀", "!"),
    ],
)
def test_how_it_is_laid_out_makes_the_shape(one: str, other: str) -> None:
    assert shape_of(one) != shape_of(other)


def test_a_link_ends_where_its_markup_does() -> None:
    assert shape_of("<a href='http://a.example/b'>it</a>") == shape_of("<a href='http://other.example/c'>me</a>")
    assert shape_of("(http://a.example)")[-1:] == shape_of(")")


@given(st.text(st.sampled_from("aAwW:/.'1 \n\r\x1f\u0301я学😀<") | st.characters(), max_size=60))
def test_a_shape_is_no_longer_than_its_string(string: str) -> None:
    assert len(shape_of(string)) <= len(string)


@given(st.text(st.sampled_from("aAwW:/.'1 \n\r\x1f\u0301я学😀<"), max_size=30), st.sampled_from("aA:/.'1 \n\u0301я"))
def test_what_stands_behind_a_string_has_no_part_in_its_shape(string: str, behind: str) -> None:
    codes = np.frombuffer((string + 8 * behind).encode("utf-32-le"), np.uint32)
    shape = np.empty(len(codes), np.uint32)
    assert shape[: shaped(codes[: len(string)], shape)].tolist() == shape_of(string)


def test_comments_of_one_form_have_the_same_ngrams_of_shape() -> None:
    one = Comment(
        text="Great post, thanks!\n\n\nhttps://a.example/", author="cheap shoes", author_url="http://b.example/c"
    )
    other = Comment(
        text="Good stuff, really!\n\n\nhttps://d.example/", author="big wins", author_url="http://e.example/f"
    )
    assert ngrams_of_shape(one) == ngrams_of_shape(other)
    assert ngrams_of_shape(one) != ngrams_of_shape(Comment(text=one.text))


def test_an_empty_comment_has_no_shape_and_a_long_text_only_that_of_its_beginning() -> None:
    assert not ngrams_of_shape(Comment(text=""))
    words = "Word, " * (MAX_CHARACTERS // 6 + 1)
    assert ngrams_of_shape(Comment(text=words + "123! " * 5)) == ngrams_of_shape(Comment(text=words))


def test_comments_are_not_taken_for_near_duplicates_for_their_shape() -> None:
    grams = grams_of([parts_of(Comment(text="Nice post, thanks!", author="Jane"))])
    sizes = grams.sizes.copy()
    sizes[0, SHAPE] = 0
    shapeless = replace(grams, columns=grams.columns[grams.cells != SHAPE], sizes=sizes)
    assert len(shapeless.columns) < len(grams.columns)
    assert sketches_of(grams) == sketches_of(shapeless)
