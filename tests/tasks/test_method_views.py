from hpstudy.bnn.methods.filter import Filter
from hpstudy.study.schema import View
from hpstudy.tasks.method_views import check_method_point, check_method_view, complete_method_view

ALPHA = {"type": "float", "low": 1e-5, "high": 0.1, "log": True}


def view(method="filter", space=None, fixed=None):
    return View.model_validate({"method": method, "space": space or {"alpha": ALPHA}, "fixed": fixed or {}})


def only(problems):
    """The single problem's key and message."""
    assert len(problems) == 1, problems
    return problems[0].key, problems[0].message


def test_a_view_of_known_hyperparameters_within_their_domains_has_no_problem():
    assert check_method_view(view(fixed={"gamma": 0.5, "alpha_decay": "none"})) == []


def test_a_view_without_a_method_is_told_the_methods():
    key, message = only(check_method_view(view(method=None)))
    assert key == ("method",)
    assert "latent_sgd" in message


def test_a_misspelled_method_is_told_the_nearest():
    key, message = only(check_method_view(view(method="filtre")))
    assert key == ("method",)
    assert "did you mean 'filter'" in message


def test_a_misspelled_hyperparameter_is_told_the_nearest():
    key, message = only(check_method_view(view(space={"alpa": ALPHA})))
    assert key == ("space", "alpa")
    assert "did you mean 'alpha'" in message


def test_a_hyperparameter_of_another_method_is_refused():
    key, _ = only(check_method_view(view(fixed={"weight_decay": 0.1})))
    assert key == ("fixed", "weight_decay")


def test_both_ends_of_a_range_must_be_in_the_domain():
    problems = check_method_view(view(space={"alpha": {"type": "float", "low": -1, "high": 2}}))
    assert [p.key for p in problems] == [("space", "alpha", "low"), ("space", "alpha", "high")]


def test_every_value_of_a_choice_must_be_in_the_domain():
    choice = {"type": "choice", "values": ["none", "cosine", "sine"]}
    key, message = only(check_method_view(view(space={"alpha_decay": choice})))
    assert key == ("space", "alpha_decay", "values")
    assert "'sine'" in message


def test_a_range_over_a_choice_is_told_to_be_a_choice():
    numbers = {"type": "float", "low": 0, "high": 1}
    key, message = only(check_method_view(view("latent_sgd", space={"scaling": numbers})))
    assert key == ("space", "scaling", "type")
    assert "{type: choice, values: [false, true]}" in message


def test_a_number_is_no_truth_value():
    assert only(check_method_view(view("latent_sgd", {"gamma": ALPHA}, {"scaling": 1})))[0] == ("fixed", "scaling")


def test_all_problems_are_found_at_once():
    assert len(check_method_view(view(space={"alpa": ALPHA}, fixed={"gamma": 0, "beta": 1}))) == 3


def test_open_hyperparameters_are_fixed_at_their_defaults():
    assert complete_method_view(view(fixed={"gamma": 0.5})).fixed == {"gamma": 0.5, "alpha_decay": "cosine", "decay_per": "epoch"}


def test_a_completed_view_together_with_its_space_has_every_hyperparameter():
    completed = complete_method_view(view())
    assert {*completed.fixed, *completed.space.names()} == set(Filter.Hyperparameters.model_fields)


def test_completing_twice_is_completing_once():
    completed = complete_method_view(view())
    assert complete_method_view(completed) == completed


def ovsw(**values):
    return check_method_point(view("ovsw", {name: {**ALPHA, "high": 1} for name in values}), values)


def test_a_point_whose_values_do_not_go_together_is_refused_in_the_words_of_the_method():
    (message,) = ovsw(track_threshold=1e-3, track_rate=1e-4)
    assert message.startswith("track_threshold is 0.001 and must be below track_rate")


def test_a_point_whose_values_go_together_is_accepted():
    assert ovsw(track_threshold=1e-4, track_rate=1e-3) == []


def test_a_point_is_joined_with_the_fixed_values_of_its_view():
    fixed = view("ovsw", {"track_threshold": ALPHA}, {"track_rate": 1e-4})
    assert len(check_method_point(fixed, {"track_threshold": 1e-3})) == 1
    assert check_method_point(fixed, {"track_threshold": 1e-5}) == []
