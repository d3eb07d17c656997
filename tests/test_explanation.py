"""Verdicts: reasons add up, and what is said of a comment depends on nothing but the comment."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import SHIPPED
from model.artifact import Filter, load
from model.comment import Comment
from model.verdict import Decision

COMMENTS = [
    Comment(text=""),
    Comment(text="a"),
    Comment(text="Thanks, that solved it!", author="Anna"),
    Comment(text="感谢博主，学习了很多东西", author="小明", lang="zh"),
    Comment(text="ขอบคุณมากครับ"),
    Comment(text="see [url=http://pills.example/]cheap pills[/url] and http://casino.example/win " * 30),
    Comment(text="𝐀𝐄𝑅𝙊𝟴8 gampang menang", author="@slot"),
    Comment(text="word " * 3_000, author="x" * 5_000, author_url="http://" + "a" * 9_000),
    Comment(text="nul\x00byte \ud83d half", author="\x00", author_url="%%%", author_email="@"),
    Comment(text="Great post!", author="Buy Cheap Proxies", author_url="http://cheap-proxies.example/", honeypot="x"),
    Comment(
        text="The parser should keep whitespace in literals, since printers depend on literals.",
        post_text=" ".join(f"parser literals printers whitespace subject{chr(97 + i)}{chr(98 + i)}" for i in range(24))
        + " " + " ".join(f"topic{a}{b}" for a in "abcdefg" for b in "hijklmn"),
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def model() -> Filter:
    return load(SHIPPED)


@pytest.mark.parametrize("comment", COMMENTS, ids=range(len(COMMENTS)))
def test_the_reasons_weights_add_up_to_the_scores_log_odds(model: Filter, comment: Comment) -> None:
    verdict = model.check(comment)
    log_odds = math.log(verdict.score / (1 - verdict.score)) if 0 < verdict.score < 1 else math.inf
    assert sum(reason.weight for reason in verdict.reasons) == pytest.approx(log_odds, abs=1e-6)


def test_the_strongest_reason_comes_first(model: Filter) -> None:
    for comment in COMMENTS:
        weights = [abs(reason.weight) for reason in model.check(comment).reasons]
        assert weights == sorted(weights, reverse=True)


def test_a_host_of_letters_drawn_at_random_is_named(model: Filter) -> None:
    drawn, usual = (
        [
            reason
            for reason in model.check(Comment(text="Nice post", author_url=url)).reasons
            if reason.feature == "traits"
        ]
        for url in ("http://fwucqvmdxn.com", "http://wonderfulgardens.com")
    )
    assert drawn[0].weight > usual[0].weight
    assert "a host of letters that seldom follow each other" in drawn[0].text
    assert "letters" not in usual[0].text


def test_a_text_of_letters_drawn_at_random_is_named(model: Filter) -> None:
    reasons = model.check(Comment(text="Nfwhdkjdwj rdqskwjfej wkdwodkwkifjejr")).reasons
    (traits,) = [reason.text for reason in reasons if reason.feature == "traits"]
    assert "letters that seldom follow each other" in traits


def test_a_batch_says_what_single_checks_say(model: Filter) -> None:
    assert model.check_many(COMMENTS) == [model.check(comment) for comment in COMMENTS]
    assert model.check_many(COMMENTS[::-1]) == [model.check(comment) for comment in COMMENTS[::-1]]


words = st.text(max_size=80)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(Comment, text=words, author=words, author_url=words, author_email=words), max_size=6))
def test_no_comment_changes_anothers_verdict(comments: list[Comment]) -> None:
    model = load_once()
    assert model.check_many(comments) == [model.check(comment) for comment in comments]


def load_once() -> Filter:
    if not _loaded:
        _loaded.append(load(SHIPPED))
    return _loaded[0]


_loaded: list[Filter] = []


def test_an_empty_field_is_no_reason(model: Filter) -> None:
    features = {reason.feature for reason in model.check(Comment(text="Hello there")).reasons}
    assert not features & {"author", "author_url", "author_email", "links", "honeypot", "post"}


def test_a_filled_honeypot_speaks_for_spam(model: Filter) -> None:
    comment = Comment(text="Hello there, nice to see you all")
    assert model.check(replace(comment, honeypot="http://x.example")).score > model.check(comment).score


def test_a_comment_that_speaks_of_the_post_is_less_suspect(model: Filter) -> None:
    about = COMMENTS[-1]
    assert model.check(about).score < model.check(replace(about, post_text="")).score


def test_a_link_to_the_site_itself_is_innocent(model: Filter) -> None:
    comment = Comment(text="I wrote about it at https://my-blog.example/casino-bonus-review last year.")
    own = replace(comment, permalink="https://my-blog.example/posts/1")
    assert "links" in {reason.feature for reason in model.check(comment).reasons}
    assert "links" not in {reason.feature for reason in model.check(own).reasons}


@pytest.mark.parametrize(
    "comment",
    [
        Comment(text="You are an idiot and this article is GARBAGE!!! Go back to school.", author="angry"),
        Comment(text="thx dude u savd my live, i was serching 4 hours lol", author="kev"),
        Comment(text="See https://github.com/foo/bar/issues/12 for the fix, it works since 2.3.", author="Tom"),
        Comment(text="Спасибо, очень помогло! А как это сделать в Debian?", author="Иван"),
        Comment(text="感谢博主，学习了", author="小明"),
        Comment(text="بہت شکریہ، آپ نے بہت اچھا لکھا ہے", author="علی"),
        Comment(text="شكرا جزيلا على هذا الشرح المفيد", author="أحمد"),
        Comment(text="बहुत अच्छा लेख, धन्यवाद", author="राहुल"),
        Comment(text="Vielen Dank, genau das habe ich gesucht. Funktioniert das auch unter Windows?", author="Jürgen"),
        Comment(text="Muito obrigada pela ajuda, doutora. Minha mãe também teve isso.", author="Lúcia"),
        Comment(text="Hi all \nthanks for the recipe \nI used less sugar \nand it worked out fine", author="Jane"),
    ],
    ids=[
        "heated",
        "badly spelt",
        "link",
        "Russian",
        "Chinese",
        "Urdu",
        "Arabic",
        "Hindi",
        "German",
        "Portuguese",
        "broken lines",
    ],
)
def test_ham_of_many_kinds_is_not_blocked(model: Filter, comment: Comment) -> None:
    assert model.check(comment).decision in (Decision.ALLOW, Decision.REVIEW)


@pytest.mark.parametrize(
    "text",
    [
        "ลองทำตามสูตรนี้เมื่อวาน อร่อยมาก แต่ใส่น้ำตาลน้อยลงหน่อย ขอบคุณครับ",
        "ຂອບໃຈຫຼາຍໆ ສຳລັບບົດຄວາມນີ້",
        "昨日作ってみました!とてもおいしかったです。ありがとうございます。",
        "저도 같은 오류가 나는데 해결 방법이 있나요? 버전은 3.2입니다.",
        "לא מסכים בכלל, הממשלה הזאת הורסת את המדינה",
        "Mình làm theo mà bị lỗi ở bước 3, bạn xem giúp với.",
        "با سپاس از شما، دیروز همین کار را کردم و درست شد.",
        "আমি গতকাল রান্না করেছি, দারুণ হয়েছে!",
        "Ευχαριστώ πολύ, με βοήθησε, αλλά το δεύτερο βήμα δεν δουλεύει.",
        "Շատ լավ հոդված է, շնորհակալություն։",
        "დიდი მადლობა, ძალიან დამეხმარა!",
    ],
    ids=[
        "Thai",
        "Lao",
        "Japanese",
        "Korean",
        "Hebrew",
        "Vietnamese",
        "Persian",
        "Bengali",
        "Greek",
        "Armenian",
        "Georgian",
    ],
)
def test_ham_in_a_language_that_training_knows_little_of_is_allowed(model: Filter, text: str) -> None:
    assert model.check(Comment(text=text)).decision is Decision.ALLOW


def test_a_masked_number_is_called_what_people_see(model: Filter) -> None:
    verdict = model.check(Comment(text="call 0117 496 0123 or write to me@example.org"))
    said = {reason.text for reason in verdict.reasons}
    assert any(text.startswith(("a phone number", "an e-mail address")) for text in said)
    assert not any(sign in text for text in said for sign in "☎✉")
