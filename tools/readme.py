"""Write the results in README.md, between its markers, from reports/*.json: `make readme`."""

import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
MARKED = re.compile(r"(?<=<!-- results: )(\w+)( -->\n\n).*?(?=\n\n<!-- end of results -->)", flags=re.DOTALL)
MAIN = ("audio", "audio_fsdd")
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
    """README.md with every block of results computed again.

    Args:
        text: of README.md.

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


def main_results() -> str:
    """The two main studies, a column each."""
    columns = [main_column(report(name)) for name in MAIN]
    links = [f"[PDF](reports/{name}.pdf), [JSON](reports/{name}.json)" for name in MAIN]
    head = [
        "latent / filter, and latent minus filter with 95% CI",
        f"embedded speech: {links[0]}",
        f"recordings of 6 people (FSDD): {links[1]}",
    ]
    return table(head, ([row, *(column[row] for column in columns)] for row in columns[0]))


def main_column(body: Json) -> dict[str, str]:
    """The results of a study of two views, by what they are."""
    (pair,) = body["comparisons"]
    views, trials = body["views"], pair["trials"]
    total = body["definition"]["search"]["trials"]
    return {
        f"trials to the target, counted up to {total}": estimate(trials, 1, "difference"),
        "attainable range of that difference": f"{fixed(trials['lowest'], 1)} to {fixed(trials['highest'], 1)}",
        "searches that reach the target": f"{trials['reached_a']} / {trials['reached_b']} of {trials['replicates']}",
        **{
            f"trial at which latent's mean curve reaches the filter's mean after {at['budget']}, minus {at['budget']}": estimate(
                at, 0, "difference"
            )
            for at in pair["distances"]
            if at["budget"] == 5
        },
        "mean best accuracy after 1 trial": beside(
            *(view["curve"]["mean"][0] for view in views), {end: pair["curve"][end][0] for end in ("mean", "low", "high")}
        ),
        **{
            f"mean best accuracy after {at['budget']} trials": beside(
                *(next(each["mean"] for each in view["budgets"] if each["budget"] == at["budget"]) for view in views), at
            )
            for at in pair["budgets"]
            if at["budget"] in (5, total)
        },
        **confirmed(body["confirmation"]),
        "search minus random search, best accuracy after all trials": " / ".join(gaps(body)) or "not run",
    }


def confirmed(confirmation: Json) -> dict[str, str]:
    """The chosen points on fresh seeds."""
    views, (pair,) = confirmation["views"], confirmation["pairs"]
    said = {"val_accuracy": "validation", "test_accuracy": "test"}
    means = {
        f"{said[found['metric']]} accuracy of the chosen points on {confirmation['seeds']} fresh seeds": beside(
            *(view["metrics"][index]["tuned"]["value"] for view in views), found["mean"], "value"
        )
        for index, found in enumerate(pair["differences"])
    }
    by_seed = np.subtract(*(np.mean(view["data"]["scores"]["val_accuracy"], axis=0) for view in views))
    return {
        **means,
        "fresh seeds on which latent's mean validation accuracy is higher": f"{int(np.sum(by_seed > 0))} of {len(by_seed)}",
        "best value in the search minus that on fresh seeds": " / ".join(estimate(view["gap"], 3, "value") for view in views),
        "chosen points minus the view's default point, on fresh seeds": " / ".join(
            estimate(view["metrics"][0]["gain"], 3, "value") for view in views
        ),
    }


def gaps(body: Json) -> list[str]:
    """Search minus random search after all trials, for every view."""
    views = body.get("controls", {}).get("views", [])
    return [estimate({end: view["random"]["gap"][end][-1] for end in ("mean", "low", "high")}) for view in views]


def beside(a: float, b: float, difference: Json, value: str = "mean") -> str:
    """Two values and their difference."""
    return f"{fixed(a, 3)} / {fixed(b, 3)}: {estimate(difference, 3, value)}"


def comparisons() -> str:
    """The other studies that compare the two views, a row for every pair."""
    budgets = (5, 10, 15)
    rows = [
        [
            f"[{name}](reports/{name}.json)",
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
        f"In [methods-small](reports/methods-small.json), {study['replicates']} searches of {study['search']['trials']} trials for each "
        f"method, the final accuracy is shown to differ from the filter's for {which}. The smallest p adjusted for all comparisons (Holm) "
        f"is {min(body['holm_adjusted_p']):.2f}, and with so few searches none could be below "
        f"{min(1, len(body['holm_adjusted_p']) * 2 ** (1 - study['replicates'])):.2f}: this does not mean that they are equal."
    )


def published() -> str:
    """The claims of published figures and tables, a row for every study."""
    rows = []
    for study in PUBLISHED:
        body = report(f"{study}-small")
        claims = [f"{claim['claim'].rstrip('.')}: **{claim['verdict']}** ({contrasts(claim)})" for claim in body["criteria"]]
        rows.append([f"`studies/paper/{study}.yaml` ([JSON](reports/{study}-small.json))", "<br>".join(claims)])
    return table(["study", "claim, verdict, and the difference with its 95% CI"], rows)


def contrasts(claim: Json) -> str:
    """The difference that a claim is judged by, or how many of its differences hold."""
    found, metric = claim["contrasts"], claim["metric"]
    if len(found) > 1:
        return f"{metric}, {sum(each['verdict'] == 'holds' for each in found)} of {len(found)} differences"
    (only,) = found
    low, high = only["low"], only["high"]
    decimals = 1 - math.floor(math.log10(high - low))  # two digits of the interval's width
    return f"{metric} {fixed(only['mean'], decimals)}, {fixed(low, decimals)} to {fixed(high, decimals)}{bounds(only)}"


def bounds(contrast: Json) -> str:
    """The bounds of a claim where they are not 0."""
    stated = [f"{word} {contrast[word]:g}" for word in ("above", "below") if contrast[word]]
    return f"; claimed {' and '.join(stated)}" if stated else ""


BLOCKS: dict[str, Callable[[], str]] = {
    "main": main_results,
    "comparisons": comparisons,
    "methods": methods,
    "published": published,
}
"""The blocks of README.md, by the names in its markers."""

if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
