"""What the database itself refuses, whoever writes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Issuer, User
from attestations.models import Attestation, AttestationStatusChange
from attestations.services import attestation_revoke, attestation_verify
from tests.attestations.bodies import SEED_ISSUER, attest
from tests.factories import CID, VOI, WALLET, TokenFactory

pytestmark = pytest.mark.django_db

TABLES = {
    Attestation: "attestations_attestation",
    AttestationStatusChange: "attestations_attestationstatuschange",
}


@pytest.fixture
def verified(outsider: User, officer: User) -> Attestation:
    attestation = attest(outsider, notes="as it was")
    return attestation_verify(actor=officer, attestation_id=attestation.pk, reason="as it was")


def content() -> list[dict[str, Any]]:
    return [row for model in TABLES for row in model.objects.order_by("pk").values()]


def refused_unchanged(write: Callable[[], Any], *errors: type[Exception]) -> None:
    before = content()
    with pytest.raises(errors or (DatabaseError,)), transaction.atomic():
        write()
    assert content() == before
    assert before


@pytest.mark.parametrize("model", TABLES)
def test_rows_are_neither_changed_nor_deleted(
    verified: Attestation, model: type[Attestation | AttestationStatusChange]
) -> None:
    row = model.objects.get()
    refused_unchanged(lambda: row.save())
    refused_unchanged(lambda: model.objects.filter(pk=row.pk)._raw_delete(using="default"))
    text = "notes" if model is Attestation else "reason"
    refused_unchanged(lambda: model.objects.update(**{text: "changed"}))
    refused_unchanged(lambda: execute(f"DELETE FROM {TABLES[model]}"))
    refused_unchanged(lambda: execute(f"UPDATE {TABLES[model]} SET {text} = 'changed'"))


@pytest.mark.parametrize("table", TABLES.values())
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
def test_tables_are_not_truncated(verified: Attestation, table: str) -> None:
    refused_unchanged(lambda: execute(f"TRUNCATE {table} CASCADE"))


@pytest.mark.parametrize("table", TABLES.values())
@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite replaces")
def test_rows_are_not_replaced(verified: Attestation, table: str) -> None:
    refused_unchanged(lambda: execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"))


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite replaces")
def test_a_decision_is_not_replaced_by_another(verified: Attestation) -> None:
    same = "attestation_id, attestation_created_by_id, from_status, changed_at, changed_by_id"
    table = TABLES[AttestationStatusChange]
    refused_unchanged(
        lambda: execute(
            f"INSERT OR REPLACE INTO {table} ({same}, status, changed_by_label, reason) "
            f"SELECT {same}, 'Failed', 'x', 'x' FROM {table}"
        )
    )


def change(attestation: Attestation, officer: User, **fields: Any) -> AttestationStatusChange:
    return AttestationStatusChange.objects.create(
        **{
            "attestation": attestation,
            "attestation_created_by_id": attestation.created_by_id,
            "from_status": "Pending",
            "status": "Failed",
            "changed_by": officer,
            "changed_by_label": officer.label,
            "reason": "x",
            **fields,
        }
    )


LEGAL = {
    ("Pending", "Verified"),
    ("Pending", "Failed"),
    ("Pending", "Revoked"),
    ("Verified", "Revoked"),
}
STATUSES = ["Pending", "Verified", "Failed", "Expired", "Revoked"]


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_only_legal_transitions_are_stored(
    outsider: User, officer: User, before: str, after: str
) -> None:
    attestation = attest(outsider)
    if (before, after) in LEGAL:
        change(attestation, officer, from_status=before, status=after)
        return
    refused_unchanged(
        lambda: change(attestation, officer, from_status=before, status=after), IntegrityError
    )


def test_an_attestation_leaves_a_status_once(verified: Attestation, auditor: User) -> None:
    refused_unchanged(lambda: change(verified, auditor, status="Failed"), IntegrityError)
    refused_unchanged(lambda: change(verified, auditor, status="Revoked"), IntegrityError)


def test_an_attestation_reaches_a_status_once(
    verified: Attestation, officer: User, outsider: User, auditor: User
) -> None:
    revoked = attest(outsider)
    attestation_revoke(actor=officer, attestation_id=revoked.pk, reason="x")
    refused_unchanged(
        lambda: change(revoked, auditor, from_status="Verified", status="Revoked"), IntegrityError
    )


def test_the_creator_is_never_the_one_who_decides(outsider: User, officer: User) -> None:
    attestation = attest(officer)
    refused_unchanged(lambda: change(attestation, officer), IntegrityError)
    change(attestation, outsider)


@pytest.mark.parametrize("status", ["Failed", "Revoked"])
def test_a_rejection_has_a_reason(outsider: User, officer: User, status: str) -> None:
    attestation = attest(outsider)
    refused_unchanged(
        lambda: change(attestation, officer, status=status, reason=""), IntegrityError
    )
    change(attestation, officer, status="Verified", reason="")


@pytest.fixture
def row(outsider: User, issuer: Issuer) -> dict[str, dict[str, Any]]:
    """The columns of a consistent attestation, by its subject."""
    token = TokenFactory.create(asset_id=12345, network=VOI)
    shared = {
        "issuer_address": SEED_ISSUER,
        "proof_hash": CID,
        "created_by": outsider,
        "created_by_label": outsider.label,
    }
    about_token = {**shared, "token": token, "asset_id": 12345}
    return {
        "Wallet": {**about_token, "subject_type": "Wallet", "wallet_address": WALLET},
        "Token": {**about_token, "subject_type": "Token"},
        "Issuer": {**shared, "subject_type": "Issuer", "issuer": issuer},
    }


@pytest.mark.parametrize("subject", ["Wallet", "Token", "Issuer"])
def test_a_subject_is_consistent(row: dict[str, dict[str, Any]], subject: str) -> None:
    fitting = row[subject]
    Attestation.objects.create(**fitting)
    other = row["Issuer" if subject != "Issuer" else "Wallet"]
    for name in ("token", "asset_id", "issuer", "wallet_address"):
        empty: Any = "" if name == "wallet_address" else None
        if fitting.get(name, empty) != empty:
            wrong = empty
        elif name == "wallet_address":
            wrong = WALLET
        else:
            wrong = other[name]
        broken = {**fitting, name: wrong}
        refused_unchanged(
            lambda broken=broken: Attestation.objects.create(**broken), IntegrityError
        )
    unknown = {**fitting, "subject_type": "Person"}
    refused_unchanged(lambda: Attestation.objects.create(**unknown), IntegrityError)


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer_address": ""},
        {"proof_hash": ""},
        {"asset_id": 0},
        {"expires_at": timezone.now() - timedelta(days=400)},
    ],
)
def test_content_that_attests_nothing_is_refused(
    row: dict[str, dict[str, Any]], outsider: User, wrong: dict[str, Any]
) -> None:
    attest(outsider)
    refused_unchanged(
        lambda: Attestation.objects.create(**{**row["Wallet"], **wrong}), IntegrityError
    )


def test_what_is_referred_to_is_not_deleted(verified: Attestation, outsider: User) -> None:
    assert verified.token is not None
    for referred in (verified.token, outsider):
        refused_unchanged(referred.delete, IntegrityError)
