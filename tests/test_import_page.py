"""The import page: a file sent whole or in parts, judged before it is added, whatever is in it."""

from __future__ import annotations

import gzip
import io
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from browser import Browser
from errands import do_jobs
from test_exports import DISQUS as DISQUS_EXPORT
from test_exports import comment, post, wxr
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from service.files import beside
from service.uploads import KEPT_SECONDS, Uploads
from training.accounts import Role
from training.formats.files import write_rows
from training.jobs import Jobs
from training.labels import LabelStore

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

    from service.config import Config

PAGE = "/moderate/import"
SITE = "blog.example"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202e{{ 7 * 7 }}"
SPAM = "Buy cheap viagra online without prescription http://cheap-viagra.example/ best price"
WXR = wxr(
    comment(id="1", text="Thanks, that solved it for me. Why does the second step fail without sugar?"),
    comment(id="2", text=SPAM, approved="spam"),
    comment(id="3", text=f"{SPAM} {HOSTILE}"),
    comment(id="4", text="The last paragraph made me laugh, my grandmother says the same", approved="spam"),
    comment(id="5", text="Waits", approved="0"),
    comment(id="6", text="Thrown away", approved="trash"),
)


@pytest.fixture
def browser(app: Flask, key: str) -> Browser:
    assert key, "which has made the site"
    return Browser(app, "ann")


def send_whole(browser: Browser, name: str, content: bytes, site: str = SITE) -> TestResponse:
    fields = {"form_token": browser.token(), "site": site, "file": FileStorage(io.BytesIO(content), name)}
    boundary, body = encode_multipart(fields)
    return browser.client.post(PAGE, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def judged(browser: Browser, app: Flask, config: Config, name: str, content: bytes) -> str:
    """Send a file, have it judged, and return the page that shows it."""
    sent = send_whole(browser, name, content)
    assert sent.status_code == 303, sent.text
    do_jobs(app, config)
    return browser.get(sent.headers["Location"]).text


def uploaded(config: Config) -> list[Path]:
    return list(beside(config.database, "uploads").glob("*"))


def test_a_file_is_judged_then_added_and_removed(browser: Browser, app: Flask, config: Config) -> None:
    assert SITE in browser.get(PAGE).text
    sent = send_whole(browser, "export.xml", WXR.encode())
    path = sent.headers["Location"]
    assert "Reading the file" in browser.get(path).text
    (job,) = do_jobs(app, config)
    assert (job.state, job.message) == ("done", "judged 4 labelled comments")
    store = LabelStore(app.extensions["hamgate.store"])
    assert store.newest() == 0, "nothing is added yet"
    outcome = Jobs(app.extensions["hamgate.store"]).outcome(job.number)
    assert outcome is not None
    assert sum(outcome["outcomes"].values()) == 4
    assert outcome["outcomes"]["ham allow"] == 1
    assert outcome["unlabelled"] == 2
    assert [one["text"][:20] for one in outcome["missed"]] == ["The last paragraph m"]
    assert len(outcome["wronged"]) == 1
    page = browser.get(path).text
    for said in ("Add these labels", "2 comments have no label", "Good comments that it would have held or blocked"):
        assert said in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    added = browser.post(f"{path}/add")
    (job,) = do_jobs(app, config)
    assert job.message == "added 4 labels; 0 were there already"
    labels = [given for _, given in store.latest()]
    assert {(one.site, one.labelled_by) for one in labels} == {(SITE, "ann")}
    assert sorted(one.label for one in labels) == ["ham", "ham", "spam", "spam"]
    assert "4 labels added" in browser.get(added.headers["Location"]).text
    assert uploaded(config) == []
    assert "The file is no longer here." in browser.get(path).text


def test_a_file_is_thrown_away(browser: Browser, app: Flask, config: Config) -> None:
    path = send_whole(browser, "export.xml", WXR.encode()).headers["Location"]
    do_jobs(app, config)
    assert browser.post(f"{path}/discard").status_code == 303
    assert uploaded(config) == []
    browser.post(f"{path}/add")
    (job,) = do_jobs(app, config)
    assert job.state == "failed"
    assert str(config.database) not in browser.get(f"{PAGE}/{job.number}").text


def test_every_format_is_read(browser: Browser, app: Flask, config: Config, tmp_path: Path) -> None:
    rows = [{"text": f"Thanks, number {number} helped", "label": "ham"} for number in range(3)]
    files = {"a.xml": WXR.encode(), "a.XML": DISQUS_EXPORT.format(posts=post() + post(id="22", text="x")).encode()}
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        write_rows(rows, str(tmp_path / name))
        files[name] = (tmp_path / name).read_bytes()
    files["a.jsonl.gz"] = gzip.compress(files["a.jsonl"])
    for name, content in files.items():
        page = judged(browser, app, config, name, content)
        assert "What it would have decided" in page, name
        assert "Add these labels" in page, name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xml", b"", "not readable as XML"),
        ("a.xml", b"<rss><channel><item></item>", "nothing is read from here on"),
        ("a.xml", b"<html/>", "found &lt;html&gt;, expected an export of WordPress or Disqus"),
        ("a.xml", os.urandom(5_000), "not readable as XML"),
        ("a.jsonl.gz", b"no gzip at all", "Not a gzipped file"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "Hi", "label": "ham"}\n' * 999)[:-20], "failed|ended before"),
        ("a.parquet", b"PAR1 nonsense", "arquet"),
        ("a.jsonl", b'{"text": "Hi", "label": "maybe"}\n\xff\xfe\n[]\n{"te', "lines hold no comment"),
        ("a.csv", b"author,label\nann,ham\n", "lines hold no comment|text"),
    ],
)
def test_a_broken_file_says_what_is_wrong_with_it(
    browser: Browser, app: Flask, config: Config, name: str, content: bytes, said: str
) -> None:
    page = judged(browser, app, config, name, content)
    assert any(one in page for one in said.split("|")), page[page.index("<main") :]
    assert str(beside(config.database, "uploads")) not in page


def entities(depth: int) -> bytes:
    """Make a billion laughs: entities that name entities, ten times each."""
    lines = ['<!ENTITY l0 "lol">', *(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, depth))]
    export = WXR.replace("Thanks, that", f"]]>&l{depth - 1};<![CDATA[").partition("?>\n")[2]
    return f"<!DOCTYPE rss [{''.join(lines)}]>\n{export}".encode()


@pytest.mark.parametrize(
    "content",
    [
        entities(10),
        b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        + WXR.partition("?>\n")[2].replace("Thanks, that", "]]>&x;<![CDATA[").encode(),
        wxr("<a>" * 5_000).encode(),
        wxr(comment(text="x" * 20_000_000)).encode()[: 12 * 1024 * 1024],
    ],
    ids=["laughs", "file", "deep", "huge"],
)
def test_hostile_xml_costs_little_and_reads_no_other_file(
    browser: Browser, app: Flask, config: Config, content: bytes
) -> None:
    began = time.process_time()
    page = judged(browser, app, config, "a.xml", content)
    assert "root:" not in page
    assert time.process_time() - began < 20
    assert len(page) < 500_000


def send_part(browser: Browser, part: bytes, **query: Any) -> TestResponse:
    headers = {"X-Form-Token": browser.token(), "Accept": "application/json"}
    return browser.client.post(f"{PAGE}/parts", query_string={"site": SITE, **query}, data=part, headers=headers)


def test_a_large_file_comes_in_parts(browser: Browser, app: Flask, config: Config) -> None:
    lines = b"".join(json.dumps({"text": f"Thanks for {n}", "label": "ham"}).encode() + b"\n" for n in range(9_000))
    size, upload, page = 100_000, "", ""
    for offset in range(0, len(lines), size):
        last = "yes" if offset + size >= len(lines) else "no"
        query = {"name": "big.jsonl", "offset": offset, "last": last} | ({"upload": upload} if upload else {})
        said = send_part(browser, lines[offset : offset + size], **query)
        assert said.status_code == 200, said.text
        assert said.json
        upload, page = said.json.get("upload", upload), said.json.get("page", "")
    (job,) = do_jobs(app, config)
    assert job.message == "judged 9,000 labelled comments"
    assert "9,000" in browser.get(page).text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"name": "a.exe"}, 422),
        ({"name": "a.parquet.gz"}, 422),
        ({"name": ""}, 422),
        ({"name": "a.xml", "offset": "7"}, 422),
        ({"name": "a.xml", "upload": "../../etc/passwd"}, 422),
        ({"name": "a.xml", "upload": f"{'0' * 32}.xml"}, 422),
        ({"name": "a.xml", "site": "other.example"}, 404),
        ({"name": "a.xml", "site": ""}, 422),
    ],
)
def test_what_is_no_part_of_an_upload_is_refused(
    app: Flask, key: str, query: dict[str, str], status: int, config: Config
) -> None:
    assert key
    bob = Browser(app, "bob", Role.MODERATOR, [SITE])
    refused = send_part(bob, b"<rss/>", **query)
    assert refused.status_code == status
    assert refused.json
    assert refused.json["detail"]
    assert [path for path in uploaded(config) if path.stat().st_size] == []


def test_an_upload_is_bounded_and_kept_a_day_at_most(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads", max_bytes=10)
    first, second = uploads.begin("a.xml"), uploads.begin("b.CSV.gz")
    assert second.endswith(".csv.gz")
    assert uploads.path(first).stat().st_mode & 0o777 == 0o600
    assert uploads.append(first, 0, b"12345") == 5
    with pytest.raises(Exception, match="larger than"):
        uploads.append(first, 5, b"678901")
    assert not uploads.path(first).exists()
    old = time.time() - KEPT_SECONDS - 1
    os.utime(uploads.path(second), (old, old))
    fresh = uploads.begin("c.jsonl")
    uploads.forget_old()
    assert [path.name for path in (tmp_path / "uploads").iterdir()] == [fresh]


def test_a_file_that_a_form_cannot_hold_is_refused_with_413(app: Flask, browser: Browser) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10_000
    refused = send_whole(browser, "a.xml", b"x" * 20_000)
    assert refused.status_code == 413


def test_a_moderator_imports_for_their_sites_only(app: Flask, config: Config, browser: Browser) -> None:
    path = send_whole(browser, "export.xml", WXR.encode()).headers["Location"]
    do_jobs(app, config)
    bob = Browser(app, "bob", Role.MODERATOR, ["elsewhere.example"])
    assert bob.get(path).status_code == 404
    assert bob.post(f"{path}/add").status_code == 404
    assert bob.post(f"{path}/discard").status_code == 404
    assert send_whole(bob, "export.xml", WXR.encode()).status_code == 404
    assert "export.xml" not in bob.get(PAGE).text
    assert Browser(app).post(PAGE, site=SITE).status_code == 401
    assert browser.client.post(PAGE, data={"site": SITE}).status_code == 403, "no form token"


def test_what_names_whom_in_a_file_counts_as_given_by_who_adds_it(browser: Browser, app: Flask, config: Config) -> None:
    line = {"text": "Thanks a lot", "label": "ham", "labelled_by": "carla", "label_source": "moderator"}
    path = send_whole(browser, "a.jsonl", json.dumps(line).encode()).headers["Location"]
    do_jobs(app, config)
    browser.post(f"{path}/add")
    do_jobs(app, config)
    ((_, given),) = LabelStore(app.extensions["hamgate.store"]).latest()
    assert given.labelled_by == "ann"
