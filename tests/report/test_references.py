"""Every publication that a report cites is in its list of references."""

import dataclasses
import re
from pathlib import Path

import pytest

import hpstudy.report
from hpstudy.analysis import analyze as analyze_source
from hpstudy.analysis.cross_study import several
from hpstudy.api.results import analyze
from hpstudy.report import style
from hpstudy.report.document import document
from hpstudy.report.model import Facts, Paragraph, References
from hpstudy.report.references import references, references_of_several
from tests.report.test_endpoints_chapter import make

REPORTS = Path(__file__).parents[2] / "reports"
CITATION = re.compile(r"\b([A-Z][\w-]+)(?: et al\.| and [A-Z][\w-]+)?,? \(?((?:18|19|20)\d\d)\b")
"""A surname with the year of a publication, as in "Tang et al. (2020)" or "Efron 1987"."""


def cited(texts):
    return {match.groups() for text in texts for match in CITATION.finditer(text)}


def listed(publications, name, year):
    return any(publication.startswith(name) and year in publication for publication in publications)


def texts_of(block):
    if isinstance(block, Paragraph):
        return [block.text]
    if isinstance(block, Facts):
        return []
    return [text for text in (getattr(block, "caption", ""), getattr(block, "note", "")) if text]


def test_a_citation_is_recognized_in_each_form():
    assert cited(["(Tang et al. 2020)", "Royston and Parmar 2013", "as Quist et al. (2023)", "Efron 1987 or 2021-11-28"]) == {
        ("Tang", "2020"),
        ("Royston", "2013"),
        ("Quist", "2023"),
        ("Efron", "1987"),
    }


@pytest.mark.parametrize("name", ["audio_fsdd_30_epochs", "kernels", "figure_6-small"])
def test_the_references_of_a_report_have_every_publication_that_it_cites(name):
    with style.applied():
        sections = document(analyze(str(REPORTS / f"{name}.sqlite"))).sections
    blocks = [block for section in sections for block in section.blocks]
    (publications,) = [block.items for block in blocks if isinstance(block, References)]
    found = cited(text for block in blocks for text in texts_of(block))
    assert [citation for citation in sorted(found) if not listed(publications, *citation)] == []


def test_references_are_in_alphabetical_order_and_appear_once(results):
    publications = references(results)
    assert list(publications) == sorted(set(publications))


def test_every_publication_that_the_texts_of_reports_cite_is_known():
    folder = Path(hpstudy.report.__file__).parent
    known = (folder / "references.py").read_text(encoding="utf-8")
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if path.name != "references.py"]
    found = cited(sentence for text in texts for sentence in re.findall(r'^ +.*?"(.*)"', text, re.MULTILINE))
    assert ("Weerts", "2020") in found
    assert [name for name, _ in sorted(found) if f'"{name}' not in known] == []


def test_a_joint_report_cites_welch_only_if_studies_have_different_seeds():
    def publications(seed):
        first, second = (analyze_source(make(n=8, plateaus={"values": {"a": 1, "b": 1}, "source": "a pilot"})) for _ in range(2))
        other = {"name": "other", "seed": seed, "task": second.study.task.model_copy(update={"use": "hartmann6"})}
        second = dataclasses.replace(second, study=second.study.model_copy(update=other))
        found = several([first, second])
        assert found.endpoints
        return references_of_several(found)

    assert [any(one.startswith("Welch. ") for one in publications(seed)) for seed in (0, 1)] == [False, True]
    assert any(one.startswith("Satterthwaite. ") for one in publications(0))
