"""Runs on a real Dask cluster: equal to local ones, whatever of it is killed."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from hpstudy.engine.admission import Admission, HostReport, HostRequest, program_digest, report_host, version_differences
from hpstudy.engine.environment import host_environment
from hpstudy.engine.executors import EngineLost
from hpstudy.engine.identity import KnownSources
from hpstudy.engine.progress import Observer
from hpstudy.errors import StudyChanged, UsageError
from hpstudy.store import Reader
from tests.support.dask import DaskProcesses, Network, kill, wait_until

dask = pytest.importorskip("dask")
pytest.importorskip("distributed")

TASK = """
import os, pathlib, time
from hpstudy.tasks.python import PythonSettings
from hpstudy.tasks.interface import Task

FOLDER = pathlib.Path(__file__).parent

class f(Task):
    Settings = PythonSettings

    def objectives(self):
        return None

    def check_view(self, view):
        return []

    def prepare(self):
        with (FOLDER / "prepared").open("a") as file:
            print(os.getpid(), file=file)

    def evaluate(self, view, point, seed, report):
        (FOLDER / f"began-{os.getpid()}").touch()
        while (FOLDER / "wait").exists():
            time.sleep(0.05)
        report(1, loss=seed % 1000)
        return point["x1"] ** 2 + seed % 1000
"""


class Notes(Observer):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


pytestmark = pytest.mark.timeout(900)
"""Many processes start, which takes seconds on an idle machine and minutes on a busy one."""


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    cluster = DaskProcesses(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(processes):
    """A scheduler without workers."""
    if processes.scheduler.poll() is not None:
        processes.start_scheduler()
    yield processes
    processes.kill_workers()


@pytest.fixture
def study(make_study, write_module):
    return make_study(use=write_module(TASK), trials=2, replicates=1, limits={"max_attempts": 1})


@pytest.fixture
def local(run, study, measured, storage):
    """What the study measures on this machine."""
    run(study, executor="inline")
    rows = measured(storage)
    storage.unlink()
    for file in (storage.parent / "prepared", *storage.parent.glob("began-*")):
        file.unlink()
    return rows


def held(storage):
    """Let trials wait from now on. Returns what ends that."""
    (storage.parent / "wait").touch()
    return (storage.parent / "wait").unlink


def began(storage):
    return list(storage.parent.glob("began-*"))


def aside(work):
    """Do something in a thread beside the run."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def attempts(storage):
    with Reader.open(storage) as reader:
        return sorted(reader.trials()["attempts"])


def test_a_run_on_a_cluster_is_equal_to_a_local_one_and_prepares_each_host_once(cluster, run, study, local, measured, storage):
    for _ in range(2):
        cluster.start_worker()
    run(study, executor="dask", scheduler={"address": cluster.address}, workers=8)
    assert measured(storage) == local
    with Reader.open(storage) as reader:
        assert [row.detail["executor"] for row in reader.environments()] == ["dask, 2 workers"]
    elsewhere = {int(line) for line in (storage.parent / "prepared").read_text().split()} - {os.getpid()}
    assert len(elsewhere) == 1
    assert not storage.with_name(f"{storage.name}.logs").exists()


def test_a_lost_worker_is_not_charged_to_its_trial_and_one_that_joins_is_used(cluster, run, study, local, measured, storage):
    cluster.start_worker()
    release = held(storage)

    def replace_worker():
        wait_until(lambda: began(storage))
        cluster.kill_workers()
        release()
        cluster.start_worker()

    thread = aside(replace_worker)
    run(study, executor="dask", scheduler={"address": cluster.address}, workers=8)
    thread.join()
    assert measured(storage) == local
    assert attempts(storage) == [1, 1, 1, 2]


def test_a_killed_step_is_an_attempt_of_its_trial(cluster, run, study, measured, storage):
    cluster.start_worker()
    release = held(storage)

    def kill_step():
        wait_until(lambda: began(storage))
        os.kill(int(began(storage)[0].name.removeprefix("began-")), signal.SIGKILL)
        release()

    thread = aside(kill_step)
    run(study, executor="dask", scheduler={"address": cluster.address}, workers=8)
    thread.join()
    assert sorted(state for _, state, _ in measured(storage).values()) == ["completed"] * 3 + ["failed"]
    with Reader.open(storage) as reader:
        assert "SIGKILL" in reader.trials()["error"].dropna().item()


def test_a_lost_scheduler_ends_the_run_with_exit_code_3_and_resume_completes_it(cluster, study, run, local, measured, storage):
    cluster.start_worker()
    release = held(storage)
    with dask.config.set({"distributed.comm.timeouts.connect": "3s"}):
        thread = aside(lambda: (wait_until(lambda: began(storage)), kill(cluster.scheduler)))
        with pytest.raises(EngineLost, match=r"the Dask scheduler at tcp://127\.0\.0\.1:\d+ is lost") as caught:
            run(study, executor="dask", scheduler={"address": cluster.address}, workers=8)
        thread.join()
        with pytest.raises(EngineLost, match="no Dask scheduler answers"):
            run(study, executor="dask", scheduler={"address": cluster.address}, workers=8)
    assert caught.value.exit_code == 3
    assert "running" in {state for _, state, _ in measured(storage).values()}
    release()
    cluster.kill_workers()
    cluster.start_scheduler()
    cluster.start_worker()
    command = [sys.executable, "-m", "hpstudy", "resume", storage, "--executor", "dask", "--address", cluster.address, "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert measured(storage) == local


@pytest.mark.parametrize("restored", [True, False])
def test_a_network_that_is_cut_and_restored_changes_no_result(cluster, run, study, local, measured, storage, restored):
    cluster.start_worker()
    network, release = Network(cluster.port), held(storage)

    def cut():
        wait_until(lambda: began(storage))
        network.cut()
        if restored:
            network.restore()
        release()

    thread = aside(cut)
    try:
        with dask.config.set({"distributed.comm.timeouts.connect": "30s" if restored else "3s"}):
            if restored:
                run(study, executor="dask", scheduler={"address": network.address}, workers=8)
                assert measured(storage) == local
                assert 2 in attempts(storage)
            else:
                with pytest.raises(EngineLost, match="is lost"):
                    run(study, executor="dask", scheduler={"address": network.address}, workers=8)
                assert "failed" not in {state for _, state, _ in measured(storage).values()}
    finally:
        thread.join()
        network.close()


@pytest.fixture
def other_numpy(tmp_path):
    """Variables of a process that takes NumPy for version 0.9, by the metadata that it finds first."""
    metadata = tmp_path / "other" / "numpy-0.9.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.9\n")
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path / "other"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])}


def test_a_mixed_cluster_is_refused_unless_it_is_allowed_which_is_recorded(cluster, run, study, storage, other_numpy):
    cluster.start_worker(variables=other_numpy)
    options = {"executor": "dask", "scheduler": {"address": cluster.address}, "workers": 8}
    host, here = host_environment()["host"], host_environment()["numpy"]
    with pytest.raises(StudyChanged, match=rf"{host} \(tcp://127\.0\.0\.1:\d+\): numpy 0\.9, here {here}") as caught:
        run(study, **options)
    assert "--allow-mixed" in caught.value.hint
    observer = Notes()
    assert run(study, allow_mixed=True, observer=observer, **options).complete
    line = f"{host}: numpy 0.9, here {here}"
    assert [note for note in observer.notes if line in note]
    with Reader.open(storage) as reader:
        assert [event.detail for event in reader.events() if event.kind == "mixed_hosts"] == [{"mixed_libraries": [line]}]
        assert [(row.detail["numpy"], row.trials) for row in reader.environments()] == [(here, 0), ("0.9", 4)]


def test_a_worker_that_joins_with_other_versions_is_not_used(cluster, run, study, local, measured, storage, other_numpy):
    cluster.start_worker()
    release, observer = held(storage), Notes()

    def join():
        wait_until(lambda: began(storage))
        cluster.start_worker(variables=other_numpy)
        wait_until(lambda: any("not used" in note for note in observer.notes))
        release()

    thread = aside(join)
    run(study, executor="dask", scheduler={"address": cluster.address}, workers=8, observer=observer)
    thread.join()
    assert measured(storage) == local
    (note,) = [note for note in observer.notes if "not used" in note]
    assert "numpy 0.9" in note


def test_a_study_that_needs_gpus_uses_workers_that_have_them(cluster, run, study, storage):
    cluster.start_worker()
    cluster.start_worker(threads=4, resources="GPU=2")
    needs = study.model_copy(
        update={"resources": study.model_validate({**study.model_dump(), "resources": {"gpus": 1}}).resources}
    )
    observer = Notes()
    run(needs, executor="dask", scheduler={"address": cluster.address}, workers=8, observer=observer)
    with Reader.open(storage) as reader:
        assert [row.detail["executor"] for row in reader.environments()] == ["dask, 2 workers"]
    (note,) = [note for note in observer.notes if "not used" in note]
    assert "a step needs GPU 1" in note


def test_the_scheduler_must_be_named(run, study, tmp_path):
    for scheduler, message in (({}, "--address"), ({"scheduler_file": str(tmp_path / "none.json")}, "there is no file")):
        with pytest.raises(UsageError, match=message):
            run(study, executor="dask", scheduler=scheduler)


def test_an_executor_without_a_scheduler_takes_no_address(run, study):
    with pytest.raises(UsageError, match="the executor 'processes' does not accept --address"):
        run(study, executor="processes", scheduler={"address": "tcp://127.0.0.1:1"})


@pytest.fixture
def request_here(study, storage):
    return HostRequest(study.to_json(), str(storage.parent))


def test_data_and_code_of_a_host_are_compared(request_here, study, storage):
    report = report_host(request_here)
    sources = KnownSources(study, report.identity)
    assert Admission(request_here, sources).obstacles(report) == []
    (name,) = report.identity
    other = HostReport(report.environment, report.program, {name: "0", "features of x": "1"}, report.rooted)
    for allowed in (False, True):
        assert Admission(request_here, sources, allow_mixed=allowed).obstacles(other) == [
            "features of x differs",
            f"{name} differs",
        ]


def test_other_files_of_hpstudy_are_other_versions(request_here, study):
    report = report_host(request_here)
    other = HostReport(report.environment, "0", report.identity, report.rooted)
    (line,) = Admission(request_here, KnownSources(study, {})).obstacles(other)
    assert line.startswith("hpstudy ")
    assert Admission(request_here, KnownSources(study, {}), allow_mixed=True).obstacles(other) == []
    assert report.program == program_digest()


def test_python_is_compared_by_minor_version():
    here = host_environment()
    minor = ".".join(here["python"].split(".")[:2])
    assert version_differences({**here, "python": f"{minor}.99"}) == []
    assert version_differences({**here, "python": "3.1.4"}) == [f"python 3.1.4, here {here['python']}"]


def test_a_host_without_the_code_says_what_it_lacks(make_study, tmp_path):
    from hpstudy.errors import StudyError

    study = make_study().model_copy(update={})
    text = (
        study.to_json()
        .replace('"use": "branin"', '"use": "nowhere_at_all:f"')
        .replace('"noise": 0.5, ', "")
        .replace(', "noise": 0.5', "")
    )
    with pytest.raises(StudyError, match="nowhere_at_all"):
        report_host(HostRequest(text, str(tmp_path)))
