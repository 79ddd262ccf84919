"""What of the log is about the security of accounts: events, and who was refused how often."""

from typing import Any, Final

from django.db.models import CharField, Count, JSONField, Max, Q, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce

from accounts.models import User
from audit.choices import ActionType, Category, Severity
from audit.counting import exact_figure
from audit.events import EVENT_TYPES
from audit.models import AuditEvent
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet
from config.api.formats import utc_text

# Something is signed with a key of ours. Checkpoints are not here: every event is followed by one,
# so that an event of each would be followed by another, for ever; they are rows of their own.
KEY_USES: Final = frozenset(
    {
        "attestations.credential.read",
        "compliance.package.generated",
        "compliance.report.generated",
        "jurisdictions.dry_run.finished",
    }
)
SECURITY_NAMES: Final = sorted(
    name
    for name, kind in EVENT_TYPES.items()
    if kind.category in (Category.SECURITY, Category.ACCOUNT)
    or kind.action_type == ActionType.EXPORT
    or kind.severity == Severity.WARNING
    or name in KEY_USES
)
REFUSALS: Final = sorted(
    name
    for name in EVENT_TYPES
    if name in ("security.access.denied", "accounts.user.locked") or name.endswith("_failed")
)


def security_events(actor: Principal) -> AuditEventQuerySet:
    """Return the security events that `actor` sees: all, or those of their own account alone."""
    events = AuditEvent.objects.filter(name__in=SECURITY_NAMES)
    if actor.reads_everything:
        return events
    return of_account(events, actor)


def of_account(events: AuditEventQuerySet, account: Principal) -> AuditEventQuerySet:
    """Return those of `events` that the account did under its present name, or that are about it.

    A name may have been another account's before: the event must have been this one's.
    """
    own = f'"actorId":"{account.principal_id}"'
    about = Q(reference_type="user", reference_id=account.principal_id)
    return events.filter(Q(actor=account.label, body__contains=own) | about)


def account_of(account_id: Any) -> User | None:
    """Return the user with this id."""
    return User.objects.filter(pk=account_id).first()


# [principal, error code] -> [how many, the last].
_Figure = dict[tuple[str, str], tuple[int, Any]]


def refusals(events: AuditEventQuerySet) -> list[dict[str, Any]]:
    """Return who was refused how often in `events`, most first, and by which error codes.

    The database counts, and only what is new since the figures were last asked for.
    """
    figure: _Figure = exact_figure(
        events.filter(name__in=REFUSALS, success=False),
        name="refusals",
        measure=_measure,
        add=_add,
        size=lambda groups: sum(count for count, _ in groups.values()),
        nothing={},
    )
    codes: dict[str, dict[str, int]] = {}
    latest: dict[str, Any] = {}
    for (principal, code), (count, last) in figure.items():
        codes.setdefault(principal, {})[code] = count
        latest[principal] = max(last, latest.get(principal, last))
    rows = [
        {
            "principal": principal,
            "count": sum(counted.values()),
            "lastAt": utc_text(latest[principal]),
            "byErrorCode": dict(sorted(counted.items(), key=lambda one: (-one[1], one[0]))),
        }
        for principal, counted in codes.items()
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["principal"]))


def _measure(events: AuditEventQuerySet) -> _Figure:
    details = KeyTransform("details", Cast("body", JSONField()))
    code = Coalesce(
        KeyTextTransform("code", details),
        KeyTextTransform("reason", details),
        Value("UNKNOWN"),
        output_field=CharField(),
    )
    rows = (
        events.order_by()
        .annotate(code=code)
        .values_list("actor", "code")
        .annotate(Count("seq"), Max("occurred_at"))
    )
    return {(actor, told): (count, last) for actor, told, count, last in rows}


def _add(one: _Figure, other: _Figure) -> _Figure:
    both = dict(one)
    for key, (count, last) in other.items():
        before, latest = both.get(key, (0, last))
        both[key] = (before + count, max(latest, last))
    return both
