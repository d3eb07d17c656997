"""The hashing of n-grams: stable, local to its string, and true to what it says of positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.comment import Comment
from model.ngrams import FAMILIES, TEXT_FAMILIES, Grams, grams_of
from model.segments import Kind, Parts, parts_of


def text(string: str) -> Parts:
    return Parts([(Kind.TEXT, string), (Kind.WRITTEN, string)], [])


def columns(grams: Grams) -> set[int]:
    return set(grams.columns.tolist())


def words(string: str) -> list[str]:
    grams = grams_of([Parts([(Kind.TEXT, string)], [])])
    pairs = zip(grams.word_starts.tolist(), grams.word_ends.tolist(), strict=True)
    return [grams.joined[start:end] for start, end in pairs]


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


GOLDEN = [176826570, 98809388, 1471605, 83232165, 197212945]
GOLDEN_COUNT = 117


def test_no_ngram_crosses_from_one_string_or_comment_into_the_next() -> None:
    apart = columns(grams_of([text("abc def")])) | columns(grams_of([text("ghi jkl")]))
    assert columns(grams_of([text("abc def"), text("ghi jkl")])) == apart
    both = Parts([*text("abc def").segments, *text("ghi jkl").segments], [])
    assert columns(grams_of([both])) == apart


@pytest.mark.parametrize("kind", [Kind.AUTHOR, Kind.URL, Kind.LINK, Kind.ANCHOR, Kind.EMAIL])
def test_the_same_words_elsewhere_are_other_evidence(kind: Kind) -> None:
    assert not columns(grams_of([text("cheap jerseys")])) & columns(grams_of([Parts([(kind, "cheap jerseys")], [])]))


def test_ngrams_of_the_text_know_the_word_they_begin_in() -> None:
    name = (Kind.AUTHOR, "a name")
    of_words = grams_of([Parts([(Kind.TEXT, "some words to look at"), name], [])])
    of_characters = grams_of([Parts([(Kind.WRITTEN, "some words to look at"), name], [])])
    for grams in (of_words, of_characters):
        assert ((grams.words >= 0) == (grams.cells < TEXT_FAMILIES)).all()
    # The blank before a word is the word's; an n-gram of up to five characters fits less often near the end.
    in_text = of_characters.words[of_characters.words >= 0]
    assert np.bincount(in_text).tolist() == [4 * 4, 6 * 4, 3 * 4, 4 * 4 + 3, 2 + 1]
    assert np.bincount(of_words.words[of_words.words >= 0]).tolist() == [6, 5, 4, 2, 1]


def test_an_ngram_counts_once_however_often_it_stands() -> None:
    once, often = grams_of([text("buy now")]), grams_of([text("buy now buy now")])
    assert len(set(often.columns.tolist())) == len(often.columns)
    assert columns(once) < columns(often)
    flood = grams_of([text("😀" * 1_000)])
    assert flood.sizes.sum() == 4 + 6


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_sizes_count_the_ngrams_and_batches_change_nothing(strings: list[str]) -> None:
    batch = grams_of([text(string) for string in strings])
    counted = np.bincount(batch.cells, minlength=batch.sizes.size).reshape(batch.sizes.shape)
    assert (counted == batch.sizes).all()
    for row, string in enumerate(strings):
        alone = grams_of([text(string)])
        in_row = batch.cells // len(FAMILIES) == row
        assert sorted(batch.columns[in_row].tolist()) == sorted(alone.columns.tolist())
        assert (batch.sizes[row] == alone.sizes[0]).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_ngrams_of_characters_are_those_of_two_to_five_up_to_a_strings_end(strings: list[str]) -> None:
    sizes = grams_of([Parts([(Kind.WRITTEN, string)], []) for string in strings]).sizes.sum(axis=1)
    read = [string.replace("\x00", " ") for string in strings]
    assert sizes.tolist() == [
        len({string[start:end] for end in range(len(string) + 1) for start in range(max(end - 5, 0), end - 1)})
        for string in read
    ]
