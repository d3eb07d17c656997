"""The newspaper as visitors see it, and beside it what they don't: a panel with Hamgate's verdicts.

Comments are text, and are shown as that: nothing in them becomes a tag or a link.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, redirect, render_template, request, url_for

from service.demo.comments import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response as AnyResponse

    from service.demo.comments import Comments, Submission
    from service.demo.desk import Desk
    from service.demo.news import Article, News

MAX_BODY_BYTES = 1024 * 1024
LISTED_VERDICTS = 8
FIELDS = ("author", "email", "url", "text", "website")
HONEYPOT = "website"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
TOLD = {
    Status.WAITING: "Thank you. Your comment will appear as soon as it has been looked at.",
    Status.SHOWN: "Thank you! Your comment is published.",
    Status.HELD: "Thank you. Your comment waits for a moderator; only you can see it until then.",
    Status.SPAM: "Your comment looks like spam and is not shown. If that is a mistake, a moderator can put it right.",
    Status.DROPPED: "Your comment was refused: it looks like spam. The newspaper has not kept it.",
}
DONE = {
    Status.WAITING: "held: no verdict yet",
    Status.SHOWN: "published",
    Status.HELD: "held for a moderator",
    Status.SPAM: "in the spam folder",
    Status.DROPPED: "dropped",
}


def create_site(
    news: News, comments: Comments, desk: Desk, queue: Callable[[], str], links: dict[str, str], address: str
) -> Flask:
    """Build the newspaper's application.

    ``queue`` says where moderators decide, ``links`` lead to Hamgate's ``why`` and ``privacy`` pages, and ``address``
    is the newspaper's own.
    """
    site = Flask(__name__)
    site.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES)
    site.jinja_env.trim_blocks = site.jinja_env.lstrip_blocks = True
    site.jinja_env.filters["ago"] = ago

    def page(template: str, status: int = 200, **shown: Any) -> Response:
        """Render a page with the panel, and note that somebody reads it."""
        desk.note_reader()
        verdicts = comments.newest(LISTED_VERDICTS)
        body = render_template(
            template,
            news=news,
            links={"queue": queue(), **links},
            verdicts=verdicts,
            is_answered=desk.is_answered,
            done=DONE,
            **shown,
        )
        return Response(body, status, {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"})

    def article_page(slug: str, filled: dict[str, str], problem: str = "", status: int = 200) -> Response:
        article = news.articles.get(slug) or abort(404)
        own = comments.find(request.args.get("comment", ""))
        shown = [one for one in comments.of_article(slug) if is_visible(one, own)]
        told = TOLD[own.status] if own is not None else ""
        return page(
            "article.html", status, article=article, comments=shown, own=own, told=told, filled=filled, problem=problem
        )

    @site.get("/")
    def front() -> Response:
        counts = {slug: sum(one.status is Status.SHOWN for one in comments.of_article(slug)) for slug in news.articles}
        return page("front.html", counts=counts)

    @site.get("/<slug>")
    def article(slug: str) -> Response:
        sample = news.samples.get(request.args.get("sample", ""))
        filled = {} if sample is None else {name: getattr(sample, name, "") for name in FIELDS}
        return article_page(slug, filled)

    @site.post("/<slug>")
    def comment(slug: str) -> AnyResponse:
        commented = news.articles.get(slug) or abort(404)
        filled = {name: request.form.get(name, "") for name in FIELDS}
        if not filled["author"].strip() or not filled["text"].strip():
            return article_page(slug, filled, "Please give a name and write something.", 422)
        token = desk.submit(slug, as_sent(commented, filled, f"{address}/{slug}"))
        return redirect(url_for("article", slug=slug, comment=token, _anchor="comments"), 303)

    @site.errorhandler(404)
    @site.errorhandler(413)
    def refused(error: Any) -> Response:
        return page("refused.html", error.code, error=error)

    return site


def as_sent(article: Article, filled: dict[str, str], permalink: str) -> dict[str, str]:
    """Lay out a comment as Hamgate wants it, with all that the site knows of it."""
    return {
        "text": filled["text"],
        "author": filled["author"],
        "author_email": filled["email"],
        "author_url": filled["url"],
        "honeypot": filled[HONEYPOT],
        "user_ip": request.remote_addr or "",
        "user_agent": request.headers.get("User-Agent", ""),
        "referrer": request.headers.get("Referer", ""),
        "permalink": permalink,
        "post_title": article.title,
        "post_text": article.text,
        "type": "comment",
        "lang": "en",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def is_visible(submission: Submission, own: Submission | None) -> bool:
    """Whether a visitor sees a comment: once it is published, or before that if it is their own."""
    is_own = own is not None and own.number == submission.number
    return submission.status is Status.SHOWN or (is_own and submission.status in (Status.WAITING, Status.HELD))


def ago(then: datetime) -> str:
    """Say in words how long ago something was."""
    minutes = int((datetime.now(UTC) - then).total_seconds() // 60)
    for unit, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= length:
            count = minutes // length
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
