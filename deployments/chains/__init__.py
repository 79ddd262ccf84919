"""The chains: one port (`deployments.chains.port`), and an adapter for each kind of network."""

import importlib
import sys


def _import_before_others(name: str) -> None:
    """Import a package without what it does to the recursion limit of the whole process."""
    limit = sys.getrecursionlimit()
    importlib.import_module(name)
    sys.setrecursionlimit(limit)


# py_ecc, which eth-account needs, allows 100,000 levels. So many are more than a stack holds, and
# a node's `[[[[...` would end the process where it should end in a RecursionError.
_import_before_others("py_ecc")
