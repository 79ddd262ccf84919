"""Short ways to say what a test of the engine is about."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import (
    AttestationFact,
    CheckContext,
    CheckResult,
    FactValue,
    Outcome,
    Pack,
    PackJurisdiction,
    PackStatus,
    Requirement,
    Snapshot,
    Verdict,
    WhitelistEntryFact,
    check_kind,
    pack_from_document,
    validate_params,
)
from jurisdictions.engine.clock import Clock

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "fixtures" / "reference"
PACKS = ROOT / "fixtures" / "rulepacks"

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def midnight(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@cache
def reference(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((REFERENCE / f"{name}.json").read_text("utf-8"))
    return document


@cache
def catalogue() -> FactCatalogue:
    return FactCatalogue.from_document(reference("facts"))


@cache
def pack_documents() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(PACKS.glob("*.json"))}


@cache
def active_packs(*names: str) -> tuple[Pack, ...]:
    """The named packs, or all of them, as if they had been activated."""
    return tuple(
        replace(pack_from_document(document), status=PackStatus.ACTIVE)
        for name, document in pack_documents().items()
        if not names or name in names
    )


def requirement(key: str = "us.rule", **changes: Any) -> Requirement:
    fields: dict[str, Any] = {
        "key": key,
        "title": "A rule",
        "check_kind": "field_present",
        "params": {"field": "issuer.legalName"},
        "on_missing": Verdict.FAIL,
    }
    return Requirement(**{**fields, **changes})


def pack(
    *requirements: Requirement, code: str = "US", kind: str = "country", **changes: Any
) -> Pack:
    fields: dict[str, Any] = {
        "pack_id": f"{code.lower()}-pack",
        "jurisdiction": PackJurisdiction(code, kind, code),
        "version": "2026.11.1",
        "requirements": requirements or (requirement(f"{code.lower()}.rule"),),
    }
    return Pack(**{**fields, **changes})


EU = PackJurisdiction(
    "EU", "supranational", "European Union", ("DE", "FR"), ({"code": "LI"},), inherits_to=True
)


def attestation(identifier: str = "a1", **changes: Any) -> AttestationFact:
    """Verified evidence about the token, a day old, without an expiry."""
    fields: dict[str, Any] = {
        "id": identifier,
        "subject_type": "token",
        "subject": "token-1",
        "attestation_type": "WhitePaper",
        "status": "Verified",
        "created_by_id": "creator",
        "verified_by_id": "verifier",
        "issued_at": NOW - days(1),
    }
    return AttestationFact(**{**fields, **changes})


def entry(address: str = "WALLET1", **changes: Any) -> WhitelistEntryFact:
    fields: dict[str, Any] = {"kyc_verified": True, "jurisdiction": "DE"}
    return WhitelistEntryFact(address, **{**fields, **changes})


def run(
    kind: str,
    params: dict[str, Any],
    snapshot: Snapshot | None = None,
    *,
    on_missing: Verdict | None = None,
    now: datetime = NOW,
    key: str = "us.rule",
) -> tuple[Outcome, datetime | None]:
    """The outcome of one check and the moment its verdict may flip; the params must be valid."""
    known = check_kind(kind)
    assert known is not None
    assert problems(kind, params) == []
    snapshot = snapshot or Snapshot()
    clock = Clock(now)
    context = CheckContext(
        key, snapshot, snapshot.facts, on_missing or known.default_on_missing, clock
    )
    return known.run(params, context), clock.flips_at


def judge(
    kind: str, params: dict[str, Any], facts: Mapping[str, FactValue], **options: Any
) -> tuple[str, str]:
    """Verdict and reason code of one check over some facts."""
    outcome, _ = run(kind, params, Snapshot(facts=facts), **options)
    return str(outcome.verdict), str(outcome.reason_code)


def problems(kind: str, params: dict[str, Any]) -> list[str]:
    return validate_params(kind, params, catalogue())


def by_key(results: tuple[CheckResult, ...]) -> dict[str, CheckResult]:
    """The results by key, where each key occurs once."""
    found = {one.key: one for one in results}
    assert len(found) == len(results)
    return found


def verdict_of(results: tuple[CheckResult, ...], key: str) -> tuple[str, str]:
    (found,) = [one for one in results if one.key == key]
    return str(found.verdict), str(found.reason_code)
