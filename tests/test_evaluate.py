"""Evaluations worked by hand, how comments are gathered for them, and the page that shows them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from model.thresholds import Thresholds
from training.batch import Scored
from training.evaluate import Assessment, Evaluation, Outcomes, Share
from training.formats.row import Rejected, Row
from training.report import between, decimal, page, percent, summary, write_report
from training.tally import Mistakes, Tally

if TYPE_CHECKING:
    from pathlib import Path

THRESHOLDS = Thresholds(review=0.3, block=0.6, discard=0.9)
NO_MISTAKES = Mistakes(ham=[], spam=[])


def _evaluation(spam: list[float], ham: list[float], sites: list[str] | None = None) -> Evaluation:
    is_spam = np.repeat([True, False], [len(spam), len(ham)])
    return Evaluation.of(is_spam, np.array([*spam, *ham]), sites or ["one"] * len(is_spam), THRESHOLDS)


def _scored(score: float, line: int = 1, **fields: Any) -> Scored:
    reasons = [{"feature": "host:x", "weight": 1.25, "text": "links to <x.example>"}]
    verdict = {"score": score, "decision": THRESHOLDS.decide(score).value, "reasons": reasons, "model": "v1"}
    return Scored(Row("blog.jsonl", line, {"text": "t", **fields}), verdict)


def _outcomes(seed: int = 0, comments: int = 600) -> Outcomes:
    rng = np.random.default_rng(seed)
    is_spam = rng.random(comments) < 0.4
    return Outcomes(
        is_spam=is_spam,
        scores=1 / (1 + np.exp(-(6 * is_spam - 3 + 2 * rng.normal(size=comments)))),
        sources=rng.choice(["blogs", "videos"], comments),
        sites=rng.choice([f"site {number}" for number in range(8)], comments),
        languages=rng.choice(["en", "zh", "ur"], comments),
    )


def test_an_evaluation_by_hand() -> None:
    evaluation = _evaluation(spam=[0.95, 0.7, 0.6, 0.2], ham=[0.65, 0.3, 0.1, 0.0, 0.0])
    assert (evaluation.spam, evaluation.ham, evaluation.sites, evaluation.drawn_by) == (4, 5, 1, "comment")
    assert evaluation.auc.value == pytest.approx((5 + 5 + 4 + 3) / 20)
    assert [estimate.value for estimate in evaluation.caught_at.values()] == [0.5, 0.5, 0.5]
    assert list(evaluation.caught_at) == ["0.1%", "0.5%", "1%"]
    counts = {
        decision: (at.threshold, at.spam_caught.count, at.ham_blocked.count)
        for decision, at in evaluation.at_thresholds.items()
    }
    assert counts == {"review": (0.3, 3, 2), "block": (0.6, 3, 1), "discard": (0.9, 1, 0)}
    squares = [0.05, 0.3, 0.4, 0.8, 0.65, 0.3, 0.1, 0, 0]
    assert evaluation.brier.value == pytest.approx(sum(x * x for x in squares) / 9)
    assert sum(bin_.count for bin_ in evaluation.reliability) == 9


def test_every_interval_holds_its_value() -> None:
    outcomes = _outcomes()
    evaluation = outcomes.evaluation(THRESHOLDS)
    assert evaluation.drawn_by == "site"
    shares = [share for at in evaluation.at_thresholds.values() for share in (at.spam_caught, at.ham_blocked)]
    for measured in (evaluation.auc, evaluation.brier, *evaluation.caught_at.values(), *shares):
        assert measured.low is not None
        assert measured.value is not None
        assert measured.high is not None
        assert measured.low <= measured.value <= measured.high


def test_ham_alone_has_what_ham_alone_can_tell() -> None:
    evaluation = _evaluation(spam=[], ham=[0.7, 0.1, 0.0])
    assert evaluation.auc.value is None
    assert evaluation.average_precision is None
    assert {estimate.value for estimate in evaluation.caught_at.values()} == {None}
    assert evaluation.at_thresholds["block"].ham_blocked.count == 1
    assert evaluation.at_thresholds["block"].spam_caught == Share(0, 0, None, None, None)
    assert evaluation.brier.value == pytest.approx(0.5 / 3)
    assert evaluation.brier.low is not None


def test_an_evaluation_is_json_and_the_same_twice() -> None:
    first, second = (Assessment.of(_outcomes(), THRESHOLDS, model="v1").as_json() for _ in range(2))
    assert json.dumps(first, allow_nan=False) == json.dumps(second, allow_nan=False)


def test_groups_add_up_and_come_largest_first() -> None:
    outcomes = _outcomes()
    assessment = Assessment.of(outcomes, THRESHOLDS, model="v1")
    for groups in (assessment.by_source, assessment.by_site, assessment.by_language):
        sizes = [evaluation.spam + evaluation.ham for evaluation in groups.values()]
        assert sum(sizes) == 600
        assert sizes == sorted(sizes, reverse=True)
    chosen = outcomes.languages == "ur"
    assert assessment.by_language["ur"] == outcomes.evaluation(THRESHOLDS, chosen)
    assert assessment.by_language["ur"].ham == np.sum(~outcomes.is_spam & chosen)


def test_rows_without_a_label_are_counted_and_wrong_labels_rejected(tmp_path: Path) -> None:
    path = tmp_path / "blog.jsonl"
    path.write_bytes(b"content")
    source = str(path)
    tally = Tally()
    rows = [
        Row(source, 1, {"text": "a", "label": "ham"}),
        Row(source, 2, {"text": "b"}),
        Row(source, 3, {"text": "c", "label": "SPAM"}),
        Rejected(source, 4, "not JSON"),
    ]
    outcomes = list(tally.labelled(rows))
    assert outcomes[0] == rows[0]
    assert outcomes[1] == Rejected(source, 3, "label: found 'SPAM', expected spam, ham or nothing")
    assert outcomes[2] == rows[3]
    for outcome in outcomes:
        tally.add(_with_score(outcome))
    (file,) = tally.files([source])
    assert (file.labelled, file.unlabelled, file.rejected) == (1, 1, 2)
    assert file.sha256 == hashlib.sha256(b"content").hexdigest()


def _with_score(outcome: Row | Rejected) -> Scored | Rejected:
    return outcome if isinstance(outcome, Rejected) else Scored(outcome, {"score": 0.5})


def test_comments_are_grouped_by_file_site_and_primary_language() -> None:
    tally = Tally()
    for source, fields in (
        ("a/blog.jsonl", {"lang": "en-GB", "site": "x"}),
        ("b/blog.jsonl", {"lang": "EN_us"}),
        ("news.csv.gz", {"lang": ""}),
        ("-", {"lang": "und"}),
    ):
        tally.add(Scored(Row(source, 1, {"text": "t", "label": "ham", **fields}), {"score": 0.1}))
    outcomes = tally.outcomes()
    assert outcomes.sources.tolist() == ["a/blog.jsonl", "b/blog.jsonl", "news", "standard input"]
    assert outcomes.sites.tolist() == ["x", "blog", "news", "standard input"]
    assert outcomes.languages.tolist() == ["en", "en", "unknown", "unknown"]


def test_the_worst_mistakes_are_kept_worst_first() -> None:
    tally = Tally(mistakes=2)
    for line, (label, score) in enumerate(
        [("ham", 0.2), ("ham", 0.9), ("spam", 0.5), ("ham", 0.5), ("spam", 0.1), ("spam", 0.4), ("ham", 0.5)]
    ):
        tally.add(_scored(score, line, label=label))
    mistakes = tally.mistakes()
    assert [scored.row.line for scored in mistakes.ham] == [1, 3]
    assert [scored.row.line for scored in mistakes.spam] == [4, 5]
    assert Tally().mistakes() == NO_MISTAKES


@pytest.mark.parametrize(
    ("ham_blocked", "spam_caught", "sentence"),
    [
        ((1, 1000), (953, 1000), "Of 1,000 good comments, 1 would be blocked; of 1,000 spam, 953 are stopped."),
        ((0, 900), (99, 100), "Of 1,000 good comments, none would be blocked; of 1,000 spam, 990 are stopped."),
        ((1, 9000), (9999, 10000), "Of 1,000 good comments, fewer than 1 would be blocked; of 1,000 spam, 999 are"),
        ((3, 2000), (0, 0), "Of 1,000 good comments, 2 would be blocked."),
        ((0, 0), (1, 1000), "Of 1,000 spam, 1 is stopped."),
    ],
)
def test_the_summary_says_it_in_plain_words(
    ham_blocked: tuple[int, int], spam_caught: tuple[int, int], sentence: str
) -> None:
    evaluation = _evaluation([0.9], [0.1])
    at_block = dataclasses.replace(
        evaluation.at_thresholds["block"], ham_blocked=Share.of(*ham_blocked), spam_caught=Share.of(*spam_caught)
    )
    at_thresholds = {**evaluation.at_thresholds, "block": at_block}
    assert summary(dataclasses.replace(evaluation, at_thresholds=at_thresholds)).startswith(sentence)


def test_figures_are_never_rounded_to_perfection() -> None:
    assert [percent(value) for value in (None, 0, 0.0001, 0.5, 0.9999, 1)] == [
        "–",
        "0.0",
        "<0.1",
        "50.0",
        ">99.9",
        "100.0",
    ]
    assert [decimal(value) for value in (None, 0.99999, 1.0, 0.5)] == ["–", "0.9999", "1.0000", "0.5000"]
    assert between(Share.of(0, 0)) == ""
    assert between(Share.of(0, 300), digits=2) == "0.00 to 1.22"


class _Page(HTMLParser):
    """Collects what a page would load or run, and its tags that are left open."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.references: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone() -> None:
    outcomes = _outcomes()
    text = page(Assessment.of(outcomes, THRESHOLDS, model="v1"), outcomes, NO_MISTAKES)
    parsed = _Page(text)
    assert not parsed.open
    assert not parsed.tags & {"script", "link", "img", "iframe", "object"}
    assert all(reference.startswith("#") for reference in parsed.references)
    assert not re.search(r"https?://(?!www\.w3\.org/)|@import|url\((?!#)", text)
    assert text.count("<svg") == 4


def test_plots_take_all_their_colours_from_the_page() -> None:
    outcomes = _outcomes()
    text = page(Assessment.of(outcomes, THRESHOLDS, model="v1"), outcomes, NO_MISTAKES)
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        assert not re.findall(r"(?:fill|stroke): #\w+", svg)
        assert "<text" in svg
        assert not re.search(r"<text(?![^>]*var\(--ink\))", svg)


def test_the_same_assessment_gives_the_same_page() -> None:
    outcomes = _outcomes()
    first, second = (page(Assessment.of(outcomes, THRESHOLDS, model="v1"), outcomes, NO_MISTAKES) for _ in range(2))
    assert first == second


def test_a_page_about_ham_alone_has_no_curves() -> None:
    every = _outcomes()
    ham = Outcomes(
        *(
            column[~every.is_spam]
            for column in (every.is_spam, every.scores, every.sources, every.sites, every.languages)
        )
    )
    text = page(Assessment.of(ham, THRESHOLDS, model="v1"), ham, NO_MISTAKES)
    assert text.count("<svg") == 2
    assert "Precision and recall" not in text


def test_mistakes_are_shown_escaped_and_cut() -> None:
    outcomes = _outcomes(comments=40)
    nasty = "<script>alert(1)</script>\u202e" + "x" * 5_000
    mistakes = Mistakes(ham=[_scored(0.9, 7, text=nasty, author="A & <b>", author_url='" onclick="x')], spam=[])
    text = page(Assessment.of(outcomes, THRESHOLDS, model="v1"), outcomes, mistakes)
    assert "script" not in _Page(text).tags
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "A &amp; &lt;b&gt;" in text
    assert "+1.25 <bdi>links to &lt;x.example&gt;</bdi>" in text
    assert "blog.jsonl, line 7" in text
    assert "x" * 700 not in text


def test_a_report_is_a_folder_with_the_page_and_the_figures(tmp_path: Path) -> None:
    outcomes = _outcomes(comments=40)
    assessment = Assessment.of(outcomes, THRESHOLDS, model="v1")
    folder = tmp_path / "deep" / "report"
    write_report(folder, assessment, outcomes, NO_MISTAKES)
    assert sorted(path.name for path in folder.iterdir()) == ["evaluation.json", "index.html"]
    assert json.loads((folder / "evaluation.json").read_text("utf-8"))["pooled"]["spam"] == assessment.pooled.spam
