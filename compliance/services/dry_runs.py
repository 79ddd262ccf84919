"""Evaluating a dry run: every token by the rules in force and with the draft in their place.

A batch is one transaction that holds the run: it evaluates the next tokens, writes down which
would change status, and moves the run's position. A worker that dies loses its batch, and the next
one goes on where the last finished.
"""

import base64
import logging
from collections import Counter
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Token
from audit.body import canonical
from audit.signing import current_key, sign
from compliance.impact import Impact, Judged, impact_of
from compliance.reports.seal import sealed_bytes, signed_message, unsigned_bytes
from compliance.services.status import Rules, rules_at
from compliance.snapshot_batches import token_snapshots
from config.api.formats import utc_text
from jurisdictions.engine import ENGINE_VERSION, Snapshot, aggregate, evaluate
from jurisdictions.models import DryRun, DryRunChange
from jurisdictions.selectors import pack_value
from jurisdictions.services.dry_runs import (
    SealedReport,
    dry_run_advance,
    dry_run_claim,
    dry_run_finish,
)

logger = logging.getLogger("assayer.rules")

BATCH = 100
SCHEMA_VERSION = "1.0"
NOT_EVALUATED = "NotEvaluated"
STATEMENT = (
    "Every token as it was recorded while this ran, judged twice at the same moment: by the rules "
    "in force, and with the named version as if it were in force in place of its pack."
)


@transaction.atomic
def dry_run_continue(run_id: UUID) -> bool:
    """Evaluate the next batch of a run, or seal its report; return whether work is left."""
    run = dry_run_claim(run_id)
    if run is None:
        return False
    rows = Token.objects.select_related("issuer").filter(pk__gt=run.position)
    tokens = list(rows.order_by("pk")[:BATCH])
    if not tokens:
        dry_run_finish(run, _sealed(run))
        return False
    rules = rules_at(run.moment)
    tried = rules.trying(pack_value(run.pack))
    snapshots = token_snapshots(tokens, run.moment)
    changes, shifts = [], 0
    for token in tokens:
        impact = _impact(token, snapshots[token.pk], rules, tried, run.moment)
        if impact.flips:
            checks = [one.document() for one in impact.decisive]
            changes.append(
                DryRunChange(
                    run=run, token=token, before=impact.before, after=impact.after, checks=checks
                )
            )
        elif impact.checks:
            shifts += 1
    dry_run_advance(run, last=tokens[-1].pk, evaluated=len(tokens), shifts=shifts, changes=changes)
    return True


def _impact(
    token: Token, snapshot: Snapshot, rules: Rules, tried: Rules, moment: datetime
) -> Impact:
    before = _judged(snapshot, rules, moment)
    try:
        after = _judged(snapshot, tried, moment)
    except Exception:  # what a draft breaks is what a dry run is for
        logger.exception("a token could not be evaluated with a draft", extra={"id": token.pk})
        return Impact(str(before.aggregate.status), NOT_EVALUATED, (), ())
    return impact_of(before, after)


def _judged(snapshot: Snapshot, rules: Rules, moment: datetime) -> Judged:
    results = evaluate(snapshot, rules.packs, moment)
    return Judged(results, aggregate(results, moment))


def _sealed(run: DryRun) -> SealedReport:
    content = canonical(_content(run))
    digest = sha256(content).hexdigest()
    now, key = timezone.now(), current_key()
    unsigned = unsigned_bytes(
        content,
        digest=digest,
        generatedAt=utc_text(now),
        generatedBy=run.requested_by,
        keyId=key.key_id,
        reportId=str(run.pk),
        schemaVersion=SCHEMA_VERSION,
    )
    signature = base64.b64encode(sign(signed_message(unsigned))).decode()
    return SealedReport(
        document=sealed_bytes(unsigned, signature).decode(),
        digest=digest,
        key_id=key.key_id,
        created_at=now,
    )


def _content(run: DryRun) -> dict[str, Any]:
    rules = rules_at(run.moment)
    rows = run.changes.select_related("token").order_by("token__asset_id", "token__network")
    changes = [_change_document(row) for row in rows]
    moves = Counter((one["from"], one["to"]) for one in changes)
    keys = Counter(key for one in changes for key in {check["key"] for check in one["decidedBy"]})
    return {
        "kind": "DryRun",
        "schemaVersion": SCHEMA_VERSION,
        "statement": STATEMENT,
        "pack": {
            "id": run.pack.pack_id,
            "version": run.pack.version,
            "jurisdiction": run.pack.jurisdiction_id,
            "digest": run.pack_digest,
        },
        "comparedWith": [
            {"id": pack.pack_id, "version": pack.version}
            for pack in sorted(rules.packs, key=lambda one: (one.pack_id, one.version))
        ],
        "engineVersion": ENGINE_VERSION,
        "asOf": utc_text(run.moment),
        "tokens": run.done,
        "statusChanges": run.flips,
        "otherChangedChecks": run.shifts,
        "transitions": [
            {"from": before, "to": after, "tokens": count}
            for (before, after), count in sorted(moves.items())
        ],
        "requirements": [
            {"key": key, "tokens": count}
            for key, count in sorted(keys.items(), key=lambda item: (-item[1], item[0]))
        ],
        "changes": changes,
    }


def _change_document(row: DryRunChange) -> dict[str, Any]:
    return {
        "assetId": str(row.token.asset_id),
        "network": row.token.network or None,
        "from": row.before,
        "to": row.after,
        "decidedBy": row.checks,
    }
