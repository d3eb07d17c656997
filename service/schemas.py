"""The JSON that goes in and out: pydantic models, which check requests and describe everything in OpenAPI.

Owns decoding, checking and encoding of bodies. Leaves the comment itself to ``model.comment`` and reading bytes from
the connection to ``bodies``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from model.comment import Comment, InvalidCommentError, without_surrogates
from service.problems import BodyTooLargeError, MalformedBodyError, WrongFieldError, problem_of
from training.labels import labeller

if TYPE_CHECKING:
    from model.verdict import Verdict
    from training.labelled import Label
    from training.labels import Check

MAX_COMMENTS = 1_000
JSON_NAMES = {
    bool: "a boolean",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a string",
    type(None): "null",
}

OptionalText = str | None


class CommentBody(BaseModel):
    """What a visitor submitted, and whatever the site knows about it. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, title="Comment")

    text: str = Field(description="The comment itself: plain text, HTML or BBCode.", examples=["Thanks, that helped!"])
    author: OptionalText = Field(default=None, description="The name that the visitor gave.")
    author_email: OptionalText = Field(default=None, description="The e-mail address that the visitor gave.")
    author_url: OptionalText = Field(default=None, description="The web address that the visitor gave.")
    user_ip: OptionalText = Field(default=None, description="The visitor's IP address.")
    user_agent: OptionalText = Field(default=None, description="The visitor's User-Agent header.")
    referrer: OptionalText = Field(default=None, description="The visitor's Referer header.")
    permalink: OptionalText = Field(default=None, description="Address of the page commented on.")
    post_title: OptionalText = Field(default=None, description="Title of what the comment replies to.")
    post_text: OptionalText = Field(default=None, description="Text of what the comment replies to.")
    parent_text: OptionalText = Field(default=None, description="Text of the comment that this one answers.")
    type: OptionalText = Field(
        default=None,
        description="comment, reply, trackback, pingback, contact-form, signup, forum-post or message;"
        " anything else is treated as comment.",
    )
    lang: OptionalText = Field(default=None, description="Language of the page, as BCP 47.", examples=["pt-BR"])
    date: OptionalText = Field(default=None, description="When it was submitted, as ISO 8601.")
    honeypot: OptionalText = Field(default=None, description="Content of a form field that people can't see.")


class BatchBody(BaseModel):
    """Several comments; each is checked by itself, so that one bad comment spoils no other."""

    model_config = ConfigDict(strict=True, title="Batch")

    comments: list[Any] = Field(
        json_schema_extra={"items": {"$ref": "#/components/schemas/CommentBody"}, "maxItems": MAX_COMMENTS}
    )


class ReasonBody(BaseModel):
    """One additive contribution to the score's log-odds."""

    model_config = ConfigDict(title="Reason")

    feature: str = Field(description="What was seen, as the model names it.")
    weight: float = Field(description="Contribution to the log-odds: positive speaks for spam, negative for ham.")
    text: str = Field(description="The same in a moderator's words.")


class VerdictBody(BaseModel):
    """The answer to a check."""

    model_config = ConfigDict(title="Verdict")

    id: str = Field(description="Names this check; unique and not to be guessed.")
    decision: Literal["allow", "review", "block", "discard"] = Field(description="What the site should do.")
    score: float = Field(ge=0, le=1, description="Calibrated probability that the comment is spam.")
    reasons: list[ReasonBody] = Field(description="What weighed most, strongest first.")
    model: str = Field(description="Version of the model that said so.")


class ProblemBody(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(title="Problem")

    type: str
    title: str
    status: int
    detail: str
    field: str | None = Field(default=None, description="The field at fault, if it is one field's fault.")


class RejectedBody(BaseModel):
    """What stands in the place of a bad comment in the answer to a batch."""

    model_config = ConfigDict(title="Rejected")

    error: ProblemBody


class VerdictsBody(BaseModel):
    """The answers to a batch, in order."""

    model_config = ConfigDict(title="Verdicts")

    verdicts: list[VerdictBody | RejectedBody]


class LabelBody(BaseModel):
    """What a moderator says: of an earlier check, by its ``id``, or of the comment that stands beside the label."""

    model_config = ConfigDict(strict=True, title="Label", extra="allow")

    label: Literal["spam", "ham"] = Field(description="What the comment is.")
    id: OptionalText = Field(default=None, description="The id of an earlier check of this site.")
    labelled_by: OptionalText = Field(default=None, max_length=253, description="Who says so.")


class LabelledBody(BaseModel):
    """The label is durable."""

    model_config = ConfigDict(title="Labelled")

    label: Literal["spam", "ham"]


class CheckBody(BaseModel):
    """An earlier check, and what people have said of its comment since."""

    model_config = ConfigDict(title="Check")

    id: str = Field(description="Names the check.")
    decision: Literal["allow", "review", "block", "discard"] = Field(description="What was decided.")
    score: float = Field(ge=0, le=1, description="Calibrated probability, at the time, that the comment is spam.")
    model: str = Field(description="Version of the model that said so.")
    label: Literal["spam", "ham"] | None = Field(description="What a person said last; null where nobody did.")


class ThresholdsBody(BaseModel):
    """Scores at and above which a comment is reviewed, blocked and discarded."""

    model_config = ConfigDict(title="Thresholds")

    review: float
    block: float
    discard: float


class ModelBody(BaseModel):
    """The served model."""

    model_config = ConfigDict(title="Model")

    version: str = Field(description="Content-addressed version.")
    card: dict[str, Any] = Field(description="The model card: what it was trained on, how, and its measured quality.")
    thresholds: ThresholdsBody


class HealthBody(BaseModel):
    """The service is alive."""

    model_config = ConfigDict(title="Health")

    status: Literal["alive"]


class ReadyBody(BaseModel):
    """The service can score."""

    model_config = ConfigDict(title="Readiness")

    status: Literal["ready"]
    model: str = Field(description="The version that scores.")
    trouble: str | None = Field(default=None, description="Why that is not the promoted version; absent where it is.")


def comment_of(body: bytes) -> Comment:
    """Read one comment.

    Raises:
        MalformedBodyError: the body is not JSON.
        WrongFieldError: it is no comment.
    """
    return _comment_in(_decoded(body))


def comments_of(body: bytes) -> list[Comment | WrongFieldError]:
    """Read a batch in order; what is no comment yields the error that says why.

    Raises:
        MalformedBodyError: the body is not JSON.
        WrongFieldError: it is no batch.
        BodyTooLargeError: there are more than 1,000 comments.
    """
    try:
        listed = BatchBody.model_validate(_decoded(body)).comments
    except ValidationError as error:
        raise _wrong_field(error) from None
    if len(listed) > MAX_COMMENTS:
        raise BodyTooLargeError(f"comments: found {len(listed):,}, expected at most {MAX_COMMENTS:,}")
    return [_comment_or_error(item) for item in listed]


@dataclass(frozen=True, slots=True)
class SaidLabel:
    """A label as it arrives: with a comment, or else with the id of a check."""

    label: Literal["spam", "ham"]
    labelled_by: str
    check_id: str
    comment: Comment | None


def label_of(body: bytes) -> SaidLabel:
    """Read one label.

    Raises:
        MalformedBodyError: the body is not JSON.
        WrongFieldError: there is no label, or neither an id nor a comment.
    """
    decoded = _decoded(body)
    try:
        said = LabelBody.model_validate(decoded)
    except ValidationError as error:
        raise _wrong_field(error) from None
    comment = None if said.id else _comment_in(decoded)
    return SaidLabel(said.label, labeller(said.labelled_by or ""), said.id or "", comment)


def verdict_members(check_id: str, verdict: Verdict) -> dict[str, Any]:
    """Lay out a verdict as ``VerdictBody`` describes it."""
    return {
        "id": check_id,
        "decision": verdict.decision,
        "score": verdict.score,
        "reasons": [{"feature": feature, "weight": weight, "text": text} for feature, weight, text in verdict.reasons],
        "model": verdict.model,
    }


def check_members(check: Check, label: Label | None) -> dict[str, Any]:
    """Lay out a check as ``CheckBody`` describes it."""
    return {
        "id": check.id,
        "decision": check.decision,
        "score": check.score,
        "model": check.model,
        "label": label,
    }


def rejected_members(error: WrongFieldError) -> dict[str, Any]:
    """Lay out what stands in the place of a bad comment."""
    return {"error": problem_of(error)}


def encoded(members: dict[str, Any]) -> bytes:
    """Encode an answer as JSON."""
    return orjson.dumps(members)


def _decoded(body: bytes) -> Any:
    """Decode strict JSON of bounded depth; of duplicate keys the last one counts."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        reason = str(error)
    if "surrogate" in reason or "hex escape" in reason:
        return _decoded_without_surrogates(body)
    raise MalformedBodyError(f"the body is not JSON: {reason}")


def _decoded_without_surrogates(body: bytes) -> Any:
    r"""Decode JSON that holds half of a surrogate pair (``"\ud83d"``), which then reads U+FFFD.

    Browsers cut emoji in half when they cut text, and ``JSON.stringify`` sends what is left; RFC 8259 permits it.
    """
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False, allow_nan=False)
        return from_json(without_surrogates(text), allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        raise MalformedBodyError("the body is not JSON") from error


def _comment_in(decoded: Any) -> Comment:
    """Read a comment; what is wrong with one that can't be read is said by the schema, in the words of JSON."""
    if isinstance(decoded, dict):
        try:
            return Comment.from_mapping(decoded)
        except InvalidCommentError:
            pass
    try:
        return Comment.from_mapping(CommentBody.model_validate(decoded).__dict__)
    except ValidationError as error:
        raise _wrong_field(error) from None


def _comment_or_error(decoded: Any) -> Comment | WrongFieldError:
    try:
        return _comment_in(decoded)
    except WrongFieldError as error:
        return error


def _wrong_field(error: ValidationError) -> WrongFieldError:
    """Name the first field at fault, and what was found by its JSON type alone, for what it holds is private."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(map(str, first["loc"])) or "body"
    if first["type"] == "missing":
        return WrongFieldError(field, "missing, but required")
    expected = {
        "string_type": "a string",
        "list_type": "a list",
        "model_type": "an object",
        "literal_error": "spam or ham",
    }.get(first["type"])
    found = JSON_NAMES.get(type(first["input"]), "something else")
    return WrongFieldError(field, f"found {found}, expected {expected or first['msg']}")
