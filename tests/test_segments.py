"""What is looked at in a comment's name and links: their words, and how they are written."""

from __future__ import annotations

import pytest

from model.comment import Comment
from model.ngrams import FAMILIES, grams_of
from model.segments import Kind, Parts, parts_of


def traits(author: str = "", author_url: str = "", text: str = "Hi") -> list[str]:
    return parts_of(Comment(text=text, author=author, author_url=author_url)).traits


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("Jane Doe", "title"),
        ("jane", "lower"),
        ("JANE", "upper"),
        ("Best seo tools", "first"),
        ("cheap nhl Jerseys", "mixed"),
        ("小明", "mixed"),
        ("Жанна", "title"),
    ],
)
def test_the_case_of_a_name_is_a_trait(name: str, case: str) -> None:
    assert f"name_{case}" in traits(name)
    assert f"name_{case}_{name.count(' ') + 1}" in traits(name)


@pytest.mark.parametrize(
    ("url", "has_capitals"),
    [
        ("http://Www.Shoes.example/a", True),
        ("https://Shoes.example", True),
        ("HTTP://shoes.example/A", False),
        ("http://shoes.example/Cheap-Shoes", False),
        ("", False),
    ],
)
def test_capitals_in_the_host_of_the_authors_link_are_a_trait(url: str, has_capitals: bool) -> None:
    assert ("url_host_capitals" in traits("Jane", url)) == has_capitals


def test_names_and_links_keep_their_case() -> None:
    comment = Comment(text="see http://Shoes.example/A", author="Jane Doe", author_url="http://Www.Shoes.example/B/")
    strings = dict(parts_of(comment).segments)
    assert strings[Kind.AUTHOR] == " Jane Doe "
    assert strings[Kind.URL] == " Www.Shoes.example/B "
    assert strings[Kind.LINK] == " Shoes.example/A "


def test_a_name_in_its_link_is_found_in_any_case() -> None:
    assert traits("Cheap Shoes", "http://CHEAP-shoes.example").count("name_in_url_4") == 1


@pytest.mark.parametrize(("one", "other"), [("Cheap SHOES", "cheap shoes"), ("ДЕШЁВЫЕ туфли", "дешёвые туфли")])
def test_words_count_as_the_same_in_any_case_and_characters_do_not(one: str, other: str) -> None:
    grams, others = (grams_of([Parts([(Kind.AUTHOR, name)], [])]) for name in (one, other))
    words, other_words = grams.columns[grams.is_word], others.columns[others.is_word]
    assert words.tolist() == other_words.tolist()
    assert set(grams.columns[~grams.is_word].tolist()) != set(others.columns[~others.is_word].tolist())


def test_pings_are_told_from_what_people_write() -> None:
    kinds = ("pingback", "trackback", "comment", "reply", "")
    assert grams_of([parts_of(Comment(text="x", type=kind)) for kind in kinds]).is_ping.tolist() == [
        True,
        True,
        *3 * [False],
    ]


@pytest.mark.parametrize(
    ("name", "url", "is_same"),
    [
        ("http://shoes.example/cheap", "http://www.Shoes.example/other", True),
        ("www.shoes.example", "https://shoes.example", True),
        ("https://bags.example", "http://shoes.example", False),
    ],
)
def test_a_name_that_is_a_link_beside_a_link_is_a_trait(name: str, url: str, is_same: bool) -> None:
    assert f"name_is_link_{is_same}" in traits(name, url)


@pytest.mark.parametrize(("name", "url"), [("https://jane.example/openid", ""), ("Jane", "https://jane.example")])
def test_an_openid_alone_and_a_plain_name_are_not(name: str, url: str) -> None:
    assert not [trait for trait in traits(name, url) if trait.startswith("name_is_link")]


def test_all_words_of_a_name_that_is_its_own_link_stand_in_it() -> None:
    assert "name_in_url_4" in traits("http://cheap-shoes.example", "http://cheap-shoes.example/")


def test_a_name_that_is_a_link_in_html_is_read_as_both() -> None:
    marked = Comment(text="Hi", author='<a href="https://essays.example/order">write my essay</a>')
    plain = Comment(text="Hi", author="write my essay", author_url="https://essays.example/order")
    assert parts_of(marked) == parts_of(plain)


def test_the_link_of_its_own_field_counts_before_that_in_the_name() -> None:
    comment = Comment(text="Hi", author='<a href="https://essays.example">Jo</a> <3', author_url="https://jo.example")
    assert dict(parts_of(comment).segments)[Kind.URL] == " jo.example "


@pytest.mark.parametrize("padding", [" " * 200, "\u200b" * 200, " \t" * 100])
def test_padding_hides_nothing_of_a_name(padding: str) -> None:
    segments = parts_of(Comment(text="Hi", author=f"{padding}Jane{padding}Cheap Pills")).segments
    assert dict(segments)[Kind.AUTHOR].split() == ["Jane", "Cheap", "Pills"]


def test_a_long_user_hides_no_host_of_a_link() -> None:
    segments = parts_of(Comment(text="Hi", author_url=f"http://{'a' * 300}@pills.example/buy")).segments
    assert dict(segments)[Kind.URL] == " pills.example/buy "


def test_an_angle_bracket_in_a_name_is_no_link() -> None:
    assert dict(parts_of(Comment(text="Hi", author="Jo <3")).segments)[Kind.AUTHOR] == " Jo <3 "


@pytest.mark.parametrize("url", ["https://blog.example/about", "http://BLOG.example"])
def test_the_authors_link_to_the_site_itself_is_left_out(url: str) -> None:
    comment = Comment(text="Hi", author="Jo", author_url=url, permalink="https://blog.example/2026/post")
    assert parts_of(comment) == parts_of(Comment(text="Hi", author="Jo"))


def test_a_link_to_the_site_itself_hides_no_link_in_the_name() -> None:
    marked = '<a href="https://essays.example/order">write my essay</a>'
    site = "https://blog.example"
    hidden = Comment(text="Hi", author=marked, author_url=site, permalink=f"{site}/2026/post")
    assert parts_of(hidden) == parts_of(Comment(text="Hi", author=marked))
    hidden = Comment(text="Hi", author=f'<a href="{site}"></a>{marked}', permalink=f"{site}/2026/post")
    assert parts_of(hidden) == parts_of(Comment(text="Hi", author=marked))


def test_a_link_in_a_name_hides_nothing_else_in_it() -> None:
    comment = Comment(text="Hi", author='<a href="https://jo.example">Jo</a> buy cheap proxies')
    assert dict(parts_of(comment).segments)[Kind.AUTHOR] == " Jo buy cheap proxies "


def test_a_name_that_is_a_link_to_what_it_says_is_a_link() -> None:
    comment = Comment(text="Hi", author='<a href="https://essays.example">https://essays.example</a>')
    assert parts_of(comment) == parts_of(
        Comment(text="Hi", author="https://essays.example", author_url="https://essays.example")
    )


BROKEN_LINES = [
    "a superb method to obtain every need \r\nfor every creature that inhabits it",
    "it is great, \nreally",
    "rèm cửa đẹp khá được ưa \r\nchuộng",
]


@pytest.mark.parametrize("text", BROKEN_LINES)
def test_a_line_broken_in_mid_sentence_is_a_trait(text: str) -> None:
    assert {"wrapped_False", "wrapped_url_depth_None"} <= set(traits(text=text))
    assert {"wrapped_True", "wrapped_url_depth_1"} <= set(traits("Jo", "http://jo.example/a", text))


@pytest.mark.parametrize(
    "text",
    [
        "Hello \nThanks for that",
        "one line\nanother line",
        "a hard line break  \nas Markdown has it",
        "That was it. \r\nthanks",
        "你好 \n谢谢",
    ],
)
def test_other_line_ends_are_not(text: str) -> None:
    assert not [trait for trait in traits(text=text) if trait.startswith("wrapped")]


@pytest.mark.parametrize(
    ("text", "lines"),
    [("One. \r\nTwo.", 1), ("One. \nTwo. \n \nThree.", 3), ("1 \n2 \n3 \n4 \n5 \n6", 3)],
)
def test_blanks_at_the_ends_of_all_lines_are_a_trait(text: str, lines: int) -> None:
    assert {f"blank_ends_{lines}", f"blank_ends_{lines}_False"} <= set(traits(text=text))
    assert f"blank_ends_{lines}_True" in traits("Jo", "http://jo.example", text)


@pytest.mark.parametrize("text", ["One.\nTwo.", "One. \nTwo.\nThree.", "One. Two. "])
def test_blanks_at_the_ends_of_some_lines_are_not(text: str) -> None:
    assert not [trait for trait in traits(text=text) if trait.startswith("blank_ends")]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("See https://www.example.org/a", "see example.org/a"),
        ("see http://example.org/a", "see example.org/a"),
        ("see www.example.org/a", "see example.org/a"),
        ('see <a href="http://www.example.org">www here</a>', 'see <a href="http://www.example.org">www here</a>'),
    ],
)
def test_how_a_url_begins_is_no_evidence_but_in_markup(text: str, written: str) -> None:
    assert (Kind.WRITTEN, f" {written} ") in parts_of(Comment(text=text)).segments


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "&nbsp;",
        "<p></p>",
        "<br>",
        "\u200b\u202e",
        '<p dir="ltr"></p>',
        '<p class="MsoNormal">&nbsp;</p>',
        '<a name="top"></a>',
        '<img alt="" src="">',
        "<!-- = -->",
        '<!-- style="x" the patch fixes the crash -->',
    ],
)
def test_a_comment_without_a_text_is_its_sender_alone(text: str) -> None:
    comment = Comment(text=text, author="Jo", author_url="jo.example", author_email="jo@mail.example")
    parts = parts_of(comment)
    assert [kind for kind, string in parts.segments if string] == [Kind.AUTHOR, Kind.URL, Kind.EMAIL]
    assert parts.traits == []
    present = dict(zip(FAMILIES, grams_of([parts]).sizes[0].tolist(), strict=True))
    assert {name for name, size in present.items() if size} == {"author", "author_url", "email"}


@pytest.mark.parametrize(
    "text",
    [
        "http://jo.example",
        '<a href="http://jo.example"></a>',
        '<video src="http://jo.example/film">',
        '<p style="background: url(http://jo.example)"></p>',
        '<img alt="cheap pills" src="">',
        "+1",
        "👍",
    ],
)
def test_links_signs_and_what_tags_may_show_are_a_text(text: str) -> None:
    parts = parts_of(Comment(text=text, author="Jo"))
    assert parts.traits
    assert dict(parts.segments)[Kind.WRITTEN].strip()
