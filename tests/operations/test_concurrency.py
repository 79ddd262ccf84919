"""Writers at the same moment, each on a connection of its own: nothing is lost or done twice."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection

from accounts.models import Issuer, IssuerMember, Token
from audit.models import AuditEvent
from compliance.models import ComplianceMetadata, TokenStatus
from compliance.services.status import status_get
from tests.factories import UserFactory, client_for, event_bodies

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
URL = "/api/v1/compliance"
ASSET, NETWORK = 70007, "mainnet-v1.0"  # a network without rules of its own
WRITERS = 16

# One change of each field; whoever comes first, all must be there in the end.
CHANGES: tuple[dict[str, Any], ...] = (
    {"kycProvider": "Sumsub"},
    {"kycVerificationDate": "2026-01-21T00:00:00Z"},
    {"verificationStatus": "Verified"},
    {"jurisdiction": "DE"},
    {"regulatoryFramework": "MiFID II"},
    {"complianceStatus": "Compliant"},
    {"lastComplianceReview": "2026-01-15T00:00:00Z"},
    {"nextComplianceReview": "2027-01-15T00:00:00Z"},
    {"assetType": "Bond"},
    {"transferRestrictions": "Lock-up of 12 months"},
    {"maxHolders": 150},
    {"requiresAccreditedInvestors": True},
    {"notes": "Equity in XYZ"},
)


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run every call in a thread of its own, all started at the same moment; return the answers."""
    barrier = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait(30)
            answers[place] = call()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return answers


def write(user: Any, change: dict[str, Any], **headers: str) -> Callable[[], Any]:
    client = client_for(user)
    body = {"assetId": ASSET, "network": NETWORK, **change}
    return lambda: client.post(URL, body, format="json", **headers)


def test_sixteen_first_writes_of_one_token_lose_nothing() -> None:
    user = UserFactory.create()
    given = [CHANGES[number % len(CHANGES)] for number in range(WRITERS)]
    answers = at_once([write(user, change) for change in given])
    assert [answer.status_code for answer in answers] == [200] * WRITERS

    token = Token.objects.get()
    assert token.issuer == Issuer.objects.get()
    assert IssuerMember.objects.get().user == user
    metadata = ComplianceMetadata.objects.get()
    assert metadata.version == len(CHANGES)
    shown = client_for(user).get(f"{URL}/{ASSET}").json()["metadata"]
    wanted = {name: value for change in CHANGES for name, value in change.items()}
    assert {name: shown[name] for name in wanted} == wanted

    (created,) = event_bodies("compliance.metadata.created")
    updated = event_bodies("compliance.metadata.updated")
    assert len(updated) == WRITERS - 1
    fields = [event["details"]["fields"] for event in (created, *updated)]
    assert sorted(name for changed in fields for name in changed) == sorted(
        _attribute(name) for name in wanted
    )
    assert sum(bool(changed) for changed in fields) == metadata.version
    answered = {answer.headers["X-Correlation-ID"] for answer in answers}
    assert answered == {event["correlationId"] for event in (created, *updated)}
    assert len(answered) == WRITERS
    for name in ("accounts.issuer.created", "accounts.token.registered", "accounts.token.claimed"):
        assert len(event_bodies(name)) == 1, name

    status_get(asset_id=ASSET, network=NETWORK)
    row = TokenStatus.objects.get()
    assert (row.pk, row.revision) == (token.pk, row.evaluated_revision)


def _attribute(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_of_sixteen_strangers_one_gets_the_token() -> None:
    users = [UserFactory.create() for _ in range(WRITERS)]
    answers = at_once([write(user, {"notes": user.address}) for user in users])
    won = [user for user, answer in zip(users, answers, strict=True) if answer.status_code == 200]
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * (WRITERS - 1)
    metadata = ComplianceMetadata.objects.select_related("token").get()
    assert (metadata.notes, metadata.created_by) == (won[0].address, won[0].address)
    assert metadata.version == 1
    assert metadata.token.issuer_id in won[0].issuer_ids
    # Nothing of the others is left: no issuer, no membership, no record.
    assert (Issuer.objects.count(), IssuerMember.objects.count()) == (1, 1)
    assert AuditEvent.objects.filter(name="compliance.metadata.created").count() == 1
    denied = event_bodies("security.access.denied")
    assert sorted(event["actor"] for event in denied) == sorted(
        user.address for user in users if user != won[0]
    )


def test_two_writers_with_if_match_one_wins_and_one_gets_412() -> None:
    user = UserFactory.create()
    etag = write(user, {"notes": "read by both"})().headers["ETag"]
    names = ("first", "second")
    answers = at_once([write(user, {"notes": name}, HTTP_IF_MATCH=etag) for name in names])
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    winner = next(
        name for name, answer in zip(names, answers, strict=True) if answer.status_code == 200
    )
    loser = next(answer for answer in answers if answer.status_code == 412)
    assert loser.json()["errorCode"] == "PRECONDITION_FAILED"
    metadata = ComplianceMetadata.objects.get()
    assert (metadata.notes, metadata.version) == (winner, 2)
    assert len(event_bodies("compliance.metadata.updated")) == 1
    (failed,) = event_bodies("compliance.metadata.create_failed")
    assert failed["success"] is False


def test_a_delete_and_a_write_at_once_leave_one_story() -> None:
    user = UserFactory.create()
    write(user, {"notes": "there"})()
    client = client_for(user)
    deleted, written = at_once(
        [lambda: client.delete(f"{URL}/{ASSET}"), write(user, {"jurisdiction": "FR"})]
    )
    assert (deleted.status_code, written.status_code) == (200, 200)
    story = [
        event["name"].rpartition(".")[2]
        for event in event_bodies()
        if event["name"].startswith("compliance.metadata.")
    ]
    left = ComplianceMetadata.objects.first()
    if left is None:
        assert story == ["created", "updated", "deleted"]
    else:
        assert story == ["created", "deleted", "created"]
        assert (left.version, left.notes, left.jurisdiction) == (1, None, "FR")
