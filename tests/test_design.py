"""Measuring comments for training: what counts as shared, and what chance puts into one column."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from model.comment import Comment
from model.design import Design, design_of, split_by_group
from model.ngrams import FAMILIES, grams_of
from model.segments import Kind, Parts, parts_of

TEXT, NAME = "aacf", "cbjd"
"""Found by search: as characters of a text and of a name they share a column."""


def columns(parts: Parts) -> set[int]:
    return set(grams_of([parts]).columns.tolist())


def measured(comments: list[Comment], sites: list[str]) -> Design:
    return design_of(comments, [number % 2 for number in range(len(comments))], sites)


def test_ngrams_of_two_families_that_share_a_column_by_chance_are_told_apart() -> None:
    of_text, of_name = (
        columns(Parts([(kind, string)], [])) for kind, string in ((Kind.WRITTEN, TEXT), (Kind.AUTHOR, NAME))
    )
    (column,) = of_text & of_name
    named, plain = Comment(text="xyz", author=NAME), Comment(text=TEXT, author="xyz")
    design = measured([named, plain, named, plain], ["a", "a", "b", "b"])
    by_family = {FAMILIES[design.family_of[place]]: place for place in np.flatnonzero(design.columns == column)}
    assert set(by_family) == {"text_characters", "author"}
    counts = design.counts.toarray()
    assert counts[:, by_family["author"]].tolist() == [1, 0, 1, 0]
    assert counts[:, by_family["text_characters"]].tolist() == [0, 1, 0, 1]


def test_only_what_several_sites_have_is_measured() -> None:
    shared, alone = Comment(text="Buy cheap jerseys"), Comment(text="Wie geht es dir?")
    design = measured([shared, alone, alone, shared], ["a", "a", "a", "b"])
    assert set(design.columns.tolist()) == columns(parts_of(shared))
    assert np.diff(design.counts.indptr)[0] == design.sizes[0].sum()


def test_on_a_single_site_it_is_what_several_comments_have() -> None:
    twice, once = Comment(text="Buy cheap jerseys"), Comment(text="Wie geht es dir?")
    design = measured([twice, once, twice], ["a", "a", "a"])
    assert columns(parts_of(twice)) <= set(design.columns.tolist())
    assert not (columns(parts_of(once)) - columns(parts_of(twice))) & set(design.columns.tolist())


def test_a_matrix_split_by_groups_has_every_column_in_its_group_and_its_order() -> None:
    dense = np.random.default_rng(0).random((200, 60)) < 0.1
    group_of = np.random.default_rng(1).integers(0, 3, 60).astype(np.int8)
    parts = split_by_group(sparse.csr_matrix(dense.astype(np.float32)), group_of, 4, dense.sum(axis=0))
    assert len(parts) == 4
    for group, part in enumerate(parts):
        np.testing.assert_array_equal(part.toarray(), dense[:, group_of == group])
