"""The gate before a promotion: what it lets pass, what it refuses, and in which words."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from comments import campaign, conversation

from model.artifact import FORMAT, ArtifactError, load, packed, unpacked
from model.comment import Comment
from model.thresholds import Thresholds
from service.cli import main
from training.database import Database
from training.formats.row import TrainingError
from training.gate import Comparison, GateReport, GuardSet, RefusedError, golden_set
from training.labels import GivenLabel, LabelStore
from training.promotion import Promoter
from training.registry import Registry, ServedVersionChangedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from training.labels import Label

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OTHER: dict[Label, Label] = {"spam": "ham", "ham": "spam"}


def comparison(ham: tuple[int, int, int], spam: tuple[int, int, int]) -> Comparison:
    """Lay out a set: comments of a label, how many of them only the candidate blocks, how many only the served one."""
    is_spam, served, candidate = [], [], []
    for label, (total, newly, no_longer) in ((False, ham), (True, spam)):
        is_spam += [label] * total
        served += [index < no_longer for index in range(total)]
        candidate += [index >= total - newly for index in range(total)]
    comments = [Comment(text=f"comment\x1b {number}") for number in range(len(is_spam))]
    guard = GuardSet("newest labels", comments, np.array(is_spam))
    return Comparison.of(guard, np.array(served), np.array(candidate))


@pytest.mark.parametrize(
    ("ham", "spam", "refused"),
    [
        ((1_000, 0, 0), (500, 0, 0), False),
        ((1_000, 4, 0), (500, 40, 0), False),  # 1 in 16 by chance
        ((1_000, 5, 0), (500, 40, 0), True),  # 1 in 32
        ((1_000, 30, 25), (500, 0, 0), False),
        ((1_000, 40, 20), (500, 0, 0), True),
        ((1_000, 0, 9), (500, 0, 4), False),
        ((1_000, 0, 9), (500, 0, 6), True),
        ((1_000, 0, 0), (500, 60, 64), False),
        ((1_000, 0, 0), (500, 60, 66), True),  # chance, but 6 of 500
        ((1_000, 0, 0), (20, 0, 1), False),
        ((29, 0, 0), (500, 5, 0), True),  # too little ham to tell
    ],
)
def test_it_refuses_what_harms(ham: tuple[int, int, int], spam: tuple[int, int, int], refused: bool) -> None:
    report = GateReport("served", "candidate", (comparison(ham, spam),))
    assert bool(report.objections()) == refused
    if refused:
        with pytest.raises(RefusedError, match="version candidate is not promoted; served is still served"):
            report.require()


def sliced(slices: list[tuple[str, str, int, int, int]], rest: int = 0) -> Comparison:
    """Lay out a set: site, text, how many ham of it, how many only the candidate blocks, how many only the served."""
    comments, sites, served, candidate = [], [], [], []
    for site, text, total, newly, no_longer in slices:
        comments += [Comment(text=text)] * total
        sites += [site] * total
        served += [index < no_longer for index in range(total)]
        candidate += [index >= total - newly for index in range(total)]
    guard = GuardSet("newest labels", comments, np.zeros(len(sites), bool), sites)
    return Comparison.of(guard, np.array(served), np.array(candidate))


@pytest.mark.parametrize(
    ("slices", "named"),
    [
        ([("a", "Hi", 200, 9, 0), ("b", "Hi", 900, 0, 60)], ["site a"]),
        ([("a", "Привет", 200, 9, 0), ("a", "Hi", 900, 0, 60)], ["script cyrillic"]),
        ([("a", "Hi " * 80, 200, 9, 0), ("a", "Hi", 900, 0, 60)], ["medium comments"]),
        ([("a", "Hi", 200, 3, 0), ("b", "Hi", 900, 0, 60)], []),
        ([("a", "Hi", 200, 9, 8), ("b", "Hi", 900, 0, 60)], []),
        # Of forty sites that change as chance has it, one has 5 more: by itself that would be 1 in 32.
        (
            [
                *((f"{site}", "Hi", 50, 6 * (site % 2), 6 * (1 - site % 2)) for site in range(2, 8)),
                ("a", "Hi", 50, 5, 0),
            ],
            [],
        ),
    ],
)
def test_a_site_or_a_language_that_gets_worse_is_not_outweighed(
    slices: list[tuple[str, str, int, int, int]], named: list[str]
) -> None:
    found = sliced(slices)
    assert found.ham_chance >= 0.05
    assert [worse.name for worse in found.worse_slices] == named
    objections = GateReport("served", "candidate", (found,)).objections()
    assert [objection.partition(":")[0] for objection in objections] == [f"newest labels, {name}" for name in named]


def test_slices_that_change_by_chance_are_seldom_refused() -> None:
    chooser = random.Random(1)  # noqa: S311 - a sample, not a secret
    refused = 0
    for _ in range(100):
        slices = []
        for site in range(12):
            changed = chooser.randrange(14)
            newly = sum(chooser.random() < 0.5 for _ in range(changed))
            slices.append((f"site{site}", "Hi", 40, newly, changed - newly))
        refused += bool(sliced(slices).worse_slices)
    assert refused <= 100 * 0.1


def test_comments_that_flip_are_listed_both_ways() -> None:
    found = comparison((100, 3, 2), (50, 1, 20))
    kinds = Counter((flip.label, flip.is_newly_blocked) for flip in found.flips)
    assert kinds == {("ham", True): 3, ("ham", False): 2, ("spam", True): 1, ("spam", False): 10}


def test_harm_on_one_set_is_not_outweighed_by_another() -> None:
    good = comparison((5_000, 0, 50), (500, 90, 0))
    bad = replace(comparison((200, 6, 0), (0, 0, 0)), name="golden.jsonl")
    (objection,) = GateReport("served", "candidate", (good, bad)).objections()
    assert objection.startswith("golden.jsonl: it blocks 6 of 200 good comments, the version served now 0;")
    assert objection.endswith('    "comment\\u001b 199"')


def test_a_golden_file_must_be_readable_and_labelled(tmp_path: Path) -> None:
    for name, content in (("none.jsonl", '{"text": "Hi"}\n'), ("broken.jsonl", '{"text": "Hi", "label": "ham"}\n{"te')):
        (tmp_path / name).write_text(content)
        with pytest.raises(TrainingError, match=name):
            golden_set(str(tmp_path / name))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'labels.sqlite3'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as opened:
        yield opened


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"HAMGATE_DATABASE": url})


def label_comments(database: Database, flipped: float = 0.0) -> None:
    """Label a site's comments; some of the labels are wrong."""
    chooser = random.Random(0)  # noqa: S311 - a sample, not a secret
    every: list[GivenLabel] = []
    pairs: list[tuple[Label, list]] = [("spam", campaign(200)), ("ham", conversation(200))]
    for label, comments in pairs:
        for comment in comments:
            said = OTHER[label] if chooser.random() < flipped else label
            every.append(GivenLabel("blog.example", comment, said, "ann", NOW))
    chooser.shuffle(every)
    LabelStore(database).add(every)


def test_a_retrained_version_is_registered_shown_and_promoted(database: Database, url: str) -> None:
    label_comments(database)
    trained = run(url, "train", "--from-store", "--user", "ann")
    assert trained.exit_code == 0, trained.output
    assert re.search(r"\d+ ham of newest labels +0 +0\n", trained.stderr)
    version = trained.stdout.strip()
    assert Registry(database).served() is None
    promoted = run(url, "models", "promote", version[:6], "--user", "bob")
    assert promoted.exit_code == 0, promoted.output
    assert Registry(database).served() == version
    (promotion,) = Registry(database).promotions()
    assert (promotion.promoted_by, promotion.is_forced) == ("bob", False)


def test_training_and_promoting_in_one_step(database: Database, url: str) -> None:
    label_comments(database)
    result = run(url, "train", "--from-store", "--promote")
    assert result.exit_code == 0, result.output
    assert Registry(database).served() == result.stdout.strip()


def test_a_version_that_blocks_ham_is_refused_with_status_3_unless_forced(
    database: Database, url: str, small_model_path: Path
) -> None:
    label_comments(database)
    model = load(small_model_path)
    trigger_happy = packed(model.scorer, Thresholds(review=1e-12, block=1e-12, discard=1.0), {})
    version = Registry(database).add(trigger_happy, NOW, "ann")
    refused = run(url, "models", "promote", version)
    assert refused.exit_code == 3
    assert "good comments, the version served now 0; that is more than chance explains" in refused.stderr
    assert "served        candidate" in refused.stderr
    assert Registry(database).served() is None
    forced = run(url, "models", "promote", version, "--force", "--user", "eve")
    assert forced.exit_code == 0, forced.output
    (promotion,) = Registry(database).promotions()
    assert (promotion.version, promotion.promoted_by, promotion.is_forced) == (version, "eve", True)


def test_a_version_learnt_from_a_flood_of_flipped_labels_is_refused(
    database: Database, url: str, tmp_path: Path
) -> None:
    """A good version is served; then most labels are turned around."""
    label_comments(database)
    assert run(url, "train", "--from-store", "--promote").exit_code == 0
    served = Registry(database).served()
    label_comments(database, flipped=0.9)
    golden = [{"text": comment.text, "label": "ham"} for comment in conversation(80, seed=5)]
    golden += [{"text": comment.text, "label": "spam"} for comment in campaign(80, seed=5)]
    path = tmp_path / "golden.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in golden), encoding="utf-8")
    poisoned = run(url, "train", "--from-store", "--promote", "--golden", str(path))
    assert poisoned.exit_code == 3, poisoned.output
    assert f"{served} is still served" in poisoned.stderr
    assert "Labels that contradict each other or were given by mistake are the usual cause" in poisoned.stderr
    assert Registry(database).served() == served


def test_too_few_labels_to_tell_are_said_to_be_too_few(database: Database, url: str, small_model_path: Path) -> None:
    model = load(small_model_path)
    version = Registry(database).add(packed(model.scorer, model.thresholds, {"name": "other"}), NOW, "ann")
    result = run(url, "models", "promote", version)
    assert result.exit_code == 3
    assert "there are only 0 good comments to measure it on" in result.stderr


def test_options_of_the_other_source_are_refused(url: str) -> None:
    for arguments, message in (
        (["--from-store", "file.jsonl"], "does not go with --from-store"),
        (["--from-store", "--budget", "0.001"], "'--budget' does not go with --from-store"),
        (["file.jsonl", "-o", "out", "--promote"], "'--promote' does not go without --from-store"),
        ([], 'name files and an artefact to write ("-o"), or train "--from-store"'),
    ):
        result = run(url, "train", *arguments)
        assert result.exit_code == 2
        assert message in result.stderr


def test_labels_are_listed_for_a_second_look(database: Database, url: str) -> None:
    label_comments(database)
    comment = campaign(1)[0]
    LabelStore(database).add([GivenLabel("blog.example", comment, "ham", "bob", NOW)])
    (doubtful,) = [json.loads(line) for line in run(url, "labels", "doubtful", "--limit", "1").stdout.splitlines()]
    assert (doubtful["text"], doubtful["label"], doubtful["labelled_by"]) == (comment.text, "ham", "bob")
    (contested,) = [json.loads(line) for line in run(url, "labels", "contested").stdout.splitlines()]
    assert [(said["by"], said["label"]) for said in contested["said"]] == [("ann", "spam"), ("bob", "ham")]
    labellers = [json.loads(line) for line in run(url, "labels", "labellers").stdout.splitlines()]
    assert [(one["name"], one["labels"]) for one in labellers] == [("ann", 399), ("bob", 1)]


def test_a_version_is_not_promoted_over_one_it_was_not_compared_with(
    database: Database, small_model_path: Path
) -> None:
    label_comments(database)
    promoter, registry = Promoter(database, small_model_path), Registry(database)
    first, _ = promoter.retrain(NOW, "ann")
    second, _ = promoter.retrain(NOW, "ann", half_life_days=30.0)
    assert first != second
    report = promoter.compare(first)
    promoter.promote(promoter.compare(second), NOW, "bob")
    for force in (False, True):
        with pytest.raises(ServedVersionChangedError, match=f"bob has changed what is served since {first} was"):
            promoter.promote(report, NOW, "ann", force)
    assert registry.served() == second
    promoter.promote(promoter.compare(first), NOW, "ann", force=True)
    assert registry.served() == first


def test_the_served_version_is_what_a_candidate_is_compared_with(database: Database, small_model_path: Path) -> None:
    label_comments(database)
    promoter = Promoter(database, small_model_path)
    first, _ = promoter.retrain(NOW, "ann")
    assert promoter.compare(first).served == load(small_model_path).version
    promoter.promote(promoter.compare(first), NOW, "ann")
    assert promoter.compare(first).served == first


def test_where_the_served_version_cannot_be_loaded_any_more_the_model_file_is_compared_with(
    database: Database, url: str, small_model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label_comments(database)
    promoter, model = Promoter(database, small_model_path), load(small_model_path)
    with monkeypatch.context() as patched:
        patched.setattr("model.artifact.FORMAT", FORMAT - 1)
        older = Registry(database).add(packed(model.scorer, model.thresholds, {"name": "older"}), NOW, "ann")
        Registry(database).promote(older, NOW, "ann")
    with pytest.raises(ArtifactError, match="train it anew"):
        promoter.compare(older)
    newer, _ = promoter.retrain(NOW, "ann")
    assert promoter.compare(newer).served == model.version
    result = run(url, "models", "promote", newer)
    assert (result.exit_code, Registry(database).served()) == (0, newer), result.output


@pytest.mark.parametrize("cuts", [[], "x", {"x": None}, {"x": [1, "a"]}, {"x": ["2031", 1, 2]}, {"x": {"y": 1}}])
def test_a_card_that_says_nonsense_of_its_labels_has_none_held_out_for_it(
    database: Database, url: str, small_model_path: Path, cuts: object
) -> None:
    label_comments(database)
    model = load(small_model_path)
    version = Registry(database).add(packed(model.scorer, model.thresholds, {"held_out": cuts}), NOW, "ann")
    promoted = run(url, "models", "promote", version)
    assert promoted.exit_code == 0, promoted.output
    assert "200 ham of newest labels" in promoted.stderr


def test_a_card_that_is_no_object_is_no_model(small_model_path: Path) -> None:
    model = load(small_model_path)
    with pytest.raises(ArtifactError, match="its card is a list, expected an object"):
        unpacked(packed(model.scorer, model.thresholds, []), "it")  # type: ignore[arg-type]
