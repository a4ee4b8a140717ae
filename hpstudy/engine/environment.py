"""The environment of sessions and steps. It is recorded with their trials and shown at the end of a report."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

LIBRARIES = (
    *("hpstudy", "torch", "botorch", "gpytorch", "linear_operator", "numpy", "scipy", "pandas"),
    *("torchaudio", "torchvision", "soundfile", "pillow", "optuna", "cmaes"),
)
"""Libraries that can change a number."""


def library_versions() -> dict[str, str]:
    """Versions of Python and of the installed `LIBRARIES`, without importing them."""
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@lru_cache(maxsize=1)
def host_environment() -> Mapping[str, str]:
    """Versions and machine of this process, read once."""
    return {
        **library_versions(),
        "host": platform.node(),
        "system": platform.platform(),
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
    }


def package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Versions of the installed packages that contain modules, given by top-level names. `LIBRARIES` may be missing."""
    others = set(modules) - set(LIBRARIES)
    owners = packages_distributions() if others else {}  # takes about half a second
    # The name of a package that pip has not removed completely is None.
    return {package: version(package) for module in sorted(others) for package in sorted({*filter(None, owners.get(module, ()))})}


def environment(workers: int, executor: str, packages: Mapping[str, str] | None = None) -> dict[str, str]:
    """Machine, versions and command of this session. `packages` are the versions of packages that the user's code imports."""
    return {
        **(packages or {}),
        **host_environment(),
        "executor": f"{executor}, {workers} worker{'s' if workers != 1 else ''}",
        "command": shlex.join([*_program(Path(sys.argv[0])), *sys.argv[1:]]),
        "commit": _commit(Path(__file__).parent),
    }


def _program(file: Path) -> list[str]:
    """The name of the called program, without its folder: a published database should not contain private paths."""
    return ["python", "-m", file.parent.name] if file.name == "__main__.py" else [file.name]


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _commit(folder: Path) -> str:
    """The commit of hpstudy's own checkout, marked if files were changed; "" if it is not a checkout."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
