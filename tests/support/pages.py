"""The pages of the documentation that people write; those in docs/generated are made when the site is built."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if "generated" not in page.parts),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]
