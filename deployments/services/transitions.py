"""The one way in which a deployment changes its status.

One conditional UPDATE, one append-only transition and one event, in one transaction. Who comes
second finds the status changed: the same change again adds nothing, any other is a conflict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Final

from django.db import transaction
from django.utils import timezone

from audit.principal import Principal
from audit.services import record_event
from config.api.errors import Conflict
from deployments.failures import Failure
from deployments.models import Deployment, DeploymentTransition
from deployments.state_machine import AT_WORK, rule, targets
from deployments.vocabulary import Reason, Status, Verdict

EVENTS: Final[Mapping[Status, str]] = MappingProxyType(
    {
        Status.QUEUED: "deployments.deployment.retried",
        Status.SUBMITTED: "deployments.deployment.submitted",
        Status.PENDING: "deployments.deployment.pending",
        Status.CONFIRMED: "deployments.deployment.confirmed",
        Status.INDEXED: "deployments.deployment.indexed",
        Status.COMPLETED: "deployments.deployment.completed",
        Status.FAILED: "deployments.deployment.failed",
        Status.CANCELLED: "deployments.deployment.cancelled",
    }
)


class TransitionRefused(Conflict):
    """The deployment is not in a status from which it could go there (409)."""

    code: ClassVar[str] = "CONFLICT"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked on the way: its name, the outcome, and what was found."""

    name: str
    passed: bool
    message: str
    checked_at: datetime

    def document(self) -> dict[str, Any]:
        """Return the check as it is kept."""
        return {
            "checkName": self.name,
            "passed": self.passed,
            "message": self.message,
            "checkedAt": self.checked_at.isoformat().replace("+00:00", "Z"),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What a deployment becomes, and what is said of it; `fields` are further columns."""

    to: Status
    message: str
    transaction_id: str | None = None
    confirmed_round: int | None = None
    asset_identifier: str | None = None
    failure: Failure | None = None
    checks: Sequence[Check] = ()
    next_step: timedelta | None = timedelta(0)
    fields: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def deployment_move(*, deployment: Deployment, change: Change, actor: Principal) -> bool:
    """Move the deployment on; return False where it is there already. Raises `TransitionRefused`.

    `deployment` then holds what was written. A change that something else overtook is judged by
    the status that is there now.
    """
    before = Status(deployment.status)
    known = {
        "transaction_id": change.transaction_id or deployment.transaction_id,
        "confirmed_round": change.confirmed_round or deployment.confirmed_round,
        "asset_identifier": change.asset_identifier or deployment.asset_identifier,
    }
    ruling = rule(before, change.to, **known)  # type: ignore[arg-type]
    if ruling.verdict is Verdict.IDEMPOTENT_UPDATE:
        return False
    if ruling.reason is None:
        raise _refusal(before, change.to, ruling.verdict, ruling.message)
    now = timezone.now()
    pause = change.next_step if change.to in AT_WORK else None
    values: dict[str, Any] = {
        "status": str(change.to),
        "updated_at": now,
        "next_step_at": None if pause is None else now + pause,
        "faults": 0,
        "error": change.failure.document() if change.failure else None,
        **known,
        **change.fields,
    }
    rows = Deployment.objects.filter(pk=deployment.pk, status=str(before))
    if not rows.update(**values):
        there = Deployment.objects.values_list("status", flat=True).get(pk=deployment.pk)
        if there == change.to:
            return False
        raise _refusal(Status(there), change.to, Verdict.INVALID_TRANSITION, "")
    for name, value in values.items():
        setattr(deployment, name, value)
    transition_record(
        deployment, before=before, reason=ruling.reason, change=change, actor=actor, now=now
    )
    return True


def transition_record(
    deployment: Deployment,
    *,
    before: Status | None,
    reason: Reason,
    change: Change,
    actor: Principal,
    now: datetime,
    event: str | None = None,
) -> None:
    """Add the row of the history, and the event; only for who has just changed the status."""
    since = (
        DeploymentTransition.objects.filter(deployment=deployment)
        .order_by("-pk")
        .values_list("occurred_at", flat=True)
        .first()
    )
    duration = None if since is None else max(0, round((now - since).total_seconds() * 1000))
    DeploymentTransition.objects.create(
        deployment=deployment,
        from_status=str(before) if before else None,
        to_status=str(change.to),
        occurred_at=now,
        actor=actor.label,
        reason_code=str(reason),
        message=change.message[:500],
        transaction_id=deployment.transaction_id,
        confirmed_round=deployment.confirmed_round,
        duration_ms=duration,
        error=change.failure.document() if change.failure else None,
        checks=[check.document() for check in change.checks] or None,
    )
    failure = change.failure
    record_event(
        event or EVENTS[change.to],
        actor=actor,
        success=failure is None,
        **event_fields(deployment),
        old_status=str(before) if before else None,
        new_status=str(change.to),
        error_message=failure.advice.message if failure else None,
        details=_details(deployment, reason, failure, duration),
    )


def event_fields(deployment: Deployment) -> dict[str, Any]:
    """Return what every event about this deployment says of it."""
    token = deployment.token
    return {
        "network": deployment.network,
        "asset_id": token.asset_id if token else None,
        "issuer_id": deployment.issuer_id,
        "reference_type": "deployment",
        "reference_id": str(deployment.pk),
    }


def _details(
    deployment: Deployment, reason: Reason, failure: Failure | None, duration: int | None
) -> dict[str, Any]:
    confirmed = deployment.confirmed_round
    found = {
        "reasonCode": str(reason),
        "standard": deployment.standard,
        "transactionId": deployment.transaction_id,
        "confirmedRound": None if confirmed is None else str(confirmed),
        "assetIdentifier": deployment.asset_identifier,
        "durationMs": duration,
        "errorCategory": str(failure.category) if failure else None,
        "errorCode": failure.advice.code if failure else None,
        "errorRule": failure.rule or None if failure else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _refusal(current: Status, wanted: Status, verdict: Verdict, message: str) -> TransitionRefused:
    allowed = [str(status) for status in targets(current)]
    said = message or f"After {current} comes {', '.join(allowed) or 'nothing'}; {wanted} does not."
    return TransitionRefused(
        said,
        details={
            "currentStatus": [str(current)],
            "requestedStatus": [str(wanted)],
            "allowedStatuses": allowed,
            "verdict": [str(verdict)],
        },
    )
