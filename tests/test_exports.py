"""The exports of WordPress and Disqus: what each state means, and what broken or hostile XML costs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from training.formats import xml_export
from training.formats.files import write_rows
from training.formats.row import FileError, Rejected, Row

STATUS = Path("/proc/self/statm")
WXR = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>A blog</title>
{items}
</channel></rss>
"""
ITEM = """<item><title>How to bake</title><link>https://blog.example/bake</link>
<content:encoded><![CDATA[<p>Take flour.</p>]]></content:encoded><wp:post_id>7</wp:post_id>
{comments}
</item>"""
COMMENT = """<wp:comment><wp:comment_id>{id}</wp:comment_id><wp:comment_author><![CDATA[Ann & Bo]]></wp:comment_author>
<wp:comment_author_email>ann@mail.example</wp:comment_author_email><wp:comment_author_url></wp:comment_author_url>
<wp:comment_author_IP>192.0.2.1</wp:comment_author_IP><wp:comment_date_gmt>2024-05-06 07:08:09</wp:comment_date_gmt>
<wp:comment_content><![CDATA[{text}]]></wp:comment_content><wp:comment_approved>{approved}</wp:comment_approved>
<wp:comment_type>{type}</wp:comment_type><wp:comment_parent>{parent}</wp:comment_parent></wp:comment>"""
DISQUS = """<?xml version="1.0" encoding="utf-8"?>
<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">
<category dsq:id="1"><forum>blog</forum></category>
<thread dsq:id="11"><link>https://blog.example/bake</link><title>How to bake</title>
<author><name>The owner</name></author></thread>
{posts}
</disqus>
"""
POST = """<post dsq:id="{id}"><id /><message><![CDATA[<p>{text}</p>]]></message>
<createdAt>2024-05-06T07:08:09Z</createdAt>
<isDeleted>{deleted}</isDeleted><isSpam>{spam}</isSpam><author><name>Ann</name><email>ann@mail.example</email></author>
<ipAddress>192.0.2.1</ipAddress><thread dsq:id="11" />{parent}</post>"""


def wxr(*comments: str) -> str:
    return WXR.format(items=ITEM.format(comments="\n".join(comments)))


def comment(**values: str) -> str:
    return COMMENT.format(**({"id": "1", "text": "Nice", "approved": "1", "type": "comment", "parent": "0"} | values))


def post(**values: str) -> str:
    return POST.format(**({"id": "21", "text": "Nice", "deleted": "false", "spam": "false", "parent": ""} | values))


def outcomes(xml: str) -> list[Row | Rejected]:
    return list(xml_export.read(io.BytesIO(xml.encode()), "f.xml"))


def fields(xml: str) -> list[dict[str, Any]]:
    return [outcome.fields for outcome in outcomes(xml) if isinstance(outcome, Row)]


def test_a_comment_of_wordpress_keeps_all_that_is_known_of_it() -> None:
    (row,) = outcomes(wxr(comment(text="Thanks, <b>Bo</b>!")))
    assert isinstance(row, Row)
    assert row.line == 6
    assert row.fields == {
        "text": "Thanks, <b>Bo</b>!",
        "author": "Ann & Bo",
        "author_email": "ann@mail.example",
        "user_ip": "192.0.2.1",
        "type": "comment",
        "date": "2024-05-06T07:08:09Z",
        "label": "ham",
        "label_source": "wordpress",
        "permalink": "https://blog.example/bake",
        "post_title": "How to bake",
        "post_text": "<p>Take flour.</p>",
        "thread": "7",
    }


@pytest.mark.parametrize(
    ("approved", "label"), [("1", "ham"), ("spam", "spam"), ("0", None), ("trash", None), ("post-trashed", None)]
)
def test_only_what_wordpress_calls_approved_or_spam_is_a_label(approved: str, label: str | None) -> None:
    (row,) = fields(wxr(comment(approved=approved)))
    assert row.get("label") == label


def test_a_pingback_stays_one() -> None:
    (row,) = fields(wxr(comment(type="pingback")))
    assert row["type"] == "pingback"


def test_a_reply_knows_what_it_replies_to() -> None:
    _, reply = fields(wxr(comment(id="1", text="First"), comment(id="2", parent="1")))
    assert reply["parent_text"] == "First"


def test_replies_of_another_post_are_not_mixed_up() -> None:
    posts = [ITEM.format(comments=comment(id="1", text="First")), ITEM.format(comments=comment(id="2", parent="1"))]
    assert "parent_text" not in fields(WXR.format(items="".join(posts)))[1]


@pytest.mark.parametrize(
    ("deleted", "spam", "label"),
    [("false", "false", "ham"), ("false", "true", "spam"), ("true", "true", "spam"), ("true", "false", None)],
)
def test_a_post_of_disqus_keeps_its_thread_and_what_was_decided(deleted: str, spam: str, label: str | None) -> None:
    (row,) = fields(DISQUS.format(posts=post(deleted=deleted, spam=spam)))
    assert row.pop("label", None) == label
    assert row == {
        "text": "<p>Nice</p>",
        "author": "Ann",
        "author_email": "ann@mail.example",
        "user_ip": "192.0.2.1",
        "date": "2024-05-06T07:08:09Z",
        "type": "comment",
        "label_source": "disqus",
        "permalink": "https://blog.example/bake",
        "post_title": "How to bake",
        "thread": "11",
    }


def test_a_reply_on_disqus_knows_what_it_replies_to() -> None:
    posts = post(id="21", text="First") + post(id="22", parent='<parent dsq:id="21" />')
    assert fields(DISQUS.format(posts=posts))[1]["parent_text"] == "<p>First</p>"


@pytest.mark.parametrize("whole", [wxr(*[comment()] * 3), DISQUS.format(posts=post() * 3)])
def test_a_file_that_breaks_off_keeps_what_came_before(whole: str) -> None:
    kept = whole[: whole.rindex("Nice")]
    *rows, broken = outcomes(kept)
    assert len(rows) == 2
    assert isinstance(broken, Rejected)
    assert broken.line == kept.count("\n") + 1
    assert "broken XML" in broken.problem


def test_entities_are_not_expanded_and_no_file_is_read() -> None:
    head = '<!DOCTYPE rss [<!ENTITY e0 "ha"><!ENTITY file SYSTEM "file:///etc/passwd">]>'
    attack = wxr(comment(text="x]]>&e0;&file;<![CDATA[y")).replace("<rss", head + "<rss", 1)
    (row,) = fields(attack)
    assert row["text"] == "x"


def test_entities_that_would_grow_without_end_are_refused() -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    head = f'<!DOCTYPE rss [<!ENTITY e0 "ha">{bomb}]>'
    (outcome,) = outcomes(wxr(comment(text="x]]>&e11;<![CDATA[y")).replace("<rss", head + "<rss", 1))
    assert isinstance(outcome, Rejected)


@pytest.mark.parametrize("whole", [wxr(comment()), DISQUS.format(posts=post())])
def test_xml_comments_and_processing_instructions_are_passed_over(whole: str) -> None:
    riddled = whole.replace("><", "><!-- ha --><?ha ha?><").replace("</message>", "<!-- ha --></message>")
    assert riddled != whole
    assert fields(riddled) == fields(whole)


@pytest.mark.parametrize("content", ["", "no XML", "<html><body/></html>"])
def test_what_is_no_export_is_refused(content: str) -> None:
    with pytest.raises(FileError, match=r"f\.xml: "):
        outcomes(content)


@pytest.mark.skipif(not STATUS.exists(), reason="reads /proc")
@pytest.mark.parametrize("kind", ["wordpress", "disqus"])
def test_a_large_export_is_read_in_flat_memory(kind: str) -> None:
    count = 20_000
    text = "Nice, and more of it. " * 20
    if kind == "wordpress":
        whole = wxr(*(comment(id=str(n), text=text) for n in range(count)))
    else:
        whole = DISQUS.format(posts="".join(post(id=str(n), text=text) for n in range(count)))
    stream = io.BytesIO(whole.encode())
    before = resident_bytes()
    read = sum(1 for _ in xml_export.read(stream, "f.xml"))
    assert read == count
    assert resident_bytes() - before < len(stream.getvalue())


def resident_bytes() -> int:
    return int(STATUS.read_text(encoding="ascii").split()[1]) * 4096


def test_an_export_can_be_read_but_not_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not written"):
        write_rows([{"text": "hi"}], str(tmp_path / "out.xml"))
