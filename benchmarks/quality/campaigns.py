"""How often comments are taken for a campaign before anybody labels them, in order of date: ham and spam.

    python -m benchmarks.quality.campaigns FOLDER

Of each site, the first 6,000 dated comments. The sets keep at most a few near-copies of one site's spam, so floods are
understated. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from model.ngrams import grams_of
from model.segments import parts_of
from model.sketch import sketches_of
from training.campaigns import Campaigns
from training.formats.row import Rejected
from training.labelled import LabelledComment, read_labelled

SETS = (
    "blogs_pull_requests",
    "blogs_wordpress",
    "blogs_weak",
    "blogs_weak_2",
    "ham_blog_haacked",
    "ham_blog_s5s5_zh",
    "blogs_disqus_zh",
)
MAX_COMMENTS = 6_000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print("| set | spam | of it in a campaign | ham | of it in a campaign |\n| --- | --- | --- | --- | --- |")
    for name in SETS:
        by_site: defaultdict[str, list[tuple[float, LabelledComment]]] = defaultdict(list)
        for example in read_labelled(str(folder / f"{name}.jsonl")):
            at = None if isinstance(example, Rejected) else _seconds(example.comment.date)
            if at is not None and not isinstance(example, Rejected) and example.label:
                by_site[example.site].append((at, example))
        counts = {"spam": [0, 0], "ham": [0, 0]}
        campaigns = Campaigns()
        for site, dated in by_site.items():
            for at, example in sorted(dated, key=lambda pair: pair[0])[:MAX_COMMENTS]:
                (sketch,) = sketches_of(grams_of([parts_of(example.comment)]))
                count = counts[str(example.label)]
                count[0] += 1
                count[1] += campaigns.reason(site, example.comment, sketch, at) is not None
        cells = (f"{number:,}" for label in ("spam", "ham") for number in counts[label])
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _seconds(date: str) -> float | None:
    try:
        return datetime.fromisoformat(date).timestamp()
    except (ValueError, OverflowError):
        return None


if __name__ == "__main__":
    main()
