"""The splits behind every published figure: nothing of a tested source may have been learnt from."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import protocol
from benchmarks.quality.measure import at_pooled_thresholds, mean_caught, pooled_thresholds
from benchmarks.quality.peers import (
    FastText,
    SpamBayes,
    VowpalWabbit,
    as_text,
    char15_svm,
    word12_regression,
    word12_regression_text,
)
from benchmarks.quality.scores import Score, score_folds
from model.comment import Comment

ROOT = Path(__file__).parent.parent
PACKAGES = {SpamBayes: "sbclassifier", VowpalWabbit: "vowpalwabbit", FastText: "fasttext"}
"""Peers that need a package which nothing else does, so that a checkout without it still passes."""

PRAISE = "Thank you for this wonderful article about number {n}, I shared it with my whole family"
REPLY = "The patch in revision {n} fixes the crash on start for me, but the log still shows a warning"


def _line(site, label, n, **fields):
    text = (PRAISE if label == "spam" else REPLY).format(n=chr(97 + n) * 5)
    author = f"buy cheap {n}" if label == "spam" else f"Ann {n}"
    return {"text": text, "label": label, "site": site, "author": author, "label_source": "moderator"} | fields


def _lines(site, spam, ham, **fields):
    labels = {"spam": spam, "ham": ham}
    return [_line(site, label, n, **fields) for label, count in labels.items() for n in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with every set, of made-up comments; two sites stand in two files each."""
    sets = {
        "blogs_wordpress": [line for n in range(12) for line in _lines(f"press{n}", 2, 3)],
        "blogs_pull_requests": [*_lines("shared", 4, 4), {"text": "?", "label": None, "site": "shared"}],
        "blogs_ikiwiki": _lines("wiki", 2, 5),
        "blogs_disqus_zh": _lines("disqus", 0, 5),
        "ham_blog_haacked": [*_lines("haacked", 0, 6), _line("haacked", "ham", 9, author="Car Insurance&nbsp;Texas")],
        "ham_blog_s5s5_zh": _lines("s5s5", 0, 6),
        "blogs_weak": _lines("flooded", 6, 0, label_source="rule: flood"),
        "blogs_weak_2": _lines("shared", 5, 0, label_source="rule: never merged"),
        "spambot_templates": _lines("templates", 4, 0, label_source="template"),
        "ham_news_globeandmail": _lines("globeandmail", 0, 5),
    } | {name: _lines(f"set-{name}", 4, 4) for name in protocol.DATA_SETS}
    root = tmp_path_factory.mktemp("sets")
    for name, lines in sets.items():
        (root / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def rows(folder):
    return protocol.read_rows(folder)


@pytest.fixture(scope="module")
def folds(rows):
    every = [*protocol.blog_folds(rows), *protocol.data_set_folds(rows), *protocol.news_fold(rows)]
    return [fold.without_made_up() for fold in every]  # those would take minutes to learn


def test_no_row_of_a_tested_site_trains_whatever_file_it_stands_in(folds):
    for fold in folds:
        assert not {row.site for row in fold.train} & {row.site for row in fold.test}, fold.name
    (tested,) = [fold for fold in folds if any(row.site == "shared" for row in fold.test)]
    assert any(row.source == "blogs_weak_2" for fold in folds for row in fold.train if row.site == "shared")
    assert tested.test


def test_weak_labels_train_and_never_test(folds):
    assert all(any(row.is_weak for row in fold.train) for fold in folds)
    assert not any(row.is_weak for fold in folds for row in fold.test)


def test_the_newspaper_never_trains(folds):
    assert not any(row.source == protocol.NEWS for fold in folds for row in fold.train)
    assert len(folds[-1].test) == 5


def test_every_strong_blog_row_is_tested_exactly_once(rows):
    tested = [row.row_id for fold in protocol.blog_folds(rows) for row in fold.test]
    strong = [row.row_id for row in rows if row.source in protocol.BLOG_DUMPS and not row.is_weak]
    assert sorted(tested) == sorted(strong)


def test_a_large_data_set_is_tested_on_a_fixed_sample(rows, monkeypatch):
    monkeypatch.setattr(protocol, "MAX_TEST_ROWS", 5)
    once, again = ([fold.digest() for fold in protocol.data_set_folds(rows, seed=3)] for _ in range(2))
    assert once == again
    assert {len(fold.test) for fold in protocol.data_set_folds(rows, seed=3)} == {5}


def test_a_line_without_a_label_is_left_out_and_keeps_the_numbering(rows):
    ids = [row.row_id for row in rows if row.source == "blogs_pull_requests"]
    assert ids == [f"blogs_pull_requests:{n}" for n in range(1, 9)]


def test_a_split_is_named_after_all_that_is_in_it(folds):
    fold = folds[0]
    assert fold.digest() == protocol.Fold("another name", fold.train, fold.test).digest()
    assert fold.digest() != protocol.Fold(fold.name, fold.train[1:], fold.test).digest()
    first, *others = fold.train
    renamed = replace(first, comment=replace(first.comment, author="Somebody else"))
    assert fold.digest() != protocol.Fold(fold.name, [renamed, *others], fold.test).digest()


def test_commercial_names_among_approved_comments_are_struck(rows):
    assert [row.comment.author for row in rows if row.is_struck] == ["Car Insurance&nbsp;Texas"]


@pytest.mark.parametrize("name", ["life insurance", "Çiçek Sepeti", "Rent A Car Malaga", "Web Design"])
def test_goods_and_services_are_commercial_names(name):
    assert protocol.COMMERCIAL_NAME.search(name.casefold())


@pytest.mark.parametrize(
    "name", ["Max Battcher", "Christian Metz", "Louis DeJardin", "Case Talbot", "Justin - Web Development Blog", "mac"]
)
def test_people_are_no_commercial_names(name):
    assert not protocol.COMMERCIAL_NAME.search(name.casefold())


def _scores(group, spam, ham):
    return [Score("f", "r", "spam", group, value) for value in spam] + [Score("f", "r", "ham", group, v) for v in ham]


def test_a_threshold_blocks_no_more_ham_than_its_budget():
    scores = _scores("a", [], range(1000))
    assert [sum(score.score > limit for score in scores) for limit in pooled_thresholds(scores)] == [1, 5, 10]
    assert pooled_thresholds(_scores("a", [], [0.5] * 1000)) == [0.5] * 3, "ties are not split"


def test_thresholds_come_from_the_ham_of_all_sites_together():
    quiet = _scores("quiet", [0.5] * 20, [0.1] * 990)
    loud = _scores("loud", [0.95] * 20, [0.9] * 10)
    measured = at_pooled_thresholds(quiet + loud)
    assert measured["quiet"].caught == (0.0, 0.0, 1.0)
    assert measured["loud"].caught == (1.0, 1.0, 1.0)
    assert measured["loud"].blocked == (0.0, 0.0, 1.0)
    assert measured["pooled"].blocked == (0.0, 0.0, 0.01)
    assert mean_caught(measured) == [0.5, 0.5, 1.0]


def test_fields_are_given_as_text_after_the_comment():
    comment = Comment(text="Nice.", author="Shoes", author_url="http://s.example/", author_email="x1@mail.example")
    assert as_text(comment, with_fields=True) == "Nice.\nShoes\nhttp://s.example/\nmail.example"
    assert as_text(comment, with_fields=False) == "Nice."


def test_a_hashed_address_without_a_domain_adds_no_text():
    assert as_text(Comment(text="Nice.", author_email="u5197fac843a"), with_fields=True) == "Nice."


@pytest.mark.parametrize(
    "make", [word12_regression, word12_regression_text, char15_svm, SpamBayes, VowpalWabbit, FastText]
)
def test_a_peer_tells_praise_from_replies(make, folds):
    if make in PACKAGES:
        pytest.importorskip(PACKAGES[make])
    fold = folds[0]
    values = make().fit(fold.train, seed=0).scores(fold.test)
    spam = np.array([row.label == "spam" for row in fold.test])
    assert values[spam].min() > values[~spam].max()


def test_kept_scores_are_read_again_and_belong_to_one_split(folds, tmp_path):
    first = score_folds("sk-word12-lr", iter(folds[:2]), tmp_path, seed=0, again=False)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jsonl")}
    assert score_folds("sk-word12-lr", iter(folds[:2]), tmp_path, seed=0, again=False) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jsonl")} == files
    other = protocol.Fold(folds[0].name, folds[0].train[1:], folds[0].test)
    score_folds("sk-word12-lr", iter([other]), tmp_path, seed=0, again=False)
    assert len(list(tmp_path.rglob("*.jsonl"))) == len(files) + 1


def test_the_command_prints_tables_and_writes_every_figure(folder, tmp_path):
    written = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.quality.measure", str(folder), "--json", str(written)]
    options = ["--protocols", "blogs", "data-sets", "news", "--filters", "sk-word12-lr", "sk-word12-lr-text"]
    options.append("--without-made-up")  # they would take minutes
    printed = subprocess.run(
        [*command, *options, "--cache", str(tmp_path)], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert "### Blogs never seen (1 rows struck)" in printed
    pooled = json.loads(written.read_text())["blogs"]["sk-word12-lr"]["pooled"]
    assert (pooled["spam"], pooled["ham"]) == (12 * 2 + 4 + 2, 12 * 3 + 4 + 5 + 5 + 6 + 6)
    assert pooled["auc"] == pooled["caught"][-1] == 1.0
    assert "| sk-word12-lr | 1.0000 |" in printed
