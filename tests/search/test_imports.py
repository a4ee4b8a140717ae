import pkgutil
import subprocess
import sys

import hpstudy.search


def test_making_a_searcher_imports_no_numpy():
    modules = ["hpstudy.seeds", *(f"hpstudy.search.{module.name}" for module in pkgutil.iter_modules(hpstudy.search.__path__))]
    script = f"import sys, {', '.join(modules)}\nprint('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
