"""Two decisions at the same moment: the second sees what the first did. PostgreSQL."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from attestations import services
from attestations.models import Attestation, AttestationStatusChange
from attestations.services import (
    TransitionRefused,
    attestation_fail,
    attestation_revoke,
    attestation_verify,
)
from audit.models import AuditEvent
from tests.attestations.bodies import attest
from tests.factories import UserFactory, user_with_role

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL"),
]

DECISION_EVENTS = [
    "attestations.attestation.verified",
    "attestations.attestation.failed",
    "attestations.attestation.revoked",
]


def run(work: Callable[[], Any], outcomes: list[Any]) -> threading.Thread:
    def target() -> None:
        try:
            outcomes.append(work().pk)
        except Exception as error:  # noqa: BLE001 - the test asserts on it
            outcomes.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=target)
    thread.start()
    return thread


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks "
            "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])


def wait_until_blocked() -> None:
    pause = threading.Event()
    for _ in range(500):
        if somebody_waits_for_us():
            return
        pause.wait(0.01)
    pytest.fail("the second decision did not wait")


def changes() -> list[tuple[str, str]]:
    rows = AttestationStatusChange.objects.order_by("pk")
    return list(rows.values_list("from_status", "status"))


@pytest.fixture
def attestation() -> Attestation:
    return attest(UserFactory.create())


@pytest.mark.parametrize(
    ("first", "second", "refusal"),
    [
        (
            attestation_revoke,
            attestation_verify,
            "An attestation that is Revoked cannot become Verified.",
        ),
        (
            attestation_verify,
            attestation_fail,
            "An attestation that is Verified cannot become Failed.",
        ),
        (
            attestation_verify,
            attestation_verify,
            "An attestation that is Verified cannot become Verified.",
        ),
    ],
)
def test_the_second_waits_and_is_refused(
    attestation: Attestation,
    first: Callable[..., Attestation],
    second: Callable[..., Attestation],
    refusal: str,
) -> None:
    one, other = user_with_role("ComplianceOfficer"), user_with_role("ComplianceOfficer")
    outcomes: list[Any] = []
    with transaction.atomic():
        won = first(actor=one, attestation_id=attestation.pk, reason="x")
        thread = run(
            lambda: second(actor=other, attestation_id=attestation.pk, reason="y"), outcomes
        )
        wait_until_blocked()
    thread.join(10)
    (refused,) = outcomes
    assert isinstance(refused, TransitionRefused)
    assert refused.message == refusal
    assert changes() == [("Pending", won.verification_status)]  # type: ignore[attr-defined]
    assert AuditEvent.objects.filter(name__in=DECISION_EVENTS).count() == 1


def test_a_revocation_that_waited_revokes_what_was_verified(attestation: Attestation) -> None:
    one, other = user_with_role("ComplianceOfficer"), user_with_role("ComplianceOfficer")
    outcomes: list[Any] = []
    with transaction.atomic():
        attestation_verify(actor=one, attestation_id=attestation.pk)
        thread = run(
            lambda: attestation_revoke(actor=other, attestation_id=attestation.pk, reason="y"),
            outcomes,
        )
        wait_until_blocked()
    thread.join(10)
    assert outcomes == [attestation.pk]
    assert changes() == [("Pending", "Verified"), ("Verified", "Revoked")]


def test_many_decisions_at_once_leave_one_history(attestation: Attestation) -> None:
    officers = [user_with_role("ComplianceOfficer") for _ in range(8)]
    decisions = [attestation_verify, attestation_revoke] * 4
    barrier = threading.Barrier(len(officers))
    outcomes: list[Any] = []

    def decide(position: int) -> Attestation:
        barrier.wait(10)
        return decisions[position](
            actor=officers[position], attestation_id=attestation.pk, reason="x"
        )

    threads = [run(lambda at=position: decide(at), outcomes) for position in range(len(officers))]
    for thread in threads:
        thread.join(20)
    won = [outcome for outcome in outcomes if outcome == attestation.pk]
    lost = [outcome for outcome in outcomes if outcome != attestation.pk]
    assert all(isinstance(outcome, TransitionRefused) for outcome in lost), lost
    assert len(won) + len(lost) == 8
    assert changes() in (
        [("Pending", "Revoked")],
        [("Pending", "Verified"), ("Verified", "Revoked")],
    )
    assert len(changes()) == len(won)
    assert AuditEvent.objects.filter(name__in=DECISION_EVENTS).count() == len(won)


def test_without_the_lock_the_database_still_decides(
    attestation: Attestation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writers that both saw Pending: the constraint lets one through."""
    monkeypatch.setattr(
        services, "_require_transition", lambda *_: services.VerificationStatus.PENDING
    )
    one, other = user_with_role("ComplianceOfficer"), user_with_role("ComplianceOfficer")
    attestation_verify(actor=one, attestation_id=attestation.pk)
    with pytest.raises(IntegrityError, match="attestation_leaves_a_status_once"):
        attestation_fail(actor=other, attestation_id=attestation.pk, reason="x")
    assert changes() == [("Pending", "Verified")]
