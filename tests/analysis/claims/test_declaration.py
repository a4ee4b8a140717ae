import pytest

from hpstudy.analysis.claims.declaration import Change, declaration
from hpstudy.study.schema import Study


@pytest.fixture
def study():
    def make(**analysis):
        return Study.model_validate(
            {
                "name": "small",
                "task": {"use": "branin"},
                "metric": {"name": "value", "goal": "minimize"},
                "views": {"a": {"space": {"x1": {"type": "float", "low": 0, "high": 1}}}},
                "search": {"trials": 4},
                "replicates": 2,
                "analysis": analysis,
            }
        )

    return make


def created(study):
    return ("10:00", "created", {"fingerprint": study.fingerprint(), "declaration": study.declaration()})


def changed(at, finished, *lines):
    return (at, "study_changed", {"finished_trials": finished, "changes": list(lines)})


def test_a_study_that_never_changed_was_declared_before(study):
    found = declaration(study(margin=0.1), study(margin=0.1), [created(study(margin=0.1))], 8)
    assert found.before_first_trial is True
    assert found.changes == ()
    assert found.digest == found.first_digest == study(margin=0.1).declaration()


@pytest.mark.parametrize(
    "later", [[], [changed("10:01", 0, "analysis.margin: null -> 0.1")]], ids=["never changed", "changed before the first trial"]
)
def test_a_database_that_kept_no_digest_proves_nothing(study, later):
    found = declaration(study(margin=0.1), study(margin=0.1), [("10:00", "created", {"fingerprint": "x"}), *later], 8)
    assert found.before_first_trial is None
    assert found.first_digest is None


def test_another_digest_without_a_recorded_change_proves_nothing(study):
    found = declaration(study(margin=0.1), study(margin=0.1), [created(study())], 8)
    assert found.before_first_trial is None


def test_a_change_before_the_first_trial_is_no_late_change(study):
    events = [created(study()), changed("10:01", 0, "analysis.margin: null -> 0.1")]
    found = declaration(study(margin=0.1), study(margin=0.1), events, 8)
    assert found.before_first_trial is True
    assert found.changes == (Change("10:01", 0, ("margin",)),)


def test_a_change_after_a_trial_is_late_and_named(study):
    events = [created(study()), changed("10:01", 3, "replicates: 1 -> 2", "analysis.margin: null -> 0.1")]
    found = declaration(study(margin=0.1), study(margin=0.1), events, 8)
    assert found.before_first_trial is False
    assert found.changes == (Change("10:01", 3, ("margin",)),)
    assert found.first_digest == study().declaration() != found.digest


def test_growth_without_another_declaration_is_no_change_of_it(study):
    events = [created(study()), changed("10:01", 3, "replicates: 1 -> 2")]
    assert declaration(study(), study(), events, 8).before_first_trial is True


def test_settings_of_this_report_alone_are_a_late_change(study):
    found = declaration(study(), study(margin=0.1), [created(study())], 8)
    assert found.before_first_trial is False
    assert found.changes == (Change("", 8, ("margin",)),)


def test_settings_of_a_report_on_a_study_without_trials_are_not_late(study):
    assert declaration(study(), study(margin=0.1), [created(study())], 0).before_first_trial is True


def test_an_older_database_that_changed_cannot_tell(study):
    events = [("10:00", "created", {"fingerprint": "x"}), ("10:01", "study_changed", {"replicates": [1, 2]})]
    found = declaration(study(), study(), events, 8)
    assert found.before_first_trial is None
    assert found.first_digest is None
    assert found.changes == (Change("10:01", None, ()),)


def test_a_change_at_an_unknown_time_leaves_it_open_even_when_the_first_digest_is_known(study):
    events = [created(study()), ("10:01", "study_changed", {"changes": ["analysis.margin: null -> 0.1"]})]
    assert declaration(study(margin=0.1), study(margin=0.1), events, 8).before_first_trial is None
