"""How much alike comments of one blog are, by their sketches, and how often a person called such a pair differently.

    python -m benchmarks.quality.near_duplicates FOLDER

The blogs are those whose owners decided on every comment; at most 400 comments of each, chosen at random, are compared
with each other. Prints a Markdown table of pairs by the share of bins that they have in common.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from pathlib import Path

from model.ngrams import grams_of
from model.segments import parts_of
from model.sketch import similarities, sketches_of
from training.formats.row import Rejected
from training.labelled import LabelledComment, read_labelled

SOURCE = "blogs_pull_requests.jsonl"
COMMENTS_OF_BLOG = 400
EDGES = (0.4, 0.5, 0.6, 0.7, 0.8, 1.01)


def blogs(folder: Path) -> list[list[LabelledComment]]:
    """Read the labelled comments, blog by blog, and choose some of each."""
    by_site: defaultdict[str, list[LabelledComment]] = defaultdict(list)
    for example in read_labelled(str(folder / SOURCE)):
        if not isinstance(example, Rejected) and example.label:
            by_site[example.site].append(example)
    chooser = random.Random(0)  # noqa: S311 - a sample, not a secret
    return [chooser.sample(group, min(len(group), COMMENTS_OF_BLOG)) for _, group in sorted(by_site.items())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    pairs = [[0, 0, 0] for _ in EDGES[1:]]
    for examples in blogs(parser.parse_args().folder):
        sketches = [sketches_of(grams_of([parts_of(example.comment)]))[0] for example in examples]
        for number, example in enumerate(examples[:-1]):
            alike = similarities(sketches[number], sketches[number + 1 :])
            for other, share in zip(examples[number + 1 :], alike, strict=True):
                for index, counts in enumerate(pairs):
                    if EDGES[index] <= share < EDGES[index + 1]:
                        counts[0] += 1
                        counts[1] += example.label == other.label == "spam"
                        counts[2] += example.label != other.label
    print("| bins in common | pairs | of them both spam | of them labelled differently |\n| --- | --- | --- | --- |")
    for (all_pairs, spam, differing), low, high in zip(pairs, EDGES, EDGES[1:], strict=False):
        print(f"| {low:.1f} to {min(high, 1):.1f} | {all_pairs:,} | {spam:,} | {differing:,} |")


if __name__ == "__main__":
    main()
