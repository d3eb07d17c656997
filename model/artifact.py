"""The model as one file: written reproducibly, verified before use, and loaded without running anything in it.

Layout: a magic line, the SHA-256 of all that follows, and a zip archive of plain numpy arrays and one JSON text
(format number, model card, thresholds). The model's version is the digest's beginning, so a version names its bytes.
Owns that layout and the loaded ``Filter``. Leaves scoring to ``scorer`` and reasons to ``explanation``.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from model.comment import ModelError
from model.explanation import explain
from model.ngrams import FAMILIES
from model.scorer import SLOT_BITS, Scorer
from model.thresholds import Thresholds
from model.verdict import TAUGHT, Decision, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model.comment import Comment
    from model.explanation import Learnt
    from model.lists import Line

FORMAT = 10
MAX_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 4 * 1024 * 1024
MAX_WEIGHT = 1e6
"""No scale, offset or other constant is so large; beyond, sums of them would be no numbers."""
CHUNK_COMMENTS = 32
"""Comments measured together: more of them no longer fit into the processor's cache."""

OVERRULING_MARGIN = 1.0
"""How far beyond the threshold, in log-odds, a person's word takes a score."""
LABELS = {False: "ham", True: "spam"}

_MAGIC = b"hamgate model\n"
_DIGEST_BYTES = 32
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    EOFError,
    RuntimeError,  # an encrypted archive, an unknown compression, JSON nested too deeply
    zlib.error,
    zipfile.BadZipFile,
)
_ARRAYS: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
    "table": (np.dtype("u1"), (4, 1 << SLOT_BITS)),
    "family_scales": (np.dtype("<f8"), (len(FAMILIES),)),
    "family_offsets": (np.dtype("<f8"), (len(FAMILIES),)),
    "constants": (np.dtype("<f8"), (5,)),
}
"""The bytes of the table's entries lie apart, all lowest ones first, since that packs smaller."""
_MEMBERS = ("header.json", *(f"{name}.bin" for name in _ARRAYS))


class ArtifactError(ModelError):
    """The file is damaged, tampered with, too new or no model at all."""


class Filter:
    """A loaded model: judges comments and explains itself.

    Attributes:
        version: the model's content address, 16 hexadecimal digits.
        card: what it was trained on and how well it does, as JSON-able values.
        thresholds: the scores at which its decisions change.
    """

    def __init__(self, scorer: Scorer, thresholds: Thresholds, card: dict[str, Any], version: str) -> None:
        self.scorer = scorer
        self.thresholds = thresholds
        self.card = card
        self.version = version

    def check(self, comment: Comment) -> Verdict:
        """Judge one comment."""
        return self.check_many([comment])[0]

    def check_many(self, comments: Sequence[Comment], learnt: Learnt | None = None) -> list[Verdict]:
        """Judge comments in order. A verdict does not depend on the other comments.

        ``learnt`` says what people's labels have added since the model was trained.
        """
        verdicts = []
        for start in range(0, len(comments), CHUNK_COMMENTS):
            for log_odds, reasons, sketch in explain(self.scorer, comments[start : start + CHUNK_COMMENTS], learnt):
                score = probability(log_odds)
                verdicts.append(Verdict(self.thresholds.decide(score), score, reasons, self.version, sketch))
        return verdicts

    def deciding_by(self, thresholds: Thresholds) -> Filter:
        """Return the same model with other thresholds."""
        return Filter(self.scorer, thresholds, self.card, self.version)

    def with_reason(self, verdict: Verdict, reason: Reason) -> Verdict:
        """Return the verdict as it is for one reason more."""
        score = probability(sum(known.weight for known in verdict.reasons) + reason.weight)
        reasons = tuple(sorted((*verdict.reasons, reason), key=lambda known: -abs(known.weight)))
        return verdict._replace(decision=self.thresholds.decide(score), score=score, reasons=reasons)

    def overruled(self, verdict: Verdict, is_spam: bool, is_same: bool = True, is_sure: bool = False) -> Verdict:
        """Return the verdict as it is once a person has called the comment, or nearly the same one, spam or ham.

        What the person says is one more reason, of as much weight as it takes. What is not the very same comment, and
        would be blocked, also if only for what labels have taught, is held rather than shown: spammers copy comments
        that were let through, and add a link, and the label of what they copied has taught that all of it is good. And
        what is only like spam, and the model without labels would allow, is held rather than blocked: people's own
        words may be like it. Unless ``is_sure``: it is nearly the same, or like several that were called spam.
        """
        found = sum(reason.weight for reason in verdict.reasons)
        untaught = sum(reason.weight for reason in verdict.reasons if reason.feature != TAUGHT)
        review, block = log_odds_of(self.thresholds.review), log_odds_of(self.thresholds.block)
        called = f"a person called this comment, or one like it, {LABELS[is_spam]}"
        if is_spam and (is_same or is_sure or untaught >= review):
            wanted = max(found, block + OVERRULING_MARGIN)
        elif block > review and not is_same and (is_spam or max(found, untaught) >= block):
            wanted = (review + block) / 2
            called = f"a person called a comment like it {LABELS[is_spam]}, which this one need not be"
        else:
            wanted = min(found, review - OVERRULING_MARGIN)
        return self.with_reason(verdict, Reason("label", wanted - found, called))

    def listed(self, verdict: Verdict, line: Line) -> Verdict:
        """Return the verdict as it is once a line of the site's lists decides: allow, or no less than a deny line says.

        The line is one more reason, of as much weight as it takes.
        """
        found = sum(reason.weight for reason in verdict.reasons)
        thresholds = self.thresholds
        review, block, discard = map(log_odds_of, (thresholds.review, thresholds.block, thresholds.discard))
        wanted = {
            Decision.ALLOW: min(found, review - OVERRULING_MARGIN),
            Decision.REVIEW: max(found, (review + block) / 2),
            Decision.BLOCK: max(found, (block + discard) / 2),
            Decision.DISCARD: max(found, discard + OVERRULING_MARGIN),
        }[line.decision]
        return self.with_reason(verdict, Reason(line.feature, wanted - found, line.reason))


def probability(log_odds: float) -> float:
    """Return 1 / (1 + exp(-log_odds)), without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    return 1 - 1 / (1 + math.exp(log_odds))


def log_odds_of(probability: float) -> float:
    """Return log(p / (1 - p)), finite for every p."""
    bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))


def save(path: Path, scorer: Scorer, thresholds: Thresholds, card: dict[str, Any]) -> str:
    """Write an artefact and return its version. The same values give the same bytes."""
    content = packed(scorer, thresholds, card)
    path.write_bytes(content)
    return version_of(content)


def packed(scorer: Scorer, thresholds: Thresholds, card: dict[str, Any]) -> bytes:
    """Return an artefact's bytes. The same values give the same bytes."""
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "table": scorer.table.astype("<u4").view("u1").reshape(-1, 4).T,
        "family_scales": scorer.family_scales,
        "family_offsets": scorer.family_offsets,
        "constants": np.array(scorer.constants),
    }
    header = json.dumps(
        {"format": FORMAT, "thresholds": asdict(thresholds), "card": card}, sort_keys=True, ensure_ascii=False
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(_member("header.json"), header.encode(), compresslevel=6)
        for name, (dtype, _) in _ARRAYS.items():
            archive.writestr(_member(f"{name}.bin"), arrays[name].astype(dtype).tobytes(), compresslevel=6)
    payload = buffer.getvalue()
    return _MAGIC + hashlib.sha256(payload).digest() + payload


def version_of(content: bytes) -> str:
    """Return the version that an artefact's bytes claim to be; ``unpacked`` verifies the claim."""
    return content[len(_MAGIC) : len(_MAGIC) + _DIGEST_BYTES].hex()[:16]


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, date_time=_EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def load(path: Path) -> Filter:
    """Read and verify an artefact.

    Raises:
        ArtifactError: it is damaged, tampered with, of a newer format, or no model.
        OSError: it can't be read.
    """
    return unpacked(content_of(path), str(path))


def content_of(path: Path) -> bytes:
    """Read an artefact's bytes, not yet verified.

    Raises:
        ArtifactError: there are too many.
        OSError: it can't be read.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ArtifactError(f"{path}: larger than {MAX_BYTES} bytes, so no model of Hamgate's")
    return path.read_bytes()


def unpacked(content: bytes, name: str) -> Filter:
    """Verify an artefact's bytes and make them a filter; ``name`` is what messages call it.

    Raises:
        ArtifactError: it is damaged, tampered with, of a newer format, or no model.
    """
    start = len(_MAGIC) + _DIGEST_BYTES
    if not content.startswith(_MAGIC):
        raise ArtifactError(f"{name}: no Hamgate model: it does not begin as one")
    digest, payload = content[len(_MAGIC) : start], content[start:]
    if hashlib.sha256(payload).digest() != digest:
        raise ArtifactError(f"{name}: damaged or tampered with: its content does not match its digest")
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            if any(member.compress_type != zipfile.ZIP_DEFLATED for member in archive.infolist()):
                raise ValueError("it is packed in another way than Hamgate packs")
            if archive.getinfo("header.json").file_size > MAX_HEADER_BYTES:
                raise ValueError(f"its header is longer than {MAX_HEADER_BYTES:,} bytes")
            header = json.loads(_content(archive, "header.json"))
            if header["format"] != FORMAT:
                remedy = "update Hamgate" if header["format"] > FORMAT else "train it anew"
                raise ArtifactError(f"{name}: format {header['format']}, expected {FORMAT}; {remedy}")
            if sorted(archive.namelist()) != sorted(_MEMBERS):
                raise ValueError(f"its members are others than {', '.join(_MEMBERS)}")
            json.dumps(header, allow_nan=False)  # raises where a number is none that JSON has
            if not isinstance(header["card"], dict):
                raise TypeError(f"its card is a {type(header['card']).__name__}, expected an object")
            arrays = {name: _array(archive, name) for name in _ARRAYS}
        constants = [float(constant) for constant in arrays["constants"]]
        # Copies, for numpy's own memory has large pages.
        table = np.ascontiguousarray(arrays["table"].T).view("<u4")[:, 0].astype(np.uint32, copy=False)
        scorer = Scorer(table, arrays["family_scales"].copy(), arrays["family_offsets"].copy(), *constants)
        return Filter(scorer, Thresholds(**header["thresholds"]), header["card"], digest.hex()[:16])
    except _UNREADABLE as error:
        raise ArtifactError(f"{name}: no readable model: {error}") from error


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    """Read one array; its size is checked before it is unpacked."""
    dtype, shape = _ARRAYS[name]
    size, expected = archive.getinfo(f"{name}.bin").file_size, dtype.itemsize * math.prod(shape)
    if size != expected:
        raise ValueError(f"{name} has {size} bytes, expected {expected}")
    array = np.frombuffer(_content(archive, f"{name}.bin"), dtype=dtype).reshape(shape)
    if dtype.kind == "f" and not (np.abs(array) <= MAX_WEIGHT).all():
        raise ValueError(f"{name} holds numbers that are no weights")
    return array


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    """Unpack as much of a member as it says that it has; ``read`` would unpack whatever is there."""
    with archive.open(name) as member:
        return member.read(archive.getinfo(name).file_size)
