"""The end of a deployment: the asset is read back, and its token is registered."""

import hashlib
from typing import Any

from django.utils import timezone

from accounts.services import token_issue
from audit.principal import SYSTEM
from deployments.chains.port import Confirmation, Lookup
from deployments.failures import failure_of
from deployments.models import Deployment
from deployments.services.transitions import Change, Check, deployment_move
from deployments.standards import supply_of
from deployments.vocabulary import ErrorCategory, Remedy, Status


def complete(deployment: Deployment, found: Lookup, confirmation: Confirmation) -> None:
    """Complete the deployment, or fail it where the chain shows something else than was asked for.

    Runs in the caller's transaction. The token then belongs to the issuer that asked for it.
    Raises `Conflict` where its record belongs to another.
    """
    now = timezone.now()
    differences = confirmation.differences
    checks = [
        Check(
            f"READ_BACK_{name}",
            name not in differences,
            f"asked for {differences[name][0]}, found {differences[name][1]}"
            if name in differences
            else str(value),
            now,
        )
        for name, value in confirmation.facts.items()
    ]
    if differences:
        message = f"The chain shows other values than were asked for: {', '.join(differences)}."
        failure = failure_of(ErrorCategory.INTERNAL, message, Remedy.NEVER)
        change = Change(Status.FAILED, failure.advice.message, failure=failure, checks=checks)
        deployment_move(deployment=deployment, change=change, actor=SYSTEM)
        return
    if deployment.issuer is None or found.asset_identifier is None or found.round is None:
        raise ValueError("a deployment of the pipeline has an issuer, an asset and a round by now")
    token = token_issue(
        actor=SYSTEM,
        issuer=deployment.issuer,
        network=deployment.network,
        asset_id=asset_number(found.asset_identifier),
        fields=token_fields(deployment, found.asset_identifier),
    )
    deployment.token = token
    deployment_move(
        deployment=deployment,
        change=Change(
            Status.COMPLETED,
            f"Issued as {found.asset_identifier}.",
            confirmed_round=found.round,
            asset_identifier=found.asset_identifier,
            checks=checks,
            fields={"token": token, "completed_at": now, "deployed_by": deployment.deployed_by},
        ),
        actor=SYSTEM,
    )


def token_fields(deployment: Deployment, asset_identifier: str) -> dict[str, Any]:
    """Return what the token's record says of itself."""
    contract = asset_identifier if asset_identifier.startswith("0x") else ""
    return {
        "name": deployment.name,
        "unit_name": deployment.symbol,
        "total": supply_of(deployment.parameters),
        "decimals": int(deployment.parameters["decimals"]),
        "creator_address": deployment.deployed_by,
        "standard": deployment.standard,
        "contract_address": contract,
    }


def asset_number(asset_identifier: str) -> int:
    """Return the asset id; of a contract, the number that the incumbent gives its address.

    That is the first 8 bytes, little-endian, of the SHA-256 of the address in lower case, without
    the highest bit (reference, deployments, section 2.4).
    """
    if not asset_identifier.startswith("0x"):
        return int(asset_identifier)
    digest = hashlib.sha256(asset_identifier.lower().encode()).digest()
    return int.from_bytes(digest[:8], "little") & (2**63 - 1)
