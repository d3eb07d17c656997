"""The moderator for Django that the page on Akismet shows, in a real Django that is asked over its comment form."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clients import run
from test_wordpress import HAM, SPAM, SPAMMER, labels_of

if TYPE_CHECKING:
    from clients import Clients
    from conftest import Service

PAGE = (Path(__file__).parents[1] / "docs" / "akismet.md").read_text(encoding="utf-8")
DJANGO = ("django-contrib-comments==2.2.0", "django==5.2.*")
SITE = """
import json, sys
import django
from django.conf import settings
from django.urls import include, path

url, key, ham, spam, author, link = sys.argv[1:]
apps = ("contenttypes", "auth", "sites", "sessions")
settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SITE_ID=1, SECRET_KEY="of this test", HAMGATE_URL=url, HAMGATE_KEY=key,
    INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "django_comments"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", USE_TZ=True,
)
django.setup()
urlpatterns = [path("comments/", include("django_comments.urls"))]
"""
VISITS = """
from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.test import Client
from django_comments import get_form, get_model
from django_comments.moderation import moderator
from django_comments.views.moderation import perform_approve, perform_delete

call_command("migrate", verbosity=0)
moderator.register(Site, HamgateModerator)
Comment, entry = get_model(), Site.objects.get()

def visitor(text, name="Nora", url=""):
    form = get_form()(entry)
    fields = {**form.generate_security_data(), "content_type": "sites.site", "object_pk": entry.pk, "honeypot": ""}
    said = {"name": name, "email": "somebody@mail.example", "url": url, "comment": text}
    Client(headers={"user-agent": "Firefox"}).post("/comments/post/", {**fields, **said})
    newest = Comment.objects.order_by("-pk").first()
    return None if newest is None or newest.comment != text else newest.is_public

answers = [visitor(ham), visitor(spam, author, link)]
held = Comment.objects.create(content_object=entry, site=entry, user_name=author, user_url=link, comment=spam,
    user_email="somebody@mail.example", is_public=False)
class Request:
    user = User.objects.create(username="ann")
perform_approve(Request, held)
settings.HAMGATE_URL = "http://127.0.0.1:1"
answers.append(visitor("Is anybody there?"))
print(json.dumps(answers))
"""


def test_the_moderator_shows_ham_drops_blatant_spam_holds_what_it_can_not_check_and_teaches(
    service: Service, site_key: str, clients: Clients
) -> None:
    (moderator,) = re.findall(r"```python\n(import json.*?)```", PAGE, re.DOTALL)
    url = f"http://127.0.0.1:{service.port}"
    command = [sys.executable, "-c", SITE + moderator + VISITS, url, site_key, HAM, SPAM, *SPAMMER]
    printed = run(command, PYTHONPATH=str(clients.from_pypi(*DJANGO))).stdout
    shown, dropped, held = True, None, False
    assert json.loads(printed) == [shown, dropped, held]
    assert labels_of(service, site_key) == [("ham", "ann")]
