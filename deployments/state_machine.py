"""Which changes of a deployment's status there are, and why each happens. Pure.

The table is that of the incumbent (reference, section 3.1); `Failed` to `Queued` is a retry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from deployments.vocabulary import Reason, Status, Verdict

_S, _R = Status, Reason

TRANSITIONS: Final[Mapping[tuple[Status, Status], Reason]] = MappingProxyType(
    {
        (_S.QUEUED, _S.SUBMITTED): _R.DEPLOYMENT_SUBMITTED,
        (_S.QUEUED, _S.FAILED): _R.DEPLOYMENT_VALIDATION_FAILED,
        (_S.QUEUED, _S.CANCELLED): _R.USER_CANCELLED,
        (_S.SUBMITTED, _S.PENDING): _R.TRANSACTION_BROADCAST,
        (_S.SUBMITTED, _S.FAILED): _R.TRANSACTION_SUBMISSION_FAILED,
        (_S.PENDING, _S.CONFIRMED): _R.TRANSACTION_CONFIRMED,
        (_S.PENDING, _S.FAILED): _R.TRANSACTION_REVERTED,
        (_S.CONFIRMED, _S.INDEXED): _R.TRANSACTION_INDEXED,
        (_S.CONFIRMED, _S.COMPLETED): _R.DEPLOYMENT_COMPLETED,
        (_S.CONFIRMED, _S.FAILED): _R.POST_DEPLOYMENT_FAILED,
        (_S.INDEXED, _S.COMPLETED): _R.DEPLOYMENT_COMPLETED,
        (_S.INDEXED, _S.FAILED): _R.POST_DEPLOYMENT_FAILED,
        (_S.FAILED, _S.QUEUED): _R.DEPLOYMENT_RETRY_REQUESTED,
    }
)
TERMINAL: Final = frozenset({_S.COMPLETED, _S.CANCELLED})
AT_WORK: Final = (_S.QUEUED, _S.SUBMITTED, _S.PENDING, _S.CONFIRMED, _S.INDEXED)
"""The statuses that the pipeline moves on, in its order."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the table says of a wanted change: its reason where it is allowed, else why not."""

    verdict: Verdict
    reason: Reason | None = None
    message: str = ""

    @property
    def allowed(self) -> bool:
        return self.verdict is Verdict.ALLOWED


def targets(status: Status) -> tuple[Status, ...]:
    """Return the statuses that may follow `status`, in the order of the table."""
    return tuple(target for source, target in TRANSITIONS if source == status)


def rule(
    current: Status,
    wanted: Status,
    *,
    transaction_id: str | None = None,
    confirmed_round: int | None = None,
    asset_identifier: str | None = None,
) -> Ruling:
    """Return whether a deployment may go from `current` to `wanted`, and for which reason.

    The other arguments are what the deployment will say of itself then: nothing is Submitted
    without the id of its transaction, Confirmed without a round, or Completed without an asset.
    """
    if current == wanted:
        return Ruling(Verdict.IDEMPOTENT_UPDATE, message=f"The deployment is {current} already.")
    if current in TERMINAL:
        return Ruling(Verdict.TERMINAL_STATE_VIOLATION, message=f"{current} is final.")
    reason = TRANSITIONS.get((current, wanted))
    if reason is None:
        after = ", ".join(targets(current))
        message = f"After {current} comes {after}; {wanted} does not."
        return Ruling(Verdict.INVALID_TRANSITION, message=message)
    needs: dict[Status, dict[str, object]] = {
        _S.SUBMITTED: {"a transaction id": transaction_id},
        _S.CONFIRMED: {"a transaction id": transaction_id, "a round": confirmed_round},
        _S.COMPLETED: {"a round": confirmed_round, "an asset": asset_identifier},
    }
    for name, value in needs.get(wanted, {}).items():
        if not value:
            return Ruling(Verdict.INVARIANT_VIOLATION, message=f"{wanted} needs {name}.")
    return Ruling(Verdict.ALLOWED, reason)


def diagram() -> str:
    """Return the table as a Mermaid state diagram, which the README shows."""
    lines = ["stateDiagram-v2", "    [*] --> Queued"]
    lines += [
        f"    {source.value} --> {target.value}: {reason.value}"
        for (source, target), reason in TRANSITIONS.items()
    ]
    lines += [f"    {status.value} --> [*]" for status in Status if status in TERMINAL]
    return "\n".join(lines) + "\n"
