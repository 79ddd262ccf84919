"""A revocation and validations at the same moment, with real threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Token, User
from audit.models import AuditEvent
from compliance.services.transfers import (
    Named,
    TransferAnswer,
    TransferAsk,
    transfer_validate,
    transfers_validate,
)
from tests.factories import IssuerFactory, TokenFactory, member_of, wallet
from whitelist.decision import Role
from whitelist.services.entries import whitelist_entry_remove, whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
FROM, TO = wallet(9001), wallet(9002)
VALIDATORS = 4


@dataclass
class Stage:
    owner: User
    token: Token

    @property
    def ask(self) -> TransferAsk:
        parties = (Named(Role.SENDER, FROM, "from"), Named(Role.RECEIVER, TO, "to"))
        return TransferAsk(self.token.asset_id, self.token.network, parties)

    def one(self) -> TransferAnswer:
        return transfer_validate(actor=self.owner, ask=self.ask)

    def many(self) -> TransferAnswer:
        answer = transfers_validate(actor=self.owner, asks=[self.ask] * 3)[2]
        assert isinstance(answer, TransferAnswer)
        return answer


@pytest.fixture
def stage() -> Stage:
    issuer = IssuerFactory.create()
    stage = Stage(member_of(issuer, "Owner"), TokenFactory.create(issuer=issuer))
    for address in (FROM, TO):
        whitelist_entry_upsert(actor=stage.owner, token=stage.token, address=address)
    return stage


@contextmanager
def validating(ask: Callable[[], TransferAnswer]) -> Iterator[list[tuple[datetime, bool]]]:
    """Validate in several threads until the block ends; give when each began, and its answer."""
    seen: list[tuple[datetime, bool]] = []
    stop = Event()

    def work() -> None:
        try:
            while not stop.is_set():
                began = timezone.now()
                seen.append((began, ask().decision.allowed))
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(VALIDATORS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        Event().wait(0.001)


REVOCATIONS: dict[str, Callable[[Stage], object]] = {
    "revoked": lambda s: whitelist_entry_upsert(
        actor=s.owner, token=s.token, address=TO, status="Revoked"
    ),
    "expired": lambda s: whitelist_entry_upsert(
        actor=s.owner, token=s.token, address=TO, expiration_date=timezone.now()
    ),
    "removed": lambda s: whitelist_entry_remove(
        actor=s.owner, asset_id=s.token.asset_id, network=s.token.network, address=FROM
    ),
}


@pytest.mark.parametrize("how", REVOCATIONS)
@pytest.mark.parametrize("ask", [Stage.one, Stage.many])
def test_nothing_is_allowed_after_a_revocation_was_answered(
    stage: Stage, how: str, ask: Callable[[Stage], TransferAnswer]
) -> None:
    with validating(lambda: ask(stage)) as seen:
        _until(lambda: len(seen) > 10)
        REVOCATIONS[how](stage)
        answered = timezone.now()
        count = len(seen)
        _until(lambda: len(seen) > count + 5 * VALIDATORS)
    assert any(allowed for _, allowed in seen[:10])
    after = [allowed for began, allowed in seen if began >= answered]
    assert len(after) > VALIDATORS
    assert not any(after)
    allowed_events = AuditEvent.objects.filter(transfer_allowed=True)
    assert allowed_events.exists()
    assert not allowed_events.filter(occurred_at__gte=answered).exists()


def test_a_whitelist_that_is_switched_on_binds_at_once(stage: Stage) -> None:
    whitelist_policy_set(actor=stage.owner, token=stage.token, enforcement="Off")
    REVOCATIONS["revoked"](stage)
    with validating(stage.one) as seen:
        _until(lambda: len(seen) > 10)
        whitelist_policy_set(actor=stage.owner, token=stage.token, enforcement="Mandatory")
        answered = timezone.now()
        count = len(seen)
        _until(lambda: len(seen) > count + 5 * VALIDATORS)
    assert all(allowed for _, allowed in seen[:5])
    assert not any(allowed for began, allowed in seen if began >= answered)


def test_a_revocation_that_is_not_answered_yet_holds_nobody_up(stage: Stage) -> None:
    revoked, checked = Event(), Event()

    def revoke() -> None:
        try:
            with transaction.atomic():
                REVOCATIONS["revoked"](stage)
                revoked.set()
                assert checked.wait(20)
        finally:
            connection.close()

    thread = Thread(target=revoke)
    thread.start()
    assert revoked.wait(20)
    try:
        assert stage.one().decision.allowed is True
    finally:
        checked.set()
        thread.join()
    assert stage.one().decision.allowed is False
