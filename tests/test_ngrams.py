"""The hashing of n-grams: stable, local to its string, and true to what it says of positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.comment import Comment
from model.ngrams import CHARACTER_ORDERS, FAMILIES, Grams, grams_of
from model.segments import Kind, Parts, Segment, parts_of


def text(string: str) -> Parts:
    return Parts([Segment(Kind.TEXT, string)], [])


def columns(grams: Grams) -> set[int]:
    return set(grams.columns.tolist()) - {0}


def words(string: str) -> list[str]:
    grams = grams_of([text(string)])
    pairs = zip(grams.word_starts.tolist(), grams.word_ends.tolist(), strict=True)
    return ["".join(map(chr, grams.codes[start:end].tolist())) for start, end in pairs]


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        (" it's a test_case, ok? ", ["it's", "a", "test_case", "ok"]),
        ("学习了abc", ["学", "习", "了", "abc"]),
        ("ขอบคุณ", list("ขอบคุณ")),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("a🎰b", ["a", "🎰", "b"]),
        ("", []),
        ("... !!!", []),
    ],
)
def test_words_are_runs_of_letters_or_single_characters_where_there_are_no_blanks(
    string: str, expected: list[str]
) -> None:
    assert words(string) == expected


def test_hashes_stay_what_they_are() -> None:
    """Saved weights are worthless once this changes: raise the artefact's format number then."""
    grams = grams_of([parts_of(Comment(text="Buy now", author="Bob", author_url="http://x.example/a"))])
    assert grams.columns[[0, 5, 20, -12, -1]].tolist() == GOLDEN
    assert len(grams.columns) == GOLDEN_COUNT


GOLDEN = [41470101, 45274189, 29919091, 0, 45821365]
GOLDEN_COUNT = 144


def test_no_ngram_crosses_from_one_string_or_comment_into_the_next() -> None:
    apart = columns(grams_of([text("abc def")])) | columns(grams_of([text("ghi jkl")]))
    assert columns(grams_of([text("abc def"), text("ghi jkl")])) == apart
    both = Parts([Segment(Kind.TEXT, "abc def"), Segment(Kind.TEXT, "ghi jkl")], [])
    assert columns(grams_of([both])) == apart


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.TEXT])
def test_the_same_words_elsewhere_are_other_evidence(kind: Kind) -> None:
    assert not columns(grams_of([text("cheap jerseys")])) & columns(
        grams_of([Parts([Segment(kind, "cheap jerseys")], [])])
    )


def test_positions_point_at_the_ngrams() -> None:
    string = "some words to look at"
    grams = grams_of([text(string)])
    positions = grams.character_positions()
    lengths = np.repeat(CHARACTER_ORDERS, [len(string) + 1 - order + 1 for order in CHARACTER_ORDERS])
    for index in np.flatnonzero(grams.columns[: grams.first_word]).tolist():
        position, length = int(positions[index]), int(lengths[index])
        alone = grams_of([text(string[position : position + length])])
        assert int(grams.columns[index]) in columns(alone)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_sizes_count_the_ngrams_and_batches_change_nothing(strings: list[str]) -> None:
    batch = grams_of([text(string) for string in strings])
    real = np.flatnonzero(batch.columns)
    counted = np.bincount(batch.cells[real], minlength=batch.sizes.size).reshape(batch.sizes.shape)
    assert (counted <= batch.sizes).all()
    assert batch.sizes.sum() - counted.sum() <= 2  # a real n-gram may have column 0 by chance
    for row, string in enumerate(strings):
        alone = grams_of([text(string)])
        in_row = real[batch.cells[real] // len(FAMILIES) == row]
        assert sorted(batch.columns[in_row].tolist()) == sorted(alone.columns[alone.columns != 0].tolist())
        assert (batch.sizes[row] == alone.sizes[0]).all()
