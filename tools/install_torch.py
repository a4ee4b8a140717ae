"""Install the versions of torch in constraints.txt, in a build of download.pytorch.org: `make setup TORCH=cu126`.

    python tools/install_torch.py cpu

If the index of the build cannot be reached, pip installs PyPI's build, and one line says so. The exit code is that of pip.
"""

import subprocess
import sys
from collections.abc import Sequence

INDEX = "https://download.pytorch.org/whl"
INSTALL = ("-m", "pip", "install", "-qq", "--no-deps", "--retries", "1", "--constraint", "constraints.txt")


def run(command: Sequence[str], notice: str) -> int:
    """Run a command of pip and return its exit code. Its warnings about failed connections are replaced by one notice.

    Args:
        command: the program and its arguments.
        notice: what the failed connection means.
    """
    noticed = False
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if not line.startswith("WARNING: Retrying"):
                print(line, end="", file=sys.stderr, flush=True)
            elif not noticed:
                print(notice, file=sys.stderr, flush=True)
                noticed = True
    return process.returncode


if __name__ == "__main__":
    index = f"{INDEX}/{sys.argv[1]}"
    sys.exit(
        run(
            [sys.executable, *INSTALL, "--extra-index-url", index, "torch", "torchaudio", "torchvision"],
            f"{index} does not answer. If the second try fails too, pip installs PyPI's build of torch, which on Linux is for CUDA.",
        )
    )
