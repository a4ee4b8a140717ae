"""Interface to eSpeak NG, the speech synthesizer in the espeakng-loader wheel (https://github.com/espeak-ng/espeak-ng)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpstudy.errors import DataError

TIMEOUT_S = 120
"""Time limit of a process. One voice synthesizes hundreds of words per second, so that a process that takes longer hangs."""


@dataclass(frozen=True)
class Utterance:
    """A word and its prosody: `rate` in words per minute, `pitch` and pitch `range` on eSpeak's scales of 0 to 100."""

    text: str
    rate: int = 175
    pitch: int = 50
    range: int = 50


@dataclass(frozen=True)
class Speech:
    """Synthesized speech: one int16 array per utterance, at `sample_rate` Hz."""

    samples: list[NDArray[np.int16]]
    sample_rate: int


class VoiceError(Exception):
    """A voice that cannot be used; the message is the reason."""


def variants() -> list[str]:
    """Return the names of the installed voice variants, sorted.

    Raises:
        DataError: the wheel has no voices on this platform.
    """
    import espeakng_loader

    folder = Path(espeakng_loader.__file__).with_name("espeak-ng-data") / "voices" / "!v"
    names = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    if not names:
        raise DataError(f"eSpeak NG has no voices in {folder}", "install espeakng-loader again")
    return names


def speak(language: str, variant: str, utterances: Sequence[Utterance]) -> Speech:
    """Synthesize utterances with one voice in a new process, so that equal requests give equal samples (see `hpstudy.data.speak`).

    Args:
        language: language of eSpeak NG, for instance "en-us".
        variant: one of `variants`. eSpeak silently ignores an unknown variant.
        utterances: in order; later utterances can depend on earlier ones.

    Raises:
        VoiceError: the voice crashes, hangs or is refused.
    """
    import espeakng_loader

    request = json.dumps({"voice": f"{language}+{variant}", "utterances": [asdict(each) for each in utterances]})
    program = str(Path(__file__).with_name("speak.py"))
    command = [sys.executable, "-I", program, espeakng_loader.get_library_path(), espeakng_loader.get_data_path()]
    # A process that is stopped meanwhile, as with Ctrl-Z, exceeds the limit too.
    for _ in range(2):
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(command, input=request.encode(), capture_output=True, timeout=TIMEOUT_S, check=False)
            break
    else:
        raise VoiceError(f"timed out twice after {TIMEOUT_S} s")
    if done.returncode < 0:
        raise VoiceError(f"crashed with signal {-done.returncode}")
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise VoiceError(lines[-1] if lines else f"ended with exit status {done.returncode}")
    head, _, body = done.stdout.partition(b"\n")
    answer = json.loads(head)
    spoken = np.frombuffer(body, dtype=np.int16)
    return Speech(np.split(spoken, np.cumsum(answer["samples"])[:-1]), answer["sample_rate"])
