"""What is noted of a check that was held for review, so that moderators find it again among thousands.

Owns which of them come first and which belong together: those that are like the first one of a campaign. The reasons
are kept as they were, since neither what labels had taught by then nor what else was being sent can be had again later.
Whether somebody has decided is noted nowhere: labels say so, wherever they come from, and one that is taken back leaves
the check where it was. Only checks that are held pay for any of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from hashlib import blake2b
from math import log2
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import sqlalchemy as sa

from model.sketch import BYTES_OF_BAND, MIN_SIMILARITY, similarities
from training.database import insert_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.comment import Comment
    from model.verdict import Reason

BANDS = 4
"""Of a sketch's sixteen bands, as for campaigns: enough for comments that have most in common."""
MAX_OF_BAND = 16
"""Of the many campaigns that have a band in common, the newest are compared."""
LOOKED_UP_AT_ONCE = 1_000
"""Databases take so many values in one statement, and much may have waited while this one was away. Of what is found,
the newest campaigns, too, are so many at most."""
MAX_WORDS_CHARACTERS = 2_000
URGENCY_OF_DOUBLING = 0.25
"""A comment that settles twice as many is worth looking at as if it were so much, in bits, more uncertain."""

queue = sa.Table(
    "queue",
    sa.MetaData(),
    sa.Column("check_id", sa.String(32), primary_key=True),
    sa.Column("site", sa.String(253)),
    sa.Column("comment_digest", sa.LargeBinary(32)),
    sa.Column("urgency", sa.Float),
    sa.Column("campaign", sa.String(32)),
    sa.Column("features", sa.String(255)),
    sa.Column("words", sa.Text),
    sa.Column("reasons", sa.LargeBinary),
    sa.Column("sketch", sa.LargeBinary),
    *(sa.Column(f"band{place}", sa.BigInteger) for place in range(BANDS)),
)
_bands = [queue.c[f"band{place}"] for place in range(BANDS)]
_newest_alike = (
    sa.select(queue.c.campaign, queue.c.sketch, *_bands)
    .where(sa.or_(*(column.in_(sa.bindparam(column.name, expanding=True)) for column in _bands)))
    .order_by(queue.c.check_id.desc())
    .limit(LOOKED_UP_AT_ONCE)
)
_sizes = (
    sa.select(queue.c.campaign, sa.func.count())
    .where(queue.c.campaign.in_(sa.bindparam("campaigns", expanding=True)))
    .group_by(queue.c.campaign)
)


class Doubtful(NamedTuple):
    """What is noted of a check that is held for review. The uncertainty of its score is in bits."""

    check_id: str
    site: str
    comment_digest: bytes
    uncertainty: float
    features: str
    words: str
    reasons: bytes
    sketch: bytes
    bands: tuple[int, ...]
    """Of ``BANDS`` bands of the sketch, each with the site and its place, what an index finds: int64."""


class _First(NamedTuple):
    """The first check of a campaign, which is named after it. It alone is looked up, so only it has bands."""

    campaign: str
    sketch: bytes


class _Campaigns(NamedTuple):
    """Campaigns in the queue by band, the newest last, and by first band and sketch; and their sizes, by name."""

    alike: defaultdict[int, deque[_First]]
    same: dict[tuple[int, bytes], str]
    sizes: Counter[str]


def doubtful_of(
    check_id: str,
    site: str,
    comment: Comment,
    comment_digest: bytes,
    score: float,
    reasons: Sequence[Reason],
    sketch: bytes,
) -> Doubtful:
    """Take note of a check."""
    speaking = sorted({feature_of(reason) for reason in reasons if reason.weight > 0})
    words = folded(f"{comment.author[:200]}\n{comment.text}"[:MAX_WORDS_CHARACTERS])
    features = f" {' '.join(speaking)} "[:255]
    written = orjson.dumps([tuple(reason) for reason in reasons])
    bands = _bands_of(site, sketch)
    return Doubtful(check_id, site, comment_digest, _entropy(score), features, words, written, sketch, bands)


def enqueue(connection: sa.Connection, doubtful: Sequence[Doubtful]) -> None:
    """Note checks that the same transaction has written."""
    for start in range(0, len(doubtful), LOOKED_UP_AT_ONCE):
        some = doubtful[start : start + LOOKED_UP_AT_ONCE]
        known = _known(connection, some)
        insert_rows(connection, queue, [_row(one, known) for one in some])


def folded(text: str) -> str:
    """Return a text as it is searched, and as it is searched for."""
    return text.lower().replace("\x00", "")


def feature_of(reason: Reason) -> str:
    """Return what kind of reason it is: one of a bounded set of words."""
    return reason.feature.partition(":")[0]


def _row(one: Doubtful, known: _Campaigns) -> tuple[Any, ...]:
    """Lay out a check in the order of the columns."""
    campaign = _campaign(one, known)
    others = known.sizes[campaign]
    known.sizes[campaign] += 1
    is_first = campaign == one.check_id
    if is_first:
        _note_first(known, _First(campaign, one.sketch), one.bands)
    return (
        one.check_id,
        one.site,
        one.comment_digest,
        one.uncertainty + URGENCY_OF_DOUBLING * log2(1 + others),
        campaign,
        one.features,
        one.words,
        one.reasons,
        one.sketch,
        *(one.bands if is_first else [None] * BANDS),
    )


def _campaign(one: Doubtful, known: _Campaigns) -> str:
    """Return the campaign that a check belongs to, its own where it is the first."""
    same = known.same.get((one.bands[0], one.sketch))
    if same is not None:
        return same
    met = list(dict.fromkeys(first for band in one.bands for first in known.alike.get(band, ())))
    if not met:
        return one.check_id
    nearest, first = max(zip(similarities(one.sketch, [first.sketch for first in met]), met, strict=True))
    return first.campaign if nearest >= MIN_SIMILARITY else one.check_id


def _known(connection: sa.Connection, doubtful: Sequence[Doubtful]) -> _Campaigns:
    """Find the campaigns in the queue that these may belong to."""
    wanted = {column.name: sorted({one.bands[place] for one in doubtful}) for place, column in enumerate(_bands)}
    known = _Campaigns(defaultdict(lambda: deque(maxlen=MAX_OF_BAND)), {}, Counter())
    for campaign, sketch, *bands in reversed(connection.execute(_newest_alike, wanted).all()):
        known.sizes[campaign] = 0
        _note_first(known, _First(campaign, sketch), bands)
    if known.sizes:
        known.sizes.update(dict(connection.execute(_sizes, {"campaigns": list(known.sizes)}).all()))
    return known


def _note_first(known: _Campaigns, first: _First, bands: Sequence[int]) -> None:
    known.same[bands[0], first.sketch] = first.campaign
    for band in bands:
        known.alike[band].append(first)


def _bands_of(site: str, sketch: bytes) -> tuple[int, ...]:
    """Return what comments of a site that are alike nearly always have one of in common, and other sites' have not."""
    starts = range(0, BANDS * BYTES_OF_BAND, BYTES_OF_BAND)
    said = (f"{site} {start} ".encode() + sketch[start : start + BYTES_OF_BAND] for start in starts)
    return tuple(int.from_bytes(blake2b(one, digest_size=8).digest(), "little", signed=True) for one in said)


def _entropy(probability: float) -> float:
    """Return how uncertain a probability is, in bits: 1 for one half, 0 for none and for one."""
    return -sum(p * log2(p) for p in (probability, 1 - probability) if p > 0)
