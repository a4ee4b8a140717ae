#!/usr/bin/env bash
# Runs the tests on several versions of Python, each in a new virtual environment with the versions of constraints.txt.
#
#   tools/pythons.sh                        all tests on Python 3.11, 3.12 and 3.13
#   tools/pythons.sh 3.13 -- tests/store    some tests on one version; what follows -- goes to pytest
#
# An environment is removed when its tests pass; with the CUDA build of torch it needs 6 GB. TORCH is as in the Makefile.
set -euo pipefail
cd "$(dirname "$0")/.."

versions=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do versions+=("$1"); shift; done
[ $# -eq 0 ] || shift
[ ${#versions[@]} -gt 0 ] || versions=(3.11 3.12 3.13)
[ $# -gt 0 ] || set -- -n auto

# The interpreter of a version, such as 3.12: on the path, or one of pyenv's. A shim of pyenv may be there and not run.
interpreter() {
    local candidate
    for candidate in "python$1" "${HOME-}"/.pyenv/versions/"$1".*/bin/python; do
        if "$candidate" -c '' 2> /dev/null; then echo "$candidate"; return; fi
    done
    echo "there is no Python $1 here: install it, for instance with 'pyenv install $1' or 'uv python install $1'" >&2
    return 1
}

failed=()
for version in "${versions[@]}"; do
    environment=.venv-$version
    rm -rf "$environment"
    if python=$(interpreter "$version") &&
        make -s setup PYTHON="$python" VENV="$environment" &&
        echo "Python $version: $("$environment/bin/python" -V)" &&
        "$environment/bin/python" -m pytest "$@"
    then rm -rf "$environment"
    else failed+=("$version")
    fi
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
echo "passed: ${versions[*]}"
