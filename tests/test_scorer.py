"""The scorer: its table of weights, and how a comment's log-odds are made of them."""

from __future__ import annotations

import numpy as np
import pytest

from model.ngrams import COLUMN_BITS, FAMILIES, runs_of
from model.scorer import Scorer, packed_table, unpacked_table


def test_a_table_comes_apart_as_it_was_put_together() -> None:
    columns = np.array([3, 4, 1 << 10, (1 << COLUMN_BITS) - 1])
    weights = np.array([[-127, 1, 5, 0], [127, 2, -1, 9], [0, 3, 0, -7]])
    found = unpacked_table(packed_table(columns, *weights, np.arange(4.0)))
    assert [part.tolist() for part in found] == [columns.tolist(), *weights.tolist()]


def test_of_columns_that_want_one_set_the_more_important_ones_have_it_each_once() -> None:
    columns = np.array([7, 3, 5, 3])
    weights = np.array([[1, 2, 3, 4]] * 3)
    table = packed_table(columns, *weights, np.array([1.0, 2.0, 3.0, 4.0]))
    found = unpacked_table(table)
    assert [part.tolist() for part in found] == [[3, 5], *[[4, 3]] * 3]
    scorer = Scorer(table, np.ones(len(FAMILIES)), np.zeros(len(FAMILIES)), 1.0, 1.0, 0.0, 1.0, 0.0)
    runs, sizes = runs_of(np.zeros(3, np.int64)), np.array([[3] + [0] * (len(FAMILIES) - 1)])
    entries = scorer.contributions(np.array([3, 5, 7], np.uint32), runs, sizes, np.zeros(1, np.bool_)).entries
    assert [int(entry) & 0xFF for entry in entries] == [4, 3, 0]


@pytest.mark.parametrize(
    ("name", "link", "is_ping", "product"),
    [(2, 3, False, 6.0), (2, -3, False, 0.0), (-2, -3, False, 0.0), (2, 0, False, 0.0), (2, 3, True, 0.0)],
)
def test_a_name_and_a_link_that_both_speak_for_spam_add_their_product_but_in_a_ping(
    name: int, link: int, is_ping: bool, product: float
) -> None:
    fields = [FAMILIES.index("author"), FAMILIES.index("author_url")]
    columns, none = np.array([3, 9]), np.zeros(2, dtype=np.int64)
    table = packed_table(columns, np.array([name, link]), none, none, np.ones(2))
    scorer = Scorer(
        table, np.ones(len(FAMILIES)), np.zeros(len(FAMILIES)), 1.0, 1.0, together_weight=0.5, slope=0.1, offset=-1.0
    )
    sizes = np.zeros((1, len(FAMILIES)), dtype=np.int64)
    sizes[0, fields] = 1
    found = scorer.contributions(columns.astype(np.uint32), runs_of(np.array(fields)), sizes, np.array([is_ping]))
    half = 0.1 * 0.5 * product / 2
    assert found.families[0, fields].tolist() == pytest.approx([0.1 * name + half, 0.1 * link + half])
    assert found.log_odds[0] == pytest.approx(-1.0 + found.families.sum())


def test_a_text_of_few_characters_convinces_less() -> None:
    columns, weights, none = np.array([3, 9]), np.array([11, 11]), np.zeros(2, dtype=np.int64)
    table = packed_table(columns, weights, none, none, np.ones(2))
    scorer = Scorer(table, np.ones(len(FAMILIES)), np.zeros(len(FAMILIES)), 1.0, 1.0, 0.0, 1.0, 0.0)
    fields = [FAMILIES.index("text_characters"), FAMILIES.index("author")]
    sizes = np.zeros((1, len(FAMILIES)), dtype=np.int64)
    sizes[0, fields] = 21
    found = scorer.contributions(columns.astype(np.uint32), runs_of(np.array(fields)), sizes, np.zeros(1, np.bool_))
    assert found.families[0, fields].tolist() == pytest.approx([11 / np.sqrt(121), 11 / np.sqrt(21)])
