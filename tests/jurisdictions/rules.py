"""Rules in the database, for tests of their life."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEvent
from compliance.services.dry_runs import dry_run_continue
from jurisdictions.loading import LoadReport, rules_load
from jurisdictions.mapping import document_of
from jurisdictions.models import DryRunReport, PackApproval, Requirement, RulePack
from jurisdictions.selectors import pack_value, requirements_of
from jurisdictions.services.drafts import pack_draft_from
from jurisdictions.services.dry_runs import dry_run_request
from jurisdictions.services.lifecycle import pack_activate, pack_submit
from tests import factories
from tests.factories import event_bodies
from tests.jurisdictions.builders import PACKS, ROOT

BASELINE = "global-baseline"
RULE: dict[str, Any] = {
    "key": "base.prospectus_link",
    "title": "The prospectus is published",
    "citation": "Prospectus Regulation Art 21",
    "source": "policy",
    "basis": "law",
    "category": "disclosure",
    "severity": "required",
    "applies_when": {"always": True},
    "check_kind": "field_present",
    "params": {"field": "issuer.legalName"},
    "on_missing": "fail",
    "confidence": "high",
}


def load(*activate: str, fixtures: Path | None = None) -> LoadReport:
    """Load a folder of fixtures; without one the reference data and the baseline, which is fast."""
    return rules_load(activate=activate, fixtures=fixtures or Path(_baseline_folder().name))


@cache
def _baseline_folder() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory()
    fixtures_with(Path(folder.name), **{"GLOBAL-BASELINE": document()})
    return folder


def baseline() -> RulePack:
    """The baseline as it comes with the software, Active."""
    load(BASELINE)
    return RulePack.objects.get(pack_id=BASELINE, version="2026.11.1")


def draft(author: User) -> RulePack:
    return pack_draft_from(actor=author, pack=baseline())


def reviewed(author: User) -> RulePack:
    return pack_submit(actor=author, pack=draft(author))


def activated(author: User, second: User) -> RulePack:
    return activate(actor=second, pack=reviewed(author))


def tried(pack: RulePack) -> str:
    """The digest of the sealed report of a dry run of the version as it is now."""
    run = dry_run_request(actor=factories.user_with_role("ComplianceOfficer"), pack=pack)
    while dry_run_continue(run.pk):
        pass
    return DryRunReport.objects.get(run=run).digest


def approve(pack: RulePack, second: User) -> PackApproval:
    """The row without which the database lets nobody activate the version."""
    report = DryRunReport.objects.filter(digest=tried(pack)).latest("created_at")
    return PackApproval.objects.create(
        pack=pack,
        report=report,
        pack_digest=report.pack_digest,
        approved_by=second.label,
        approved_by_id=second.principal_id,
    )


def activate(*, actor: User, pack: RulePack, lock_version: int | None = None) -> RulePack:
    """Activate a version on a dry run, for tests of what comes after."""
    standing = RulePack.objects.get(pk=pack.pk).status
    report = tried(pack) if standing in ("Draft", "InReview") else None
    return pack_activate(actor=actor, pack=pack, dry_run_report=report, lock_version=lock_version)


def fixtures_with(tmp_path: Path, **packs: dict[str, Any]) -> Path:
    """A folder like fixtures/ with these pack documents, by file name, instead of its own."""
    shutil.copytree(ROOT / "fixtures" / "reference", tmp_path / "reference", dirs_exist_ok=True)
    folder = tmp_path / "rulepacks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, document in packs.items():
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def document(name: str = "GLOBAL-BASELINE", **changes: Any) -> dict[str, Any]:
    """A fresh copy of a pack document with these top-level entries changed."""
    content: dict[str, Any] = json.loads((PACKS / f"{name}.json").read_text("utf-8"))
    return {**content, **changes}


def everything() -> dict[str, Any]:
    """All that the database says of packs, to assert that nothing changed."""
    return {
        str(row.pk): (
            document_of(row, requirements_of([row])),
            row.status,
            row.lock_version,
            row.authors,
            row.activated_by,
        )
        for row in RulePack.objects.all()
    }


def keys(pack: RulePack) -> list[str]:
    return [one.key for one in pack_value(pack).requirements]


def rule_of(pack: RulePack, key: str = "base.kyc_status") -> Requirement:
    return Requirement.objects.get(pack=pack, key=key)


def refused(error: type[Exception], change: Callable[[], object]) -> Any:
    """The refusal; nothing of any pack changed and nothing was recorded."""
    before, events = everything(), AuditEvent.objects.count()
    with pytest.raises(error) as refusal:
        change()
    assert everything() == before
    assert AuditEvent.objects.count() == events
    return refusal.value


def last_event() -> tuple[str, str, str | None, str | None]:
    row = AuditEvent.objects.order_by("-seq")[0]
    body = event_bodies(row.name)[-1]
    return row.name, row.actor, body.get("oldStatus"), body.get("newStatus")
