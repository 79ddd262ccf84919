"""Benchmarks: ratios against a floor that is timed in the same run (`python -m benchmarks`)."""

NAMES = (
    "status",
    "metadata_write",
    "audited_write",
    "validate_transfer",
    "audit_list",
    "export",
    "log_plans",
    "arc14",
    "seal",
    "overview",
    "evaluate",
    "recalculate",
    "dry_run",
    "report",
    "deployments",
)
"""The modules of this package that are benchmarks; each has `run(quick)`, which yields rows."""
