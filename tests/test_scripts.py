"""What is learnt of scripts in which nearly everything was spam: nothing that would speak against good comments."""

from __future__ import annotations

import numpy as np
import pytest

from model.classifier import SpamClassifier
from model.comment import Comment
from model.design import design_of
from model.ngrams import grams_of
from model.scripts import ENOUGH_HAM, LATIN, distinct_script_of, unfamiliar_spam
from model.segments import Kind, Parts

SPAM = ("สล็อตเว็บตรง สมัครวันนี้ รับโบนัสฟรี", "เว็บพนันออนไลน์ ฝากถอนไม่มีขั้นต่ำ", "แทงบอลออนไลน์ รับโบนัสทันที")
HAM = ("ขอบคุณสำหรับบทความดีๆ ครับ", "ลองทำตามแล้วอร่อยมากค่ะ", "เวอร์ชันใหม่ใช้ไม่ได้กับเครื่องของผม")
LATIN_SPAM = ("Buy cheap jerseys online", "Cheap viagra without prescription", "Free casino bonus for you")
LATIN_HAM = ("Thanks, that worked for me", "I think the second step is wrong", "We made this last night")
SITES = ("a.example", "b.example", "c.example")


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("สวัสดี", SPAM[0]),
        ("Visit us: สล็อตเว็บตรง รับโบนัส", SPAM[0]),
        ("東京都庁舎見学はとても良", "カタカナ"),
        ("Ẹ kú iṣẹ́ o, ẹ ṣeun gan", "bài viết rất hay"),
        ("東京", "北京"),
        ("Cảm ơn bạn rất nhiều", "bài viết rất hay"),
        ("Größe, façade, naïve", "plain"),
        ("🎉 1234 !", "plain"),
        ("", "plain"),
    ],
)
def test_a_comment_is_of_the_script_that_sets_it_apart(text: str, like: str) -> None:
    assert distinct_script_of(text) == distinct_script_of(like)


def test_scripts_are_told_apart() -> None:
    texts = (
        "plain",
        "Здравствуйте",
        "東京",
        "カタカナ",
        "한국어",
        SPAM[0],
        "bài viết rất hay",
        "שלום",
        "مرحبا",
        "नमस्ते",
    )
    assert len(set(map(distinct_script_of, texts))) == len(texts)


def test_a_foreign_word_does_not_make_a_comment_foreign() -> None:
    text = "The Japanese call it 木漏れ日, which is hard to translate in a word or two."
    assert distinct_script_of(text) == LATIN


def test_spam_is_unfamiliar_where_its_script_has_far_less_ham_than_all_have() -> None:
    scripts = np.array([0] * 20 + [1] * 13 + [2] * 8)
    labels = np.array([0, 1] * 10 + [1] * 12 + [0] + [1] * 6 + [0] * 2)
    is_unfamiliar = unfamiliar_spam(scripts, labels)
    assert set(scripts[is_unfamiliar].tolist()) == {1}
    assert is_unfamiliar.sum() == 12
    assert not unfamiliar_spam(scripts[20:33], labels[20:33]).any()


def test_a_script_with_much_ham_is_familiar_however_much_spam_there_is() -> None:
    scripts = np.array([0] * 2_000 + [1] * 10 * ENOUGH_HAM)
    labels = np.array([0, 1] * 1_000 + [0] * ENOUGH_HAM + [1] * 9 * ENOUGH_HAM)
    assert not unfamiliar_spam(scripts, labels).any()
    labels[2_000] = 1
    assert unfamiliar_spam(scripts, labels).sum() == 9 * ENOUGH_HAM + 1


def test_the_script_is_that_of_the_text_and_not_of_the_name() -> None:
    named, written = Comment(text="Hello", author=HAM[0]), Comment(text=HAM[0], author="Ann")
    scripts = design_of([named, Comment(text="Hello"), written], [0, 1, 1], ["a", "b", "c"]).scripts
    assert scripts[0] == scripts[1] != scripts[2]


def known_of(text: str, ham: tuple[str, ...]) -> float:
    """Learn from spam in Latin and Thai and from such ham, and return what share of a text's n-grams has weights."""
    labelled = [(text, 1) for text in LATIN_SPAM + SPAM] + [(text, 0) for text in ham]
    comments = [Comment(text=text) for text, _ in labelled for _ in SITES]
    labels = [label for _, label in labelled for _ in SITES]
    scorer = SpamClassifier().fit(comments, labels, [*SITES] * len(labelled)).scorer_
    grams = grams_of([Parts([(Kind.WRITTEN, text)], [])])
    entries = scorer.contributions(grams.columns, grams.runs, grams.sizes, grams.is_ping).entries
    return float(np.count_nonzero(entries) / len(entries))


def test_nothing_is_learnt_of_the_letters_of_a_script_of_which_only_spam_was_seen() -> None:
    assert known_of(SPAM[0], LATIN_HAM) == 0
    assert known_of(LATIN_SPAM[0], LATIN_HAM) > 0.5


def test_where_good_comments_of_the_script_are_known_it_is_learnt_from() -> None:
    assert known_of(SPAM[0], LATIN_HAM + HAM) > 0.5
