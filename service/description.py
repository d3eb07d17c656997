"""The OpenAPI 3.1 description of the native interface, and a page that shows it.

The schemas come from the very models that check requests. The page is made on the server and needs no script, no other
host and nothing but its own style sheet, so its content security policy can forbid all else.
"""

from __future__ import annotations

import base64
import json
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, render_template

from service.problems import PROBLEM_JSON
from service.schemas import (
    BatchBody,
    CheckBody,
    CommentBody,
    HealthBody,
    LabelBody,
    LabelledBody,
    ModelBody,
    ProblemBody,
    ReadyBody,
    VerdictBody,
    VerdictsBody,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

API_VERSION = "1"
OPENAPI_PATH, PAGE_PATH = PATHS = ("/openapi.json", "/docs")
"""Either may take a moment when it is first asked for."""
JSON = "application/json"
BEARER = "siteKey"
STYLE = """
:root { background: #fff; color: #1b2224; color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
a { color: #15616d; }
@media (prefers-color-scheme: dark) {
  :root { background: #141819; color: #e8edec; }
  a { color: #7fd0dc; }
}
body { margin: 0 auto; max-width: 52rem; padding: 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9rem; }
pre { border: 1px solid; overflow-x: auto; padding: .75rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid; padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; }
section { margin-top: 2.5rem; }
"""
REFUSALS = {
    "400": "The body is not JSON.",
    "401": "No key, or one that belongs to no site.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large, or a batch holds too many comments.",
    "415": "The body says it is something else than uncompressed JSON.",
    "422": "A field is missing or of the wrong type; the member field names it.",
    "429": "Over the rate limit; Retry-After says when to try again.",
    "503": "The service can't score at the moment; the detail says why.",
}
UNKNOWN_CHECK = "There is no check of that id that this site may see."


class Description:
    """Both documents, made when one is first asked for."""

    def __init__(self) -> None:
        style_digest = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{style_digest}'; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'"
        )

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        description = Blueprint("description", __name__)
        description.add_url_rule(OPENAPI_PATH, view_func=self.openapi)
        description.add_url_rule(PAGE_PATH, view_func=self.docs)
        return description

    @cached_property
    def _document(self) -> dict[str, Any]:
        return openapi_document()

    @cached_property
    def _json(self) -> bytes:
        return json.dumps(self._document, indent=1).encode()

    def openapi(self) -> Response:
        """Hand out the OpenAPI document."""
        return Response(self._json, content_type=JSON)

    def docs(self) -> Response:
        """Show the OpenAPI document to people."""
        page = render_template("docs.html", document=self._document, style=STYLE)
        headers = {"Content-Security-Policy": self._policy, "X-Content-Type-Options": "nosniff"}
        return Response(page, headers=headers, mimetype="text/html")


def openapi_document() -> dict[str, Any]:
    """Build the OpenAPI 3.1 document as JSON values."""
    from openapi_pydantic.util import construct_open_api_with_schema_class  # takes long to import, and is seldom needed
    from openapi_pydantic.v3.v3_1 import OpenAPI

    described = OpenAPI.model_validate(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Hamgate",
                "version": API_VERSION,
                "summary": "A self-hosted spam filter for comments.",
                "description": "Every check needs the key of a site. Errors are problem documents (RFC 9457).",
            },
            "paths": _paths(),
            "components": {
                "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer", "description": "The key of a site."}},
                "responses": {f"Refused{status}": _refusal(status, text) for status, text in REFUSALS.items()},
            },
        }
    )
    schemas: list[type[BaseModel]] = [
        BatchBody,
        CheckBody,
        CommentBody,
        HealthBody,
        LabelBody,
        LabelledBody,
        ModelBody,
        ProblemBody,
        ReadyBody,
        VerdictBody,
        VerdictsBody,
    ]
    whole = construct_open_api_with_schema_class(described, schemas)
    document: dict[str, Any] = json.loads(whole.model_dump_json(by_alias=True, exclude_none=True, exclude_unset=True))
    return document


def _paths() -> dict[str, Any]:
    metrics = {"description": "Metrics of all workers.", "content": {"text/plain": {}}}
    return {
        "/v1/check": {"post": _check("check", "Judge one comment", CommentBody, VerdictBody)},
        "/v1/check/batch": {
            "post": _check("checkBatch", "Judge up to 1,000 comments, in order", BatchBody, VerdictsBody)
        },
        "/v1/labels": {"post": _labelling()},
        "/v1/checks/{check_id}": {"get": _look_up()},
        "/v1/model": {
            "get": _operation("model", "Describe the served model", ModelBody, "401", "429", "503")
            | {"security": [{BEARER: []}]}
        },
        "/healthz": {"get": _operation("healthz", "Say whether the service is alive", HealthBody)},
        "/readyz": {"get": _operation("readyz", "Say whether the service can score", ReadyBody, "503")},
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Report metrics in Prometheus's text format",
                "responses": {"200": metrics},
            }
        },
    }


def _check(name: str, summary: str, body: type[BaseModel], answer: type[BaseModel]) -> dict[str, Any]:
    return _operation(name, summary, answer, *REFUSALS) | {
        "security": [{BEARER: []}],
        "requestBody": {"required": True, "content": _content(JSON, body)},
    }


def _labelling() -> dict[str, Any]:
    """Describe the one call that answers 201, and 404 for an id that is not there."""
    operation = _check("addLabel", "Say what a comment is; answered once that is durable", LabelBody, LabelledBody)
    responses = operation["responses"]
    responses["201"] = responses.pop("200")
    responses["404"] = _refusal("404", UNKNOWN_CHECK)
    return operation


def _look_up() -> dict[str, Any]:
    """Describe the call whose path names a check."""
    operation = _operation(
        "showCheck", "Say what people have said of a comment since it was checked", CheckBody, "401", "429", "503"
    )
    operation["responses"]["404"] = _refusal("404", UNKNOWN_CHECK)
    number = {
        "name": "check_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "Of the check.",
    }
    return operation | {"security": [{BEARER: []}], "parameters": [number]}


def _operation(name: str, summary: str, answer: type[BaseModel], *refusals: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": "Done.", "content": _content(JSON, answer)},
            **{status: {"$ref": f"#/components/responses/Refused{status}"} for status in refusals},
        },
    }


def _refusal(status: str, description: str) -> dict[str, Any]:
    answer = {"description": description, "content": _content(PROBLEM_JSON, ProblemBody)}
    if status in ("429", "503"):
        answer["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return answer


def _content(media_type: str, body: type[BaseModel]) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}}
