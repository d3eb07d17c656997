"""The native HTTP interface, in process: what is answered to whom, and what its description says of it."""

from __future__ import annotations

import dataclasses
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from conftest import close
from openapi_spec_validator import validate

from model.artifact import load
from model.comment import FIELD_NAMES, Comment
from service.app import create_app
from service.logs import JsonFormatter
from service.moderation.paths import is_page
from service.schemas import CommentBody, ModelBody, VerdictBody, VerdictsBody

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from service.config import Config

SPAM = {
    "text": "Great post! Buy cheap viagra and cialis online without prescription http://cheap-viagra.example/",
    "author": "Cheap Viagra Online",
    "author_url": "http://cheap-viagra.example/",
}
HAM = {
    "text": "I had the same problem after the update; rolling back the driver helped. Did you file a bug?",
    "author": "Hannah",
}
PROBLEM = "application/problem+json"


def test_a_verdict_says_what_the_model_says(client: FlaskClient, small_model_path: Path) -> None:
    for members in (SPAM, HAM):
        reply = client.post("/v1/check", json=members)
        assert (reply.status_code, reply.content_type) == (200, "application/json")
        verdict = VerdictBody.model_validate(reply.json, strict=True)
        expected = load(small_model_path).check(Comment.from_mapping(members))
        assert (verdict.decision, verdict.score, verdict.model) == (expected.decision, expected.score, expected.model)
        assert [reason.model_dump() for reason in verdict.reasons] == [r._asdict() for r in expected.reasons]
        assert set(reply.json) == {"id", "decision", "score", "reasons", "model"}


def test_spam_is_stopped_and_ham_is_not(client: FlaskClient) -> None:
    assert client.post("/v1/check", json=SPAM).json["decision"] in ("block", "discard")
    assert client.post("/v1/check", json=HAM).json["decision"] == "allow"


def test_every_verdict_has_an_id_of_its_own(client: FlaskClient) -> None:
    ids = [client.post("/v1/check", json=HAM).json["id"] for _ in range(50)]
    ids += [verdict["id"] for verdict in client.post("/v1/check/batch", json={"comments": [HAM] * 50}).json["verdicts"]]
    assert len(set(ids)) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", check_id) for check_id in ids)


def test_a_batch_is_judged_in_order_as_one_by_one(client: FlaskClient) -> None:
    comments = [HAM, SPAM, {"text": ""}, SPAM, HAM]
    verdicts = client.post("/v1/check/batch", json={"comments": comments}).json["verdicts"]
    alone = [client.post("/v1/check", json=comment).json for comment in comments]
    for verdict in (*verdicts, *alone):
        del verdict["id"]
    assert verdicts == alone


def test_verdicts_do_not_depend_on_what_else_is_judged_at_the_time(small_model_path: Path) -> None:
    served = load(small_model_path)
    comments = [Comment(text=f"{word} {number} " * 20) for number in range(25) for word in ("cheap pills", "my patch")]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(served.check, comments * 4))
    assert together == served.check_many(comments) * 4


def test_a_bad_comment_yields_an_error_in_its_place(client: FlaskClient) -> None:
    comments: list[Any] = [HAM, {"author": "no text"}, "text", None, {"text": "x", "lang": 7}, SPAM]
    reply = client.post("/v1/check/batch", json={"comments": comments})
    assert reply.status_code == 200
    VerdictsBody.model_validate(reply.json, strict=True)
    verdicts = reply.json["verdicts"]
    assert ["error" in verdict for verdict in verdicts] == [False, True, True, True, True, False]
    assert [verdict["error"].get("field") for verdict in verdicts[1:5]] == ["text", "body", "body", "lang"]
    assert {verdict["error"]["status"] for verdict in verdicts[1:5]} == {422}


@pytest.mark.parametrize(("count", "status"), [(0, 200), (1, 200), (1_000, 200), (1_001, 413)])
def test_a_batch_holds_up_to_a_thousand_comments(client: FlaskClient, count: int, status: int) -> None:
    reply = client.post("/v1/check/batch", json={"comments": [{"text": "hi"}] * count})
    assert reply.status_code == status
    assert len(reply.json.get("verdicts", [])) == (count if status == 200 else 0)


def test_unknown_fields_are_ignored_and_null_counts_as_absent(client: FlaskClient) -> None:
    plain = client.post("/v1/check", json=HAM).json
    decorated = client.post("/v1/check", json=HAM | {"lang": None, "stars": 5, "nested": {"deep": [1]}}).json
    assert plain["score"] == decorated["score"]


def test_a_type_that_nobody_knows_is_taken(client: FlaskClient) -> None:
    assert client.post("/v1/check", json=HAM | {"type": "postcard"}).status_code == 200


@pytest.mark.parametrize("field", FIELD_NAMES)
def test_a_field_of_the_wrong_type_is_named(client: FlaskClient, field: str) -> None:
    reply = client.post("/v1/check", json={"text": "hi", field: 17})
    assert (reply.status_code, reply.content_type) == (422, PROBLEM)
    assert reply.json == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": f"{field}: found a number, expected a string",
        "field": field,
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/v1/check", b"{", {}, 400),
        ("POST", "/v1/check", b"", {}, 400),
        ("POST", "/v1/check", b'{"text": "x"} {}', {}, 400),
        ("POST", "/v1/check", b'{"text": NaN}', {}, 400),
        ("POST", "/v1/check/batch", b"[", {}, 400),
        ("POST", "/v1/check", b'{"text": "x"}', {"Authorization": ""}, 401),
        ("POST", "/v1/check", b'{"text": "x"}', {"Authorization": "Bearer aaaaaaaaaaaa"}, 401),
        ("POST", "/v1/check/batch", b'{"comments": []}', {"Authorization": "Bearer aaaaaaaaaaaa"}, 401),
        ("GET", "/v1/model", b"", {"Authorization": "Basic aaaaaaaaaaaa"}, 401),
        ("POST", "/v1/nope", b"{}", {}, 404),
        ("POST", "/v1/check/", b"{}", {}, 404),
        ("GET", "/nothing", b"", {}, 404),
        ("GET", "/v1/check", b"", {}, 405),
        ("PUT", "/v1/check/batch", b"", {}, 405),
        ("POST", "/healthz", b"", {}, 405),
        ("POST", "/v1/check", b" " * (1024 * 1024 + 1), {}, 413),
        ("POST", "/v1/check", b"text=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("POST", "/v1/check", b'{"text": "x"}', {"Content-Type": ""}, 415),
        ("POST", "/v1/check", b'{"text": "x"}', {"Content-Type": "application/json; charset=latin-1"}, 415),
        ("POST", "/v1/check", b'{"text": "x"}', {"Content-Encoding": "gzip"}, 415),
        ("POST", "/v1/check", b"[]", {}, 422),
        ("POST", "/v1/check", b'"text"', {}, 422),
        ("POST", "/v1/check", b"{}", {}, 422),
        ("POST", "/v1/check", b'{"text": null}', {}, 422),
        ("POST", "/v1/check/batch", b"{}", {}, 422),
        ("POST", "/v1/check/batch", b'{"comments": {}}', {}, 422),
    ],
)
def test_errors_are_problem_documents_with_the_promised_status(
    client: FlaskClient, method: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    sent = {"Content-Type": "application/json"} | headers
    reply = client.open(path, method=method, data=body, headers=sent)
    assert (reply.status_code, reply.content_type) == (status, PROBLEM)
    assert reply.json["status"] == status
    assert reply.json["detail"]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
def test_json_may_say_that_it_is_utf_8(client: FlaskClient, content_type: str) -> None:
    reply = client.post("/v1/check", data='{"text": "schön"}'.encode(), content_type=content_type)
    assert reply.status_code == 200


def test_a_refusal_says_what_would_be_taken(client: FlaskClient) -> None:
    assert client.get("/v1/check").headers["Allow"] == "POST"
    assert set(client.get("/v1/check/batch").headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    refused = client.post("/v1/check", json=HAM, headers={"Authorization": "Bearer nope"})
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="hamgate"'


def test_over_the_rate_limit_a_site_waits(config: Config, key: str) -> None:
    app = create_app(dataclasses.replace(config, checks_per_minute=3))
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    replies = [client.post("/v1/check/batch", json={"comments": [HAM, HAM]}) for _ in range(4)]
    close(app)
    assert replies[0].status_code == 200
    refused = [reply for reply in replies if reply.status_code == 429]
    assert len(refused) >= 2  # a new minute may begin in between, and allows one more
    assert all(1 <= int(reply.headers["Retry-After"]) <= 60 for reply in refused)


def test_the_served_model_is_described(client: FlaskClient, small_model_path: Path) -> None:
    shown = ModelBody.model_validate(client.get("/v1/model").json, strict=True)
    served = load(small_model_path)
    assert (shown.version, shown.card) == (served.version, json.loads(json.dumps(served.card)))
    assert shown.thresholds.model_dump() == dataclasses.asdict(served.thresholds)


def test_without_a_key_nothing_but_health_and_descriptions_is_shown(app: Flask) -> None:
    client = app.test_client()
    open_paths = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}
    for path in open_paths:
        assert client.get(path).status_code == 200
    paths = {str(rule) for rule in app.url_map.iter_rules() if not is_page(str(rule))}
    for path in paths - open_paths | {"/v1/check"}:
        assert {client.get(path).status_code, client.post(path, json={}).status_code} <= {401, 405}


def test_a_service_whose_model_is_damaged_is_alive_but_not_ready(
    config: Config, key: str, small_model_path: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.hamgate"
    content = bytearray(small_model_path.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    app = create_app(dataclasses.replace(config, model=damaged))
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    assert client.get("/healthz").status_code == 200
    for reply in (client.get("/readyz"), client.post("/v1/check", json=HAM), client.get("/v1/model")):
        assert (reply.status_code, reply.content_type) == (503, PROBLEM)
        assert "the model can't be loaded" in reply.json["detail"]
        assert int(reply.headers["Retry-After"]) > 0
    close(app)


def _damage(app: Flask, statement: str) -> None:
    with app.extensions["hamgate.store"]._engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_an_error_of_our_own_shows_nothing_of_the_inside_and_is_logged(
    app: Flask, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    _damage(app, "UPDATE sites SET added_at = 'never'")
    for path in ("/v1/check", "/v1/check/batch"):
        reply = app.test_client().post(path, json=HAM, headers={"Authorization": f"Bearer {key}"})
        assert (reply.status_code, reply.content_type) == (500, PROBLEM)
        request_id = reply.headers["X-Request-Id"]
        assert reply.json["detail"] == f"an error inside Hamgate; its log has it under {request_id}"
        logged = next(record for record in caplog.records if request_id in record.getMessage())
        line = json.loads(JsonFormatter().format(logged))
        assert (line["error"], line["trace"][0]) == ("ValueError", "ValueError")  # without its message
        assert any("store.py" in frame for frame in line["trace"])


def test_a_database_that_is_gone_makes_the_caller_wait(app: Flask, key: str) -> None:
    _damage(app, "DROP TABLE sites")
    for path in ("/v1/check", "/v1/check/batch"):
        reply = app.test_client().post(path, json=HAM, headers={"Authorization": f"Bearer {key}"})
        assert (reply.status_code, reply.content_type) == (503, PROBLEM)
        assert int(reply.headers["Retry-After"]) > 0


def test_the_description_is_valid_openapi_and_covers_every_route(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    served = {
        (rule.rule.translate(str.maketrans("<>", "{}")), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not is_page(rule.rule)
    }
    assert described == served - {("/openapi.json", "GET"), ("/docs", "GET")} | {("/v1/check", "POST")}


def test_the_description_knows_every_field_of_a_comment(app: Flask) -> None:
    assert tuple(CommentBody.model_fields) == FIELD_NAMES
    schema = app.test_client().get("/openapi.json").json["components"]["schemas"]["CommentBody"]
    assert list(schema["properties"]) == list(FIELD_NAMES)
    assert schema["required"] == ["text"]
    assert all(described["description"] for described in schema["properties"].values())


def test_the_page_needs_nothing_from_elsewhere_and_may_run_nothing(app: Flask) -> None:
    reply = app.test_client().get("/docs")
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script|\bsrc=|<link|@import|url\(|\son\w+=", reply.text)
    assert set(re.findall(r'href="([^"#]+)', reply.text)) == {"openapi.json"}
    for target in re.findall(r'href="#(\w+)"', reply.text):
        assert f'id="{target}"' in reply.text
