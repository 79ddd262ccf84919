"""What a report on an issuer or on an issuance is made from, read from every app below."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, Value
from django.db.models.functions import Coalesce

from accounts.models import Issuer, Token
from audit.events import EVENT_TYPES, EVIDENCE_NAMES
from audit.models import AuditEvent
from audit.querysets import AuditEventQuerySet
from compliance.changes import AFFECTING
from compliance.choices import ReportType
from compliance.past import PastNotKept, record_at
from compliance.report_material import count_events, owner_warnings_of, token_document
from compliance.report_subjects import ReportAsk, Subject
from compliance.reports.content import WITH_PERIOD, Material
from compliance.reports.issuer_content import IssuerMaterial
from compliance.reports.trail import EVENT_LIMIT, Trail, TrailCounts, trail_event
from compliance.snapshot_batches import token_snapshots
from config.api.errors import ValidationFailed
from config.api.formats import utc_text
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import Pack, Snapshot
from jurisdictions.selectors import active_packs, fact_catalogue

ISSUANCE_EVENTS = 1_000
_DEFINITIONS = "jurisdictions.fact."
_SEEN = sorted(
    {*AFFECTING, *EVIDENCE_NAMES, *(name for name in EVENT_TYPES if name.startswith(_DEFINITIONS))}
)


def issuer_tokens(issuer: Issuer, as_of: datetime) -> list[Token]:
    """Return the tokens that the issuer had on record at `as_of`. Raises `PastNotKept`."""
    moved = AuditEvent.objects.filter(
        name="accounts.token.reassigned",
        occurred_at__gt=as_of,
        body__contains=f'"oldStatus":"{issuer.pk}"',
    )
    if (moment := moved.aggregate(last=Max("occurred_at"))["last"]) is not None:
        text = utc_text(moment)
        raise PastNotKept(
            f"A token was given to another issuer at {text}: which tokens this one had at "
            f"{utc_text(as_of)} is not kept.",
            details={"asOf": [f"Leave it out, or name a moment from {text} on."]},
        )
    rows = Token.objects.select_related("issuer").filter(issuer=issuer, created_at__lte=as_of)
    return list(rows.order_by("pk"))


def packs_of(tokens: Sequence[Token], as_of: datetime, *, past: bool) -> tuple[Pack, ...]:
    """Return the rule packs by which all of the tokens are judged. Raises `PastNotKept`."""
    if past and tokens:
        return record_at(tokens[0], as_of).packs
    return active_packs(now=as_of)


def token_materials(
    tokens: Sequence[Token], ask: ReportAsk, as_of: datetime, packs: tuple[Pack, ...], *, past: bool
) -> list[Material]:
    """Return what the sections of these tokens of one issuer are made from.

    They are read together as they are, and where anything has changed since `as_of`, one by one as
    they stood then. Raises `PastNotKept`.
    """
    snapshots: dict[int, Snapshot] = {}
    catalogue = fact_catalogue()
    if not past:
        snapshots = token_snapshots(tokens, as_of)
    # The events after the rows: a change that commits in between is seen here.
    if past or _changed_since(tokens, as_of):
        records = [record_at(token, as_of) for token in tokens]
        snapshots = {one.token.pk: one.snapshot for one in records}
        catalogue = records[0].catalogue
        tokens = [one.token for one in records]
    changes = _changes(tokens, ask, as_of) if ask.report_type in WITH_PERIOD else {}
    return [
        Material(
            report_type=ask.report_type,
            as_of=as_of,
            token=token_document(token),
            snapshot=snapshots[token.pk],
            packs=packs,
            catalogue=catalogue,
            changes=changes.get((token.asset_id, token.network or None), TrailCounts()),
            warnings=owner_warnings_of(token),
        )
        for token in tokens
    ]


def issuer_material(
    issuer: Issuer,
    tokens: Sequence[Token],
    ask: ReportAsk,
    as_of: datetime,
    packs: tuple[Pack, ...],
) -> IssuerMaterial:
    """Return what the report is made from beside the sections of its `tokens`."""
    counted = ask.report_type in WITH_PERIOD
    events = issuer_events(issuer, ask, as_of)
    return IssuerMaterial(
        report_type=ask.report_type,
        as_of=as_of,
        issuer={
            "id": str(issuer.pk),
            "legalName": issuer.legal_name or None,
            "lei": issuer.lei or None,
            "registrationNumber": issuer.registration_number or None,
            "country": issuer.country or None,
        },
        packs=packs,
        catalogue=_catalogue(tokens, as_of),
        changes=count_events(events.filter(name__in=AFFECTING, success=True))
        if counted
        else TrailCounts(),
        trail=_trail(issuer, ask, as_of) if ask.report_type == ReportType.AUDIT_TRAIL else None,
        period_from=ask.period_from,
        period_to=ask.period_to,
    )


def issuer_events(issuer: Issuer, ask: ReportAsk, as_of: datetime) -> AuditEventQuerySet:
    """Return the events of the issuer and its tokens in the period.

    Those about a token that were recorded for another issuer are not among them; that a token was
    registered was recorded before anybody owned it.
    """
    unowned = Q(issuer_id__isnull=True, name__in=AFFECTING) & _of_tokens(issuer)
    return _in_period(ask, as_of).filter(Q(issuer_id=issuer.pk) | unowned)


def with_issuance(material: Material, subject: Subject) -> Material:
    """Return the material of the token with that of the issuance that the report is about.

    Raises `ValidationFailed` where the issuance was recorded later than the material is of.
    """
    deployment, token, as_of = subject.deployment, subject.the_token, material.as_of
    if deployment is None:
        return material
    if deployment.created_at > as_of:
        text = utc_text(deployment.created_at)
        raise ValidationFailed(
            "The issuance was not on record yet at that moment.",
            details={"asOf": [f"Must not be earlier than {text}, when it was recorded."]},
        )
    steps = list(
        deployment.transitions.filter(occurred_at__lte=as_of).order_by("occurred_at", "pk")
    )
    events = AuditEvent.objects.filter(
        reference_type="deployment",
        reference_id=str(deployment.pk),
        asset_id=token.asset_id,
        occurred_at__lte=as_of,
    )
    lines = events.order_by("-occurred_at", "-seq").values_list("body", flat=True)
    issued = deployment.completed_at
    issuance = {
        "id": str(deployment.pk),
        "status": steps[-1].to_status if steps else deployment.status,
        "origin": deployment.origin,
        "standard": deployment.standard,
        "network": deployment.network or None,
        "transactionId": deployment.transaction_id,
        "confirmedRound": (
            str(deployment.confirmed_round) if deployment.confirmed_round is not None else None
        ),
        "deployedBy": deployment.deployed_by,
        "issuedAt": utc_text(issued) if issued else None,
        "recordedAt": utc_text(deployment.created_at),
        "recordedBy": deployment.created_by,
        "transitions": [
            {
                "from": step.from_status,
                "to": step.to_status,
                "at": utc_text(step.occurred_at),
                "actor": step.actor,
                "reasonCode": step.reason_code,
                "transactionId": step.transaction_id,
                "confirmedRound": (
                    str(step.confirmed_round) if step.confirmed_round is not None else None
                ),
            }
            for step in steps
        ],
        "events": [trail_event(line, orjson.loads(line)) for line in lines[:ISSUANCE_EVENTS]],
    }
    about = {
        "kind": str(subject.kind),
        "issuerId": str(token.issuer_id) if token.issuer_id else None,
        "deploymentId": str(deployment.pk),
        "assetId": str(token.asset_id),
        "network": token.network or None,
    }
    return replace(material, subject=about, issuance=issuance)


def _catalogue(tokens: Sequence[Token], as_of: datetime) -> FactCatalogue:
    later = AuditEvent.objects.filter(name__startswith=_DEFINITIONS, occurred_at__gt=as_of)
    if tokens and later.exists():
        return record_at(tokens[0], as_of).catalogue
    return fact_catalogue()


def _of_tokens(issuer: Issuer) -> Q:
    """Match the events about a token of the issuer."""
    tokens = Token.objects.filter(
        issuer=issuer,
        asset_id=OuterRef("asset_id"),
        network=Coalesce(OuterRef("network"), Value("")),
    )
    return Q(Exists(tokens))


def _in_period(ask: ReportAsk, as_of: datetime) -> AuditEventQuerySet:
    end = min(as_of, ask.period_to) if ask.period_to else as_of
    events = AuditEvent.objects.filter(occurred_at__lte=end)
    return events.filter(occurred_at__gte=ask.period_from) if ask.period_from else events


def _trail(issuer: Issuer, ask: ReportAsk, as_of: datetime) -> Trail:
    events = issuer_events(issuer, ask, as_of)
    counts = count_events(events)
    lines = events.order_by("-occurred_at", "-seq").values_list("body", flat=True)[:EVENT_LIMIT]
    about_tokens = _in_period(ask, as_of).filter(_of_tokens(issuer))
    return Trail(
        events=[trail_event(line, orjson.loads(line)) for line in lines],
        counts=counts,
        withheld=about_tokens.count() - events.filter(_of_tokens(issuer)).count(),
    )


def _changed_since(tokens: Sequence[Token], as_of: datetime) -> bool:
    """Return whether anything that a section depends on was recorded after `as_of`."""
    issuers = {token.issuer_id for token in tokens if token.issuer_id is not None}
    wide = Q(asset_id__isnull=True) & (Q(issuer_id__isnull=True) | Q(issuer_id__in=issuers))
    own = Q(asset_id__in={token.asset_id for token in tokens})
    later = AuditEvent.objects.filter(own | wide, name__in=_SEEN, occurred_at__gt=as_of)
    return later.exists()


def _changes(
    tokens: Sequence[Token], ask: ReportAsk, as_of: datetime
) -> dict[tuple[int | None, str | None], TrailCounts]:
    """Return how often which changes were made to each token, by asset id and network."""
    rows = (
        _in_period(ask, as_of)
        .filter(asset_id__in={token.asset_id for token in tokens}, name__in=AFFECTING, success=True)
        .order_by()
        .values("asset_id", "network", "name")
        .annotate(count=Count("seq"), first=Min("occurred_at"), last=Max("occurred_at"))
    )
    groups: dict[tuple[int | None, str | None], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["asset_id"], row["network"]].append(dict(row))
    return {
        key: TrailCounts(
            by_type={row["name"]: row["count"] for row in group},
            first_at=min(row["first"] for row in group),
            last_at=max(row["last"] for row in group),
        )
        for key, group in groups.items()
    }
