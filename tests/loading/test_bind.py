from pathlib import Path

import pytest

import hpstudy
from hpstudy.errors import PluginError, StudyError
from hpstudy.loading.bind import bind, matched
from hpstudy.loading.load import load_study
from hpstudy.loading.make import make_searcher, make_task
from hpstudy.store import Reader
from hpstudy.study.declaration import Target
from hpstudy.study.schema import SearchBlock, Study, TaskBlock
from hpstudy.study.shipped import shipped_root

REPORTS = Path(__file__).parents[2] / "reports"


def with_analysis(study, **keys):
    return study.model_copy(update={"analysis": study.analysis.model_copy(update=keys)})


def test_settings_of_the_task_are_filled_in(toy):
    assert toy.task.settings == {"depth": 2, "scale": 1.0, "widths": [4, 4], "inner": {"size": 1}}


def test_settings_of_the_searcher_are_filled_in(toy):
    assert toy.search.settings == {"initial": 2, "effort": "low"}


def test_hyperparameters_that_a_view_leaves_open_are_fixed_at_the_tasks_defaults(toy):
    assert toy.views["a"].fixed == {"width": 2}
    assert toy.views["b"].fixed == {}


def test_all_pairs_of_views_are_compared_when_none_is_declared(toy):
    assert toy.analysis.compare == (("a", "b"),)


@pytest.mark.parametrize(("declared", "complete"), [((), (6,)), ((4, 2), (2, 4, 6)), ((2, 6), (2, 6))])
def test_the_number_of_trials_is_the_last_budget(toy, declared, complete):
    assert bind(with_analysis(toy, budgets=declared)).study.analysis.budgets == complete


def test_binding_a_resolved_study_changes_nothing(toy):
    assert bind(toy).study == toy


def test_a_resolved_study_is_the_same_after_a_database_kept_it(toy):
    assert Study.from_json(toy.to_json()) == toy


def test_a_study_made_in_python_is_checked_as_one_from_a_file(toy):
    with pytest.raises(StudyError, match=r"analysis\.target\.view: no view is called 'c'"):
        bind(with_analysis(toy, target=Target(view="c")))


def test_the_task_is_made_with_its_settings(toy):
    assert make_task(toy.task).settings.depth == 2


def test_the_searcher_is_made_with_its_settings(toy):
    assert make_searcher(toy.search).settings.initial == 2


def test_a_task_that_does_not_exist_is_refused_with_a_way_to_add_one(toy):
    wrong = toy.model_copy(update={"task": toy.task.model_copy(update={"use": "toi"})})
    with pytest.raises(StudyError, match=r"no task is called 'toi': did you mean 'toy'\?.*\n.*my_module:my_function"):
        make_task(wrong.task)


def test_an_error_in_the_code_of_a_users_task_class_is_a_mistake_of_the_study(write, toy, monkeypatch, tmp_path):
    write(
        broken_task_py="""\
        from pydantic import BaseModel
        from hpstudy.tasks.interface import Task
        class Settings(BaseModel): ...
        class Mine(Task):
            Settings = Settings
            def __init__(self, settings): raise KeyError("no")
            def objectives(self): ...
            def check_view(self, view): ...
            def evaluate(self, view, point, seed, report): ...
    """
    )
    monkeypatch.syspath_prepend(tmp_path)
    wrong = toy.model_copy(update={"task": type(toy.task)(use="broken_task:Mine")})
    with pytest.raises(StudyError, match="making the task failed: KeyError: 'no'"):
        make_task(wrong.task)


@pytest.mark.parametrize("what", ["A", "B", "f"])
def test_what_is_no_searcher_is_a_problem_of_the_key(toy, write, monkeypatch, tmp_path, what):
    write(
        broken_search_py="""\
        class A: ...
        class B:
            Settings = dict
        def f(*arguments): ...
    """
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StudyError, match=f"'broken_search:{what}' is not a searcher") as caught:
        make_searcher(toy.search.model_copy(update={"searcher": f"broken_search:{what}"}))
    assert caught.value.problems[0].key == ("search", "searcher")


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("objectives", "1 / 0"),
        ("check_view", "1 / 0"),
        ("check_views", "1 / 0"),
        ("check_point", "1 / 0"),
        ("complete_view", "1 / 0"),
        ("complete_view", "None"),
        ("prepare", "1 / 0"),
        ("identity", "1 / 0"),
        ("identity", "None"),
    ],
)
def test_a_failing_method_of_a_users_task_is_named_with_file_and_line(toy, write, monkeypatch, tmp_path, method, code):
    write(
        broken_method_py=f"""        from hpstudy import Task
        class Mine(Task):
            def objectives(self): return None
            def check_view(self, view): return []
            def evaluate(self, view, point, seed, report): return 1.0
        Mine.{method} = lambda *arguments: {code}
    """
    )
    monkeypatch.syspath_prepend(tmp_path)
    wrong = toy.model_copy(update={"task": TaskBlock(use="broken_method:Mine")})
    error = r"ZeroDivisionError: .*broken_method\.py:6" if code == "1 / 0" else "TypeError: .*NoneType"
    with pytest.raises(PluginError, match=rf"a method of 'broken_method:Mine' failed, .* {error}"):
        hpstudy.run(wrong, tmp_path, executor="inline")
    assert not list(tmp_path.glob("*.sqlite"))


def test_a_failing_check_of_a_users_searcher_is_named_with_file_and_line(toy, write, monkeypatch, tmp_path):
    write(
        broken_check_py="""        from hpstudy import Searcher
        class Mine(Searcher):
            def check(self, space, trials): return 1 / 0
            def ask(self, space, history, *, goal, seed, number): ...
    """
    )
    monkeypatch.syspath_prepend(tmp_path)
    wrong = toy.model_copy(update={"search": SearchBlock(searcher="broken_check:Mine", trials=6)})
    with pytest.raises(PluginError, match=r"a method of 'broken_check:Mine' failed, .*ZeroDivisionError.*broken_check\.py:3"):
        bind(wrong)


def test_an_unknown_key_is_refused_also_by_settings_that_would_ignore_it(toy, write, monkeypatch, tmp_path):
    write(
        open_search_py="""        from pydantic import BaseModel, ConfigDict
        from hpstudy import Searcher
        class Silent(Searcher):
            class Settings(BaseModel): width: int = 1
            def ask(self, space, history, *, goal, seed, number): ...
        class Open(Silent):
            class Settings(BaseModel): model_config = ConfigDict(extra="allow")
    """
    )
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, **settings):
        return make_searcher(SearchBlock(searcher=f"open_search:{name}", trials=1, **settings)).settings

    with pytest.raises(StudyError, match=r"search\.widht: unknown key: did you mean 'width'"):
        make("Silent", widht=2)
    assert type(make("Silent", width=2)).__name__ == "Settings"
    assert make("Open", width=2).model_extra == {"width": 2}


def test_a_stored_study_gets_the_settings_that_it_was_stored_without(toy):
    old = toy.model_copy(update={"task": TaskBlock(use=toy.task.use, depth=2)})
    assert old.fingerprint() != toy.fingerprint()
    assert matched(old, toy, Path("x.sqlite")) == toy


@pytest.mark.parametrize(
    ("database", "study"), [("bop_hyperparameters-small", "paper/bop_hyperparameters"), ("methods-small", "methods")]
)
def test_a_published_database_with_bop_goes_on_at_a_rate_without_change(database, study):
    asked = load_study(shipped_root() / f"studies/{study}.yaml", "small")
    with Reader.open(REPORTS / f"{database}.sqlite") as reader:
        stored = reader.study
    assert "gamma_change" not in stored.views["bop"].fixed
    assert matched(stored, asked, Path("x.sqlite")).views["bop"].fixed["gamma_change"] == 1


def test_a_stored_study_that_cannot_be_bound_here_stays_as_it_is(toy):
    away = toy.model_copy(update={"task": TaskBlock(use="gone_module:train")})
    assert matched(away, away.model_copy(update={"question": "why?"}), Path("x.sqlite")) is away
