"""Made-up examples: what they are made of, and that training learns from them."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from test_train import corpus

from benchmarks.quality import protocol
from model.artifact import load
from service.cli import main
from training.dataset import spun
from training.made_up.examples import SITES, made_up_examples
from training.made_up.senders import (
    FAMILY_NAME_FIRST,
    WITHOUT_BLANK,
    advertiser,
    firm,
    goods_and_phrase,
    person,
    visitor,
)
from training.made_up.texts import Template, _story, templates_of, written
from training.made_up.words import (
    FOLDER,
    Draw,
    goods_by_language,
    lines_of,
    organisations_by_language,
    people_by_language,
    slug,
)
from training.train import TooFewLabelsError, train

if TYPE_CHECKING:
    from pathlib import Path

    from training.labelled import Label

LABELS = ("spam", "ham")
LISTS = sorted(path.stem for path in FOLDER.glob("*.txt"))
LANGUAGES_WITHOUT_NAMES = (
    "af az be bs ceb ckb cy eo eu fa-Latn fy ga gd gl gsw gu ha haw ht ig jv kk km kn ku ky la lb ln lo mg mi mk ml mn "
    "mr mt my ne pa ps rw si sl sn so sq te tg ti tt uz xh yi"
)
"""Names of any language are signed to texts of these."""
DOMAIN = re.compile(r"\b[\w-]+\.(com|net|org|info|biz|xyz|top|site|shop|online|ru|de|fr|uk|io)\b", re.IGNORECASE)


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_clean(name: str) -> None:
    lines = lines_of(name)
    assert lines
    assert all(line == line.strip() and line for line in lines)
    assert name in ("links", "organisations") or not any(set(line) & set("{|}") for line in lines)
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
    spoken = {template.language for label in ("spam", "ham") for template in templates_of(label)}
    assert spoken - people_by_language().keys() == set(LANGUAGES_WITHOUT_NAMES.split())
    assert {"en", "de", "zh-CN", "pt", "th"} <= goods_by_language().keys() & people_by_language().keys() & spoken


def test_no_language_is_that_of_spam_alone() -> None:
    ham = Counter(template.language for template in templates_of("ham"))
    assert {template.language for template in templates_of("spam") if ham[template.language] < 3} == set()


@pytest.mark.parametrize("label", ["spam", "ham"])
def test_no_template_names_a_domain_and_all_can_be_written(label: str) -> None:
    draw = Draw(1)
    templates = templates_of(label)
    assert len({template.text for template in templates}) == len(templates)
    for template in templates:
        assert not DOMAIN.search(template.text), template
        text = written(draw, template, label, advertiser(draw) if label == "spam" else visitor(draw))
        assert text, template
        assert not re.search(r"[{}]", text), (template, text)


def test_who_sends_what() -> None:
    assert {template.by for template in templates_of("spam")} == {"", "advertiser", "bot", "person"}
    assert {template.by for template in templates_of("ham")} == {"", "firm"}


def test_firms_have_names_of_their_own_and_of_their_trade() -> None:
    draw = Draw(4)
    trades = {trade.title() for trade in lines_of("trades")}
    firms = [firm(draw, "en") for _ in range(300)]
    assert 100 < sum(any(f" {trade}" in one.name for trade in trades) for one in firms) < 200
    assert 230 < sum(bool(one.url) for one in firms) < 290


def test_clubs_and_inns_have_names_in_their_language() -> None:
    draw = Draw(5)
    for language, kinds in organisations_by_language().items():
        assert kinds["own"]
        assert all(organisation.count("{own}") == 1 for organisation in kinds["organisation"])
        named = {organisation.format(own=own) for organisation in kinds["organisation"] for own in kinds["own"]}
        assert language == "en" or sum(firm(draw, language).name in named for _ in range(50)) > 25
    assert any("gasthof" in firm(draw, "de").url for _ in range(500))


def test_choices_and_blanks_are_filled_in() -> None:
    draw = Draw(0)
    template = Template("x", "en", "{Hi|Hello{!|?}}, {name} in {place}: {link}")
    sender = visitor(draw)._replace(name="Jo")
    texts = {written(draw, template, "ham", sender) for _ in range(50)}
    assert {text.split(",")[0] for text in texts} == {"Hi", "Hello!", "Hello?"}
    assert all(re.fullmatch(r"\S+, Jo in [\w' ()-]+: \S+", text) for text in texts)


@pytest.mark.parametrize("label", LABELS)
def test_stories_come_out_otherwise_each_time(label: Label) -> None:
    draw = Draw(7)
    stories = [template for template in templates_of(label) if template.is_story]
    assert len(stories) > 60
    for story in stories:
        texts = [written(draw, story, label, visitor(draw)) for _ in range(20)]
        assert len(set(texts)) > 18, story
        assert not [text for text in texts if re.search(r"  | [,.](\s|$)|^\s|\s$", text)], story


def test_a_story_takes_a_sentence_of_each_list_and_an_empty_one_leaves_no_trace() -> None:
    draw = Draw(8)
    story = Template(
        "x",
        "en",
        _story([["I {was|am}{ so|} ill.", "My head {|really }hurts ."], ["", "It is"], ["over.", "past."]], "\n"),
        is_story=True,
    )
    texts = {written(draw, story, "ham", visitor(draw)) for _ in range(500)}
    starts = ("I was ill.", "I was so ill.", "I am ill.", "I am so ill.", "My head hurts.", "My head really hurts.")
    ends = ("over.", "past.", "It is\nover.", "It is\npast.")
    assert texts == {f"{start}\n{end}" for start in starts for end in ends}


def test_the_links_of_advertisers_are_of_what_they_advertise() -> None:
    draw = Draw(3)
    senders = [advertiser(draw) for _ in range(2_000)]
    matching = [
        one for one in senders if any(len(word) > 3 and word in one.url for word in slug(one.name, " ").split())
    ]
    assert len(matching) > 800
    assert not any("{" in "".join(one) for one in senders)


def test_some_advertise_on_free_pages_and_on_sites_of_others() -> None:
    draw = Draw(9)
    urls = [one.url for one in (advertiser(draw) for _ in range(2_000)) if one.url]
    free = [url for url in urls if re.search(r"\.(blogspot|weebly|webflow)\.|sites\.google|youtube\.com/watch", url)]
    on_others = [url for url in urls if re.search(r"/(user|profile|forum)/|\?(p|title)=|/\d{4}/\d\d/", url)]
    assert 0.015 * len(urls) < len(free) < 0.1 * len(urls)
    assert 0.03 * len(urls) < len(on_others) < 0.15 * len(urls)


def test_mail_domains_tell_nothing() -> None:
    domains = {
        label: Counter(
            example.comment.author_email.rpartition("@")[2]
            for example in made_up_examples(0)
            if example.label == label and example.comment.author_email
        )
        for label in ("spam", "ham")
    }
    assert domains["spam"].keys() == domains["ham"].keys() == set(lines_of("mail_domains"))
    share = {label: counts["qq.com"] / counts.total() for label, counts in domains.items()}
    assert share["spam"] == pytest.approx(share["ham"], rel=0.4)


def signed_texts() -> set[str]:
    """Return what templates of spam that persons sign may come out as, which others may say as well."""
    draw = Draw(6)
    return {spun(t.text, draw) for t in templates_of("spam") if t.by == "person" for _ in range(20)}


def test_spam_that_looks_harmless_is_always_sent_by_who_advertises() -> None:
    templates = templates_of("spam")
    plain = {t.text for t in templates if not t.has_offer and t.by != "person" and "|" not in t.text} - signed_texts()
    told = {t.text.partition("{")[0] for t in templates if t.by == "advertiser" and t.has_offer}
    others = [t.text for t in templates if t.by != "advertiser"]
    begins = tuple(words for words in told if len(words) > 20 and not any(text.startswith(words) for text in others))
    spam = [example.comment for example in made_up_examples(0) if example.label == "spam"]
    found = [comment for comment in spam if comment.text in plain or comment.text.startswith(begins)]
    assert len(begins) > 10
    assert len(found) > 100
    assert all(comment.author for comment in found)
    assert sum(bool(comment.author_url) for comment in found) > 0.8 * len(found)


def test_spam_and_ham_come_without_a_sender_or_a_name_alike() -> None:
    texts = {label: [e.comment for e in made_up_examples(0) if e.label == label and e.comment.text] for label in LABELS}
    hidden = {label: [one for one in texts[label] if one.author in ("Unknown", "Guest")] for label in LABELS}
    for label in LABELS:
        assert sum(not one.author for one in texts[label]) > 0.04 * len(texts[label])
        assert len(hidden[label]) > 0.005 * len(texts[label])
        with_profile = sum("/profile/" in one.author_url for one in hidden[label])
        assert 0.05 * len(hidden[label]) < with_profile < 0.5 * len(hidden[label])


def test_letters_drawn_at_random_are_written_out_often() -> None:
    (template, *_) = [t for t in templates_of("spam") if t.text == "{letters}"]
    found = [e.comment.text for e in made_up_examples(0) if re.fullmatch(r"[A-Za-z]{6,16}", e.comment.text)]
    assert template.by == "bot"
    assert len(set(found)) > 40


def test_what_bots_write_is_told_by_their_names_and_domains() -> None:
    plain = {t.text for t in templates_of("spam") if t.by == "bot" and not set(t.text) & set("{|}")} - signed_texts()
    found = [e.comment for e in made_up_examples(0) if e.label == "spam" and e.comment.text in plain]
    assert len(found) > 100
    assert all(comment.author for comment in found)
    given = set(people_by_language()["en"]["given"])
    assert all(comment.author_url for comment in found if comment.author in given)


def test_who_writes_in_a_language_advertises_in_it() -> None:
    draw = Draw(2)
    czech = set(goods_by_language()["cs"])
    assert sum(goods_and_phrase(draw, "cs")[0] in czech for _ in range(200)) > 100


def test_names_are_written_as_their_language_has_them() -> None:
    draw = Draw(5)
    chinese = people_by_language()["zh-CN"]
    wholes = {family + given for family in chinese["family"] for given in chinese["given"]}
    assert sum(person(draw, "zh-CN") in wholes for _ in range(200)) > 50


def test_the_same_seed_makes_the_same_examples_and_another_makes_others() -> None:
    examples = made_up_examples(0)
    made_up_examples.cache_clear()
    assert examples == made_up_examples(0)
    assert examples != made_up_examples(1)
    assert {example.site for example in examples} == set(SITES)
    labels = Counter(example.label for example in examples)
    assert 0.7 < labels["spam"] / labels["ham"] < 1.4


def test_they_train_and_set_no_threshold() -> None:
    """Not even where nobody is named who decided on the labelled comments."""
    examples = [replace(example, label_source="") for example in corpus()]
    made_up = made_up_examples(0)[::21]
    plain, more = train(examples), train(examples, made_up=made_up)
    counts = more.card["trained_on"]
    assert counts["made_up"] == len(made_up)
    assert {**counts, "made_up": 0, "digest": ""} == {**plain.card["trained_on"], "digest": ""}
    assert counts["digest"] != plain.card["trained_on"]["digest"]
    for part in ("sites", "languages"):
        assert more.card[part].keys() == plain.card[part].keys()
    assert more.card["held_out_sites"]["comments"] == plain.card["held_out_sites"]["comments"] == len(examples)
    assert more.card["budget"]["block"]["held_out_ham"] == plain.card["budget"]["block"]["held_out_ham"]
    assert (more.classifier.scorer_.table != plain.classifier.scorer_.table).any()


def test_they_replace_no_labelled_comments() -> None:
    made_up = made_up_examples(0)[::21]
    for examples in (
        [],
        [one for one in corpus() if one.label == "spam"],
        [replace(one, site="a") for one in corpus()],
    ):
        with pytest.raises(TooFewLabelsError):
            train(examples, made_up=made_up)


def test_every_filter_of_the_benchmark_learns_from_them_but_on_published_splits() -> None:
    rows = [
        protocol.Row(comment=one.comment, label=one.label, site=one.site, source=name, row_id=f"{name}:{number}")
        for name in ("blogs_ikiwiki", "sms_uci")
        for number, one in enumerate(corpus()[:100])
    ]
    made_up = made_up_examples(0)
    for fold in [*protocol.blog_folds(rows), *protocol.data_set_folds(rows), *protocol.news_fold(rows)]:
        assert tuple(fold.train[-len(made_up) :]) == made_up
        assert fold.without_made_up().train == fold.train[: -len(made_up)]


def test_the_command_learns_from_them(tmp_path: Path) -> None:
    source = tmp_path / "labelled.jsonl"
    with source.open("w", encoding="utf-8") as lines:
        for one in corpus():
            lines.write(json.dumps({"text": one.comment.text, "label": one.label, "site": one.site}) + "\n")
    written_ones = []
    for name in ("one", "other"):
        command = ["train", str(source), "--made-up", "-o", str(tmp_path / name)]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output
        written_ones.append((tmp_path / name).read_bytes())
    assert written_ones[0] == written_ones[1]
    assert load(tmp_path / "one").card["trained_on"]["made_up"] == len(made_up_examples(0))
    refused = CliRunner().invoke(main, ["train", "--from-store", "--made-up"])
    assert refused.exit_code == 2
    assert "--made-up" in refused.output
