"""Asking for a deployment, cancelling it, and trying it again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.networks import canonical_network
from accounts.policies import require_writer
from accounts.services import issuer_for_token
from config.api.errors import Conflict, NotFound, NotVisible, PermissionRefused, ValidationFailed
from config.observability.context import correlation_id
from deployments.chains.registry import NotConfigured, chain_for
from deployments.choices import Origin
from deployments.issuance import compliance_problems
from deployments.models import Deployment, DeploymentTransaction
from deployments.services.transitions import (
    Change,
    Check,
    deployment_move,
    transition_record,
)
from deployments.standards import (
    UNKNOWN_PARAMETER,
    ParametersRefused,
    display_name,
    display_symbol,
    read_parameters,
)
from deployments.vocabulary import ErrorCategory, Reason, Standard, Status

DEPLOYMENT_REQUESTED = "deployments.deployment.requested"
_NOT_FOUND = "There is no such deployment."
_NOW = timedelta(0)


@transaction.atomic
def deployment_request(
    *,
    actor: User,
    network: str,
    standard: Standard,
    parameters: Mapping[str, Any],
    compliance_metadata: Mapping[str, Any] | None = None,
    issuer_id: UUID | None = None,
) -> Deployment:
    """Queue the issuance of a token for an issuer of the actor; the pipeline does the rest.

    Raises `PermissionRefused`, `NotVisible`, and `ValidationFailed` that names every parameter that
    cannot be issued, and the network where it is not set up here.
    """
    require_writer(actor)
    problems: dict[str, list[str]] = {}
    kept: Mapping[str, Any] = {}
    try:
        network = canonical_network(network)
        kept = read_parameters(standard, network, parameters)
    except ParametersRefused as refused:
        problems = {_wire_name(name): texts for name, texts in refused.problems.items()}
    except ValueError as problem:
        problems = {"network": [str(problem)]}
    for name, texts in compliance_problems(compliance_metadata).items():
        problems[f"complianceMetadata.{name}"] = texts
    sender = "" if problems else _sender(network, problems)
    if problems:
        name, texts = next(iter(problems.items()))
        # The message is recorded: it does not repeat the name of a parameter that is none of ours.
        shown = "parameters" if texts == UNKNOWN_PARAMETER else name
        raise ValidationFailed(f"{shown}: {texts[0]}", details=problems)
    now = timezone.now()
    deployment = Deployment.objects.create(
        issuer=issuer_for_token(actor=actor, issuer_id=issuer_id),
        requested_by=actor,
        network=network,
        standard=str(standard),
        name=display_name(kept),
        symbol=display_symbol(kept),
        parameters=dict(kept),
        compliance_metadata=dict(compliance_metadata) if compliance_metadata else None,
        status=str(Status.QUEUED),
        origin=Origin.PIPELINE,
        deployed_by=sender,
        correlation_id=correlation_id(),
        created_at=now,
        created_by=actor.label,
        next_step_at=now,
    )
    checks = [
        Check("PARAMETERS", True, f"valid for {standard}", now),
        Check("NETWORK", True, f"{network} is set up", now),
    ]
    if compliance_metadata:
        checks.append(Check("COMPLIANCE_METADATA", True, "complete", now))
    transition_record(
        deployment,
        before=None,
        reason=Reason.DEPLOYMENT_REQUESTED,
        change=Change(Status.QUEUED, "Queued.", checks=checks),
        actor=actor,
        now=now,
        event=DEPLOYMENT_REQUESTED,
    )
    return deployment


def _wire_name(name: str) -> str:
    return name if name == "network" else f"parameters.{name}"


def _sender(network: str, problems: dict[str, list[str]]) -> str:
    try:
        return chain_for(network).sender()
    except NotConfigured as problem:
        problems["network"] = [problem.public]
        return ""


def deployment_get(*, actor: User, deployment_id: UUID) -> Deployment:
    """Return a deployment that the actor sees. Raises `NotFound` and `NotVisible`."""
    rows = Deployment.objects.select_related("token", "issuer")
    found = rows.visible_to(actor).filter(pk=deployment_id).first()
    if found is None:
        exists = Deployment.objects.filter(pk=deployment_id).exists()
        raise (NotVisible if exists else NotFound)(_NOT_FOUND)
    return found


@transaction.atomic
def deployment_cancel(*, actor: User, deployment_id: UUID, reason: str) -> Deployment:
    """Cancel a deployment that is Queued and of which nothing was signed.

    Cancelling a cancelled one again changes nothing. Raises `TransitionRefused`, `Conflict`,
    `PermissionRefused`, `NotFound`, `NotVisible`.
    """
    deployment = _own(actor, deployment_id)
    if deployment.status == Status.QUEUED and _is_signed(deployment):
        raise Conflict("The transaction is signed already; it may be on its way.")
    change = Change(
        Status.CANCELLED, f"Cancelled by user: {reason}", next_step=None, fields={"lease": None}
    )
    deployment_move(deployment=deployment, change=change, actor=actor)
    return deployment


@transaction.atomic
def deployment_retry(*, actor: User, deployment_id: UUID) -> Deployment:
    """Queue a failed deployment again; what was signed before is looked for first.

    Raises `TransitionRefused`, `Conflict` where its parameters can never be accepted,
    `PermissionRefused`, `NotFound`, `NotVisible`.
    """
    deployment = _own(actor, deployment_id)
    failed = deployment.status == Status.FAILED
    if failed and (deployment.error or {}).get("category") == ErrorCategory.VALIDATION:
        raise Conflict("The network will not accept these parameters; ask for a new deployment.")
    change = Change(Status.QUEUED, "Queued again.", fields={"deployed_by": deployment.deployed_by})
    deployment_move(deployment=deployment, change=change, actor=actor)
    return deployment


def _own(actor: User, deployment_id: UUID) -> Deployment:
    """Return the deployment, locked, that the actor may act on."""
    deployment_get(actor=actor, deployment_id=deployment_id)
    require_writer(actor)
    deployment: Deployment = (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("token", "issuer")
        .get(pk=deployment_id)
    )
    if not actor.is_officer and deployment.issuer_id not in actor.writable_issuer_ids:
        raise PermissionRefused("This deployment belongs to another issuer.")
    return deployment


def _is_signed(deployment: Deployment) -> bool:
    rows = DeploymentTransaction.objects.filter(deployment=deployment, dead_at__isnull=True)
    return rows.exists()
