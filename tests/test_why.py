"""The page that says why: what is claimed there is what judging the comment says."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from browser import Browser
from checks import SITE, alike, held
from conftest import wait_until

from model import SHIPPED
from model.artifact import load
from model.comment import Comment
from model.verdict import Decision, Reason
from service.follower import Follower
from service.moderation.shown import Piece, marked, visible
from service.moderation.variants import MAX_CHARACTERS, variants_of
from training.labels import GivenLabel, LabelStore

if TYPE_CHECKING:
    from flask import Flask

    from model.artifact import Filter

LINKED = Comment(
    text="Nice article! Buy cheap watches online at http://watches.example/shop now, cheap watches!",
    author="Bo",
    author_url="http://watches.example/",
    author_email="bo@watches.example",
)


@pytest.fixture(scope="module")
def served() -> Filter:
    return load(SHIPPED)


def ago(minutes: int) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def page_of(app: Flask, check_id: str) -> str:
    ann = Browser(app)
    if ann.sign_in("ann").status_code != 303:
        ann = Browser(app, "ann")
    reply = ann.get(f"/moderate/comments/{check_id}")
    assert reply.status_code == 200
    return reply.text


def test_the_contributions_that_were_kept_add_up_to_the_score(app: Flask, key: str, served: Filter) -> None:
    del key
    (check,) = held(served, [LINKED], at=ago(5))
    LabelStore(app.extensions["hamgate.store"]).remember([check])
    page = page_of(app, check.id)
    assert "As it was when the comment was held." in page
    shown = [float(weight) for weight in re.findall(r'<td class="number">([+-][\d.]+)</td>', page)]
    assert len(shown) == len(check.reasons) + 1
    assert sum(shown[:-1]) == pytest.approx(shown[-1], abs=0.01)
    assert f"a score of {100 * check.score:.1f} %" in page


def test_what_was_not_held_is_explained_as_it_is_seen_now(app: Flask, key: str, served: Filter) -> None:
    del key
    (check,) = held(served, [LINKED], "block", at=ago(5))
    LabelStore(app.extensions["hamgate.store"]).remember([check])
    page = page_of(app, check.id)
    assert f"As version <code>{served.version}</code> sees it now" in page
    assert f"a score of {100 * served.check(LINKED).score:.1f} %" in page


def test_each_change_that_is_claimed_to_flip_the_decision_does(app: Flask, key: str, served: Filter) -> None:
    del key
    now = served.check(LINKED)
    assert now.decision is not Decision.ALLOW
    variants = {variant.without: variant.comment for variant in variants_of(LINKED, now.reasons)}
    (check,) = held(served, [LINKED], "block", at=ago(5))
    LabelStore(app.extensions["hamgate.store"]).remember([check])
    claimed = re.findall(r'<li>Without (.*?) it would be <span class="decision (\w+)">', page_of(app, check.id))
    for without, decision in claimed:
        assert served.check(variants[html.unescape(without)]).decision == decision == "allow"
    flips = [without for without, changed in variants.items() if served.check(changed).decision is Decision.ALLOW]
    assert [html.unescape(without) for without, _ in claimed] == flips[:3]
    assert claimed


def test_where_nothing_flips_the_decision_that_is_said(app: Flask, key: str, served: Filter) -> None:
    del key
    comment = Comment(text="Thank you, this solved it for me.")
    (check,) = held(served, [comment], "allow", at=ago(5))
    LabelStore(app.extensions["hamgate.store"]).remember([check])
    page = page_of(app, check.id)
    assert re.search(r"Nothing that was tried: \d+ ways", page)


def test_changes_leave_out_one_thing_and_then_more_and_never_all(served: Filter) -> None:
    variants = variants_of(LINKED, served.check(LINKED).reasons)
    without = [variant.without for variant in variants]
    assert without[:4] == [
        "the author's link",
        "the author's name",
        "the author's e-mail address",
        "the link “http://watches.example/shop”",
    ]
    assert "watches.example/shop" not in variants[3].comment.text
    assert len({variant.comment for variant in variants} | {LINKED}) == len(variants) + 1
    assert variants_of(Comment(text="http://a.example/"), []) == []
    assert variants_of(Comment(text="x" * (MAX_CHARACTERS + 1), author="Bo"), []) == []


def test_the_nearest_labelled_comments_are_shown(app: Flask, key: str, served: Filter) -> None:
    del key
    labels = LabelStore(app.extensions["hamgate.store"])
    check, near, nearer = held(served, [*alike(3)[:2], Comment(text=alike(1)[0].text + "!", author="Ana")], at=ago(5))
    labels.remember([check])
    far = Comment(text="The recipe calls for two eggs and a cup of flour, then half an hour in the oven.")
    now = datetime.now(UTC)
    for comment, label in ((near.comment, "spam"), (nearer.comment, "ham"), (far, "ham")):
        labels.add([GivenLabel(SITE, comment, label, "cy", now)])  # type: ignore[arg-type]
    wait_until(lambda: page_of(app, check.id).count("in common") == 2, seconds=5)
    page = page_of(app, check.id)
    shares = [int(share) for share in re.findall(r"(\d+) % in common", page)]
    assert shares == sorted(shares, reverse=True)
    assert "two eggs" not in page


def test_nothing_is_said_of_now_before_what_was_just_said_is_learnt(
    app: Flask, key: str, served: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    del key
    (check,) = held(served, alike(1), at=ago(5))
    store = LabelStore(app.extensions["hamgate.store"])
    store.remember([check])
    assert "Now it would be" in page_of(app, check.id)
    with monkeypatch.context() as patched:
        patched.setattr(Follower, "_read", lambda _: None)
        store.add([GivenLabel(SITE, check.comment, "ham", "ann", datetime.now(UTC))])
        page = page_of(app, check.id)
        assert "being learnt" in page
        assert "Now it would be" not in page
    wait_until(lambda: "Now it would be" in page_of(app, check.id))
    with monkeypatch.context() as patched:
        patched.setattr(Follower, "_read", lambda _: None)
        assert store.undo(1, store.newest(), "ann", None, datetime.now(UTC)) == 1
        assert "Now it would be" not in page_of(app, check.id)
    wait_until(lambda: "Now it would be" in page_of(app, check.id))


def test_looking_at_a_comment_leaves_no_trace(app: Flask, key: str, served: Filter) -> None:
    checks = held(served, alike(4), at=ago(5))
    LabelStore(app.extensions["hamgate.store"]).remember(checks)
    for check in checks:
        page_of(app, check.id)
    client = app.test_client()
    sent = {"text": alike(5)[4].text, "author": "Ben"}
    answer = client.post("/v1/check", json=sent, headers={"Authorization": f"Bearer {key}"}).get_json()
    assert "campaign" not in {reason["feature"] for reason in answer["reasons"]}


@pytest.mark.parametrize("check_id", ["x", "0" * 32, "0" * 33, "%00", "..%2f"])
def test_a_check_there_is_not_is_not_found(app: Flask, check_id: str) -> None:
    assert Browser(app, "ann").get(f"/moderate/comments/{check_id}").status_code == 404


# How a comment is shown


@pytest.mark.parametrize(
    ("text", "words", "pieces"),
    [
        ("plain", {}, [("plain", "")]),
        ("Buy VIAGRA now", {"viagra": "spam"}, [("Buy ", ""), ("VIAGRA", "spam"), (" now", "")]),
        ("viagra-now", {"viagra": "spam", "now": "ham"}, [("viagra", "spam"), ("-", ""), ("now", "ham")]),
        ("viagras", {"viagra": "spam"}, [("viagras", "")]),
        ("vi\u0430gra", {"viagra": "spam"}, [("vi\u0430gra", "spam")]),
        ("vi\u200bagra", {"viagra": "spam"}, [("vi⟨zero width space⟩agra", "spam")]),
        ("İİ viagra", {"viagra": "spam"}, [("İİ ", ""), ("viagra", "spam")]),
        ("a.b", {".": "spam"}, [("a.b", "")]),
        ("<b>viagra</b>", {"viagra": "spam"}, [("<b>", ""), ("viagra", "spam"), ("</b>", "")]),
    ],
)
def test_words_that_told_are_marked_as_they_are_read(
    text: str, words: dict[str, str], pieces: list[tuple[str, str]]
) -> None:
    assert marked(text, words) == [Piece(*piece) for piece in pieces]


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("a\x00b", "a⟨U+0000⟩b"),
        ("a\x1b[31mb", "a⟨U+001B⟩[31mb"),
        ("a\u202eb", "a⟨right-to-left override⟩b"),
        ("a\u2066b\u2069", "a⟨left-to-right isolate⟩b⟨pop directional isolate⟩"),
        ("a\ufeffb\u00ad", "a⟨zero width no-break space⟩b⟨soft hyphen⟩"),
        ("\U000e0041", "⟨tag latin capital letter a⟩"),
        ("line\n\tline", "line\n\tline"),
        ("مرحبا 👨‍👩‍👧", "مرحبا 👨‍👩‍👧"),
    ],
)
def test_what_a_text_hides_is_shown_by_name_and_nothing_else(hidden: str, shown: str) -> None:
    assert visible(hidden) == shown


def test_nothing_of_a_comment_is_markup_on_any_page(app: Flask, key: str, served: Filter) -> None:
    del key
    link = "<a href='javascript:alert(1)'>{{ 'car' ~ 'amel' }}{% x %}</a>"
    evil = f"<script>alert(1)</script><img src=x onerror=alert(1)>{link}\"'"
    fields = ("text", "author", "author_url", "author_email", "user_agent", "post_title", "permalink", "parent_text")
    comment = Comment(**dict.fromkeys(fields, evil))
    (check,) = held(served, [comment], at=ago(5))
    labels = LabelStore(app.extensions["hamgate.store"])
    labels.remember([check])
    ann = Browser(app, "ann")
    pages = [ann.get(path).text for path in ("/moderate/", f"/moderate/comments/{check.id}", "/moderate/history")]
    labels.add([GivenLabel(SITE, comment, "spam", evil[:200], datetime.now(UTC))])
    pages += [ann.get(path).text for path in ("/moderate/history/labels", f"/moderate/comments/{check.id}")]
    for page in pages:
        assert "alert(1)" in page
        assert "<script>" not in page
        assert "<img" not in page
        assert "caramel" not in page
        assert set(re.findall(r'href="([^"]*)"', page)) == {
            target for target in re.findall(r'href="([^"]*)"', page) if target.startswith(("/", "#"))
        }


def test_reasons_too_weak_to_tell_mark_nothing() -> None:
    from service.moderation.shown import words_of

    reasons = [Reason("text:a", 0.01, ""), Reason("text:b", -2.0, ""), Reason("author", 3.0, "")]
    assert words_of(reasons) == {"b": "ham"}
