"""What the packages of the chains do to the process that imports them."""

import subprocess
import sys
from pathlib import Path


def test_the_recursion_limit_stays_where_it_was() -> None:
    code = (
        "import sys; before = sys.getrecursionlimit(); import deployments.chains; "
        "import eth_account, py_ecc; assert sys.getrecursionlimit() == before"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
