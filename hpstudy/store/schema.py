"""The tables and views of every version. docs/reference/database.md documents them for users of SQL.

`value` and `kind` together encode a number, as described in `hpstudy.store.values`. Tables with small rows and a key of several columns
are WITHOUT ROWID: the key is stored once, instead of once in the table and once in an index.
"""

from __future__ import annotations

_KIND = "CHECK ({kind} IN ('finite', '-0', 'nan', 'inf', '-inf') AND ({value} IS NULL) = ({kind} IN ('nan', 'inf', '-inf')))"
_VALUE_KIND = f"value REAL, kind TEXT NOT NULL {_KIND.format(value='value', kind='kind')}"

_BEST_SO_FAR = """
    CREATE VIEW best_so_far AS
    SELECT
        view, replicate, number, state, objective,
        CASE (SELECT goal FROM study)
            WHEN 'maximize' THEN max(CASE state WHEN 'completed' THEN objective END) OVER past
            ELSE min(CASE state WHEN 'completed' THEN objective END) OVER past
        END AS best
    FROM trial_result{where}
    WINDOW past AS (PARTITION BY view, replicate ORDER BY number ROWS UNBOUNDED PRECEDING)
    """

TABLES = (
    """
    CREATE TABLE study (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        name TEXT NOT NULL,
        question TEXT NOT NULL,
        metric TEXT NOT NULL,
        goal TEXT NOT NULL CHECK (goal IN ('maximize', 'minimize')),
        trials INTEGER NOT NULL,
        replicates INTEGER NOT NULL,
        definition TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        module_path TEXT,
        created_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE TABLE identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """
    CREATE TABLE owner (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        host TEXT NOT NULL,
        namespace TEXT NOT NULL,
        pid INTEGER NOT NULL,
        process_started REAL NOT NULL,
        token TEXT NOT NULL,
        since TEXT NOT NULL,
        heartbeat_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE TABLE view (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, label TEXT NOT NULL) STRICT",
    """
    CREATE TABLE search (
        id INTEGER PRIMARY KEY,
        view_id INTEGER NOT NULL REFERENCES view (id),
        replicate INTEGER NOT NULL CHECK (replicate >= 0),
        UNIQUE (view_id, replicate)
    ) STRICT
    """,
    """
    CREATE TABLE environment (
        id INTEGER PRIMARY KEY,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        detail TEXT NOT NULL
    ) STRICT
    """,
    f"""
    CREATE TABLE trial (
        id INTEGER PRIMARY KEY,
        search_id INTEGER NOT NULL REFERENCES search (id),
        number INTEGER NOT NULL CHECK (number >= 0),
        state TEXT NOT NULL CHECK (state IN ('running', 'completed', 'diverged', 'failed', 'timed_out')),
        point TEXT NOT NULL,
        objective REAL,
        objective_kind TEXT CHECK (objective_kind IS NOT NULL OR objective IS NULL)
            {_KIND.format(value="objective", kind="objective_kind")},
        attempts INTEGER NOT NULL CHECK (attempts >= 1),
        started_at TEXT NOT NULL,
        ended_at TEXT,
        ask_s REAL NOT NULL,
        evaluate_s REAL,
        peak_rss_mib REAL,
        error_type TEXT,
        error TEXT,
        traceback TEXT,
        log_path TEXT,
        environment_id INTEGER REFERENCES environment (id),
        UNIQUE (search_id, number)
    ) STRICT
    """,
    "CREATE TABLE metric (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    f"""
    CREATE TABLE metric_value (
        trial_id INTEGER NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
        metric_id INTEGER NOT NULL REFERENCES metric (id),
        {_VALUE_KIND},
        PRIMARY KEY (trial_id, metric_id)
    ) STRICT, WITHOUT ROWID
    """,
    f"""
    CREATE TABLE curve (
        trial_id INTEGER NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
        metric_id INTEGER NOT NULL REFERENCES metric (id),
        epoch INTEGER NOT NULL,
        {_VALUE_KIND},
        PRIMARY KEY (trial_id, metric_id, epoch)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT
    """,
)

VIEWS = (
    """
    CREATE VIEW trial_result AS
    SELECT
        trial.id AS trial_id, view.name AS view, search.replicate, trial.number, trial.state, trial.objective, trial.point,
        trial.attempts, trial.started_at, trial.ended_at, trial.ask_s, trial.evaluate_s, trial.error_type, trial.error
    FROM trial
    JOIN search ON search.id = trial.search_id
    JOIN view ON view.id = search.view_id
    """,
    """
    CREATE VIEW final_metric AS
    SELECT
        trial_result.trial_id, trial_result.view, trial_result.replicate, trial_result.number,
        metric.name AS metric, metric_value.value, metric_value.kind
    FROM metric_value
    JOIN metric ON metric.id = metric_value.metric_id
    JOIN trial_result ON trial_result.trial_id = metric_value.trial_id
    """,
    """
    CREATE VIEW learning_curve AS
    SELECT
        trial_result.trial_id, trial_result.view, trial_result.replicate, trial_result.number,
        metric.name AS metric, curve.epoch, curve.value, curve.kind
    FROM curve
    JOIN metric ON metric.id = curve.metric_id
    JOIN trial_result ON trial_result.trial_id = curve.trial_id
    """,
    _BEST_SO_FAR.format(where=""),
)

CONFIRMATION_TABLES = (
    f"""
    CREATE TABLE confirmation (
        id INTEGER PRIMARY KEY,
        trial_id INTEGER REFERENCES trial (id) ON DELETE CASCADE,
        view_id INTEGER REFERENCES view (id),
        seed_number INTEGER NOT NULL CHECK (seed_number >= 0),
        state TEXT NOT NULL CHECK (state IN ('running', 'completed', 'diverged', 'failed', 'timed_out')),
        point TEXT NOT NULL,
        objective REAL,
        objective_kind TEXT CHECK (objective_kind IS NOT NULL OR objective IS NULL)
            {_KIND.format(value="objective", kind="objective_kind")},
        attempts INTEGER NOT NULL CHECK (attempts >= 1),
        started_at TEXT NOT NULL,
        ended_at TEXT,
        evaluate_s REAL,
        peak_rss_mib REAL,
        error_type TEXT,
        error TEXT,
        traceback TEXT,
        log_path TEXT,
        environment_id INTEGER REFERENCES environment (id),
        CHECK ((trial_id IS NULL) <> (view_id IS NULL)),
        UNIQUE (trial_id, seed_number),
        UNIQUE (view_id, seed_number)
    ) STRICT
    """,
    f"""
    CREATE TABLE confirmation_value (
        confirmation_id INTEGER NOT NULL REFERENCES confirmation (id) ON DELETE CASCADE,
        metric_id INTEGER NOT NULL REFERENCES metric (id),
        {_VALUE_KIND},
        PRIMARY KEY (confirmation_id, metric_id)
    ) STRICT, WITHOUT ROWID
    """,
)
"""Tables of version 2. A row of `confirmation` refers to a trial, or to a view for its default point. SQL treats NULLs in a UNIQUE
constraint as different values, so that each constraint applies to one of the two cases."""

CONFIRMATION_VIEWS = (
    """
    CREATE VIEW confirmation_result AS
    SELECT
        confirmation.id AS confirmation_id, view.name AS view, search.replicate, trial.number, confirmation.seed_number,
        confirmation.state, confirmation.objective, confirmation.point, confirmation.attempts, confirmation.started_at,
        confirmation.ended_at, confirmation.evaluate_s, confirmation.error_type, confirmation.error
    FROM confirmation
    LEFT JOIN trial ON trial.id = confirmation.trial_id
    LEFT JOIN search ON search.id = trial.search_id
    JOIN view ON view.id = coalesce(confirmation.view_id, search.view_id)
    """,
    """
    CREATE VIEW confirmed_metric AS
    SELECT
        confirmation_result.confirmation_id, confirmation_result.view, confirmation_result.replicate, confirmation_result.number,
        confirmation_result.seed_number, metric.name AS metric, confirmation_value.value, confirmation_value.kind
    FROM confirmation_value
    JOIN metric ON metric.id = confirmation_value.metric_id
    JOIN confirmation_result ON confirmation_result.confirmation_id = confirmation_value.confirmation_id
    """,
)
"""Views of version 2."""

RETRAINING_TABLES = (
    """
    CREATE TABLE retraining (
        trial_id INTEGER PRIMARY KEY REFERENCES trial (id) ON DELETE CASCADE,
        of_trial_id INTEGER REFERENCES trial (id) ON DELETE CASCADE,
        seed_number INTEGER NOT NULL CHECK (seed_number >= 0),
        UNIQUE (of_trial_id, seed_number)
    ) STRICT
    """,
)
"""Tables of version 3: a row for every trial of a confirmation. `of_trial_id` is NULL for the view's default point."""

_CONFIRMATION_RESULT = """
    CREATE VIEW confirmation_result AS
    SELECT
        trial.id AS confirmation_id, {view} AS view,
        CASE WHEN original.id IS NOT NULL THEN search.replicate END AS replicate, original.number, retraining.seed_number,
        trial.state, trial.objective, trial.point, trial.attempts, trial.started_at,
        trial.ended_at, trial.evaluate_s, trial.error_type, trial.error
    FROM retraining
    JOIN trial ON trial.id = retraining.trial_id
    JOIN search ON search.id = trial.search_id
    JOIN view ON view.id = search.view_id
    LEFT JOIN trial AS original ON original.id = retraining.of_trial_id
    """

RETRAINING_VIEWS = (
    "DROP VIEW best_so_far",
    _BEST_SO_FAR.format(where="\n    WHERE trial_id NOT IN (SELECT trial_id FROM retraining)"),
    _CONFIRMATION_RESULT.format(view="substr(view.name, 1, instr(view.name, '/') - 1)"),
    """
    CREATE VIEW confirmed_metric AS
    SELECT
        confirmation_result.confirmation_id, confirmation_result.view, confirmation_result.replicate, confirmation_result.number,
        confirmation_result.seed_number, metric.name AS metric, metric_value.value, metric_value.kind
    FROM confirmation_result
    JOIN metric_value ON metric_value.trial_id = confirmation_result.confirmation_id
    JOIN metric ON metric.id = metric_value.metric_id
    """,
)
"""Views of version 3. `best_so_far` covers searches only and excludes confirmations."""

SEALS = (
    "ALTER TABLE trial ADD COLUMN seal BLOB NOT NULL DEFAULT x''",
    f"ALTER TABLE search ADD COLUMN seal BLOB NOT NULL DEFAULT x'{'00' * 32}'",
    "CREATE TABLE seal (name TEXT PRIMARY KEY, digest BLOB NOT NULL) STRICT, WITHOUT ROWID",
)
"""Columns and table added in version 4 (`hpstudy.store.seals`)."""

SEARCHER_VIEWS = (
    "DROP VIEW confirmation_result",
    _CONFIRMATION_RESULT.format(view="substr(view.name, 1, length(view.name) - length('/confirm'))"),
)
"""View of version 5, which names the searches of another searcher VIEW/SEARCHER as `trial_result` does. `confirmed_metric` reads it."""
