"""Text to copy into a paper: the methods and the citations."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import endpoints, numbers, wording
from hpstudy.report.labels import long_name
from hpstudy.report.model import Code, Paragraph, Section
from hpstudy.report.notation import Notation
from hpstudy.study.declaration import TRIALS_TO_TARGET

QUIST = """@inproceedings{quist2023understanding,
  title     = {Understanding weight-magnitude hyperparameters in training binary networks},
  author    = {Quist, Joris and Li, Yunqiang and van Gemert, Jan},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2023},
  url       = {https://arxiv.org/abs/2303.02452}
}"""

BOTORCH = """@inproceedings{balandat2020botorch,
  title     = {{BoTorch}: a framework for efficient {Monte-Carlo} {Bayesian} optimization},
  author    = {Balandat, Maximilian and Karrer, Brian and Jiang, Daniel R. and Daulton, Samuel and Letham, Benjamin
               and Wilson, Andrew Gordon and Bakshy, Eytan},
  booktitle = {Advances in Neural Information Processing Systems 33 (NeurIPS)},
  year      = {2020}
}"""


def chapter(results: Results) -> Iterator[Section]:
    """A methods paragraph with the numbers of the study, and BibTeX entries."""
    yield Section("Citation", (Paragraph(_paragraph(results)), Code(_bibtex(results))))


def _paragraph(results: Results) -> str:
    study, level = results.study, Notation(results).level
    views = " and ".join(f"{long_name(results, name)} with {len(view.space)}" for name, view in study.views.items())
    unit = numbers.plural(max(len(view.space) for view in study.views.values()), "hyperparameter", "hyperparameters")
    several, t = len(study.views) > 1, f"Student's {level} intervals"
    if results.sweep:
        return (
            f"We trained every listed point of {views} swept {unit}, with {numbers.things(study.replicates, 'seed')} "
            f"({_program(results)}). Seeds are common to all points{' and views' if several else ''}."
            f"{f' Means over seeds have {t}.' if study.replicates > 1 else ''}"
        )
    searches = numbers.things(study.replicates, "independent search", "es")
    text = (
        f"We {'compared' if several else 'tuned'} {views} {unit} by {searches} of {numbers.things(study.search.trials, 'trial')}"
        f"{' each' if study.replicates > 1 else ''} (searcher {study.search.searcher}, {_program(results)})."
    )
    if several:
        text += " Trainings of the same replicate and trial share their random numbers across views."
    text += (
        f" Intervals have level {level} and are over replicates: BCa bootstrap intervals of a view "
        f"({numbers.count(study.analysis.resamples)} resamples)"
    )
    text += ", Student's t intervals of paired differences." if results.pairs or results.controls else "."
    if results.declared:
        primary = "; ".join(endpoints.name(endpoint) for endpoint in study.analysis.primary)
        confirmed = all(endpoint.use != TRIALS_TO_TARGET for endpoint in study.analysis.primary)
        text += f" Primary endpoints{', from the means of incumbents on fresh seeds' if confirmed else ''}: {primary}."
    elif results.pairs and results.level is not None and results.level.value is not None:
        text += (
            f" The endpoint is the number of trials until {wording.level_text(results)}, restricted to {study.search.trials}; searches "
            "that do not reach it are censored there."
        )
    return text


def _bibtex(results: Results) -> str:
    entries = [_hpstudy(results)]
    if any(view.method for view in results.study.views.values()):
        entries.append(QUIST)
    if results.study.search.searcher in ("ax", "botorch"):
        entries.append(BOTORCH)
    return "\n\n".join(entries)


def _program(results: Results) -> str:
    """The name hpstudy, with the version that ran the last session."""
    version = _version(results)
    return f"hpstudy {version}" if version else "hpstudy"


def _version(results: Results) -> str:
    return str(results.environments[-1][2].get("hpstudy", "")) if results.environments else ""


def _hpstudy(results: Results) -> str:
    version = f",\n  version = {{{_version(results)}}}" if _version(results) else ""
    return f"@software{{hpstudy,\n  title   = {{hpstudy: hyperparameter-tuning studies}}{version}\n}}"
