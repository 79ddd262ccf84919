"""Writing deployments. Every function is one transaction with its event."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.addresses import canonical_address
from accounts.models import Token, User
from accounts.policies import require_officer
from audit.services import record_event
from config.api.errors import Conflict, ValidationFailed
from config.api.formats import utc_text
from deployments.choices import DeploymentStatus, Origin
from deployments.models import Deployment, DeploymentTransition
from deployments.transactions import canonical_transaction_id
from deployments.vocabulary import Reason

_ROUND_MAX = 2**63 - 1
_STANDARD_MAX = 30
_ADDRESS_MAX = 100


@transaction.atomic
def deployment_import(
    *,
    actor: User,
    token: Token,
    transaction_id: str,
    confirmed_round: int,
    deployed_by: str,
    standard: str,
    deployed_at: datetime,
) -> Deployment:
    """Record a token that was issued elsewhere, by an officer who looked its transaction up.

    `confirmed_round` is the round or block of the transaction, `deployed_at` its time. The
    deployment is Completed from the start. Raises `PermissionRefused`, `ValidationFailed`, and
    `Conflict` where the token has a completed deployment already or names no network.
    """
    require_officer(actor)
    if not token.network:
        raise Conflict("The token names no network yet; a transaction cannot be checked without.")
    problems: dict[str, list[str]] = {}
    try:
        transaction_id = canonical_transaction_id(transaction_id, token.network)
    except ValueError as problem:
        problems["transactionId"] = [str(problem)]
    try:
        deployed_by = canonical_address(deployed_by, token.network)
    except ValueError as problem:
        problems["deployedBy"] = [str(problem)]
    else:
        if not _is_text(deployed_by, _ADDRESS_MAX):
            problems["deployedBy"] = [f"Must have 1 to {_ADDRESS_MAX} printable characters."]
    standard = standard.strip()
    if not _is_text(standard, _STANDARD_MAX):
        problems["standard"] = [f"Must have 1 to {_STANDARD_MAX} printable characters."]
    if not 1 <= confirmed_round <= _ROUND_MAX:
        problems["confirmedRound"] = ["Must be a positive number below 2^63."]
    now = timezone.now()
    if deployed_at > now:
        problems["deployedAt"] = ["Must not lie in the future."]
    if problems:
        name, texts = next(iter(problems.items()))
        raise ValidationFailed(f"{name}: {texts[0]}", details=problems)
    deployment = _insert(
        Deployment(
            token=token,
            network=token.network,
            standard=standard,
            status=DeploymentStatus.COMPLETED,
            origin=Origin.IMPORTED,
            transaction_id=transaction_id,
            confirmed_round=confirmed_round,
            deployed_by=deployed_by,
            created_at=now,
            created_by=actor.label,
            completed_at=deployed_at,
        )
    )
    DeploymentTransition.objects.create(
        deployment=deployment,
        to_status=DeploymentStatus.COMPLETED,
        occurred_at=now,
        actor=actor.label,
        reason_code=str(Reason.DEPLOYMENT_IMPORTED),
        transaction_id=transaction_id,
        confirmed_round=confirmed_round,
    )
    record_event(
        "deployments.deployment.imported",
        actor=actor,
        **token.event_fields,
        reference_type="deployment",
        reference_id=str(deployment.pk),
        new_status=str(DeploymentStatus.COMPLETED),
        details={
            "transactionId": transaction_id,
            "confirmedRound": str(confirmed_round),
            "deployedBy": deployed_by,
            "deployedAt": utc_text(deployed_at),
            "standard": standard,
        },
    )
    return deployment


def _is_text(text: str, limit: int) -> bool:
    return 1 <= len(text) <= limit and text.isprintable()


def _insert(deployment: Deployment) -> Deployment:
    try:
        with transaction.atomic():
            deployment.save(force_insert=True)
    except IntegrityError:
        # The partial unique constraint decided; any other reason is a defect and goes on.
        completed = Deployment.objects.filter(
            token=deployment.token_id, status=DeploymentStatus.COMPLETED
        )
        if not completed.exists():
            raise
        raise Conflict("This token has a completed deployment already.") from None
    return deployment
