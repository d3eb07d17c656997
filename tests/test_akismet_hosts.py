"""Real clients of Akismet whose host is built in, unmodified: the hosts file and a certificate bring them to Hamgate.

Those that only speak HTTP, whose key is in the host's name, are here too: that name must be found somewhere.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from certificates import make_certificate
from clients import AKISMET_OF_PYPI, run
from conftest import start_service, stop_service
from debian import Archive
from own_hosts import OwnHosts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clients import Clients
    from conftest import Service

HOST = "rest.akismet.com"
PLAIN_HOST = "rest.hamgate.example"
WRONG_KEY = "aaaaaaaaaaaa"
RUBY_LIBRARY = Path("/usr/lib/ruby/vendor_ruby/akismet.rb")
COMMENTS = """
ham = dict(user_ip="192.0.2.1", user_agent="Firefox", referrer="unknown", comment_author="Ann",
    comment_content="Thanks, that solved it.")
spam = {**ham, "comment_author": "viagra-test-123", "comment_content": "The best pills are here."}
"""
PYTHON_AKISMET = """
import json, sys
from akismet import Akismet, SpamStatus
from akismet.exceptions import AkismetServerError
client = Akismet(sys.argv[1], blog="http://blog.example")
client.submit_spam(**spam)
client.submit_ham(**ham)
try:
    Akismet("aaaaaaaaaaaa", blog="http://blog.example").check(**ham)
except AkismetServerError as error:
    refusal = str(error)
print(json.dumps([client.check(**ham) == SpamStatus.Ham, client.check(**spam) == SpamStatus.ProbableSpam, refusal]))
"""
AKISMET_ASYNC = """
import asyncio, json, sys
from akismet import Akismet, Comment, SpamStatus
async def answers():
    client = Akismet(sys.argv[1], blog="http://blog.example")
    await client.submit_spam(Comment(**spam))
    await client.submit_ham(Comment(**ham))
    wrong = Akismet("aaaaaaaaaaaa", blog="http://blog.example")
    keys = [await one.verify_key() for one in (client, wrong)]
    return [*keys, await client.check(Comment(**ham)), await client.check(Comment(**spam))]
print(json.dumps(asyncio.run(answers())))
"""
PYKISMET = """
import json, sys
import pykismet3
for name in ("CHECK", "SUBMIT_SPAM", "SUBMIT_HAM"):
    url = getattr(pykismet3, f"AKISMET_{name}_URL").replace("rest.akismet.com", sys.argv[2])
    setattr(pykismet3, f"AKISMET_{name}_URL", url)
client = pykismet3.Akismet(sys.argv[1], "http://blog.example", "Application/1.0")
client.submit_spam(spam)
client.submit_ham(ham)
print(json.dumps([client.check(ham), client.check(spam)]))
"""
PERL = """
use strict; use warnings; use Net::Akismet;
my ($key, $host) = @ARGV;
my %site = (URL => 'http://blog.example/', SERVICE_HOST => $host);
my $client = Net::Akismet->new(KEY => $key, %site) or die 'the key is no key';
my %ham = (USER_IP => '192.0.2.1', COMMENT_USER_AGENT => 'Firefox', COMMENT_AUTHOR => 'Ann',
    COMMENT_CONTENT => 'Thanks, that solved it.');
my %spam = (%ham, COMMENT_AUTHOR => 'viagra-test-123', COMMENT_CONTENT => 'The best pills are here.');
print join(' ', $client->spam(%spam), $client->ham(%ham), $client->check(%ham), $client->check(%spam),
    defined Net::Akismet->new(KEY => 'aaaaaaaaaaaa', %site) ? 'valid' : 'invalid');
"""


@pytest.fixture(scope="module")
def run_with_hosts(
    service: Service, small_model_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., str]]:
    """Runs a command for which ``rest.akismet.com`` is a Hamgate that it trusts, and returns what it printed."""
    folder = tmp_path_factory.mktemp("hosts")
    address = f"127.{secrets.randbelow(255)}.{secrets.randbelow(255)}.2"
    keys = (service.key, "invalid-api-key", WRONG_KEY)
    names = dict.fromkeys((HOST, *(f"{key}.{HOST}" for key in keys)), address)
    plain_names = dict.fromkeys((PLAIN_HOST, f"{service.key}.{PLAIN_HOST}"), "127.0.0.1")
    hosts = OwnHosts(folder / "hosts", {**names, **plain_names})
    certificate = make_certificate(folder, f"DNS:{HOST}", f"DNS:*.{HOST}", f"IP:{address}")
    settings = {"HAMGATE_MODEL": str(small_model_path), "HAMGATE_DATABASE": service.database, "HAMGATE_WORKERS": "1"}
    started = start_service(folder, tls=certificate, HAMGATE_HOST=address, HAMGATE_PORT="443", **settings)
    trust = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(certificate.authority))

    def run_one(*command: str, folder: Path | None = None, **environment: str) -> str:
        return run(hosts.seen_by(*command), folder, **trust, **environment).stdout

    yield run_one
    assert stop_service(started) == 0


def test_the_suite_of_akismet_of_pypi(run_with_hosts: Callable[..., str], service: Service, clients: Clients) -> None:
    printed = run_with_hosts(
        *(sys.executable, "-m", "pytest", "-q", "tests/end_to_end"),
        folder=clients.suite_of_pypi(AKISMET_OF_PYPI[0]),
        PYTHONPATH=str(clients.from_pypi(*AKISMET_OF_PYPI)),
        PYTHON_AKISMET_API_KEY=service.key,
        PYTHON_AKISMET_BLOG_URL="http://blog.example",
    )
    assert "26 passed" in printed


def test_the_suite_of_akismet_api_of_npm(
    run_with_hosts: Callable[..., str], service: Service, clients: Clients, tmp_path: Path
) -> None:
    modules = clients.from_npm() / "node_modules"
    suite = tmp_path / "akismet-api"
    shutil.copytree(modules / "akismet-api", suite)  # mocha runs no tests in node_modules
    mocha = ("node", str(modules / "mocha" / "bin" / "mocha.js"))
    printed = run_with_hosts(
        *mocha, "test/integration.spec.js", folder=suite, NODE_PATH=str(modules), AKISMET_KEY=service.key
    )
    assert "5 passing" in printed


def test_the_suite_of_akismet_of_ruby(run_with_hosts: Callable[..., str], service: Service, tmp_path: Path) -> None:
    """Debian's package, and the tests that its author published beside it."""
    if not RUBY_LIBRARY.is_file() or shutil.which("ruby") is None:
        pytest.skip("the library is not installed (Debian: ruby-akismet)")
    suite = Archive(tmp_path).source("ruby-akismet")
    files = "Dir['test/*_test.rb'].sort.each { |file| require './' + file }"
    printed = run_with_hosts("ruby", "-Itest", "-e", files, folder=suite, AKISMET_API_KEY=service.key)
    assert "31 runs, 33 assertions, 0 failures, 0 errors, 0 skips" in printed


def test_python_akismet_of_pypi(run_with_hosts: Callable[..., str], service: Service, clients: Clients) -> None:
    installed = clients.from_pypi("python-akismet==0.4.3")
    command = (sys.executable, "-c", COMMENTS + PYTHON_AKISMET, service.key)
    is_ham, is_spam, refusal = json.loads(run_with_hosts(*command, PYTHONPATH=str(installed)))
    assert (is_ham, is_spam) == (True, True)
    assert "the key belongs to no site" in refusal


def test_akismet_async_of_pypi(run_with_hosts: Callable[..., str], service: Service, clients: Clients) -> None:
    installed = clients.from_pypi("akismet-async==0.0.1")
    command = (sys.executable, "-c", COMMENTS + AKISMET_ASYNC, service.key)
    answers = json.loads(run_with_hosts(*command, PYTHONPATH=str(installed)))
    assert answers == [True, False, "ham", "probable_spam"]


def test_pykismet3_of_pypi(run_with_hosts: Callable[..., str], service: Service, clients: Clients) -> None:
    installed = clients.from_pypi("pykismet3==0.1.1", "requests")
    host = f"{PLAIN_HOST}:{service.port}"
    command = (sys.executable, "-W", "ignore", "-c", COMMENTS + PYKISMET, service.key, host)
    assert json.loads(run_with_hosts(*command, PYTHONPATH=str(installed))) == [False, True]


def test_net_akismet_of_perl(run_with_hosts: Callable[..., str], service: Service) -> None:
    if run(["perl", "-MNet::Akismet", "-e", ""], check=False).returncode:
        pytest.skip("the library is not installed (Debian: libnet-akismet-perl)")
    printed = run_with_hosts("perl", "-e", PERL, service.key, f"{PLAIN_HOST}:{service.port}")
    assert printed == "1 1 false true invalid"
