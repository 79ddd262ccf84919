"""Reading the log."""

from datetime import datetime

from django.db.models import Max, Q

from audit.choices import Category
from audit.events import EVIDENCE_NAMES
from audit.models import AuditEvent
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet

_BIGINT_MAX = 2**63 - 1


def compliance_events(actor: Principal) -> AuditEventQuerySet:
    """Return the events of the compliance audit log that `actor` sees (seed 1, section 5)."""
    return AuditEvent.objects.filter(category=Category.COMPLIANCE).visible_to(actor)


def visible_events(actor: Principal) -> AuditEventQuerySet:
    """Return the events of any kind that `actor` sees."""
    return AuditEvent.objects.visible_to(actor)


def evidence_events(
    *, network: str | None, asset_id: int, as_of: datetime | None = None
) -> dict[str, datetime]:
    """Return, by the name that rules ask for, when such an event last happened to the token.

    With `as_of`: when it last had by that moment.
    """
    events = AuditEvent.objects.filter(
        asset_id=asset_id, network=network, name__in=sorted(EVIDENCE_NAMES), success=True
    )
    if as_of is not None:
        events = events.filter(occurred_at__lte=as_of)
    rows = (
        events.exclude(action_type__in=["Read", "List"])  # lets the partial index serve
        .order_by()
        .values("name")
        .annotate(latest=Max("occurred_at"))
        .values_list("name", "latest")
    )
    latest: dict[str, datetime] = {}
    for name, occurred_at in rows:
        evidence = EVIDENCE_NAMES[name]
        latest[evidence] = max(occurred_at, latest.get(evidence, occurred_at))
    return latest


def searched(events: AuditEventQuerySet, term: str) -> AuditEventQuerySet:
    """Return the events of an asset id, or of an actor, correlation or reference id, in full."""
    term = term.strip()
    if not term:
        return events
    if term.isascii() and term.isdigit() and len(term) <= 19 and int(term) <= _BIGINT_MAX:
        return events.filter(asset_id=int(term))
    return events.filter(Q(actor=term) | Q(correlation_id=term) | Q(reference_id=term))
