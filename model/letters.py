"""How surprising it is that letters follow each other: ``frwcsehbll`` is a word of no language.

Domains that programs make up are told from others by their bigrams, as by Yadav, Reddy, Reddy and Ranjan (2010), and so
are texts. Owns how often each letter follows each; what is no letter from a to z, an ``ø`` as well, parts a word.
"""

from __future__ import annotations

from itertools import pairwise
from string import ascii_lowercase

MIN_BIGRAMS = 5
"""So many different ones. With fewer, ``npmjs`` and ``hmrc`` would surprise: abbreviations, which many good sites are
called by."""
USUAL_BITS = 3.5
"""Most names and words surprise by less than half a bit more at each letter."""
MOST_STEPS = 5

_BITS = (
    "75448756575443759343567867",
    "26863998379487399468499969",
    "27683993484598389465499967",
    "37652767389668369457477968",
    "46555667686453659234766667",
    "37693498389488399464499978",
    "37673764398555469346498969",
    "28773888388666279575488969",
    "47454658875452458444759886",
    "27673897486777279777399999",
    "27672786385566379445487969",
    "27652777387467369756579969",
    "25782989398858349767598979",
    "37543736476575479743578968",
    "55557657586442459344455777",
    "37773784498467349355579969",
    "48888888588888685686068868",
    "36652867386656379644568957",
    "37463774395667459743477976",
    "37673884397667379354577969",
    "55455667475443659334788766",
    "29782989298697479679689969",
    "27762995387684379547798959",
    "35463997297699549543597949",
    "35453665676455359544476997",
    "26762976385566479756467945",
)
"""Surprisal of a letter behind another, in whole bits up to 9: a row for the first, a column for the second, a to z.

Counted in the lists of made-up examples, with half a bigram more of each; ``tests/test_letters.py`` counts them again.
"""
_BITS_OF = {
    (first, second): int(bits)
    for first, row in zip(ascii_lowercase, _BITS, strict=True)
    for second, bits in zip(ascii_lowercase, row, strict=True)
}


def surprisal(words: str, fewest: int = MIN_BIGRAMS) -> int | None:
    """Return the mean surprisal of the bigrams in words in lower case, in half bits above what is usual, 0 to 5.

    ``None`` where too little is of letters from a to z to tell: fewer different bigrams than ``fewest``, which laughter
    has (``wkwkwkwk``), or bigrams at fewer than a third of the characters, as where other scripts quote a few letters.
    """
    bigrams = [bigram for bigram in pairwise(words) if bigram in _BITS_OF]
    different = set(bigrams)
    if len(different) < fewest or 3 * len(bigrams) < len(words):
        return None
    bits = [_BITS_OF[bigram] for bigram in different]
    return min(max(int(2 * (sum(bits) / len(bits) - USUAL_BITS)), 0), MOST_STEPS)
