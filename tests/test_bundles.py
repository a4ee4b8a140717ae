import json
import shutil
import subprocess
import sys
import zipfile

import pytest

import hpstudy
from hpstudy.errors import StoreError, UsageError

STUDY = """\
version: 1
name: mine
task: {use: "mine_module:train"}
metric: {name: score, goal: maximize}
views:
  a: {space: {x: {type: float, low: 0, high: 1}}}
  b: {space: {x: {type: float, low: 0, high: 1}, y: {type: float, low: 0, high: 1}}}
search: {searcher: random, trials: 3}
replicates: 2
"""
CODE = "def train(params, seed):\n    return {'score': params['x'] + seed % 7 / 100}\n"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    (folder / "mine_module.py").write_text(CODE)
    (folder / "mine.yaml").write_text(STUDY)
    hpstudy.run(folder / "mine.yaml", storage=folder / "mine.sqlite", workers=1)
    return folder


@pytest.fixture
def bundle(ran, tmp_path, without_pdf):
    return hpstudy.bundle(ran / "mine.sqlite", tmp_path / "mine.zip")


def rewritten(bundle, **changed):
    """The bundle with other contents of some files; None takes a file away."""
    with zipfile.ZipFile(bundle.path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()} | changed
    with zipfile.ZipFile(bundle.path, "w") as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)
    return bundle.path


def test_a_bundle_opens_to_the_same_trials_in_another_place(bundle, ran, tmp_path):
    database = hpstudy.open_bundle(bundle.path, tmp_path / "there")
    assert database == tmp_path / "there" / "mine.sqlite"
    with hpstudy.open(database) as copy, hpstudy.open(ran / "mine.sqlite") as original:
        assert copy.trials().equals(original.trials())
        assert copy.content_digest() == original.content_digest()
    assert hpstudy.check(database) == []
    assert not list((tmp_path / "there").glob("*-wal"))


def test_a_bundle_holds_code_report_environments_and_checksums(bundle, tmp_path):
    hpstudy.open_bundle(bundle.path, tmp_path / "there")
    assert (tmp_path / "there" / "code" / "mine_module.py").read_text() == CODE
    assert json.loads((tmp_path / "there" / "report" / "mine.json").read_text())["study"] == "mine"
    assert "torch" in json.loads((tmp_path / "there" / "environments.json").read_text())[0]
    assert json.loads((tmp_path / "there" / "study.json").read_text())["name"] == "mine"
    subprocess.run(["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path / "there", check=True)
    assert bundle.missing == ()


def test_a_bundle_is_a_research_object_crate(bundle):
    with zipfile.ZipFile(bundle.path) as archive:
        graph = {node["@id"]: node for node in json.loads(archive.read("ro-crate-metadata.json"))["@graph"]}
        named = {part["@id"] for part in graph["./"]["hasPart"]}
    assert graph["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert named == set(bundle.files) - {"ro-crate-metadata.json", "SHA256SUMS"}
    assert all(graph[name]["@type"] == "File" for name in named)


def test_the_same_study_gives_the_same_bytes(bundle, ran, tmp_path, without_pdf):
    again = hpstudy.bundle(ran / "mine.sqlite", tmp_path / "again.zip")
    assert again.path.read_bytes() == bundle.path.read_bytes()


def test_code_that_changed_since_the_run_is_left_out_and_named(ran, tmp_path, without_pdf):
    (ran / "mine_module.py").write_text(CODE + "# changed\n")
    try:
        made = hpstudy.bundle(ran / "mine.sqlite", tmp_path / "mine.zip")
    finally:
        (ran / "mine_module.py").write_text(CODE)
    assert made.missing == ("mine_module.py",)
    assert not any(name.startswith("code/") for name in made.files)


def test_code_that_was_accepted_after_a_change_is_in_the_bundle(ran, tmp_path, without_pdf):
    for file in ("mine_module.py", "mine.yaml"):
        shutil.copy(ran / file, tmp_path)
    hpstudy.run(tmp_path / "mine.yaml", tmp_path / "mine.sqlite", workers=1)
    (tmp_path / "mine_module.py").write_text(CODE + "# accepted\n")
    hpstudy.run(tmp_path / "mine.yaml", tmp_path / "mine.sqlite", workers=1, allow_changed_code=True)
    bundle = hpstudy.bundle(tmp_path / "mine.sqlite", tmp_path / "mine.zip")
    assert bundle.missing == ()
    database = hpstudy.open_bundle(bundle.path, tmp_path / "there")
    assert (tmp_path / "there" / "code" / "mine_module.py").read_text() == CODE + "# accepted\n"
    assert hpstudy.resume(database, workers=1).complete


def test_a_study_continues_from_its_opened_bundle(bundle, tmp_path):
    database = hpstudy.open_bundle(bundle.path, tmp_path / "there")
    (tmp_path / "there" / "mine.yaml").write_text(STUDY.replace("replicates: 2", "replicates: 3"))
    (tmp_path / "there" / "mine_module.py").write_text(CODE)
    assert hpstudy.run(tmp_path / "there" / "mine.yaml", storage=database, workers=1).ran == 6


def test_an_opened_bundle_is_resumed_with_its_own_code(ran, tmp_path, without_pdf):
    """The folder of the study may be gone."""
    first = tmp_path / "first"
    first.mkdir()
    (first / "mine_module.py").write_text(CODE)
    (first / "mine.yaml").write_text(STUDY)
    hpstudy.run(first / "mine.yaml", storage=first / "runs/mine.sqlite", workers=1, shard="0/2")
    hpstudy.merge([first / "runs/mine.shard-0-of-2.sqlite"], first / "runs/mine.sqlite", partial=True)
    bundle = hpstudy.bundle(first / "runs/mine.sqlite", tmp_path / "mine.zip")
    shutil.rmtree(first)
    summary = hpstudy.resume(hpstudy.open_bundle(bundle.path, tmp_path / "there"), workers=1)
    assert summary.complete
    assert summary.ran == 6
    with hpstudy.open(summary.storage) as copy, hpstudy.open(ran / "mine.sqlite") as original:
        assert copy.trials()["objective"].equals(original.trials()["objective"])
    again = hpstudy.bundle(summary.storage, tmp_path / "again.zip")
    assert again.missing == ()
    assert "code/mine_module.py" in again.files


def test_an_existing_file_is_kept_unless_forced(bundle, ran, without_pdf):
    with pytest.raises(UsageError, match="already exists"):
        hpstudy.bundle(ran / "mine.sqlite", bundle.path)
    assert hpstudy.bundle(ran / "mine.sqlite", bundle.path, force=True).path == bundle.path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mine.sqlite": b"other"}, "damaged: the checksum of mine.sqlite is wrong"),
        ({"mine.sqlite": None}, "damaged: the checksum of mine.sqlite is wrong"),
        ({"more.txt": b"x"}, "damaged: the checksum of more.txt is wrong"),
        ({"SHA256SUMS": b""}, "is not a bundle of a study"),
        ({"SHA256SUMS": None}, "is not a bundle of a study"),
    ],
)
def test_a_bundle_that_is_not_whole_is_refused_and_nothing_is_written(bundle, tmp_path, change, message):
    with pytest.raises(StoreError, match=message):
        hpstudy.open_bundle(rewritten(bundle, **change), tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_files_outside_the_folder_are_refused(tmp_path):
    import hashlib

    contents = {"a.sqlite": b"x", "../evil": b"y"}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items())
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        for name, content in {**contents, "SHA256SUMS": sums.encode()}.items():
            archive.writestr(name, content)
    with pytest.raises(StoreError, match="outside its folder"):
        hpstudy.open_bundle(tmp_path / "evil.zip", tmp_path / "there")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"no zip file"])
def test_a_file_that_is_no_zip_file_is_one_clear_error(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(StoreError, match="cannot be read as a zip file"):
        hpstudy.open_bundle(tmp_path / "x.zip")


def test_a_folder_with_files_is_refused(bundle, tmp_path):
    with pytest.raises(UsageError, match="not an empty folder"):
        hpstudy.open_bundle(bundle.path, tmp_path)


def test_the_commands_print_the_zip_file_and_the_database(ran, tmp_path):
    def run(*arguments):
        command = [sys.executable, "-m", "hpstudy", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert run("bundle", str(ran / "mine.sqlite")) == f"{tmp_path / 'mine.zip'}\n"
    assert run("open", "mine.zip") == "mine/mine.sqlite\n"
    assert "3 of 3" in run("status", "mine/mine.sqlite") or "complete" in run("status", "mine/mine.sqlite")


def test_a_bundle_of_a_command_opens_although_a_file_of_it_is_outside_the_study(tmp_path, without_pdf):
    (tmp_path / "study").mkdir()
    (tmp_path / "outside.sh").write_text('echo "{\\"score\\": $1}"\n')
    (tmp_path / "study/inside.txt").write_text("read by the command\n")
    text = STUDY.replace('{use: "mine_module:train"}', '{command: "sh ../outside.sh {x} inside.txt"}').split("  b:")[0]
    (tmp_path / "study/mine.yaml").write_text(f"{text}search: {{searcher: random, trials: 2}}\nreplicates: 2\n")
    hpstudy.run(tmp_path / "study/mine.yaml", storage=tmp_path / "mine.sqlite", executor="inline")
    bundle = hpstudy.bundle(tmp_path / "mine.sqlite", tmp_path / "mine.zip")
    assert bundle.missing == ("../outside.sh",)
    assert "code/inside.txt" in bundle.files
    assert hpstudy.check(hpstudy.open_bundle(bundle.path, tmp_path / "there")) == []
