"""What an issuer asks for, and a pipeline whose chain is in memory."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from deployments.models import Deployment
from deployments.services import deployment_request
from deployments.services.work import deployment_advance
from deployments.vocabulary import Standard
from tests.deployments.ledger import Ledger

HOLDER = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
PARAMETERS = {
    "name": "Harbour Bond",
    "symbol": "HBB",
    "initialSupply": 1000,
    "initialSupplyReceiver": HOLDER,
}
METADATA = {
    "issuerName": "Harbour plc",
    "jurisdiction": "DE",
    "assetType": "Bond",
    "regulatoryFramework": "MiFID II",
    "disclosureUrl": "https://harbour.example/prospectus",
}


def use_ledger(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> Ledger:
    """Let every network be this chain."""
    monkeypatch.setattr("deployments.services.work.chain_for", lambda name: ledger)
    monkeypatch.setattr("deployments.services.requests.chain_for", lambda name: ledger)
    return ledger


def ask(actor: User, **changes: Any) -> Deployment:
    """Ask for a deployment as the actor."""
    wanted: dict[str, Any] = {
        "network": "base-sepolia",
        "standard": Standard.ERC20_PREMINTED,
        "parameters": PARAMETERS,
        **changes,
    }
    return deployment_request(actor=actor, **wanted)


def step(deployment: Deployment) -> Deployment:
    """Let a worker have the deployment now, whenever it is due; return it as it is then."""
    rows = Deployment.objects.filter(pk=deployment.pk, next_step_at__isnull=False)
    rows.update(next_step_at=timezone.now() - timedelta(seconds=1), lease_until=None)
    deployment_advance(deployment_id=deployment.pk)
    deployment.refresh_from_db()
    return deployment


def statuses(deployment: Deployment) -> list[str]:
    """Return the statuses that the history says, in its order."""
    return list(deployment.transitions.order_by("pk").values_list("to_status", flat=True))
