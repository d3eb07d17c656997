"""Training: from a small corpus of our own to a model that tells its spam from its ham, the same bytes every time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from model.artifact import load
from model.classifier import SpamClassifier, _rarities, site_weights
from model.comment import Comment
from model.design import design_of
from model.ngrams import FAMILIES
from training.corrections import corrected, digest_of, read_corrections
from training.dataset import MAX_NEAR_COPIES, balanced, expanded, site_folds
from training.formats.row import FileError
from training.labelled import LabelledComment
from training.train import TooFewLabelsError, train

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

GOODS = ["jerseys", "handbags", "casino bonus", "pills", "essay writing", "loans", "watches", "seo services"]
PRAISE = ["Great post", "Nice article", "Amazing blog", "Wonderful site", "Very useful info", "Superb work"]
TOPICS = ["parser", "kernel", "garden", "recipe", "battery", "compiler", "bicycle", "novel", "museum", "router"]
REMARKS = [
    "I tried this with my {} and it broke after the update, any idea why?",
    "The part about the {} is wrong, see chapter four of the manual.",
    "My father had the same {} years ago. He kept it in the shed.",
    "Does the {} also work when it is cold outside?",
]


def corpus() -> list[LabelledComment]:
    """Return 440 comments of five made-up sites, both labels on each."""
    examples = []
    for number, (praise, goods) in enumerate(itertools.product(PRAISE, GOODS)):
        for site in range(5):
            comment = Comment(
                text=f"{praise}! Buy cheap {goods} online at our shop number {number * 7 + site} today.",
                author=f"cheap {goods}",
                author_url=f"http://cheap-{goods.replace(' ', '-')}{site}.example/buy",
                date="2024-01-02",
                lang="en",
            )
            examples.append(labelled(comment, "spam", site))
    for number, (remark, topic) in enumerate(itertools.product(REMARKS, TOPICS)):
        for site in range(5):
            text = f"{remark.format(topic)} Case {number * 11 + site}."
            examples.append(labelled(Comment(text=text, author=f"Reader {number}", lang="en"), "ham", site))
    return examples


def labelled(comment: Comment, label: str, site: int) -> LabelledComment:
    return LabelledComment(
        comment=comment, label="spam" if label == "spam" else "ham", site=f"site{site}", label_source="owner"
    )


def test_training_twice_gives_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.hamgate", tmp_path / "other.hamgate"
    assert train(corpus(), seed=3).save(one) == train(corpus(), seed=3, jobs=2).save(other)
    assert one.read_bytes() == other.read_bytes()
    model = load(one)
    spam = model.check(
        Comment(text="Nice article! Buy cheap watches online at our shop today.", author="cheap watches")
    )
    ham = model.check(Comment(text="My sister had the same bicycle years ago, it broke after the winter."))
    assert spam.score > 0.5 > ham.score
    assert model.card["trained_on"]["spam"] > 0
    assert "not promised" in model.card["budget"]["block"]["promise"]
    assert model.card["trained_on"]["newest"] == "2024-01-02"


def test_one_label_alone_is_refused() -> None:
    with pytest.raises(TooFewLabelsError, match="expected both"):
        train([example for example in corpus() if example.label == "spam"])


def test_measured_comments_score_as_unmeasured_ones() -> None:
    examples = corpus()
    comments = [example.comment for example in examples]
    labels = [int(example.label == "spam") for example in examples]
    design = design_of(comments, labels, [example.site for example in examples])
    model = SpamClassifier().fit_design(design)
    rows = np.arange(0, len(comments), 7)
    expected = model.decision_function([comments[row] for row in rows])
    np.testing.assert_allclose(model.decision_function_of(design, rows), expected, atol=1e-9)
    assert (model.predict(comments) == labels).mean() > 0.99
    assert model.predict_proba(comments[:3]).shape == (3, 2)


def test_the_order_in_which_comments_are_visited_hardly_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.classifier.MIN_VISITS", 0)
    examples = corpus()
    is_wrong = np.random.default_rng(0).random(len(examples)) < 0.2
    labels = [int((example.label == "spam") != wrong) for example, wrong in zip(examples, is_wrong, strict=True)]
    design = design_of([example.comment for example in examples], labels, [example.site for example in examples])
    rows = np.arange(len(examples))
    scores = [SpamClassifier(seed=seed).fit_design(design).decision_function_of(design, rows) for seed in range(6)]
    apart = [np.abs(one - other).mean() for one, other in itertools.combinations(scores, 2)]
    assert np.mean(apart) < 0.2 * np.mean([np.std(one) for one in scores])


@pytest.mark.parametrize("few", [10, 10_000])
def test_the_words_of_the_text_have_a_regression_of_their_own(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.classifier.FEW_COMMENTS", few)
    examples = corpus()
    comments, labels = [example.comment for example in examples], [int(example.label == "spam") for example in examples]
    sites = [example.site for example in examples]
    free, held_back = (SpamClassifier(word_alpha=alpha).fit(comments, labels, sites).scorer_ for alpha in (1e-4, 10.0))
    words, characters = FAMILIES.index("text_words"), FAMILIES.index("text_characters")
    assert free.family_scales[words] > 10 * held_back.family_scales[words] > 0
    assert free.family_scales[characters] == held_back.family_scales[characters]


@pytest.mark.parametrize(("spam_with_address", "is_learnt"), [(1, False), (50, True)])
def test_a_field_that_hardly_a_spam_has_is_not_learnt(spam_with_address: int, is_learnt: bool) -> None:
    examples = corpus()
    spam = [example.comment for example in examples if example.label == "spam"]
    ham = [example.comment for example in examples if example.label == "ham"] * 2
    with_address = [replace(comment, author_email=f"x@mail{i % 9}.example") for i, comment in enumerate(spam + ham)]
    comments = with_address[:spam_with_address] + spam[spam_with_address:] + with_address[len(spam) :]
    labels = [1] * len(spam) + [0] * len(ham)
    model = SpamClassifier().fit(comments, labels, [str(i % 5) for i in range(len(comments))])
    assert (model.scorer_.family_scales[FAMILIES.index("email")] > 1e-8) == is_learnt


def test_a_trait_is_held_back_as_much_whether_it_is_rare_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = corpus()
    labels = [int(example.label == "spam") for example in examples]
    design = design_of([example.comment for example in examples], labels, [example.site for example in examples])
    by_rarity = SpamClassifier().fit_design(design).scorer_
    monkeypatch.setattr("model.classifier._rarities", lambda frequencies, _: np.ones(len(frequencies), np.float32))
    alike = SpamClassifier().fit_design(design).scorer_
    changed = by_rarity.family_scales != alike.family_scales
    assert changed[FAMILIES.index("text_characters")]
    assert changed[FAMILIES.index("author")]
    assert not changed[[FAMILIES.index("traits"), FAMILIES.index("shape")]].any()


def test_rarities_are_inverse_document_frequencies_in_units_of_their_mean() -> None:
    counts = sparse.csr_matrix((np.random.default_rng(0).random((200, 60)) < 0.2).astype(np.float32))
    expected = TfidfTransformer(norm=None).fit(counts).idf_
    expected /= expected[counts.indices].mean()
    found = _rarities(np.asarray(counts.sum(axis=0)).ravel().astype(np.int64), 200)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_site_weighs_less_than_its_comments_and_both_labels_weigh_alike() -> None:
    labels = np.array([1] * 1000 + [1] * 40 + [0] * 100)
    sites = np.array([0] * 1000 + [1] * 40 + [1] * 100)
    weights = site_weights(labels, sites, 0.5)
    assert weights[:1000].sum() / weights[1000:1040].sum() == pytest.approx(5)
    assert weights[labels == 1].sum() == pytest.approx(weights[labels == 0].sum())


def test_the_only_comment_of_a_site_weighs_no_more_than_one_of_thirty() -> None:
    labels = np.ones(131, dtype=np.int64)
    weights = site_weights(labels, np.array([0] * 100 + [1] * 30 + [2]), 0.5)
    assert weights[0] < weights[100] == weights[130]


def test_a_campaign_is_kept_three_times_a_site() -> None:
    copies = [labelled(Comment(text=f"Buy this {number} now!!"), "spam", 0) for number in range(20)]
    assert len(balanced(copies, seed=0)) == MAX_NEAR_COPIES


def test_templates_train_as_the_texts_that_they_generate() -> None:
    template = labelled(Comment(text="{Hello|Hi} {dear {friend|reader}|you}"), "spam", 0)
    ham = replace(template, label="ham")
    texts = {example.comment.text for example in expanded([template] * 20, seed=0)}
    assert texts <= {f"{a} {b}" for a in ("Hello", "Hi") for b in ("dear friend", "dear reader", "you")}
    assert len(texts) > 2
    assert list(expanded([ham], seed=0)) == [ham]


def test_folds_never_part_a_site() -> None:
    sites = [f"site{number % 13}" for number in range(500)]
    folds = site_folds(sites, 4)
    assert set(folds.tolist()) == {0, 1, 2, 3}
    assert all(len({fold for fold, site in zip(folds, sites, strict=True) if site == name}) == 1 for name in set(sites))


def test_corrections_change_the_label_of_the_text_they_name(tmp_path: Path) -> None:
    wrong = labelled(Comment(text="Visit our shop"), "ham", 0)
    file = tmp_path / "corrections.txt"
    file.write_text(f"# read\n{digest_of('Visit our shop')} spam # sure\n", encoding="utf-8")
    other = labelled(Comment(text="Another"), "ham", 0)
    assert [e.label for e in corrected([wrong, other], read_corrections(file))] == ["spam", "ham"]


@pytest.mark.parametrize("line", ["abc spam", "0123456789abcdef maybe", "0123456789abcdef"])
def test_a_line_that_is_no_correction_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "corrections.txt"
    file.write_text(f"# head\n{line}\n", encoding="utf-8")
    with pytest.raises(FileError, match=":2: expected"):
        read_corrections(file)


def test_a_model_that_some_are_held_out_from_has_the_recipe_of_the_one_that_learns_from_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its scores set the other's thresholds."""
    examples = corpus()
    labels = [int(example.label == "spam") for example in examples]
    design = design_of([example.comment for example in examples], labels, [example.site for example in examples])
    half = np.arange(0, len(examples), 2)

    def joint_scale(few: int, rows: npt.NDArray[np.int64] | None = None) -> float:
        monkeypatch.setattr("model.classifier.FEW_COMMENTS", few)
        return SpamClassifier().fit_design(design, rows).scorer_.joint_scale

    many = joint_scale(len(half), half)
    assert many == joint_scale(len(examples) - 1, half) != joint_scale(len(examples), half)
    assert many == pytest.approx(joint_scale(len(examples) - 1), rel=0.5)
