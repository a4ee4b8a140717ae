"""Code, docstrings and documentation use plain words: most readers are not native speakers."""

import re
from pathlib import Path

import pytest

from tests.support.pages import PAGES

ROOT = Path(__file__).parents[1]
INSTEAD = {
    "anew": "again",
    "mend": "fix",
    "so many": "this many",
    "goes? on": "continue",
    "stands? for": "represent, override",
    "where it stands": "position",
    "(is|are) told": "receive",
    "whatever": "any, independent of",
    "in the way": "existing",
    "of one's own": "your own",
    "what is left": "remaining",
    "for ever": "permanently",
    "in vain": "without a result",
    "worth it": "useful",
    "let go": "close, release",
    "told of": "called with, receive",
    "(takes?|taking) the place of": "replace",
    "exists already": "already exists",
    "signs? of life": "heartbeat",
    "(is|be|are) of no use": "must be discarded",
    "as many of each": "class-balanced",
    "has a part in": "affect",
    "(made|makes?|make) ready": "prepare",
    "take note": "record, count",
    "a session of work": "a session",
    "counts? into": "an index into",
    "do(es)? no harm": "have no effect",
    "would do nothing": "would have no effect",
    "from (its|the) first moment": "since its creation",
    "half a sentence": "a short phrase",
    "look into": "read, open",
    "gets? there": "reach the target, the plateau",
    "flatters": "is optimistic, biased by selection",
    "altogether": "entirely",
    "sees to it": "ensures",
    "under way": "running",
    "(behavi|col|fav|hon|neighb)our(s|ed|ing|able)?": "American spelling",
    "(initial|maxim|minim|normal|optim|quant|random|serial|standard|synchron|synthes)is(ed|es|ing|ations?|ers?)": "American spelling",
    "(analysed?|centred?|centres|grey|judgements?|labelled|learnt|misspelt)": "American spelling",
}
"""Words to avoid, as regular expressions, and what to write instead."""

FILES = [*(ROOT / "hpstudy").rglob("*.py"), *PAGES]


@pytest.mark.parametrize("word", INSTEAD)
def test_no_text_has_a_word_to_avoid(word):
    pattern = re.compile(rf"(?<![\w.]){word}(?!\w)", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"write {INSTEAD[word]!r} instead of {word!r}:\n" + "\n".join(found)
