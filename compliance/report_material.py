"""What a report is made from, read from every app below."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from accounts.models import Token
from audit.models import AuditEvent
from audit.querysets import AuditEventQuerySet
from compliance.changes import AFFECTING
from compliance.choices import InputKind, ReportType
from compliance.models import ReportInput
from compliance.past import record_at, record_now
from compliance.reports.content import WITH_PERIOD, Content, Material, StoredInput
from compliance.reports.trail import EVENT_LIMIT, Trail, TrailCounts, trail_event
from config.api.formats import utc_text
from jurisdictions.engine import Pack, pack_to_document

_KEPT_PACKS = 64
_INPUTS_AT_ONCE = 200


def read_material(
    token: Token,
    report_type: ReportType,
    as_of: datetime,
    *,
    period_from: datetime | None,
    period_to: datetime | None,
    past: bool = False,
) -> Material:
    """Return what a report on `token` is made from, as of `as_of`: now, or in the `past`.

    Raises `PastNotKept`.
    """
    record = record_at(token, as_of) if past else record_now(token, as_of)
    token = record.token
    return Material(
        report_type=report_type,
        as_of=as_of,
        token=token_document(token),
        snapshot=record.snapshot,
        packs=record.packs,
        catalogue=record.catalogue,
        changes=_changes(token, as_of, period_from, period_to)
        if report_type in WITH_PERIOD
        else TrailCounts(),
        trail=_trail(token, as_of, period_from, period_to)
        if report_type == ReportType.AUDIT_TRAIL
        else None,
        warnings=owner_warnings_of(token),
        period_from=period_from,
        period_to=period_to,
    )


def token_events(
    token: Token, as_of: datetime, period_from: datetime | None, period_to: datetime | None
) -> AuditEventQuerySet:
    """Return the events about the token in the period, until `as_of`."""
    end = min(as_of, period_to) if period_to else as_of
    events = AuditEvent.objects.filter(
        asset_id=token.asset_id, network=token.network or None, occurred_at__lte=end
    )
    return events.filter(occurred_at__gte=period_from) if period_from else events


def _changes(
    token: Token, as_of: datetime, period_from: datetime | None, period_to: datetime | None
) -> TrailCounts:
    events = token_events(token, as_of, period_from, period_to)
    return count_events(events.filter(name__in=AFFECTING, success=True))


def _trail(
    token: Token, as_of: datetime, period_from: datetime | None, period_to: datetime | None
) -> Trail:
    everything = token_events(token, as_of, period_from, period_to)
    events = everything
    if token.issuer_id is not None:
        # A stored report is read by the issuer's members, whoever asked for it: it must not show
        # what was recorded for another issuer, or what strangers tried. That the token was
        # registered was recorded before anybody owned it.
        unowned = Q(issuer_id__isnull=True, name__in=AFFECTING)
        events = events.filter(Q(issuer_id=token.issuer_id) | unowned)
    counts = count_events(events)
    lines = events.order_by("-occurred_at", "-seq").values_list("body", flat=True)[:EVENT_LIMIT]
    return Trail(
        events=[trail_event(line, orjson.loads(line)) for line in lines],
        counts=counts,
        withheld=everything.count() - counts.total,
    )


def count_events(events: AuditEventQuerySet) -> TrailCounts:
    """Return how often which of the events happened, and between which moments."""
    rows = list(
        events.order_by()
        .values("name")
        .annotate(count=Count("seq"), first=Min("occurred_at"), last=Max("occurred_at"))
    )
    return TrailCounts(
        by_type={row["name"]: row["count"] for row in rows},
        first_at=min((row["first"] for row in rows), default=None),
        last_at=max((row["last"] for row in rows), default=None),
    )


class PackInputs:
    """The stored forms of the rule packs, made once for each version that a process sees."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Pack, StoredInput]] = OrderedDict()

    def of(self, packs: Sequence[Pack]) -> list[StoredInput]:
        """Return the stored form of each pack, in their order."""
        return [self._one(pack) for pack in packs]

    def _one(self, pack: Pack) -> StoredInput:
        # The pack is kept too, so that no other one can be given its identity meanwhile.
        kept = self._kept.get(id(pack))
        if kept is not None and kept[0] is pack:
            return kept[1]
        made = StoredInput.of(pack_to_document(pack))
        self._kept[id(pack)] = (pack, made)
        while len(self._kept) > _KEPT_PACKS:
            self._kept.popitem(last=False)
        return made


pack_inputs = PackInputs()


def keep_inputs(content: Content) -> None:
    """Store what the content was made from, except what is stored already."""
    packs = [(InputKind.PACK, one) for one in content.packs]
    store_inputs([*((InputKind.SNAPSHOT, one) for one in content.snapshots), *packs])


def store_inputs(inputs: Sequence[tuple[InputKind, StoredInput]]) -> None:
    """Store documents that evaluations read, except those that are stored already."""
    now = timezone.now()
    for start in range(0, len(inputs), _INPUTS_AT_ONCE):
        wanted = {one.digest: (kind, one) for kind, one in inputs[start : start + _INPUTS_AT_ONCE]}
        known = ReportInput.objects.filter(pk__in=wanted).values_list("pk", flat=True)
        ReportInput.objects.bulk_create(
            [
                ReportInput(
                    digest=digest,
                    kind=wanted[digest][0],
                    content=wanted[digest][1].text.decode(),
                    created_at=now,
                )
                for digest in sorted(wanted.keys() - set(known))
            ],
            ignore_conflicts=True,  # another report may have stored the same just now
        )


def token_document(token: Token) -> dict[str, Any]:
    """Return how a report names a token."""
    issuer = token.issuer
    return {
        "assetId": str(token.asset_id),
        "network": token.network or None,
        "name": token.name or None,
        "unitName": token.unit_name or None,
        "standard": token.standard or None,
        "total": str(token.total) if token.total is not None else None,
        "decimals": token.decimals,
        "creatorAddress": token.creator_address or None,
        "issuer": {"id": str(issuer.pk), "legalName": issuer.legal_name or None}
        if issuer
        else None,
        "ownershipVerifiedAt": (
            utc_text(token.ownership_verified_at) if token.ownership_verified_at else None
        ),
    }


def owner_warnings_of(token: Token) -> list[dict[str, str]]:
    """Return what a reader must know of the token's owner."""
    if token.issuer is None:
        return [{"code": "owner_missing", "message": "Nobody owns the record of this token."}]
    if token.ownership_verified_at is None:
        return [
            {
                "code": "owner_unverified",
                "message": "No compliance officer has verified that this issuer owns the token.",
            }
        ]
    return []
