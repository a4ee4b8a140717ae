import pytest

from hpstudy.environments import trials_by_environment

HERE = {"numpy": "2.3.1", "host": "n1", "cpu": "A", "cores": "8", "command": "hpstudy run x"}


@pytest.mark.parametrize(
    "environments",
    [
        [],
        [(HERE, 12)],
        [(HERE, 12), ({**HERE, "cores": "4", "command": "hpstudy resume x", "role": "worker"}, 3)],
        [(HERE, 12), ({**HERE, "numpy": "2.1.0"}, 0)],
    ],
)
def test_nothing_is_said_of_trials_of_one_environment(environments):
    assert trials_by_environment(environments) == ""


def test_what_differs_is_named_with_its_trials():
    elsewhere = {**HERE, "host": "n2", "numpy": "2.1.0", "role": "worker"}
    assert trials_by_environment([(HERE, 12), (elsewhere, 1), ({**elsewhere, "torch": "2.9"}, 1000)]) == (
        "Trials ran in 3 environments. Different: numpy 2.3.1 (12 trials), 2.1.0 (1,001 trials); "
        "host n1 (12 trials), n2 (1,001 trials); torch none (13 trials), 2.9 (1,000 trials)."
    )


def test_many_hosts_are_counted():
    text = trials_by_environment([({"host": f"n{number}"}, 1) for number in range(30)])
    assert text.startswith("Trials ran in 30 environments. Different: host n0 (1 trial), n1 (1 trial),")
    assert text.endswith("n9 (1 trial) and 20 more.")


def test_a_library_that_earlier_versions_did_not_record_is_no_difference():
    recorded = {**HERE, "linear_operator": "0.6"}
    assert trials_by_environment([(HERE, 12), (recorded, 3)]) == ""
    elsewhere = [({**HERE, "host": "n2"}, 1), ({**recorded, "host": "n2"}, 2)]
    assert trials_by_environment([(recorded, 3), *elsewhere]) == (
        "Trials ran in 2 environments. Different: host n1 (3 trials), n2 (3 trials)."
    )
    later = {**HERE, "linear_operator": "0.7"}
    assert trials_by_environment([(HERE, 12), (recorded, 3), (later, 1)]) == (
        "Trials ran in 3 environments. Different: linear_operator 0.6 (3 trials), 0.7 (1 trial)."
    )
