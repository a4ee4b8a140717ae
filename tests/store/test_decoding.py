import json
from contextlib import suppress

import pytest

from hpstudy.errors import StoreError
from hpstudy.store import Reader, Store, check
from hpstudy.study.plan import SearchKey
from tests.support.alterations import alter
from tests.support.databases import example_study, synthetic_database
from tests.support.trials import start

READS = {
    "counts": lambda reader: reader.counts(),
    "durations": lambda reader: (reader.mean_trial_s(), reader.mean_train_s()),
    "best": lambda reader: [reader.best(view) for view in reader.study.views],
    "history": lambda reader: [reader.history(SearchKey(view, 0)) for view in reader.study.views],
    "events": lambda reader: reader.events(),
    "environments": lambda reader: reader.environments(),
    "owner": lambda reader: reader.owner(),
    "trials": lambda reader: reader.trials(),
    "curves": lambda reader: reader.curves(),
    "confirmations": lambda reader: reader.confirmations(),
}

DEEP = '{"a": ' * 30 + "1" + "}" * 30

ALTERATIONS = {
    "UPDATE study SET definition = NULL": ("open", "table study, row 1, column definition: NULL is not text"),
    "UPDATE study SET definition = '{'": ("open", "table study, row 1, column definition: '{' is not JSON"),
    "UPDATE study SET definition = '[1]'": ("open", "table study, row 1, column definition: .* is not a JSON object"),
    f"UPDATE study SET definition = '{DEEP}'": ("open", "is nested too deeply"),
    "UPDATE study SET definition = CAST(x'7b80' AS TEXT)": ("open", "is not valid UTF-8"),
    "UPDATE study SET module_path = 'a' || char(0)": ("open", "column module_path: .* is not a path"),
    "UPDATE study SET module_path = hex(zeroblob(200))": ("open", "column module_path: .* is not a path"),
    "UPDATE study SET id = 2": ("open", "table study, row 2, column id: 2 is not 1"),
    "UPDATE study SET created_at = 'yesterday'": ("open", "column created_at: 'yesterday' is not a time"),
    "UPDATE study SET trials = 99": ("counts", "the columns of table study differ from its definition"),
    "UPDATE identity SET value = 5": ("open", "table identity, row 'data', column value: 5 is not text"),
    "UPDATE view SET name = 'other' WHERE id = 1": ("counts", "table search, row 1: the study has no search other/0"),
    "UPDATE search SET replicate = 1000 WHERE id = 1": ("trials", "row 1: the study has no search latent/1000"),
    "UPDATE search SET view_id = 9 WHERE id = 1": ("curves", "row 1: the study has no search of view 9/0"),
    "DELETE FROM search WHERE id = 6": ("counts", "table search has 5 rows; the study has 6 searches"),
    "UPDATE trial SET search_id = 77 WHERE id = 2": ("trials", "table trial, row 2, column search_id: there is no search 77"),
    "UPDATE trial SET state = 'ended' WHERE id = 2": ("counts", "table trial, row 2, column state: 'ended' is not one of running"),
    "UPDATE trial SET number = -1 WHERE id = 2": ("trials", "table trial, row 2, column number: -1 is not between 0 and"),
    "UPDATE trial SET number = 'x' WHERE id = 2": ("history", "table trial, row 2, column number: 'x' is not a whole number"),
    "UPDATE trial SET point = '{\"rate\": NaN}' WHERE id = 2": ("history", "row 2, column point: .* is not JSON"),
    "UPDATE trial SET point = '{\"rate\": [1]}' WHERE id = 2": ("history", "row 2, column point: .* is not a point"),
    "UPDATE trial SET point = '{\"rate\": 7}' WHERE id = 2": ("trials", "row 2, column point: it is outside the view's search space"),
    f"UPDATE trial SET point = '{{\"rate\": {'9' * 5000}}}' WHERE id = 2": ("trials", "row 2, column point: .* is not JSON"),
    "UPDATE trial SET objective = 'high' WHERE id = 2": ("best", "column objective: 'high' and 'finite' is not a pair"),
    "UPDATE trial SET objective_kind = 'big' WHERE id = 2": ("trials", "row 2, column objective: .* is not a pair"),
    "UPDATE trial SET ask_s = 9e999 WHERE id = 2": ("durations", "row 2, column ask_s: inf is not a finite number"),
    "UPDATE trial SET evaluate_s = -1.0 WHERE id = 2": ("durations", "row 2, column evaluate_s: -1.0 is not a finite number of at least 0"),
    "UPDATE trial SET evaluate_s = 'long' WHERE id = 2": ("durations", "row 2, column evaluate_s: 'long' is not a number"),
    "UPDATE trial SET error = x'00ff' WHERE id = 2": ("trials", r"row 2, column error: b'\\x00\\xff' is not text"),
    "UPDATE trial SET error = CAST(x'ff' AS TEXT) WHERE id = 2": ("trials", "row 2, column error: .* is not valid UTF-8"),
    "UPDATE trial SET ended_at = 'now' WHERE id = 2": ("trials", "row 2, column ended_at: 'now' is not a time"),
    "UPDATE metric SET name = x'00' WHERE id = 2": ("curves", "table metric, row 2, column name: .* is not text"),
    "UPDATE metric_value SET kind = 'big' WHERE trial_id = 2": ("trials", "row 2, 1, column value: .* is not a pair"),
    "UPDATE metric_value SET metric_id = 99 WHERE trial_id = 2 AND metric_id = 2": ("trials", "column metric_id: there is no row 99"),
    "UPDATE metric_value SET trial_id = 99 WHERE trial_id = 2": ("trials", "metric_value, column trial_id: there is no row 99"),
    "UPDATE curve SET epoch = 1.5 WHERE trial_id = 2 AND epoch = 1": ("curves", "row 2, 1, 1.5, column epoch: 1.5 is not a whole"),
    "UPDATE curve SET value = NULL WHERE trial_id = 2": ("curves", "row 2, 1, 1, column value: NULL and 'finite' is not a pair"),
    "UPDATE curve SET kind = '-0' WHERE trial_id = 2": ("curves", "row 2, 1, 1, column value: .* and '-0' is not a pair"),
    "UPDATE curve SET metric_id = 99 WHERE trial_id = 2 AND metric_id = 2": ("curves", "table curve, column metric_id: there is no row 99"),
    "UPDATE event SET at = NULL": ("events", "table event, row 1, column at: NULL is not a time"),
    "UPDATE event SET detail = 'null'": ("events", "table event, row 1, column detail: 'null' is not a JSON object"),
    "UPDATE event SET detail = '{\"changes\": 1}'": ("events", "'changes' is not a list of text"),
    "UPDATE event SET detail = '{\"mixed_libraries\": [1]}'": ("events", "'mixed_libraries' is not a list of text"),
    "UPDATE environment SET detail = '{\"machine\": 1}'": ("environments", "column detail: .* is not a JSON object of text"),
    "UPDATE environment SET started_at = 7": ("environments", "table environment, row 1, column started_at: 7 is not a time"),
    "UPDATE owner SET heartbeat_at = 'soon'": ("owner", "table owner, row 1, column heartbeat_at: 'soon' is not a time"),
    "UPDATE owner SET heartbeat_at = '2026-01-01T00:00:00'": ("owner", "column heartbeat_at: .* is not a time in UTC"),
    "UPDATE owner SET pid = -5": ("owner", "table owner, row 1, column pid: -5 is not between 1 and"),
    "UPDATE owner SET process_started = 'then'": ("owner", "column process_started: 'then' is not a number"),
}  # fmt: skip


@pytest.fixture
def owned(path):
    """A small database that looks as if its writer had died."""
    synthetic_database(path, example_study(trials=3), epochs=2)
    time = "2026-01-01T00:00:00.000Z"
    alter(path, ("INSERT INTO owner VALUES (1, 'elsewhere', '', 4, 5.0, 'token', ?, ?)", (time, time)))
    return path


@pytest.mark.parametrize("statement", ALTERATIONS, ids=lambda statement: statement[:60])
def test_what_does_not_fit_is_named(owned, statement):
    read, message = ALTERATIONS[statement]
    alter(owned, statement)
    with pytest.raises(StoreError, match=message) as caught, Reader.open(owned) as reader:
        READS[read](reader)
    assert "db check" in caught.value.hint
    assert check(owned)


@pytest.mark.parametrize("statement", ALTERATIONS, ids=lambda statement: statement[:60])
def test_nothing_but_store_errors_leaves_a_reader_or_a_writer(owned, statement):
    alter(owned, statement)
    for read in READS.values():
        with suppress(StoreError), Reader.open(owned) as reader:
            read(reader)
    with suppress(StoreError), Store.open(owned) as store:
        store.search_counts()
        store.history(SearchKey("latent", 0))


def test_a_confirmation_needs_a_row_of_its_own_and_a_seed_of_the_study(path):
    study = example_study(trials=1, replicates=1)
    study = study.model_validate({**study.model_dump(mode="json"), "confirm": {"seeds": 1}})
    synthetic_database(path, study)
    key, point = SearchKey("latent/confirm", 0), study.views["latent"].space.default()
    with Store.open(path) as store:
        ((again, _),) = [item for item in store.listed(key).items() if item[0].number is None]
        start(store, key, 0, point, retrained=again)
    alter(path, "UPDATE retraining SET seed_number = 4611686018427387904")
    with (
        Reader.open(path) as reader,
        pytest.raises(StoreError, match="row 3, column seed_number: 4611686018427387904 is not below 1"),
    ):
        reader.confirmations()
    alter(path, "DELETE FROM retraining")
    with Reader.open(path) as reader, pytest.raises(StoreError, match="it is a confirmation but has no row in table retraining"):
        reader.history(key)


def test_a_study_too_large_to_be_counted_is_refused_at_once(owned):
    with Reader.open(owned) as reader:
        definition = json.loads(reader.study.to_json())
    alter(owned, ("UPDATE study SET definition = ?", (json.dumps({**definition, "replicates": 10**6}),)))
    for read in READS.values():
        with suppress(StoreError), Reader.open(owned) as reader:
            read(reader)
    assert check(owned)
