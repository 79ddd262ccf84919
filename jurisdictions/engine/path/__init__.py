"""The path to compliance: what to record and to provide so that the engine answers Compliant."""

from jurisdictions.engine.path.search import Bounds, path_to_compliance
from jurisdictions.engine.path.steps import Blocker, Path, Step, StepKind, after

__all__ = ["Blocker", "Bounds", "Path", "Step", "StepKind", "after", "path_to_compliance"]
