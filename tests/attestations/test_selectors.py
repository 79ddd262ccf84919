"""What the rules see of a token's evidence."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import Issuer, Token, User
from attestations.models import Attestation
from attestations.selectors import AttestationValues, attestations_for_token
from attestations.services import attestation_fail, attestation_revoke, attestation_verify
from tests.attestations.bodies import attest
from tests.factories import CID, VOI, WALLET, IssuerFactory, TokenFactory

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EXPIRY = START + timedelta(days=30)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return TokenFactory.create(asset_id=12345, network=VOI, issuer=issuer)


def test_the_evidence_of_a_token_its_holders_and_its_issuer(
    clock: Any, token: Token, issuer: Issuer, outsider: User, owner: User, officer: User
) -> None:
    made = [
        attest(outsider, attestation_type="KYC", expires_at=EXPIRY, attributes={"a": 1, "b": True})
    ]
    clock.shift(timedelta(hours=1))
    made.append(attest(outsider, subject_type="Token", wallet_address=""))
    clock.shift(timedelta(hours=1))
    about_issuer = {
        "subject_type": "Issuer",
        "wallet_address": "",
        "asset_id": None,
        "network": "",
    }
    made.append(attest(owner, **about_issuer, issuer_id=issuer.pk))
    # Of somebody else: another asset, another network, another issuer.
    attest(outsider, asset_id=777)
    attest(outsider, network="my-own.net")
    attest(officer, **about_issuer, issuer_id=IssuerFactory.create().pk)
    attestation_verify(actor=officer, attestation_id=made[0].pk)
    clock.move_to(EXPIRY + timedelta(days=1), tick=False)

    assert attestations_for_token(token=token) == [
        AttestationValues(
            id=made[0].pk,
            subject_type="wallet",
            subject=WALLET,
            attestation_type="KYC",
            status="Verified",  # expiry is left to the rules
            created_by_id=outsider.pk,
            verified_by_id=officer.pk,
            issued_at=START,
            verified_at=START + timedelta(hours=2),
            expires_at=EXPIRY,
            attributes={"a": 1, "b": True},
            proof_hash=CID,
        ),
        AttestationValues(
            id=made[1].pk,
            subject_type="token",
            subject="12345",
            attestation_type="",
            status="Pending",
            created_by_id=outsider.pk,
            verified_by_id=None,
            issued_at=START + timedelta(hours=1),
            verified_at=None,
            expires_at=None,
            attributes={},
            proof_hash=CID,
        ),
        AttestationValues(
            id=made[2].pk,
            subject_type="issuer",
            subject=str(issuer.pk),
            attestation_type="",
            status="Pending",
            created_by_id=owner.pk,
            verified_by_id=None,
            issued_at=START + timedelta(hours=2),
            verified_at=None,
            expires_at=None,
            attributes={},
            proof_hash=CID,
        ),
    ]


def test_the_status_is_the_last_decision(token: Token, outsider: User, officer: User) -> None:
    made = {name: attest(outsider) for name in ("failed", "revoked", "verified, revoked")}

    def decide(service: Callable[..., Attestation], name: str) -> None:
        service(actor=officer, attestation_id=made[name].pk, reason="x")

    decide(attestation_fail, "failed")
    decide(attestation_revoke, "revoked")
    decide(attestation_verify, "verified, revoked")
    decide(attestation_revoke, "verified, revoked")
    seen = {row.id: row for row in attestations_for_token(token=token)}
    summary = {
        name: (seen[row.pk].status, seen[row.pk].verified_by_id, seen[row.pk].verified_at)
        for name, row in made.items()
    }
    assert summary == {
        "failed": ("Failed", None, None),
        "revoked": ("Revoked", None, None),
        "verified, revoked": ("Revoked", officer.pk, START),
    }


@pytest.mark.parametrize("with_issuer", [True, False])
def test_it_takes_one_query(
    token: Token,
    outsider: User,
    officer: User,
    with_issuer: bool,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    if not with_issuer:
        token.issuer = None
        token.save()
    for _ in range(3):
        attestation_verify(actor=officer, attestation_id=attest(outsider).pk)
    with django_assert_num_queries(1):
        assert len(attestations_for_token(token=token)) == 3


def test_a_token_without_an_issuer_has_no_evidence_of_issuers(
    officer: User, issuer: Issuer
) -> None:
    nobodys = TokenFactory.create(asset_id=777, issuer=None)
    attest(
        officer,
        subject_type="Issuer",
        wallet_address="",
        asset_id=None,
        network="",
        issuer_id=issuer.pk,
    )
    assert attestations_for_token(token=nobodys) == []
