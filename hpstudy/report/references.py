"""The publications behind the methods of a report."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.cross_study import Several
from hpstudy.analysis.results import Results
from hpstudy.study.schema import Study

_BERGER = "Berger. Multiparameter hypothesis testing and acceptance sampling. Technometrics 24, 1982."
_CAWLEY = (
    "Cawley, Talbot. On over-fitting in model selection and subsequent selection bias in performance evaluation. J. Mach. Learn. Res. 11, "
    "2010."
)
_DAVISON = "Davison, Hinkley. Bootstrap methods and their application. Cambridge University Press, 1997."
_DEMSAR = "Demšar. Statistical comparisons of classifiers over multiple data sets. J. Mach. Learn. Res. 7, 2006."
_DOLAN = "Dolan, Moré. Benchmarking optimization software with performance profiles. Math. Program. 91, 2002."
_FRIEDMAN = (
    "Friedman. The use of ranks to avoid the assumption of normality implicit in the analysis of variance. J. Am. Stat. Assoc. "
    "32, 1937."
)
_HOLM = "Holm. A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6, 1979."
_IMAN = "Iman, Davenport. Approximations of the critical region of the Friedman statistic. Commun. Stat. A9, 1980."
_LEVESQUE = "Lévesque, Durand, Gagné, Sabourin. Bayesian optimization for conditional hyperparameter spaces. IJCNN 2017."
_NEMENYI = "Nemenyi. Distribution-free multiple comparisons. PhD thesis, Princeton University, 1963."
_PROBST = (
    "Probst, Boulesteix, Bischl. Tunability: importance of hyperparameters of machine learning algorithms. J. Mach. Learn. Res. 20, "
    "2019."
)
_QUIST = (
    "Quist, Li, van Gemert. Understanding weight-magnitude hyperparameters in training binary networks. ICLR 2023. Section 4.2 and "
    "Figure 8."
)
_SATTERTHWAITE = "Satterthwaite. An approximate distribution of estimates of variance components. Biometrics Bulletin 2, 1946."
_SCHUIRMANN = (
    "Schuirmann. A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence of average "
    "bioavailability. J. Pharmacokinet. Biopharm. 15, 1987."
)
_STUDENT = "Student. The probable error of a mean. Biometrika 6, 1908."
_TANG = "Tang, Lee, Xin, Liu, Yu, Lin. Showing your work doesn't always work. ACL 2020."
_TURNER = (
    "Turner et al. Bayesian optimization is superior to random search for machine learning hyperparameter tuning. NeurIPS 2020 "
    "Competition Track, PMLR 133, 2021."
)
_WELCH = "Welch. The generalization of Student's problem when several different population variances are involved. Biometrika 34, 1947."
_WILSON = "Wilson. Probable inference, the law of succession, and statistical inference. J. Am. Stat. Assoc. 22, 1927."

_AKIBA = "Akiba, Sano, Yanase, Ohta, Koyama. Optuna: a next-generation hyperparameter optimization framework. KDD 2019."
_BOTORCH = (
    "Ament, Daulton, Eriksson, Balandat, Bakshy. Unexpected improvements to expected improvement for Bayesian optimization. NeurIPS 2023.",
    "Balandat et al. BoTorch: a framework for efficient Monte-Carlo Bayesian optimization. NeurIPS 2020.",
    "Hvarfner, Hellsten, Nardi. Vanilla Bayesian optimization performs great in high dimensions. ICML 2024.",
)
_SEARCHERS = {
    "ax": _BOTORCH,
    "botorch": _BOTORCH,
    "cmaes": (_AKIBA, "Hansen. The CMA evolution strategy: a tutorial. arXiv:1604.00772, 2016."),
    "random": ("Bergstra, Bengio. Random search for hyper-parameter optimization. J. Mach. Learn. Res. 13, 2012.",),
    "sobol": (
        "Joe, Kuo. Constructing Sobol sequences with better two-dimensional projections. SIAM J. Sci. Comput. 30, 2008.",
        "Matoušek. On the L2-discrepancy for anchored boxes. J. Complexity 14, 1998.",
    ),
    "tpe": (_AKIBA, "Bergstra, Bardenet, Bengio, Kégl. Algorithms for hyper-parameter optimization. NeurIPS 2011."),
}

_MEANS = (
    "Efron. Better bootstrap confidence intervals. J. Am. Stat. Assoc. 82, 1987.",
    "Hesterberg. What teachers should know about the bootstrap. Am. Stat. 69, 2015.",
)
_TESTS = (_HOLM, "Phipson, Smyth. Permutation p-values should never be zero. Stat. Appl. Genet. Mol. Biol. 9, 2010.", _STUDENT)
_BAND = (
    "Montiel Olea, Plagborg-Møller. Simultaneous confidence bands: theory, implementation, and an application to SVARs. J. Appl. "
    "Econometrics 34, 2019."
)
_TARGET = (
    "Kaplan, Meier. Nonparametric estimation from incomplete observations. J. Am. Stat. Assoc. 53, 1958.",
    "Royston, Parmar. Restricted mean survival time: an alternative to the hazard ratio for the design and analysis of randomized trials "
    "with a time-to-event outcome. BMC Med. Res. Methodol. 13, 2013.",
    _WILSON,
)
_ENDPOINTS = (_CAWLEY, _STUDENT)
_TUKEY = "Tukey. Bias and confidence in not-quite large samples. Ann. Math. Stat. 29, 1958."
_CONFIRMATION = (_CAWLEY, _SATTERTHWAITE, "Searle, Casella, McCulloch. Variance components. Wiley, 1992.", _WILSON)
_SECONDARY = (
    "Dodge, Gururangan, Card, Schwartz, Smith. Show your work: improved reporting of experimental results. EMNLP 2019.",
    _PROBST,
    "Sivaprasad, Mai, Vogels, Jaggi, Fleuret. Optimizer benchmarking needs to account for hyperparameter tuning. ICML 2020.",
    _TANG,
)
_RANKS = (_DEMSAR, _FRIEDMAN, _IMAN, _NEMENYI)
_SUPPLEMENT = (
    "Agarwal, Schwarzer, Castro, Courville, Bellemare. Deep reinforcement learning at the edge of the statistical precipice. NeurIPS 2021.",
    "Hansen, Auger, Brockhoff, Tušar, Tušar. COCO: performance assessment. arXiv:1605.03560, 2016.",
)
_SUPPLEMENT_OF_PAIRS = (
    "Hodges, Lehmann. Estimates of location based on rank tests. Ann. Math. Stat. 34, 1963.",
    "Mantel. Evaluation of survival data and two new rank order statistics arising in its consideration. Cancer Chemother. Rep. 50, 1966.",
    "Pratt. Remarks on zeros and ties in the Wilcoxon signed rank procedures. J. Am. Stat. Assoc. 54, 1959.",
    _WELCH,
    "Wilcoxon. Individual comparisons by ranking methods. Biometrics Bulletin 1, 1945.",
)
_EXPLORATION = (
    "Geurts, Ernst, Wehenkel. Extremely randomized trees. Machine Learning 63, 2006.",
    "Hutter, Hoos, Leyton-Brown. An efficient approach for assessing hyperparameter importance. ICML 2014.",
    "Saltelli, Annoni, Azzini, Campolongo, Ratto, Tarantola. Variance based sensitivity analysis of model output. Comput. Phys. Commun. "
    "181, 2010.",
)
_MARGIN = (
    _SCHUIRMANN,
    "Weerts, Mueller, Vanschoren. Importance of tuning hyperparameters of machine learning algorithms. arXiv:2007.07588, 2020.",
)


IMPUTING = ("ax", "botorch", "tpe", "cmaes")
"""The searchers whose model places an absent hyperparameter at the middle of its range."""


def imputing(study: Study) -> list[str]:
    """The searchers of a study that are in `IMPUTING`."""
    return [name for name in _searchers(study) if name in IMPUTING]


def from_other_replicates(results: Results) -> bool:
    """Whether the plateau of a replicate is estimated from the others."""
    analysis = results.study.analysis
    return analysis.plateaus is None and any(endpoint.has_plateau for endpoint in analysis.endpoints)


def references(results: Results) -> tuple[str, ...]:
    """The publications whose methods the report of a study uses, in alphabetical order."""
    return tuple(sorted({*_of_study(results.study), *_of_results(results)}))


def references_of_several(compared: Several) -> tuple[str, ...]:
    """The publications whose methods the report of several studies uses, in alphabetical order."""
    used = {_DAVISON, _STUDENT, _TURNER}
    if compared.endpoints:
        used |= {_HOLM, _SATTERTHWAITE}
        if len({results.study.seed for results in compared.studies}) > 1:
            used.add(_WELCH)
    if compared.ranking.ranks is not None:
        used |= {*_RANKS}
    if compared.ranking.profile is not None:
        used.add(_DOLAN)
    return tuple(sorted(used))


def _of_study(study: Study) -> Iterator[str]:
    for searcher in _searchers(study):
        yield from _SEARCHERS.get(searcher, ())
    if imputing(study) and any(view.space.is_conditional for view in study.views.values()):
        yield _LEVESQUE


def _searchers(study: Study) -> tuple[str, ...]:
    return study.search.searcher, *(other.searcher for other in study.search.others)


def _of_results(results: Results) -> Iterator[str]:
    if results.criteria:
        yield from (_BERGER, _SCHUIRMANN, _STUDENT)
    if results.sweep:
        if results.study.replicates > 1:
            yield _STUDENT
        return
    compares = bool(results.pairs)
    for publications, part in (
        (_MEANS, True),
        (_TESTS, compares or results.controls),
        ((_BAND,), compares),
        (_TARGET, results.level),
        ((_QUIST,), compares and results.level),
        (_ENDPOINTS, results.declared),
        ((_TUKEY,), from_other_replicates(results)),
        (_CONFIRMATION, results.confirmation),
        (_SECONDARY, results.secondary),
        ((_PROBST, _TANG), results.controls),
        ((*_RANKS, _DOLAN), results.ranking),
        (_SUPPLEMENT, results.supplement),
        (_SUPPLEMENT_OF_PAIRS, compares and results.supplement),
        (_EXPLORATION, results.searched),
        (_MARGIN, compares and results.study.analysis.margin),
    ):
        if part:
            yield from publications
