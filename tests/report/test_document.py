import dataclasses
import json
import math

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.report import headline, style
from hpstudy.report.document import Document
from hpstudy.report.html import compile_html
from hpstudy.report.model import Facts, Paragraph, Section, Table
from hpstudy.report.pdf import clean, compile_pdf, content
from tests.report.test_endpoints_chapter import make
from tests.support.reports import answers_of, document_of, ends, pdf_of, section_of

NASTY = '#panic("no") $x^2$ *bold* _it_ `code` @ref <label> // \\ [x] "quoted" \x00\x1b[31m 日本語 🙂 ' + "long/" * 60


def test_the_answer_opens_with_the_headline(results):
    assert answers_of(results)[0] == headline(results)


def test_a_finished_study_has_no_provisional_notice(results):
    assert document_of(results).provisional == ""


def test_an_unfinished_study_says_how_far_it_is(make_results, ramps):
    states = {"a": np.where(np.arange(10) < 4, "completed", "missing").astype(object)[None].repeat(6, axis=0)}
    found = make_results({"a": ramps(), "b": ramps()}, states=states)
    assert document_of(found).provisional.startswith("84 of 120 trials are finished, 6 of 12 searches are complete (a 0, b 6).")


def test_the_fingerprint_and_the_seeds_stand_in_the_report(results):
    (facts,) = (dict(block.rows) for block in section_of(results, "Identity").blocks)
    assert facts["study fingerprint"] == results.study.fingerprint()
    assert facts["seed of the analysis"] == str(results.seed)


def test_sessions_of_one_environment_stand_together(make_results, ramps):
    from hpstudy.store import Environment

    sessions = [Environment(number, f"2025-01-0{number}", None, {"torch": "2.9"}) for number in (1, 2)]
    blocks = section_of(make_results({"a": ramps()}, sessions=sessions), "Environment").blocks
    assert [block.text for block in blocks if isinstance(block, Paragraph)] == [
        "2 sessions, the first started 2025-01-01, the last 2025-01-02."
    ]
    assert [block.rows for block in blocks if isinstance(block, Facts)] == [(("torch", "2.9"),)]


def test_shards_with_different_libraries_are_named(make_results, ramps):
    from hpstudy.store import Event

    lines = ["numpy: 1.26 (shard 0/2), 2.1 (shard 1/2)", "python: 3.11.7 (shard 0/2), 3.12.1 (shard 1/2)"]
    happened = [Event("2025-01-01", "merged", {"shards": ["0/2", "1/2"], "mixed_libraries": lines})]
    texts = [block.text for block in section_of(make_results({"a": ramps()}, happened=happened), "Environment").blocks[1:]]
    assert texts == [
        "Shards with different libraries were merged, which can change numbers: numpy: 1.26 (shard 0/2), 2.1 (shard 1/2); "
        "python: 3.11.7 (shard 0/2), 3.12.1 (shard 1/2)."
    ]


def test_what_happened_on_the_way_stands_in_the_report(make_results, ramps):
    from hpstudy.store import Event

    happened = [Event("2025-01-01", "created", {}), Event("2025-01-02", "taken_over", {"host": "here"})]
    happened.append(Event("2025-01-03", "attempt", {"view": "a", "finished_trials": 3}))
    (events,) = section_of(make_results({"a": ramps()}, happened=happened), "Events").blocks
    assert events == Facts(
        (("2025-01-02", "taken over: host here"), ("2025-01-03", "trial started again: view a, finished trials 3"))
    )


def test_the_lists_of_an_event_are_words(make_results, ramps):
    from hpstudy.store import Event

    happened = [
        Event("2025-01-01", "merged", {"shards": ["0/2", "1/2"]}),
        Event("2025-01-02", "code_changed", {"sources": {"train.py": {"old": "abc", "new": "def"}}}),
    ]
    (events,) = section_of(make_results({"a": ramps()}, happened=happened), "Events").blocks
    assert [text for _, text in events.rows] == ["merged: shards 0/2, 1/2", "code changed: sources train.py old abc, new def"]


def test_attributes_of_trials_and_the_source_of_a_function_are_not_listed_as_what_happened(make_results, ramps):
    from hpstudy.store import Event

    happened = [
        Event("2025-01-01", "attributes", {"view": "a", "attributes": {"note": "long"}}),
        Event("2025-01-02", "function_replaced", {"name": "train", "digest": "abc", "source": "def train(params, seed): ..."}),
    ]
    (events,) = section_of(make_results({"a": ramps()}, happened=happened), "Events").blocks
    assert events == Facts((("2025-01-02", "function replaced: name train, digest abc"),))


def test_content_is_text_and_nothing_else(results):
    def leaves(value):
        if isinstance(value, dict):
            return [leaf for part in value.values() for leaf in leaves(part)]
        if isinstance(value, list | tuple):
            return [leaf for part in value for leaf in leaves(part)]
        return [value]

    plain = content(document_of(results))
    assert {type(leaf) for leaf in leaves(plain)} == {str, int, bool}
    json.dumps(plain)


def test_letters_that_cannot_be_set_are_escapes():
    assert clean("a\x00b\x1bc\u202ed\te\u3000f") == "a\\x00b\\x1bc\\u202ed\te\u3000f"


def test_a_long_word_can_be_broken():
    assert "\u200b" in clean("x" * 100)


def test_a_long_word_breaks_between_its_parts():
    assert clean("confirmed_mean_curves.csv") == "confirmed_\u200bmean_\u200bcurves.\u200bcsv"
    assert clean("runs/" + "f" * 25) == "runs/\u200bffffffff\u200bffffffff\u200bffffffff\u200bf"
    assert clean("filter_same_support.csv") == "filter_same_support.csv"


def test_text_to_copy_has_no_invisible_characters():
    text = "@inproceedings{quist2023understanding,\x00"
    assert clean({"kind": "code", "text": text}) == {"kind": "code", "text": "@inproceedings{quist2023understanding,\\x00"}


def test_an_interval_is_not_broken_over_lines():
    assert clean("(95% CI 1 to 2; p < 0.001)") == "(95%\u00a0CI 1 to 2; p\u00a0<\u00a00.001)"


@pytest.mark.usefixtures("fast_fonts")
def test_compiling_twice_gives_the_same_bytes(results):
    assert pdf_of(results) == pdf_of(results)


@pytest.mark.usefixtures("fast_fonts")
def test_the_report_holds_no_date(results):
    pdf = pdf_of(results)
    assert b"CreationDate" not in pdf
    assert b"ModDate" not in pdf


@pytest.mark.usefixtures("fast_fonts")
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_users_words_are_never_read_as_markup(make_results, ramps, goal):
    sign = 1 if goal == "maximize" else -1
    states = {"a": np.full((3, 10), "completed", dtype=object)}
    states["a"][0, 0] = "failed"
    found = make_results(
        {"a": sign * ramps(3, n=3), "b": sign * ramps(n=3)},
        goal=goal,
        metric="acc $1$ #x",
        labels={"a": "_a $x$", "b": NASTY},
        study={"question": NASTY},
        states=states,
        error=("Error#", NASTY),
        identity={"data#": NASTY},
    )
    assert pdf_of(found).startswith(b"%PDF")


def spoilt(ramps, kind):
    whole = {"a": ramps(3), "b": ramps()}
    nothing = np.full((6, 10), math.nan)
    missing = np.full((6, 10), "missing", dtype=object)
    first = missing.copy()
    first[0, 0] = "completed"
    half = np.full((6, 10), "completed", dtype=object)
    half[3:, 4:] = "missing"
    return {
        "half finished": (whole, {"states": {"a": half}}),
        "barely begun": (whole, {"states": {"a": first, "b": missing}}),
        "not begun": (whole, {"states": {"a": missing, "b": missing}}),
        "all failed": ({"a": nothing, "b": nothing}, {}),
        "one view all failed": ({"a": nothing, "b": ramps()}, {}),
        "one view": ({"a": ramps()}, {}),
        "three views": ({**whole, "c": ramps(1)}, {}),
        "one replicate": ({"a": ramps(3, n=1), "b": ramps(n=1)}, {}),
        "one trial": ({"a": ramps(trials=1), "b": ramps(trials=1)}, {}),
        "constant": ({"a": np.ones((6, 10)), "b": np.ones((6, 10))}, {}),
        "never reached": (whole, {"analysis": {"target": {"value": 1e9}}}),
        "huge values": ({"a": ramps(3) * 1e30, "b": ramps() * 1e30}, {}),
        "tiny values": ({"a": ramps(3) * 1e-30, "b": ramps() * 1e-30}, {}),
    }[kind]


@pytest.mark.usefixtures("fast_fonts")
@pytest.mark.parametrize(
    "kind",
    [
        "half finished",
        "barely begun",
        "not begun",
        "all failed",
        "one view all failed",
        "one view",
        "three views",
        "one replicate",
        "one trial",
        "constant",
        "never reached",
        "huge values",
        "tiny values",
    ],
)
def test_a_study_in_any_condition_has_a_report(make_results, ramps, kind):
    values, settings = spoilt(ramps, kind)
    assert pdf_of(make_results(values, **settings)).startswith(b"%PDF")


def test_shared_seeds_are_not_said_to_make_views_alike(results):
    """The methods give the correlation of the final bests instead."""
    text = " ".join(block.text for block in section_of(results, "Methods").blocks if isinstance(block, Paragraph))
    assert "pairs the views only as far as a seed has the same effect on different hyperparameters" in text
    assert f"{results.pairs[0].budgets[-1].correlation:.2f} for a and b" in text


def test_a_higher_curve_is_not_called_better_hyperparameters(results):
    (reading,) = (chart.reading for chart in document_of(results).charts if chart.name == "best_so_far")
    assert "a better line does not mean that better hyperparameters were found" in reading


def titles(results):
    return [section.title for section in document_of(results).sections if section.level == 1]


def test_observed_values_are_the_result_of_a_study_without_declared_endpoints_and_else_in_the_appendix(results):
    plain, declared = titles(results), titles(analyze(make()))
    assert plain.index("Trials-to-target") < plain.index("Methods") < plain.index("Appendix")
    assert declared.index("Methods") < declared.index("Appendix") < declared.index("Trials-to-target")
    for found in (plain, declared):
        assert found[:2] == ["Answer", "Completeness"]
        assert found[-1] == "Environment"


def test_figures_for_the_page_alone_are_not_printed(results):
    made = document_of(results)
    first = made.charts[0]
    only = dataclasses.replace(made, sections=(Section("Answer", (dataclasses.replace(first, page_only=True), made.charts[1])),))
    (section,) = content(only)["sections"]
    assert [block["file"] for block in section["blocks"]] == ["1.pdf"]
    with style.applied():
        assert compile_pdf(only).startswith(b"%PDF")
        assert first.caption in compile_html(only).decode()


def test_labels_of_views_are_named_after_their_hyperparameters(results):
    views = results.study.views
    labeled = {"a": views["a"].model_copy(update={"label": "slow (6)"}), "b": views["b"]}
    study = results.study.model_copy(update={"views": labeled})
    design = document_of(dataclasses.replace(results, study=study)).design
    assert design.startswith("2 views (hyperparameters tuned: a with 2, b with 2; in figures a is 'slow (6)'), 6 replicates of ")
    assert document_of(results).design.startswith("2 views (hyperparameters tuned: a with 2, b with 2), 6 replicates of ")


def test_a_table_of_many_columns_has_smaller_letters_and_no_wrapped_row():
    def end(name):
        interval = "0.56727 to 0.58335"
        row = ("val_accuracy", name, "0.57532", interval, "0.57531", interval, "-0.00786", interval, "48%", "0% to 100%")
        head = ("metric", "view", *("tuned", "interval") * 3, "below default", "interval")
        blocks = (Table("Means.", head, (row,) * 3, left=2), Paragraph("The end."))
        return ends(Document("study", "", "", "", (Section("Tables", blocks),), {}))["Tables"]

    assert end("filter_same_support") <= end("a")
