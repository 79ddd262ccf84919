"""What the API shows of deployments (reference, deployments, sections 3.2, 3.3 and 3.8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.models import User
from config.api.formats import utc_text
from deployments.failures import ADVICE
from deployments.models import Deployment, DeploymentTransition
from deployments.vocabulary import ErrorCategory, Status

HISTORY_COLUMNS = (
    "DeploymentId",
    "TokenType",
    "TokenName",
    "TokenSymbol",
    "Network",
    "DeployedBy",
    "AssetIdentifier",
    "TransactionHash",
    "Status",
    "Timestamp",
    "Message",
    "ReasonCode",
    "ActorAddress",
    "ConfirmedRound",
    "ErrorMessage",
    "DurationFromPreviousMs",
)
HISTORY_BARE = frozenset({13, 15})


def sees_technical(actor: User, deployment: Deployment) -> bool:
    """Return whether `actor` may read what a node said: officers, and who may write the token."""
    issuer = deployment.token.issuer_id if deployment.token else deployment.issuer_id
    return actor.is_officer or issuer in actor.writable_issuer_ids


def failure_document(stored: Mapping[str, Any] | None, *, technical: bool) -> dict[str, Any] | None:
    """Return a stored failure with its category's words."""
    if stored is None:
        return None
    advice = ADVICE[ErrorCategory(stored["category"])]
    return {
        "category": stored["category"],
        "errorCode": advice.code,
        "userMessage": advice.message,
        "technicalMessage": stored["technicalMessage"] if technical else None,
        "isRetryable": advice.retryable,
        "suggestedRetryDelaySeconds": stored["suggestedRetryDelaySeconds"],
        "recommendedAction": advice.action,
    }


def deployment_document(
    row: Deployment, *, technical: bool, history: Sequence[DeploymentTransition] | None = None
) -> dict[str, Any]:
    """Return a deployment as it goes over the wire, with its history where that is given."""
    error = failure_document(row.error, technical=technical)
    document = {
        "deploymentId": str(row.pk),
        "currentStatus": row.status,
        "tokenType": row.standard,
        "network": row.network,
        "deployedBy": row.deployed_by,
        "requestedBy": row.created_by,
        "issuerId": str(row.issuer_id) if row.issuer_id else None,
        "origin": row.origin,
        "tokenName": row.name or (row.token.name if row.token else "") or None,
        "tokenSymbol": row.symbol or (row.token.unit_name if row.token else "") or None,
        "assetId": row.token.asset_id if row.token else None,
        "assetIdentifier": row.asset_identifier or (str(row.token.asset_id) if row.token else None),
        "transactionHash": row.transaction_id,
        "confirmedRound": row.confirmed_round,
        "errorMessage": error["userMessage"] if error else None,
        "errorDetails": error,
        "parameters": row.parameters,
        "complianceMetadata": row.compliance_metadata,
        "correlationId": row.correlation_id or None,
        "createdAt": utc_text(row.created_at),
        "updatedAt": utc_text(row.updated_at or row.created_at),
        "completedAt": utc_text(row.completed_at) if row.completed_at else None,
    }
    if history is not None:
        document["statusHistory"] = [history_entry(one, technical=technical) for one in history]
    return document


def history_entry(row: DeploymentTransition, *, technical: bool) -> dict[str, Any]:
    """Return one entry of the history."""
    error = failure_document(row.error, technical=technical)
    return {
        "id": str(row.pk),
        "deploymentId": str(row.deployment_id),
        "status": row.to_status,
        "previousStatus": row.from_status,
        "timestamp": utc_text(row.occurred_at),
        "message": row.message,
        "transactionHash": row.transaction_id,
        "confirmedRound": row.confirmed_round,
        "errorMessage": error["userMessage"] if error else None,
        "errorDetails": error,
        "reasonCode": row.reason_code,
        "actorAddress": row.actor,
        "complianceChecks": row.checks or [],
        "durationFromPreviousStatusMs": row.duration_ms,
    }


def audit_record(
    row: Deployment, history: Sequence[DeploymentTransition], *, technical: bool
) -> dict[str, Any]:
    """Return the audit trail of one deployment (reference, section 3.8)."""
    checks = [check for one in history for check in one.checks or []]
    passed = sum(bool(check["passed"]) for check in checks)
    over = row.status in (Status.COMPLETED, Status.CANCELLED, Status.FAILED)
    total = history[-1].occurred_at - history[0].occurred_at if over and len(history) > 1 else None
    error = failure_document(row.error, technical=technical)
    return {
        **deployment_document(row, technical=technical, history=history),
        "complianceSummary": (
            f"{passed} passed, {len(checks) - passed} failed out of {len(checks)} checks"
            if checks
            else "No compliance checks performed"
        ),
        "totalDurationMs": round(total.total_seconds() * 1000) if total is not None else None,
        "errorSummary": error["userMessage"] if error else None,
    }


def history_row(row: Deployment, one: DeploymentTransition) -> tuple[Any, ...]:
    """Return the CSV record of one change, in the order of `HISTORY_COLUMNS`."""
    shown = deployment_document(row, technical=False)
    error = failure_document(one.error, technical=False)
    return (
        shown["deploymentId"],
        shown["tokenType"],
        shown["tokenName"],
        shown["tokenSymbol"],
        shown["network"],
        shown["deployedBy"],
        shown["assetIdentifier"],
        one.transaction_id,
        one.to_status,
        one.occurred_at,
        one.message,
        one.reason_code,
        one.actor,
        one.confirmed_round,
        error["userMessage"] if error else None,
        one.duration_ms,
    )
