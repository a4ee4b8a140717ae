"""Write the tables of results in README.md and docs/reference/ from reports/: `make results`."""

import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import hpstudy

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/reference/results.md", "docs/reference/studies.md")
"""Pages with blocks of results between markers."""
MARKED = re.compile(r"(?<=<!-- results: )(\w+)( -->\n\n).*?(?=\n\n<!-- end of results -->)", flags=re.DOTALL)
MAIN = {"audio-large": "synthesized speech", "audio_fsdd-large": "recordings of 6 people (FSDD)"}
PILOTS = {"audio": "audio_pilot", "audio_fsdd": "audio_fsdd_pilot"}
"""Study files of the databases that hold a pilot under the name of the main study."""
COMPARISONS = ("cifar-small", "audio_ranges")
PUBLISHED = (
    "figure_2",
    "figure_3",
    "figure_4",
    "figure_5",
    "figure_6",
    "figure_7",
    "table_2",
    "table_2_two_steps",
    "table_2_real",
    "table_3",
    "ovsw_initialisation",
    "ovsw_never_flipped",
    "bop_hyperparameters",
    "slb_temperature",
)

Json = dict[str, Any]


def rewritten(text: str) -> str:
    """Return a page with all blocks of results computed again.

    Args:
        text: the page.

    Raises:
        KeyError: a marker names no block of `BLOCKS`.
    """
    return MARKED.sub(lambda match: f"{match[1]}{match[2]}{BLOCKS[match[1]]()}", text)


def report(name: str) -> Json:
    """The report.json of a committed database."""
    return json.loads((ROOT / "reports" / f"{name}.json").read_text(encoding="utf-8"))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def fixed(value: float | str, decimals: int) -> str:
    """A number with this many decimals and no negative zero. Infinity is a string in the JSON file, and stays one."""
    return value if isinstance(value, str) else f"{round(value, decimals) + 0.0:.{decimals}f}"


def estimate(found: Json, decimals: int = 3, value: str = "mean") -> str:
    """A value with its interval."""
    low, high = (fixed(found[end], decimals) for end in ("low", "high"))
    return f"{fixed(found[value], decimals)} ({low} to {high})"


def answer() -> str:
    """The first difference of every declared endpoint, a column for each main study."""
    columns = []
    for name in MAIN:
        body = report(name)
        first = (
            (endpoint, endpoint["measurements"][0], endpoint["measurements"][0]["pairs"][0]) for endpoint in body["endpoints"]
        )
        columns.append(
            {
                f"{named(endpoint)}, {pair['a']} minus {pair['b']}": difference(measured, pair)
                for endpoint, measured, pair in first
            }
        )
    head = [
        "difference (95% CI)",
        *(f"{title} ([PDF](reports/{name}.pdf))" for name, title in MAIN.items()),
    ]
    return table(head, ([row, *(column[row] for column in columns)] for row in columns[0]))


def main_results() -> str:
    """The declared endpoints and claims of the main studies, a column each."""
    columns = [main_column(report(name)) for name in MAIN]
    head = [
        "with 95% CI",
        *(f"{title}: [PDF](../../reports/{name}.pdf), [JSON](../../reports/{name}.json)" for name, title in MAIN.items()),
    ]
    return table(head, ([row, *(column[row] for column in columns)] for row in columns[0]))


def main_column(body: Json) -> dict[str, str]:
    """The results of a study with declared endpoints, by the name of their row."""
    rows = {}
    first = body["endpoints_of_first_replicates"]
    for endpoint, early in zip(body["endpoints"], first, strict=True):
        role = "primary" if endpoint["primary"] else "secondary"
        name = f"{named(endpoint)} ({role})"
        measured = endpoint["measurements"][0]
        rows[f"{name}: {' / '.join(view['view'] for view in measured['views'])}"] = " / ".join(
            mean_of_view(view) for view in measured["views"]
        )
        for number, pair in enumerate(measured["pairs"]):
            rows[f"{name}: {pair['a']} minus {pair['b']}"] = difference(measured, pair)
            if endpoint["primary"]:
                count = len(early["replicates"])
                alone = early["measurements"][0]
                rows[f"{name}, the first {count} replicates alone: {pair['a']} minus {pair['b']}"] = difference(
                    alone, alone["pairs"][number]
                )
    return rows | verdicts(body)


def verdicts(body: Json) -> dict[str, str]:
    """The verdict on every declared claim, with its difference."""
    return {f"claim: {claim['claim']}": f"**{claim['verdict']}** ({contrasts(claim)})" for claim in body["criteria"]}


def named(result: Json) -> str:
    """The name of an endpoint in the tables."""
    endpoint = result["endpoint"]
    plateau = "the best plateau" if endpoint["plateau"] == "best" else "the view's own plateau"
    return {
        "confirmed_regret": f"mean confirmed regret to {plateau}",
        "trials_to_within": f"trials to a confirmed accuracy within {endpoint['deltas'][0] if endpoint['deltas'] else ''} of {plateau}",
        "final": "confirmed accuracy after all trials",
        "trials_to_target": "trials to the target, on observed values",
    }[endpoint["use"]]


def mean_of_view(view: Json) -> str:
    """The mean of an endpoint over the searches of a view; for a number of trials also the number of searches that reach it."""
    trials = view["reached"] is not None
    mean = fixed(view["estimate"]["value"], 1 if trials else 4)
    return f"{mean} ({view['reached']} of {len(view['values'])} reach it)" if trials else mean


def difference(measured: Json, pair: Json) -> str:
    """A paired difference of an endpoint, its interval, and the better view if a difference is shown.

    If no search of a view reaches the level, the difference has no interval. It is a bound if all searches of the other view reach it.
    """
    better = f", **{pair['shown']} better**" if pair["shown"] else ""
    reached = {view["view"]: view["reached"] for view in measured["views"]}
    a, b = reached[pair["a"]], reached[pair["b"]]
    if a == b == 0:
        return "no search reaches it"
    if 0 in (a, b):
        late, bound = (pair["b"], "at most") if a else (pair["a"], "at least")
        value, no_search = fixed(pair["estimate"]["value"], 1), f"no {late} search reaches it{better}"
        if pair["estimate"]["n"] in (a, b):
            return f"{bound} {value}: {no_search}"
        (trials,) = (fixed(view["estimate"]["value"], 0) for view in measured["views"] if view["view"] == late)
        return f"{value} within {trials} trials: {no_search}"
    return f"{estimate(pair['estimate'], 1 if pair['attainable'] else 4, 'value')}{better}"


def distances() -> str:
    """The trials to each declared distance from the view's own plateau, a column for each main study."""
    columns = []
    for name in MAIN:
        (endpoint,) = (each for each in report(name)["endpoints"] if each["endpoint"]["use"] == "trials_to_within")
        columns.append(
            {
                f"{measured['delta']}: {pair['a']} minus {pair['b']}": estimate(pair["estimate"], 1, "value")
                for measured in sorted(endpoint["measurements"], key=lambda each: each["delta"])
                for pair in measured["pairs"]
            }
        )
    return table(["trials to within", *MAIN.values()], ([row, *(column[row] for column in columns)] for row in columns[0]))


def epochs() -> str:
    """The final difference on FSDD with 12 and with 30 epochs, a row each, and the verdict on its claim."""
    reports = {12: report("audio_fsdd-large"), 30: report("audio_fsdd_30_epochs")}
    finals = {
        number: next(each for each in body["endpoints"] if each["endpoint"]["use"] == "final")["measurements"][0]
        for number, body in reports.items()
    }
    head = ["epochs", "replicates", "latent / filter", "latent minus filter (95% CI)"]
    rows = [
        [
            str(number),
            str(reports[number]["definition"]["replicates"]),
            " / ".join(mean_of_view(view) for view in final["views"][:2]),
            difference(final, final["pairs"][0]),
        ]
        for number, final in finals.items()
    ]
    claims = "\n".join(f"- {claim.rstrip('.')}: {verdict}." for claim, verdict in verdicts(reports[30]).items())
    return f"{table(head, rows)}\n\n{claims}"


def beside(a: float, b: float, difference: Json, value: str = "mean") -> str:
    """Two values and their difference."""
    return f"{fixed(a, 3)} / {fixed(b, 3)}: {estimate(difference, 3, value)}"


def comparisons() -> str:
    """The other studies that compare the two views, a row for every pair."""
    budgets = (5, 10, 15)
    rows = [
        [
            f"[{name}](../../reports/{name}.json)",
            f"{pair['a']} minus {pair['b']}",
            str(pair["trials"]["replicates"]),
            *(estimate(found[at]) if at in found else "" for at in budgets),
            estimate(pair["trials"], 1, "difference"),
        ]
        for name in COMPARISONS
        for pair in report(name)["comparisons"]
        for found in [{each["budget"]: each for each in pair["budgets"]}]
    ]
    head = ["study", "difference, with 95% CI", "searches", *(f"accuracy after {at}" for at in budgets), "trials to the target"]
    pairs = [(name, pair) for name in COMPARISONS for pair in report(name)["comparisons"]]
    shown = [
        f"{name}, {pair['a']} minus {pair['b']}, {what}"
        for name, pair in pairs
        for what, found in (
            *((f"accuracy after {each['budget']}", each) for each in pair["budgets"]),
            ("trials to the target", pair["trials"]),
        )
        if found["shown"]
    ]
    which = "; ".join(shown) or "none of these differences"
    return f"{table(head, rows)}\n\nShown once the tests of a study are adjusted for one another (Holm): {which}."


def methods() -> str:
    """The study of all methods, in a sentence."""
    body = report("methods-small")
    ends = [(pair["a"], pair["budgets"][-1]) for pair in body["comparisons"]]
    shown = [f"`{name}` {estimate(end)}" for name, end in ends if end["shown"]]
    study = body["definition"]
    which = f"{len(shown)} of {len(ends)} methods: {', '.join(shown)}" if shown else f"none of {len(ends)} methods"
    return (
        f"In [methods-small](../../reports/methods-small.json), {study['replicates']} searches of {study['search']['trials']} trials for "
        f"each method, the final accuracy is shown to differ from the filter's for {which}. The smallest p adjusted for all comparisons "
        f"(Holm) is {min(body['holm_adjusted_p']):.2f}, and with so few searches none could be below "
        f"{min(1, len(body['holm_adjusted_p']) * 2 ** (1 - study['replicates'])):.2f}: this does not mean that they are equal."
    )


def published() -> str:
    """The claims of published figures and tables, a row for every study."""
    rows = []
    for study in PUBLISHED:
        body = report(f"{study}-small")
        claims = [f"{claim['claim'].rstrip('.')}: **{claim['verdict']}** ({contrasts(claim)})" for claim in body["criteria"]]
        rows.append([f"`studies/paper/{study}.yaml` ([JSON](../../reports/{study}-small.json))", "<br>".join(claims)])
    return table(["study", "claim, verdict, and the difference with its interval"], rows)


def contrasts(claim: Json) -> str:
    """The difference of a claim, or the number of its differences that hold."""
    found, metric = claim["contrasts"], claim["metric"]
    if len(found) > 1:
        return f"{metric}, {sum(each['verdict'] == 'holds' for each in found)} of {len(found)} differences"
    (only,) = found
    low, high = only["low"], only["high"]
    decimals = 1 - math.floor(math.log10(high - low))  # two digits of the interval's width
    interval = f"{only['level']:.0%} CI {fixed(low, decimals)} to {fixed(high, decimals)}"
    return f"{metric} {fixed(only['mean'], decimals)}, {interval}{bounds(only)}"


def bounds(contrast: Json) -> str:
    """The bounds of a claim, except bounds of 0."""
    above, below = contrast["above"], contrast["below"]
    if above is not None and below is not None:
        return f"; claimed {above:g} to {below:g}"
    stated = [f"{word} {contrast[word]:g}" for word in ("above", "below") if contrast[word]]
    return f"; claimed {' and '.join(stated)}" if stated else ""


def study_file(name: str) -> Path:
    """The study file of a committed report, whose name is that of the study, or NAME-SCALE."""
    (file,) = (ROOT / "studies").rglob(f"{PILOTS.get(name, name.partition('-')[0])}.yaml")
    return file


def times() -> str:
    """Trials and duration of every run whose database is committed, a row each."""
    rows = []
    for database in sorted((ROOT / "reports").glob("*.sqlite")):
        file, scale = study_file(database.stem), database.stem.partition("-")[2]
        with hpstudy.open(database) as reader:
            trials = sum(count.finished for count in reader.counts().values())
        sessions = report(database.stem)["environments"]
        command = f"`hpstudy run {file.relative_to(ROOT).as_posix()}{f' --scale {scale}' if scale else ''}`"
        rows.append([command, f"{trials:,}", duration(sessions), f"{moment(sessions[-1][0]):%-d %B %Y}"])
    return table(["command", "trials", "time", "last session"], rows)


def duration(sessions: list[Any]) -> str:
    """The total minutes of sessions, each given as (start, end, environment). A killed session has no end and is not counted."""
    minutes = sum((moment(end) - moment(start)).total_seconds() for start, end, _ in sessions if end) / 60
    killed = sum(end is None for _, end, _ in sessions)
    return f"{minutes:.0f} min{f', and {killed} killed session' if killed else ''}"


def moment(text: str) -> datetime:
    """A time of a report."""
    return datetime.fromisoformat(text)


BLOCKS: dict[str, Callable[[], str]] = {
    "answer": answer,
    "main": main_results,
    "distances": distances,
    "epochs": epochs,
    "comparisons": comparisons,
    "methods": methods,
    "published": published,
    "times": times,
}
"""The blocks, by the names in the markers."""

if __name__ == "__main__":
    for page in PAGES:
        path = ROOT / page
        path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
