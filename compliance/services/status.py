"""The computed status: marked stale with the change, computed again by task, sweep or read."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Token
from accounts.selectors import require_unambiguous
from audit.body import EventDraft, canonical
from audit.principal import SYSTEM
from audit.services import record_events
from compliance.models import TokenStatus
from compliance.results import (
    conflict_document,
    frameworks_document,
    outlook_document,
    owner_warnings,
    path_document,
    status_document,
    warning_document,
)
from compliance.snapshots import token_snapshot
from config.api.errors import NotFound
from config.api.formats import utc_text
from config.observability.metrics import EVALUATIONS
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import (
    Aggregate,
    CheckResult,
    Pack,
    PackStatus,
    Snapshot,
    aggregate,
    evaluate,
)
from jurisdictions.engine.conflicts import conflicts
from jurisdictions.engine.outlook import outlook, warnings_change_at, warnings_of
from jurisdictions.engine.path import path_to_compliance
from jurisdictions.selectors import active_packs, fact_catalogue

logger = logging.getLogger("assayer.status")

RATIONALE_KEYS_IN_EVENT = 20


class Rules(NamedTuple):
    """What a token is judged by: the packs that can be in force, and the facts they ask for."""

    packs: tuple[Pack, ...]
    catalogue: FactCatalogue

    def trying(self, pack: Pack) -> "Rules":
        """Return the rules with this version, of any status, in force in place of its pack."""
        tried = replace(pack, status=PackStatus.ACTIVE, effective_from=None, effective_to=None)
        others = (one for one in self.packs if one.pack_id != pack.pack_id)
        return self._replace(packs=(*others, tried))


def rules_at(now: datetime) -> Rules:
    """Return the rules by which a token is judged at `now`."""
    return Rules(active_packs(now=now), fact_catalogue())


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome of one run of the rules for one token at one moment, on what, by which rules."""

    token: Token
    evaluated_at: datetime
    snapshot: Snapshot
    rules: Rules
    results: tuple[CheckResult, ...]
    aggregate: Aggregate

    @property
    def next_evaluation_at(self) -> datetime | None:
        """The next moment at which a verdict can flip or a warning begins, or None."""
        begins = warnings_change_at(self.snapshot, self.results, self.evaluated_at)
        flips = self.aggregate.next_evaluation_at
        return min((one for one in (flips, begins) if one is not None), default=None)

    def document(self) -> dict[str, Any]:
        """Return the answer but for its token and its moment: the status and what it means."""
        snapshot, packs, now = self.snapshot, self.rules.packs, self.evaluated_at
        path = path_to_compliance(snapshot, packs, now, self.rules.catalogue, results=self.results)
        warnings = owner_warnings(
            owned=self.token.issuer_id is not None,
            verified=self.token.ownership_verified_at is not None,
        )
        found = conflicts(snapshot, packs, now, self.results)
        due = self.next_evaluation_at
        return {
            **status_document(self.aggregate, self.results),
            "nextEvaluationAt": utc_text(due) if due else None,
            "frameworks": frameworks_document(packs, self.results, now),
            "pathToCompliance": path_document(path),
            "warnings": [warning_document(one) for one in (*warnings, *warnings_of(self.results))],
            **outlook_document(outlook(snapshot, packs, now, self.aggregate)),
            "conflicts": [conflict_document(one) for one in found],
        }


class StoredStatus(NamedTuple):
    """The answer as it goes over the wire, and the SHA-256 that names it."""

    payload: str
    digest: str


def token_evaluate(token: Token, now: datetime) -> Evaluation:
    """Run the rules in force at `now` on what is known of `token`. Reads, writes nothing."""
    return evaluation_of(token, token_snapshot(token, now), rules_at(now), now)


def evaluation_of(token: Token, snapshot: Snapshot, rules: Rules, now: datetime) -> Evaluation:
    """Run the rules on what was read already."""
    results = evaluate(snapshot, rules.packs, now)
    return Evaluation(token, now, snapshot, rules, results, aggregate(results, now))


def mark_stale(drafts: Iterable[EventDraft]) -> tuple[set[int], bool]:
    """Mark what the recorded events may have changed; runs in their transaction.

    Returns the ids of the tokens named, and whether a whole issuer or everything was marked.
    """
    affecting = [draft for draft in drafts if draft.type.affects_status]
    named: set[int] = set()
    wide = False
    tokens = {
        (draft.network or "", draft.asset_id) for draft in affecting if draft.asset_id is not None
    }
    for network, asset_id in sorted(tokens):
        named |= _mark_token(network, asset_id)
    for draft in affecting:
        if draft.asset_id is None:
            rows = TokenStatus.objects.all()
            if draft.issuer_id is not None:
                rows = rows.filter(token__issuer_id=draft.issuer_id)
            wide = bool(rows.update(revision=F("revision") + 1)) or wide
    return named, wide


def _mark_token(network: str, asset_id: int) -> set[int]:
    token = Token.objects.filter(network=network, asset_id=asset_id).only("pk").first()
    if token is None:
        return set()
    if not TokenStatus.objects.filter(pk=token.pk).update(revision=F("revision") + 1):
        # The event that registers a token makes its row: nobody else can see the token yet.
        TokenStatus.objects.bulk_create([TokenStatus(token=token)], ignore_conflicts=True)
    return {token.pk}


def status_recalculate(*, token_id: int) -> TokenStatus:
    """Evaluate the token and keep the result, unless a later revision was evaluated meanwhile.

    The revision is read before the facts: a change that commits in between leaves the row stale,
    so that the next read or sweep evaluates again.
    """
    row, _ = TokenStatus.objects.get_or_create(pk=token_id)
    token = Token.objects.select_related("issuer").get(pk=token_id)
    evaluation = token_evaluate(token, timezone.now())
    return _keep(row.revision, evaluation, evaluation.document())


@transaction.atomic
def _keep(revision: int, evaluation: Evaluation, document: dict[str, Any]) -> TokenStatus:
    row = TokenStatus.objects.select_for_update().get(pk=evaluation.token.pk)
    if row.evaluated_revision > revision:
        return row
    before = row.status
    fill(row, revision, evaluation, document)
    row.save(update_fields=KEPT_FIELDS)
    if before != row.status:
        draft = change_event(evaluation, before)
        record_events([draft], actor=SYSTEM)
    return row


KEPT_FIELDS = (
    "status",
    "digest",
    "payload",
    "evaluated_at",
    "next_evaluation_at",
    "evaluated_revision",
)


def fill(row: TokenStatus, revision: int, evaluation: Evaluation, document: dict[str, Any]) -> None:
    """Write down on the row what was evaluated, and the revision that it was evaluated at."""
    row.status = str(evaluation.aggregate.status)
    row.digest = sha256(canonical(document)).hexdigest()
    row.payload = orjson.dumps(
        {
            "assetId": evaluation.token.asset_id,
            "network": evaluation.token.network or None,
            **document,
            "evaluatedAt": utc_text(evaluation.evaluated_at),
        }
    ).decode()
    row.evaluated_at = evaluation.evaluated_at
    row.next_evaluation_at = evaluation.next_evaluation_at
    row.evaluated_revision = revision
    EVALUATIONS.labels(row.status).inc()


def change_event(evaluation: Evaluation, before: str) -> EventDraft:
    """Return the event of a status that is not what it was `before`: from, to, decided by what."""
    deciding = [item.key for item in evaluation.aggregate.rationale]
    return EventDraft(
        "compliance.status.changed",
        **evaluation.token.event_fields,
        details={
            "from": before or None,
            "to": str(evaluation.aggregate.status),
            "decidedBy": deciding[:RATIONALE_KEYS_IN_EVENT],
        },
    )


# The hot read is plain SQL: the ORM takes longer to compose it than PostgreSQL to answer it.
_READ = f"""
SELECT t.network, s.token_id, s.payload, s.digest,
    s.revision = s.evaluated_revision AND s.evaluated_at IS NOT NULL
        AND (s.next_evaluation_at IS NULL OR s.next_evaluation_at > %s)
FROM {TokenStatus._meta.db_table} s JOIN {Token._meta.db_table} t ON t.id = s.token_id
WHERE t.asset_id = %s {{}} ORDER BY t.network LIMIT 20
"""  # noqa: S608 - constants


def status_get(*, asset_id: int, network: str | None) -> StoredStatus:
    """Return the status as of the last committed change and of now; one query when fresh.

    A stale row, or one that time has overtaken, is evaluated here, whether or not any worker runs.
    Raises `NotFound` and `AmbiguousAsset`.
    """
    database = connections[DEFAULT_DB_ALIAS]
    now = database.ops.adapt_datetimefield_value(timezone.now())
    with database.cursor() as cursor:
        if network is None:
            cursor.execute(_READ.format(""), [now, asset_id])
        else:
            cursor.execute(_READ.format("AND t.network = %s"), [now, asset_id, network])
        found = cursor.fetchall()
    if not found:
        raise NotFound(f"Nothing is recorded for asset {asset_id}.")
    if len(found) > 1:
        require_unambiguous([Token(asset_id=asset_id, network=row[0]) for row in found])
    _, token_id, payload, digest, fresh = found[0]
    if fresh:
        return StoredStatus(payload, digest)
    row = status_recalculate(token_id=token_id)
    return StoredStatus(row.payload, row.digest)


def is_fresh(row: TokenStatus, now: datetime) -> bool:
    """Return whether nothing happened, and no moment passed, that could change the status."""
    if row.revision != row.evaluated_revision or row.evaluated_at is None:
        return False
    return row.next_evaluation_at is None or now < row.next_evaluation_at


def due(now: datetime) -> Q:
    """Return the condition of a status that is stale, or that time has overtaken at `now`."""
    return ~Q(revision=F("evaluated_revision")) | Q(next_evaluation_at__lte=now)


def due_statuses(*, limit: int) -> Sequence[int]:
    """Return the ids of at most `limit` tokens whose status is stale or overtaken by time."""
    rows = TokenStatus.objects.filter(due(timezone.now()))
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


def status_payload(row: TokenStatus) -> dict[str, Any]:
    """Return the stored answer."""
    payload: dict[str, Any] = orjson.loads(row.payload)
    return payload
