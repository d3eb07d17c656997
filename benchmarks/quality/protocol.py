"""Who trains on what and is tested on what: leave-source-out splits, the same for every filter that is measured.

Owns reading the labelled sets, which rows may train or test, the folds, and which test rows are struck. Leaves filters
to ``peers`` and ``ours``, and figures to ``measure``.

A source is a site (the blog dumps) or a whole data set (the others). A filter is scored on sources of which it has
seen nothing: when a site is held out, every row of that site is out of the training set, whatever file it stands in.
Every filter also learns from the made-up examples that the shipped model learns from, but on published splits.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.comment import Comment
from training.corrections import digest_of, read_corrections
from training.dataset import balanced, site_folds
from training.labelled import LabelledComment
from training.made_up.examples import SITES, made_up_examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.labelled import Label

BLOG_DUMPS = (
    "blogs_wordpress",
    "blogs_pull_requests",
    "blogs_ikiwiki",
    "blogs_disqus_zh",
    "ham_blog_haacked",
    "ham_blog_s5s5_zh",
)
WEAK_SETS = ("blogs_weak", "blogs_weak_2", "spambot_templates")
DATA_SETS = (
    "youtube_tubespam",
    "youtube_judol_id",
    "instagram_scamspot",
    "instagram_id",
    "telegram_radiot_ru",
    "telegram_zh",
    "telegram_ru_noisy",
    "sms_uci",
)
NEWS = "ham_news_globeandmail"
"""Licensed for non-commercial use: it tests and never trains."""

PUBLISHED = {
    "tube7030": ("tube7030",),
    "tube_lovo": ("tube_lovo_Eminem", "tube_lovo_KatyPerry", "tube_lovo_LMFAO", "tube_lovo_Psy", "tube_lovo_Shakira"),
    "sms3070": ("sms3070",),
}
"""Splits as others published them, by protocol; near-copies are kept and only the split's own part trains."""

CORRECTIONS = Path(__file__).parents[2] / "training" / "corrections.txt"
"""Labels put right by reading: of the ham that any of the filters scored highest, of the spam that Hamgate scored
lowest, and of what ``is_struck``."""

BLOG_FOLDS = 10
MAX_TEST_ROWS = 6_000
WEAK_LABEL_SOURCES = ("rule", "template")

COMMERCIAL_NAME = re.compile(
    r"""(?x) \b(?: insurance | casino | ambien | pornos? | sex | lesbians? | big\scocks | personals | escorts
    | liquor | surveys | hotels | hostels | holiday\svilla | rent\sa\scar | diet | dieet | weight\sloss | nutrition
    | nursing\sprograms | attorney | law\sguide | surrogate | naukri | lenen | schulden | ledertasche | aanbieding
    | drucken | debouchage | plombier | cardiaque | facturation | sohbet | dinle | tarifleri | tabiri | sepeti
    | e\sdevlet | jogos | de\ssite | drenagem | supermarket | laptops | laptop-battery | wireless\sinternet
    | shelving | print\sbooks | game\sreviews | game\schien\sthuat | gia\sdụng | architects\sin | team\sbuilding
    | business\snetwork | it\ssupport | it\straining | recruiting\ssoftware | nova\ssoftware | orm\sservices | logo
    | templates | source\scode\sdirectory | web\sdesign | ^web\sdevelopment | asp\.net\smvc\sdeveloper
    | downloadable\sfiles | nzb | mp3 | pes\s201\d | kindle\sreview )\b"""
)
"""Author names that are goods or services: found by reading the names of ``ham_blog_haacked``, not by any filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(LabelledComment):
    """A labelled comment that remembers its place: ``row_id`` is ``file:line``, ``source`` the file's stem."""

    row_id: str
    source: str

    @property
    def is_weak(self) -> bool:
        """A rule or a template said so, and nobody looked: it may train and never test."""
        return self.label_source.startswith(WEAK_LABEL_SOURCES)

    @property
    def group(self) -> str:
        """The source as reported: the site for blog dumps, the data set for the others."""
        return self.site if self.source in BLOG_DUMPS else self.source

    @property
    def is_struck(self) -> bool:
        """Spam that a busy blogger let through, counted as ham by its file: no mistake when a filter blocks it."""
        if self.source != "ham_blog_haacked":
            return False
        return COMMERCIAL_NAME.search(html.unescape(self.comment.author).casefold()) is not None


class Fold(NamedTuple):
    """One split: what the filter learns from, and what it is scored on."""

    name: str
    train: list[LabelledComment]
    test: list[Row]

    def without_made_up(self) -> Fold:
        """Return the same split to be learnt without the made-up examples."""
        return self._replace(train=[example for example in self.train if example.site not in SITES])

    def digest(self) -> str:
        """Name this very split, so that kept scores are used for no other."""
        rows = "\0".join(f"{row.site} {row.label} {row.comment}" for row in (*self.train, *self.test))
        return hashlib.sha256(rows.encode("utf-8", "replace")).hexdigest()[:12]


def read_rows(folder: Path) -> list[Row]:
    """Read every labelled comment of the folder's known sets, in a fixed order."""
    return [row for name in (*BLOG_DUMPS, *WEAK_SETS, *DATA_SETS, NEWS) for row in _read_set(folder / f"{name}.jsonl")]


def labels_put_right(rows: Sequence[Row]) -> dict[str, Label]:
    """Return the labels, by row, that reading has changed."""
    corrections = read_corrections(CORRECTIONS)
    read = ((row, corrections.get(digest_of(row.comment.text), row.label)) for row in rows)
    return {row.row_id: label for row, label in read if label is not None and label != row.label}


def blog_folds(rows: Sequence[Row], seed: int = 0) -> Iterator[Fold]:
    """Leave whole sites of the blog dumps out, ten lots of about equal size; every strongly labelled row is tested."""
    testable = [row for row in rows if row.source in BLOG_DUMPS and not row.is_weak]
    fold_of = site_folds([row.site for row in testable], BLOG_FOLDS)
    for number in range(BLOG_FOLDS):
        test = [row for row, fold in zip(testable, fold_of, strict=True) if fold == number]
        yield _leave_out(f"blogs-{number}", rows, test, seed)


def data_set_folds(rows: Sequence[Row], seed: int = 0) -> Iterator[Fold]:
    """Leave one data set out at a time; of the largest, 6,000 rows drawn at random are tested."""
    for name in DATA_SETS:
        test = [row for row in rows if row.source == name and not row.is_weak]
        if len(test) > MAX_TEST_ROWS:
            chosen = np.random.default_rng(seed).choice(len(test), MAX_TEST_ROWS, replace=False)
            test = [test[i] for i in np.sort(chosen)]
        yield _leave_out(name, rows, test, seed)


def news_fold(rows: Sequence[Row], seed: int = 0) -> Iterator[Fold]:
    """Train on everything that may train, and test on a newspaper's readers, all ham."""
    yield _leave_out(NEWS, rows, [row for row in rows if row.source == NEWS], seed)


def published_folds(folder: Path) -> Iterator[Fold]:
    """Yield the published splits below ``folder/protocols``: each trains on its own training part alone."""
    for name in (split for splits in PUBLISHED.values() for split in splits):
        train = _read_set(folder / "protocols" / name / "train.jsonl", source=name)
        yield Fold(name, list(train), list(_read_set(folder / "protocols" / name / "test.jsonl", source=name)))


def _leave_out(name: str, rows: Sequence[Row], test: list[Row], seed: int) -> Fold:
    sites = {row.site for row in test}
    train = balanced((row for row in rows if row.source != NEWS and row.site not in sites), seed)
    return Fold(name, [*train, *made_up_examples(seed)], test)


def _read_set(path: Path, source: str = "") -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            fields = json.loads(line)
            if fields.get("label") not in ("spam", "ham"):
                continue
            yield Row(
                comment=Comment.from_mapping(fields),
                label=fields["label"],
                site=fields.get("site") or fields["group"],
                row_id=f"{path.stem}:{number}",
                source=source or path.stem,
                label_source=fields.get("label_source") or "",
                thread=str(fields.get("thread") or ""),
            )
