"""Shards, merged, hold the numbers of a run without shards; what cannot be merged is refused with the next step."""

import itertools
import json
import sqlite3

import pytest
from pandas.testing import assert_frame_equal

import hpstudy
from hpstudy.engine.forecast import forecast
from hpstudy.engine.options import RunOptions
from hpstudy.engine.progress import Observer
from hpstudy.engine.run import run_study
from hpstudy.errors import StoreError, StudyChanged, UsageError
from hpstudy.loading.bind import bind
from hpstudy.store import Reader, check
from hpstudy.store.seals import seal_all
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm
from hpstudy.study.shard import Shard

TIMES = ("ask_s", "evaluate_s", "started_at", "ended_at", "environment_id")


class Notes(Observer):
    def __init__(self):
        self.notes, self.planned = [], {}

    def note(self, text):
        self.notes.append(text)

    def run_started(self, study, counts, workers):
        self.planned = {arm: count.planned for arm, count in counts.items()}

    def plan_changed(self, arm, planned, estimated):
        self.planned[arm] = planned


@pytest.fixture
def make(make_study):
    """A study of 5 replicates with a control and confirmations."""

    def make(**changes):
        study = make_study(searcher="sobol", trials=3, replicates=5)
        whole = {"controls": ("default",), "confirm": Confirm(seeds=2, incumbents=True), **changes}
        return bind(study.model_copy(update=whole)).study

    return make


@pytest.fixture
def run(tmp_path):
    """Run a study, or a shard of it. Returns its database."""

    def run(study, shard=None, name="study.sqlite", **options):
        part = None if shard is None else Shard.parse(shard)
        path = tmp_path / name if part is None else part.storage(tmp_path / name)
        chosen = RunOptions(**{"workers": 1, "executor": "inline", "shard": part, **options})
        assert run_study(bind(study, str(tmp_path)), path, chosen).complete
        return path

    return run


@pytest.fixture
def merge(tmp_path):
    def merge(shards, **options):
        return hpstudy.merge(shards, tmp_path / "merged.sqlite", **options)

    return merge


def numbers(path):
    """All that was measured, without times and ids. Confirmations of incumbents are numbered in the order in which they began."""
    with Reader.open(path) as reader:
        confirmed = reader.confirmations()
        trials, curves = reader.trials().drop(columns=[*TIMES]), reader.curves()
    searched = trials[~trials["view"].str.endswith("/confirm")].reset_index(drop=True)
    return searched, confirmed, curves[~curves["view"].str.endswith("/confirm")].reset_index(drop=True)


def altered(path, statement, *values):
    """Change a database as a user's program could, with seals that match."""
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute(statement, values)
        seal_all(connection)
    connection.close()


def test_replicates_are_dealt_out_in_turn_so_that_a_larger_study_only_adds_to_a_shard(make):
    small, large = make(replicates=5), make(replicates=9)
    assert [Shard(index, 3).replicates(small) for index in range(3)] == [(0, 3), (1, 4), (2,)]
    assert Shard(1, 3).replicates(large) == (1, 4, 7)


def test_a_shard_of_a_study_in_lockstep_has_whole_groups(make, make_study, run, merge):
    study = make(replicates=6, search=make_study(searcher="sobol", lockstep=2).search)
    assert [Shard(index, 2).replicates(study) for index in range(2)] == [(0, 1, 4, 5), (2, 3)]
    merged = merge([run(study, f"{index}/2") for index in range(2)])
    for ours, whole in zip(numbers(merged), numbers(run(study)), strict=True):
        assert_frame_equal(ours, whole, check_exact=True)


@pytest.mark.parametrize("text", ["", "1", "3/3", "-1/3", "0/0", "0/1001", "a/b", "0 / 3"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(UsageError, match="is not a shard"):
        Shard.parse(text)


def test_the_name_of_a_shards_database_is_made_once(tmp_path):
    path = Shard(0, 3).storage(tmp_path / "audio.sqlite")
    assert path.name == "audio.shard-0-of-3.sqlite"
    assert Shard(0, 3).storage(path) == path


def test_merged_shards_equal_the_run_without_shards(make, run, merge):
    study = make()
    merged = merge([run(study, f"{index}/3") for index in (2, 0, 1)])
    for ours, whole in zip(numbers(merged), numbers(run(study)), strict=True):
        assert_frame_equal(ours, whole, check_exact=True)
    assert check(merged) == []
    with Reader.open(merged) as reader, Reader.open(run(study)) as whole:
        assert reader.shard is None
        assert (reader.study, reader.identity, reader.counts()) == (whole.study, whole.identity, whole.counts())


def test_confirmations_of_best_trials_are_merged_in_their_order(make, run, merge):
    study = make(confirm=Confirm(seeds=2))
    merged = merge([run(study, f"{index}/2") for index in range(2)])
    with Reader.open(merged) as ours, Reader.open(run(study)) as whole:
        trials = [reader.trials().drop(columns=[*TIMES]) for reader in (ours, whole)]
    assert_frame_equal(*trials, check_exact=True)


def test_a_merged_study_grows_and_is_run_like_any_other(make, run, merge, tmp_path):
    study = make(replicates=2)
    merged = merge([run(study, f"{index}/2") for index in range(2)])
    larger = make(replicates=3)
    run(larger, name="merged.sqlite")
    for ours, whole in zip(numbers(merged), numbers(run(larger)), strict=True):
        assert_frame_equal(ours, whole, check_exact=True)


def test_a_shard_grows_with_its_study(make, run):
    path = run(make(replicates=2), "1/2")
    run(make(replicates=4), "1/2")
    with Reader.open(path) as reader:
        assert {key.replicate for key in reader.search_counts()} == {1, 3}


def test_sessions_events_and_attempts_of_all_shards_are_kept(make, run, merge):
    study = make(replicates=2)
    shards = [run(study, f"{index}/2") for index in range(2)]
    altered(shards[1], "UPDATE trial SET attempts = 3, log_path = 'log/worker.log' WHERE id = 2")
    altered(shards[1], "INSERT INTO event (at, kind, detail) VALUES ('2999-01-01T00:00:00.000Z', 'attempt', '{\"number\": 1}')")
    with Reader.open(merge(shards)) as reader:
        assert [session.detail["executor"] for session in reader.environments()] == ["inline, 1 worker"] * 2
        kinds = [(event.kind, event.detail.get("shard")) for event in reader.events()]
        assert kinds == [("created", "0/2"), ("created", "1/2"), ("attempt", "1/2"), ("merged", None)]
        assert reader.events()[-1].detail == {"shards": ["0/2", "1/2"]}
        assert str(reader.broken_seals()) == ""
        trials = reader.trials()
        assert trials.query("attempts == 3")["replicate"].tolist() == [1]
        assert trials.groupby("environment_id")["replicate"].unique().map(list).to_dict() == {1: [0], 2: [1]}


def test_a_merged_study_begins_with_its_earliest_shard_and_session(make, run, merge):
    shards = [run(make(replicates=2), f"{index}/2") for index in range(2)]
    earlier = "2026-01-01T00:00:00.000Z"
    altered(shards[1], "UPDATE study SET created_at = ?", earlier)
    altered(shards[1], "UPDATE environment SET started_at = ?", earlier)
    with Reader.open(merge(shards)) as reader:
        assert reader.created_at == earlier
        assert reader.environments()[0].started_at == earlier
        assert reader.trials().groupby("environment_id")["replicate"].unique().map(list).to_dict() == {1: [1], 2: [0]}


def test_a_shard_knows_what_it_is_without_the_option(make, run):
    path = run(make(), "1/3")
    summary = hpstudy.resume(path, executor="inline")
    assert (summary.complete, summary.ran, summary.shard) == (True, 0, Shard(1, 3))


def test_a_run_says_which_replicates_its_shard_has_and_counts_no_others(make, run):
    study, said = make(), Notes()
    path = run(study, "1/3", observer=said)
    assert said.notes == ["shard 1/3: replicates 1, 4"]
    with Reader.open(path) as reader:
        counts = {arm: count.planned for arm, count in reader.counts().items()}
    assert said.planned == counts
    assert counts["both"] == 2 * 3
    assert counts["both/default"] == 2


def test_the_default_point_is_confirmed_in_the_shard_of_replicate_0(make, run):
    study = make()
    with Reader.open(run(study, "0/3")) as first, Reader.open(run(study, "1/3")) as second:
        retrained = [
            {row.retrained.number for key in reader.search_counts() if key.view == "both/confirm" for row in reader.history(key)}
            for reader in (first, second)
        ]
    assert None in retrained[0]
    assert None not in retrained[1]


def test_confirm_trains_what_the_searches_of_a_shard_chose(make, run):
    path = run(make(confirm=None), "1/3")
    said = Notes()
    assert hpstudy.confirm(path, seeds=1, executor="inline", progress=said).complete
    assert said.notes == ["shard 1/3: replicates 1, 4"]


def test_a_forecast_of_a_shard_counts_its_searches(make, run):
    study = make()
    foreseen = forecast(bind(study), run(study, "1/3"), workers=1, pilot=False)
    assert foreseen.sentence() == "no trials remain"
    assert foreseen.rows()[0]["searches"] == 2


def test_a_shard_without_replicates_is_refused(make, run):
    with pytest.raises(UsageError, match=r"shard 5/6 of tiny holds no replicate: the study has 5"):
        run(make(), "5/6")


def test_a_database_is_run_as_one_shard_only(make, run, tmp_path):
    study = make(replicates=4)
    run(study, "0/2").rename(Shard(0, 4).storage(tmp_path / "study.sqlite"))
    with pytest.raises(UsageError, match="runs shard 0/2, not shard 0/4"):
        run(study, "0/4")
    run(study).rename(Shard(1, 4).storage(tmp_path / "study.sqlite"))
    with pytest.raises(UsageError, match="runs the whole study, not shard 1/4"):
        run(study, "1/4")


def test_a_replicate_in_two_shards_is_named(make, run, merge):
    study = make()
    with pytest.raises(UsageError, match=r"replicate 0 is in both .*0-of-2.* and .*0-of-3"):
        merge([run(study, "0/2"), run(study, "1/2"), run(study, "0/3")])


def test_missing_shards_are_named(make, run, merge):
    with pytest.raises(UsageError, match=r"replicates 1, 2, 4 of tiny: in none of the databases \(shard 1/3, 2/3\)"):
        merge([run(make(), "0/3")])


def test_a_whole_study_is_no_shard(make, run, merge):
    with pytest.raises(UsageError, match="is not a shard: it holds the whole study"):
        merge([run(make())])


def test_an_incomplete_shard_is_refused_with_the_next_step(make, run, merge, tmp_path):
    study = make(replicates=2)
    complete, path = run(study, "0/2"), Shard(1, 2).storage(tmp_path / "study.sqlite")
    options = RunOptions(workers=1, executor="inline", shard=Shard(1, 2))
    run_study(bind(study), path, options, searches=[SearchKey("both", 1)])
    with pytest.raises(UsageError, match=r"shard 1/2 in .* is incomplete: \d+ trials remain\n  hint: .*`hpstudy resume "):
        merge([complete, path])


def test_what_is_there_is_merged_on_demand_and_completed_later(make, run, merge, tmp_path):
    study = make()
    merged = merge([run(study, "1/3")], partial=True)
    run(study, name="merged.sqlite")
    for ours, whole in zip(numbers(merged), numbers(run(study)), strict=True):
        assert_frame_equal(ours, whole, check_exact=True)


def test_shards_of_other_studies_are_refused_key_by_key(make, run, merge):
    shards = [run(make(), "0/2"), run(make(seed=1, question="Why?"), "1/2")]
    with pytest.raises(StudyChanged, match=r"seed: 0 -> 1\n  question: \"\" -> Why\?"):
        merge(shards)


@pytest.mark.parametrize("name", ["features of speech", "source of train.py"])
def test_shards_with_other_data_or_code_are_refused(make, run, merge, name):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    for number, path in enumerate(shards):
        altered(path, "INSERT INTO identity VALUES (?, ?)", name, str(number))
    with pytest.raises(StudyChanged, match=f"different data or code: {name}"):
        merge(shards)


def accepted(path, *digests):
    """Record, one after the other, that changes of train.py were accepted."""
    for old, new in itertools.pairwise(digests):
        altered(
            path,
            "INSERT INTO event (at, kind, detail) VALUES (?, 'code_changed', ?)",
            # As if the clock had been set back before each change.
            f"2020-01-01T00:00:0{9 - ord(new) % 10}.000+00:00",
            json.dumps({"sources": {"source of train.py": {"old": old, "new": new}}}),
        )


@pytest.mark.parametrize(("first", "second"), [("a", "ab"), ("ab", "a"), ("ab", "ac"), ("abc", "ab")])
def test_shards_in_which_other_changes_of_code_were_accepted_are_refused(make, run, merge, first, second):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    for path, digests in zip(shards, (first, second), strict=True):
        altered(path, "INSERT INTO identity VALUES ('source of train.py', 'a')")
        accepted(path, *digests)
    with pytest.raises(StudyChanged, match=r"(?s)different data or code: source of train\.py.*--allow-changed-code") as refused:
        merge(shards)
    assert refused.value.hint.startswith("accept")


@pytest.mark.parametrize(("first", "second"), [("ab", "ab"), ("abc", "ac"), ("b", "ab"), ("ab", "b")])
def test_shards_that_end_with_the_same_accepted_code_are_merged_and_the_changes_are_kept(make, run, merge, first, second):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    for path, digests in zip(shards, (first, second), strict=True):
        altered(path, "INSERT INTO identity VALUES ('source of train.py', ?)", digests[0])
        accepted(path, *digests)
    with Reader.open(merge(shards)) as reader:
        assert reader.accepted_identity()["source of train.py"] == first[-1]
        assert sum(event.kind == "code_changed" for event in reader.events()) == len(first) + len(second) - 2


def test_code_that_only_one_shard_has_imported_is_kept(make, run, merge):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    altered(shards[1], "INSERT INTO identity VALUES ('source of rare.py', 'abc')")
    with Reader.open(merge(shards)) as reader:
        assert reader.identity["source of rare.py"] == "abc"


def test_data_that_only_one_shard_has_used_are_refused(make, run, merge):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    altered(shards[1], "INSERT INTO identity VALUES ('features of speech', 'abc')")
    with pytest.raises(StudyChanged, match="different data or code: features of speech"):
        merge(shards)


def test_other_library_versions_are_refused_unless_allowed_and_then_recorded(make, run, merge):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    with Reader.open(shards[1]) as reader:
        detail = {**reader.environments()[0].detail, "numpy": "9.9"}
    altered(shards[1], "UPDATE environment SET detail = ?", json.dumps(detail))
    with pytest.raises(StudyChanged, match=r"numpy: [\d.]+ \(shard 0/2\), 9\.9 \(shard 1/2\)"):
        merge(shards)
    with Reader.open(merge(shards, allow_mixed=True)) as reader:
        (line,) = reader.events()[-1].detail["mixed_libraries"]
    assert line.startswith("numpy: ")


def test_a_shard_of_an_earlier_version_that_recorded_fewer_libraries_is_merged(make, run, merge):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    with Reader.open(shards[1]) as reader:
        detail = dict(reader.environments()[0].detail)
    del detail["linear_operator"]
    altered(shards[1], "UPDATE environment SET detail = ?", json.dumps(detail))
    with Reader.open(merge(shards)) as reader:
        assert "mixed_libraries" not in reader.events()[-1].detail


def test_library_versions_of_every_session_of_a_shard_count(make, run, merge):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    with Reader.open(shards[1]) as reader:
        (session,) = reader.environments()
    row = session.started_at, session.ended_at, json.dumps(session.detail)
    altered(shards[1], "INSERT INTO environment (started_at, ended_at, detail) VALUES (?, ?, ?)", *row)
    altered(shards[1], "UPDATE environment SET detail = ? WHERE id = 1", json.dumps({**session.detail, "numpy": "9.9"}))
    with pytest.raises(StudyChanged, match=r"numpy: [\d.]+ \(shard 0/2, 1/2\), 9\.9 \(shard 1/2\)"):
        merge(shards)


def test_an_altered_shard_is_refused(make, run, merge):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    with sqlite3.connect(shards[0]) as connection:
        connection.execute("UPDATE trial SET objective = 0.5 WHERE id = 1")
    connection.close()
    with pytest.raises(StoreError, match="1 trial does not match its seal"):
        merge(shards)


def test_no_file_is_overwritten(make, run, merge):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    merge(shards)
    with pytest.raises(StoreError, match="already exists"):
        merge(shards)


def test_paths_in_a_merged_database_are_relative_to_it(make, run, tmp_path):
    shards = [run(make(), f"{index}/2") for index in range(2)]
    (tmp_path / "elsewhere").mkdir()
    merged = hpstudy.merge(shards, tmp_path / "elsewhere")
    assert merged == tmp_path / "elsewhere" / "tiny.sqlite"
    with Reader.open(merged) as reader:
        assert reader.module_path == str(tmp_path)


def test_a_shard_that_cannot_be_is_an_error(make, run):
    path = run(make(replicates=2), "0/2")
    altered(path, "UPDATE event SET detail = '{\"shard\": \"5/2\"}' WHERE kind = 'shard'")
    with pytest.raises(StoreError, match="'5/2' is not a shard"):
        Reader.open(path)
