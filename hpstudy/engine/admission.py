"""What a host must have before it runs steps of a study: the data, the user's code, and the versions of the session."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from hpstudy.engine.environment import LIBRARIES, host_environment
from hpstudy.engine.identity import KnownSources, identity_of
from hpstudy.engine.roots import ROOT_VARIABLE, folder_here, is_rooted
from hpstudy.loading.make import make_task
from hpstudy.modules import module_path
from hpstudy.plugins import load_callable, module_name
from hpstudy.sources import SOURCE
from hpstudy.study.schema import Study

MIXED_HINT = (
    "use the same versions, data and code on every host; --allow-mixed accepts other versions of libraries (recorded, and shown in the "
    "report)"
)
"""Hint when hosts differ."""


@dataclass(frozen=True)
class HostRequest:
    """The request of the first step on a host; a `hpstudy.engine.executors.UserCodeRequest`.

    Attributes:
        study_json: the study.
        module_path: the folder that is searched first for a user's module, as in `EvaluateRequest`.
        prepare: prepare the task (`Task.prepare`) before its data are compared. Once for each host.
    """

    study_json: str
    module_path: str | None
    prepare: bool = True

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The modules of all parts that the user supplies."""
        return tuple(sorted({module_name(part) for part in Study.from_json(self.study_json).plugins()}))

    @contextmanager
    def warm(self) -> Iterator[None]:
        """Import nothing in advance, because the step runs once."""
        yield


@dataclass(frozen=True)
class HostReport:
    """What a host has.

    Attributes:
        environment: versions and machine (`host_environment`).
        program: SHA-256 (hex) of the files of hpstudy.
        identity: checksums of the data and of the user's code.
        rooted: whether HPSTUDY_ROOT is set.
    """

    environment: Mapping[str, str]
    program: str
    identity: Mapping[str, str]
    rooted: bool


def report_host(request: HostRequest) -> HostReport:
    """Prepare the task on this host, and report what it has.

    Raises:
        HpstudyError: the data or the user's code is missing.
    """
    study = Study.from_json(request.study_json)
    with module_path(folder_here(request.module_path)):
        task = make_task(study.task)
        if request.prepare:
            task.prepare()
        for part in study.user_parts():
            load_callable(part)
        return HostReport(host_environment(), program_digest(), identity_of(study, task), is_rooted())


@lru_cache(maxsize=1)
def program_digest() -> str:
    """SHA-256 (hex) of the Python files of hpstudy: a checkout may differ from a release of the same version."""
    folder = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\n" + file.read_bytes())
    return digest.hexdigest()


def version_differences(there: Mapping[str, str]) -> list[str]:
    """Libraries whose version on another host differs, as lines such as "numpy 2.1.0, here 2.3.1". For Python, major.minor."""
    here = host_environment()
    return [
        f"{name} {there.get(name, 'none')}, here {here.get(name, 'none')}"
        for name in ("python", *LIBRARIES)
        if _compared(name, there) != _compared(name, here)
    ]


def _compared(name: str, versions: Mapping[str, str]) -> str | None:
    version = versions.get(name)
    return ".".join(version.split(".")[:2]) if version and name == "python" else version


@dataclass(frozen=True)
class Admission:
    """Decides whether a host may run steps of a study. An executor that uses other hosts checks each host before its first step.

    Attributes:
        request: `report_host(request)` runs on the host.
        sources: the user's code that trials may have run.
        data: checksums of the data, by name.
        allow_mixed: accept other library versions.
        resources: worker resources that each step needs, by the name that the engine uses, such as {"GPU": 1}.
    """

    request: HostRequest
    sources: KnownSources
    data: Mapping[str, str] = field(default_factory=dict)
    allow_mixed: bool = False
    resources: Mapping[str, float] = field(default_factory=dict)

    def obstacles(self, report: HostReport) -> list[str]:
        """Reasons why a host may not run steps, one per line; empty if it may."""
        lines = [] if self.allow_mixed else version_differences(report.environment)
        if not (lines or self.allow_mixed) and report.program != program_digest():
            lines.append(f"hpstudy {report.environment['hpstudy']} has different files than on this host")
        if report.rooted != is_rooted():
            lines.append(f"{ROOT_VARIABLE} is set {'there but not here' if report.rooted else 'here but not there'}")
        data = {name: digest for name, digest in report.identity.items() if not name.startswith(SOURCE)}
        lines += [f"{name} differs" for name in sorted({*self.data, *data}) if self.data.get(name) != data.get(name)]
        return lines + [f"{name} differs" for name in self.sources.changed(report.identity)]
