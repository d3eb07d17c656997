"""Made-up examples: what they are made of, and that training learns from them."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from model.artifact import load
from tests.test_train import corpus
from training.made_up.examples import SITES, made_up_examples
from training.made_up.senders import FAMILY_NAME_FIRST, WITHOUT_BLANK, advertiser, person, visitor
from training.made_up.texts import Template, templates_of, written
from training.made_up.words import FOLDER, goods_by_language, lines_of, people_by_language, slug
from training.train import train

if TYPE_CHECKING:
    from pathlib import Path

LISTS = sorted(path.stem for path in FOLDER.glob("*.txt"))
DOMAIN = re.compile(r"\b[\w-]+\.(com|net|org|info|biz|xyz|top|site|shop|online|ru|de|fr|uk|io)\b", re.IGNORECASE)


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_clean(name: str) -> None:
    lines = lines_of(name)
    assert lines
    assert all(line == line.strip() and line for line in lines)
    if name not in (
        "mail_domains",
        "links",
        "shop_endings",
        "home_endings",
    ):  # there, what is common stands more than once
        assert [line for line, count in Counter(lines).items() if count > 1] == []


def test_every_language_has_names_and_goods() -> None:
    assert all(people["given"] and people["family"] for people in people_by_language().values())
    assert {*FAMILY_NAME_FIRST, *WITHOUT_BLANK} <= set(people_by_language())
    assert all(goods_by_language().values())


@pytest.mark.parametrize("label", ["spam", "ham"])
def test_no_template_names_anybody_and_all_can_be_written(label: str) -> None:
    draw = Random(1)
    templates = templates_of(label)
    assert len({template.text for template in templates}) == len(templates)
    for template in templates:
        assert not DOMAIN.search(template.text), template
        text = written(draw, template, label, advertiser(draw) if label == "spam" else visitor(draw))
        assert text, template
        assert not re.search(r"[{}]", text), (template, text)


def test_spam_is_signed_by_people_in_part_and_ham_needs_no_word_of_it() -> None:
    assert {template.is_signed for template in templates_of("spam")} == {False, True}
    assert not any(template.is_signed for template in templates_of("ham"))


def test_choices_and_blanks_are_filled_in() -> None:
    draw = Random(0)
    template = Template("x", "en", "{Hi|Hello{!|?}}, {name} in {place}: {link}")
    sender = visitor(draw)._replace(name="Jo")
    texts = {written(draw, template, "ham", sender) for _ in range(50)}
    assert {text.split(",")[0] for text in texts} == {"Hi", "Hello!", "Hello?"}
    assert all(re.fullmatch(r"\S+, Jo in [\w' ()-]+: \S+", text) for text in texts)


def test_the_links_of_advertisers_are_of_what_they_advertise() -> None:
    draw = Random(3)
    senders = [advertiser(draw) for _ in range(2_000)]
    matching = [
        one for one in senders if any(len(word) > 3 and word in one.url for word in slug(one.name, " ").split())
    ]
    assert len(matching) > 800
    assert not any("{" in "".join(one) for one in senders)


def test_mail_domains_tell_nothing() -> None:
    domains = {
        label: Counter(
            example.comment.author_email.rpartition("@")[2]
            for example in made_up_examples(0)
            if example.label == label and example.comment.author_email
        )
        for label in ("spam", "ham")
    }
    share = {label: counts["qq.com"] / counts.total() for label, counts in domains.items()}
    assert share["spam"] == pytest.approx(share["ham"], rel=0.4)
    assert set(lines_of("mail_domains")) <= domains["spam"].keys() & domains["ham"].keys()


def test_names_are_written_as_their_language_has_them() -> None:
    draw = Random(5)
    chinese = people_by_language()["zh-CN"]
    wholes = {family + given for family in chinese["family"] for given in chinese["given"]}
    assert sum(person(draw, "zh-CN") in wholes for _ in range(200)) > 50


def test_the_same_seed_makes_the_same_examples_and_another_makes_others() -> None:
    examples = made_up_examples(0)
    assert examples == made_up_examples(0)
    assert examples != made_up_examples(1)
    assert {example.site for example in examples} == set(SITES)
    labels = Counter(example.label for example in examples)
    assert 0.8 < labels["spam"] / labels["ham"] < 1.25


def test_they_train_and_set_no_threshold(tmp_path: Path) -> None:
    examples = corpus()
    plain, more = train(examples), train(examples, made_up=made_up_examples(0)[::21])
    assert plain.card["held_out_sites"]["comments"] == more.card["held_out_sites"]["comments"]
    assert set(SITES) <= more.card["sites"].keys() - plain.card["sites"].keys()
    assert plain.save(tmp_path / "plain.hamgate") != more.save(tmp_path / "more.hamgate")
    assert load(tmp_path / "more.hamgate").card["trained_on"]["labelled_comments_given"] == len(examples)
