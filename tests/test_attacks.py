"""Attacks rewrite the words that people see, the same way for the same seed, and reading undoes them."""

from __future__ import annotations

import random
from difflib import SequenceMatcher

import pytest

from benchmarks.attacks import ATTACKS
from model.text import read

SPAM = (
    "Guaranteed winner! Play casino slots online and get a bonus of 500 dollars for every friend you bring. "
    "Buy cheap viagra without prescription today, best prices and fast delivery: http://www.example.com/casino?x=1 "
    'or <a href="http://example.org/pills">click here</a>'
)
# The share of words read back; the rest are spellings that an honest word could have, too ("ballloon", "r_e_d").
READ_BACK = dict.fromkeys(ATTACKS, 1.0) | {
    "homoglyphs": 0.95,
    "letter-spacing": 0.8,
    "leetspeak": 0.8,
    "elongation": 0.9,
    "emoji-letters": 0.98,
}
SIGNAL = {
    "html-wrap": "split-words",
    "made-up-tags": "split-words",
    "entities": "entities",
    "zero-width": "invisible",
    "widthless": "invisible",
    "bidi": "bidi",
    "homoglyphs": "look-alikes",
    "letter-spacing": "spaced-letters",
    "leetspeak": "leet",
    "elongation": "elongated",
    "emoji-letters": "styled-letters",
    "fullwidth": "styled-letters",
    "mathematical": "styled-letters",
    "bbcode": "split-words",
}


def _seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - attacks are to be repeatable, not secret


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_repeatable_by_its_seed(name: str) -> None:
    versions = [ATTACKS[name](SPAM, _seeded(seed)) for seed in (1, 1, 2)]
    assert versions[0] == versions[1] != versions[2]
    assert SPAM not in versions[1:] or name in ("innocent-padding", "unseen-padding")


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_leaves_urls_alone(name: str) -> None:
    attacked = ATTACKS[name](SPAM, _seeded(0))
    assert [link.url for link in read(attacked).links] == [link.url for link in read(SPAM).links]


@pytest.mark.parametrize("name", ATTACKS)
def test_reading_brings_attacked_words_back(name: str) -> None:
    words = read(SPAM).plain.lower().split()
    read_back = attacked = 0
    for seed in range(30):
        text = ATTACKS[name](SPAM, _seeded(seed))
        matcher = SequenceMatcher(None, words, read(text).plain.lower().split(), autojunk=False)
        read_back += sum(block.size for block in matcher.get_matching_blocks())
        attacked += len(words)
    assert read_back / attacked >= READ_BACK[name]


@pytest.mark.parametrize(("name", "signal"), SIGNAL.items())
def test_an_attack_gives_its_signal(name: str, signal: str) -> None:
    assert signal in read(ATTACKS[name](SPAM, _seeded(0))).signals
