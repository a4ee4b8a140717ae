"""The pages on how to bring one's own code work as written: their files are written, and their commands run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOW_TO = Path(__file__).parents[1] / "docs/how-to"
COMMANDS = re.compile(r"```\n(hpstudy .*?)```", re.DOTALL)
PAGES = {
    "bring-your-script.md": ["train.py", "script.yaml"],
    "bring-your-optuna-objective.md": ["objective.py", "objective.yaml"],
    "bring-your-notebook.md": ["cell.py"],
    "hydra.md": ["conf/config.yaml", "app.py", "app.yaml"],
}

ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_works_as_written(page, tmp_path):
    if page == "hydra.md":
        pytest.importorskip("hydra")
    text = (HOW_TO / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:python|yaml)\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == len(PAGES[page])
    for name, content in zip(PAGES[page], blocks, strict=True):
        assert f"`{name}`" in text or name == "cell.py"
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    if page == "bring-your-notebook.md":
        subprocess.run([sys.executable, "cell.py"], cwd=tmp_path, env=ENVIRONMENT, check=True, timeout=600)
    (commands,) = COMMANDS.findall(text)
    for line in commands.splitlines():
        ran = subprocess.run(
            [sys.executable, "-m", *line.split()], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=600
        )
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
    assert "one: " in ran.stdout
    assert "two: " in ran.stdout
