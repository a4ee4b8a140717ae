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
