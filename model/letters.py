"""How surprising it is that letters follow each other: ``frwcsehbll`` is a word of no language.

Domains that programs make up are told from others by their bigrams, as by Yadav, Reddy, Reddy and Ranjan (2010), and so
are texts. Owns how often each letter follows each; what is no letter from a to z, an ``ø`` as well, parts a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    U8 = npt.NDArray[np.uint8]

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
_BITS_OF = np.array([[int(bits) for bits in row] for row in _BITS], np.uint8)
_FIRST, _ALPHABET = ord("a"), len(_BITS)


def surprisal(words: str, fewest: int = MIN_BIGRAMS) -> int | None:
    """Return the mean surprisal of the bigrams in words in lower case, in half bits above what is usual, 0 to 5.

    ``None`` where too little is of letters from a to z to tell: fewer different bigrams than ``fewest``, which laughter
    has (``wkwkwkwk``), or bigrams at fewer than a third of the characters, as where other scripts quote a few letters.
    """
    different, bigrams, bits = _counted(np.frombuffer(words.encode("latin-1", "replace"), np.uint8))
    if different < fewest or 3 * bigrams < len(words):
        return None
    return min(max(int(2 * (bits / different - USUAL_BITS)), 0), MOST_STEPS)


@compiled
def _counted(characters: U8) -> tuple[int, int, int]:
    """Count different bigrams, and all of them, and sum the bits of the different ones."""
    is_new = np.ones((_ALPHABET, _ALPHABET), np.bool_)
    different, bigrams, bits = 0, 0, 0
    for place in range(1, len(characters)):
        first, second = int(characters[place - 1]) - _FIRST, int(characters[place]) - _FIRST
        if 0 <= first < _ALPHABET and 0 <= second < _ALPHABET:
            bigrams += 1
            if is_new[first, second]:
                is_new[first, second] = False
                different, bits = different + 1, bits + int(_BITS_OF[first, second])
    return different, bigrams, bits
