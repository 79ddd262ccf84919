"""Recording a token that was issued elsewhere."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError

from audit.models import AuditEvent
from config.api.errors import Conflict, PermissionRefused, ValidationFailed
from deployments.models import Deployment, DeploymentTransition
from deployments.selectors import latest_deployment
from deployments.services import deployment_import
from tests.deployments.statements import AVM_TRANSACTION, ISSUED, statement
from tests.factories import TokenFactory, wallet

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOT_OF_THE_PIPELINE = {
    "issuer_id": None,
    "requested_by_id": None,
    "name": "",
    "symbol": "",
    "parameters": {},
    "compliance_metadata": None,
    "asset_identifier": None,
    "error": None,
    "correlation_id": "",
    "next_step_at": None,
    "faults": 0,
    "lease": None,
    "lease_until": None,
}
EVM_TRANSACTION = "0x" + "ab" * 32
EVM_ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture
def token(issuer):
    return TokenFactory.create(issuer=issuer)


def nothing_is_recorded():
    return not (
        Deployment.objects.exists()
        or DeploymentTransition.objects.exists()
        or AuditEvent.objects.exists()
    )


def test_an_import_is_a_completed_deployment(officer, token):
    with time_machine.travel(NOW, tick=False):
        deployment = deployment_import(actor=officer, **statement(token))
    assert list(Deployment.objects.values()) == [
        {
            "id": deployment.pk,
            "token_id": token.pk,
            "network": token.network,
            "standard": "ASA",
            "status": "Completed",
            "origin": "Imported",
            "transaction_id": AVM_TRANSACTION,
            "confirmed_round": 50_000_000,
            "deployed_by": wallet(1),
            "created_at": NOW,
            "created_by": officer.label,
            "updated_at": None,
            "completed_at": ISSUED,
            **NOT_OF_THE_PIPELINE,
        }
    ]


def test_an_import_is_one_transition(officer, token):
    with time_machine.travel(NOW, tick=False):
        deployment = deployment_import(actor=officer, **statement(token))
    (row,) = DeploymentTransition.objects.values()
    assert row.pop("id") > 0
    assert row == {
        "deployment_id": deployment.pk,
        "from_status": None,
        "to_status": "Completed",
        "occurred_at": NOW,
        "actor": officer.label,
        "reason_code": "DEPLOYMENT_IMPORTED",
        "transaction_id": AVM_TRANSACTION,
        "confirmed_round": 50_000_000,
        "message": None,
        "duration_ms": None,
        "error": None,
        "checks": None,
    }


def test_an_import_is_one_event(officer, token, events):
    deployment = deployment_import(actor=officer, **statement(token))
    assert AuditEvent.objects.count() == 1
    (event,) = events("deployments.deployment.imported")
    assert (event["actor"], event["actorId"]) == (officer.label, str(officer.pk))
    assert (event["referenceType"], event["referenceId"]) == ("deployment", str(deployment.pk))
    assert event["network"] == token.network
    assert event["assetId"] == str(token.asset_id)
    assert event["issuerId"] == str(token.issuer_id)
    assert event["newStatus"] == "Completed"
    assert event["details"] == {
        "transactionId": AVM_TRANSACTION,
        "confirmedRound": "50000000",
        "deployedBy": wallet(1),
        "deployedAt": "2026-03-01T08:30:00Z",
        "standard": "ASA",
    }


@pytest.mark.parametrize("persona", ["owner", "member", "outsider", "auditor"])
def test_only_officers_import(request, token, persona):
    with pytest.raises(PermissionRefused):
        deployment_import(actor=request.getfixturevalue(persona), **statement(token))
    assert nothing_is_recorded()


def test_an_administrator_imports_too(administrator, token):
    deployment_import(actor=administrator, **statement(token))
    assert Deployment.objects.get().created_by == administrator.label


def test_a_second_completed_deployment_is_refused(officer, token):
    first = deployment_import(actor=officer, **statement(token))
    with pytest.raises(Conflict):
        deployment_import(actor=officer, **statement(token, confirmed_round=7))
    assert list(Deployment.objects.all()) == [first]
    assert DeploymentTransition.objects.count() == 1
    assert AuditEvent.objects.count() == 1


def test_a_token_without_a_network_is_refused(officer, issuer):
    token = TokenFactory.create(issuer=issuer, network="")
    with pytest.raises(Conflict):
        deployment_import(actor=officer, **statement(token))
    assert nothing_is_recorded()


@pytest.mark.parametrize(
    ("network", "transaction_id", "deployed_by", "stored"),
    [
        ("voimain-v1.0", f" {AVM_TRANSACTION.lower()} ", wallet(1).lower(), AVM_TRANSACTION),
        ("voimain-v1.0", "A" * 52, wallet(1), "A" * 52),
        ("base-mainnet", EVM_TRANSACTION.upper(), EVM_ADDRESS.lower(), EVM_TRANSACTION),
        ("cardano", "tx-1", "addr1", "tx-1"),
    ],
)
def test_ids_and_addresses_are_stored_in_one_spelling(
    officer, issuer, network, transaction_id, deployed_by, stored
):
    token = TokenFactory.create(issuer=issuer, network=network)
    changes = {"transaction_id": transaction_id, "deployed_by": deployed_by}
    deployment = deployment_import(actor=officer, **statement(token, **changes))
    deployment.refresh_from_db()
    assert deployment.transaction_id == stored
    expected = {"voimain-v1.0": wallet(1), "base-mainnet": EVM_ADDRESS, "cardano": "addr1"}
    assert deployment.deployed_by == expected[network]


@pytest.mark.parametrize(
    ("network", "transaction_id"),
    [
        ("voimain-v1.0", AVM_TRANSACTION[:-1]),
        ("voimain-v1.0", AVM_TRANSACTION + "A"),
        ("voimain-v1.0", "1" + AVM_TRANSACTION[1:]),
        ("voimain-v1.0", AVM_TRANSACTION[:-1] + "R"),
        ("voimain-v1.0", EVM_TRANSACTION),
        ("voimain-v1.0", ""),
        ("base-mainnet", EVM_TRANSACTION[:-1]),
        ("base-mainnet", EVM_TRANSACTION + "0"),
        ("base-mainnet", "ab" * 33),
        ("base-mainnet", "0x" + "g" * 64),
        ("base-mainnet", AVM_TRANSACTION),
        ("cardano", ""),
        ("cardano", "two words"),
        ("cardano", "x" * 129),
    ],
)
def test_a_malformed_transaction_id_is_refused(officer, issuer, network, transaction_id):
    token = TokenFactory.create(issuer=issuer, network=network)
    sender = EVM_ADDRESS if network == "base-mainnet" else wallet(1)
    changes = {"transaction_id": transaction_id, "deployed_by": sender}
    with pytest.raises(ValidationFailed) as refusal:
        deployment_import(actor=officer, **statement(token, **changes))
    assert list(refusal.value.details) == ["transactionId"]
    assert nothing_is_recorded()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"deployed_by": "somebody"}, "deployedBy"),
        ({"standard": "  "}, "standard"),
        ({"standard": "x" * 31}, "standard"),
        ({"confirmed_round": 0}, "confirmedRound"),
        ({"confirmed_round": 2**63}, "confirmedRound"),
        ({"deployed_at": NOW + timedelta(seconds=1)}, "deployedAt"),
    ],
)
def test_a_wrong_statement_is_refused(officer, token, changes, field):
    with time_machine.travel(NOW, tick=False), pytest.raises(ValidationFailed) as refusal:
        deployment_import(actor=officer, **statement(token, **changes))
    assert list(refusal.value.details) == [field]
    assert nothing_is_recorded()


def test_every_problem_is_named(officer, token):
    with pytest.raises(ValidationFailed) as refusal:
        deployment_import(
            actor=officer,
            **statement(token, transaction_id="?", deployed_by="?", standard="", confirmed_round=0),
        )
    assert set(refusal.value.details) == {
        "transactionId",
        "deployedBy",
        "standard",
        "confirmedRound",
    }


def test_an_import_and_its_event_stand_or_fall_together(officer, token, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no event")

    monkeypatch.setattr("deployments.services.imports.record_event", broken)
    with pytest.raises(RuntimeError):
        deployment_import(actor=officer, **statement(token))
    assert nothing_is_recorded()


def test_the_latest_deployment_is_the_one_recorded_last(officer, token):
    assert latest_deployment(token=token) is None
    deployment_import(actor=officer, **statement(TokenFactory.create()))
    assert latest_deployment(token=token) is None
    imported = deployment_import(actor=officer, **statement(token))
    assert latest_deployment(token=token) == imported
    newer = Deployment.objects.create(
        token=token,
        network=token.network,
        standard="ASA",
        status="Failed",
        origin="Pipeline",
        deployed_by=wallet(1),
        created_at=imported.created_at + timedelta(seconds=1),
        created_by="somebody",
    )
    assert latest_deployment(token=token) == newer


def test_who_sees_deployments(officer, auditor, owner, member, outsider, token):
    mine = deployment_import(actor=officer, **statement(token))
    other = deployment_import(actor=officer, **statement(TokenFactory.create()))
    for actor in (owner, member):
        assert list(Deployment.objects.visible_to(actor)) == [mine]
    for actor in (officer, auditor):
        assert set(Deployment.objects.visible_to(actor)) == {mine, other}
    assert list(Deployment.objects.visible_to(outsider)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"status": "Done"},
        {"status": "Failed", "origin": "Bridged"},
        {"status": "Failed", "confirmed_round": 0},
    ],
)
def test_the_database_refuses(officer, token, wrong):
    deployment_import(actor=officer, **statement(token))
    row = Deployment.objects.values().get()
    del row["id"]
    with pytest.raises(IntegrityError), transaction.atomic():
        Deployment.objects.create(**{**row, **wrong})
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize("missing", ["transaction_id", "confirmed_round", "completed_at"])
def test_the_database_wants_proof_of_completion(officer, token, missing):
    deployment = deployment_import(actor=officer, **statement(token))
    with pytest.raises(IntegrityError), transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(**{missing: None})
    deployment.refresh_from_db()
    assert getattr(deployment, missing) is not None


def test_other_states_stand_beside_a_completed_one(officer, token):
    deployment_import(actor=officer, **statement(token))
    row = Deployment.objects.values().get()
    del row["id"]
    for status in ("Queued", "Submitted", "Pending", "Confirmed", "Indexed", "Failed", "Cancelled"):
        Deployment.objects.create(**{**row, "status": status})
    assert Deployment.objects.filter(token=token).count() == 8


def test_a_token_with_a_deployment_stays(officer, token):
    deployment = deployment_import(actor=officer, **statement(token))
    with pytest.raises(ProtectedError):
        token.delete()
    with pytest.raises(ProtectedError):
        deployment.delete()


CHANGES = {
    "update": "UPDATE deployments_deploymenttransition SET actor = 'nobody'",
    "delete": "DELETE FROM deployments_deploymenttransition",
    "truncate": "TRUNCATE deployments_deploymenttransition",
    "replace": "INSERT OR REPLACE INTO deployments_deploymenttransition "
    "(id, deployment_id, to_status, occurred_at, actor, reason_code) "
    "SELECT id, deployment_id, to_status, occurred_at, 'nobody', reason_code "
    "FROM deployments_deploymenttransition",
}
FOREIGN = "truncate" if connection.vendor == "sqlite" else "replace"


@pytest.mark.parametrize("change", sorted(CHANGES.keys() - {FOREIGN}))
def test_transitions_never_change(officer, token, change):
    deployment_import(actor=officer, **statement(token))
    # PostgreSQL truncates nothing while a deferred foreign key waits to be checked.
    connection.check_constraints()
    before = list(DeploymentTransition.objects.values())
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(CHANGES[change])
    assert list(DeploymentTransition.objects.values()) == before


@pytest.mark.parametrize(
    "wrong",
    [{"to_status": "Done"}, {"from_status": "New"}, {"from_status": "Completed"}],
)
def test_the_database_refuses_a_transition(officer, token, wrong):
    deployment_import(actor=officer, **statement(token))
    row = DeploymentTransition.objects.values().get()
    del row["id"]
    with pytest.raises(IntegrityError), transaction.atomic():
        DeploymentTransition.objects.create(**{**row, **wrong})
    assert DeploymentTransition.objects.count() == 1
