"""The work on deployments: sign, send, follow, complete; whoever is stopped, the next one goes on.

Who works holds the deployment's lease. A transaction is kept before it is sent, so whatever is
repeated after a crash sends the same bytes, which is harmless; what became of them is always looked
up. Nothing here waits: where there is nothing to do yet, `next_step_at` says when there will be.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.networks import Network, known_network
from audit.principal import SYSTEM
from audit.services import record_event
from config.api.errors import DomainError
from deployments.chains.port import Chain, ChainFault, Order, TransactionState
from deployments.chains.registry import NotConfigured, chain_for
from deployments.failures import Failure, failure_of, read_fault
from deployments.models import Deployment, DeploymentTransaction
from deployments.services.attempts import (
    Found,
    as_prepared,
    nonce_left_behind,
    nonces_taken,
    transaction_keep,
    transaction_replace,
    transactions_alive,
    transactions_bury,
    transactions_look_up,
)
from deployments.services.completion import complete
from deployments.services.transitions import Change, deployment_move, event_fields
from deployments.state_machine import AT_WORK
from deployments.vocabulary import ErrorCategory, Remedy, Standard, Status

logger = logging.getLogger("assayer.deployments")

LEASE_SECONDS: Final = 120
MAX_FAULTS: Final = 12
"""Faults in a row that only time can mend, such as a node that is down, before it has failed."""

_LONGEST_PAUSE: Final = timedelta(minutes=5)
_STEPS: Final = 12  # a claim never needs more: the pipeline has seven
_NOW: Final = timedelta(0)
_UNEXPECTED: Final = "An unexpected error; the operator's log says which."
_S = TransactionState


class LeaseLost(Exception):
    """Somebody else works on the deployment, or it is over."""


@dataclass(frozen=True, slots=True)
class Work:
    """A deployment that this worker holds, with its chain."""

    row: Deployment
    lease: UUID
    network: Network

    @property
    def status(self) -> Status:
        return Status(self.row.status)

    def held(self) -> Deployment:
        """Return the row, locked, while it is held; else raise `LeaseLost`."""
        row = Deployment.objects.select_for_update().filter(pk=self.row.pk).first()
        if row is None or row.lease != self.lease or row.status != self.row.status:
            raise LeaseLost
        return row

    def order(self, key: bytes) -> Order:
        """Return what is to be issued."""
        row = self.row
        return Order(row.network, Standard(row.standard), row.parameters, key)


def deployments_due(*, limit: int = 50) -> Sequence[UUID]:
    """Return the deployments that have waited long enough and that nobody works on."""
    rows = Deployment.objects.filter(_due()).order_by("next_step_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def deployment_advance(*, deployment_id: UUID) -> bool:
    """Take the deployment as far as it goes now; return whether this worker had it at all."""
    lease = uuid4()
    until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    # One UPDATE decides among workers: the row is claimed, or it is somebody else's.
    taken = Deployment.objects.filter(_due(), pk=deployment_id)
    if not taken.update(lease=lease, lease_until=until):
        return False
    row = Deployment.objects.select_related("token", "issuer", "requested_by").get(pk=deployment_id)
    network = known_network(row.network)
    if network is None:
        raise ValueError(f"a deployment on {row.network}, which nobody knows")
    work = Work(row, lease, network)
    try:
        _advance(work)
    except LeaseLost:
        logger.info("a deployment was left to others", extra={"deployment": str(deployment_id)})
    except Exception:
        logger.exception("a deployment stopped", extra={"deployment": str(deployment_id)})
        work.row.refresh_from_db()  # what was rolled back is still in memory
        with suppress(LeaseLost):
            _pause_or_fail(work, failure_of(ErrorCategory.INTERNAL, _UNEXPECTED, Remedy.USER))
    finally:
        Deployment.objects.filter(pk=deployment_id, lease=lease).update(
            lease=None, lease_until=None
        )
    return True


def _due() -> Q:
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    return free & Q(status__in=[str(status) for status in AT_WORK], next_step_at__lte=now)


def _advance(work: Work) -> None:
    try:
        chain = chain_for(work.row.network)
    except NotConfigured as problem:
        failure = failure_of(ErrorCategory.CONFIGURATION, str(problem), Remedy.USER)
        _fail(work, failure)
        return
    for _ in range(_STEPS):
        before = work.status
        try:
            pause = _STEP[before](work, chain)
        except ChainFault as fault:
            _fault(work, chain, fault)
            return
        if work.status not in _STEP:
            return
        if pause:
            _rest(work, pause)
            return
        _renew(work)


def _sign(work: Work, chain: Chain) -> timedelta:
    """Queued: keep a signed transaction, then send it."""
    alive = transactions_alive(work.row)
    found = transactions_look_up(chain, alive)
    if found is None:
        return _prepare(work, chain, None)
    last = found.row
    if found.state is _S.UNKNOWN:
        last = alive[-1]
        if last.replaced_at is not None:
            return _prepare(work, chain, last)
        chain.submit(as_prepared(last))
    # Otherwise it was sent before a crash, or before a retry.
    _move(
        work,
        Change(
            Status.SUBMITTED,
            "The node has the transaction.",
            transaction_id=last.transaction_id,
            fields={"deployed_by": last.sender},
        ),
    )
    return _NOW


def _prepare(work: Work, chain: Chain, replaced: DeploymentTransaction | None) -> timedelta:
    row, key = work.row, secrets.token_bytes(32)
    left = nonce_left_behind(chain=chain, deployment=row, replaced=replaced)
    before = left or replaced
    prepared = chain.prepare(
        work.order(key),
        used_nonces=nonces_taken(network=row.network, sender=chain.sender()),
        replaces=as_prepared(before) if before else None,
    )
    try:
        with transaction.atomic():
            work.held()
            if left is not None and not transaction_replace(left):
                raise IntegrityError
            transaction_keep(deployment=row, prepared=prepared, key=key)
            record_event(
                "deployments.transaction.signed",
                actor=SYSTEM,
                **event_fields(row),
                details={"transactionId": prepared.transaction_id, "sender": prepared.sender},
            )
    except IntegrityError:
        # Another deployment of this sender took the nonce first. One that was to replace a
        # transaction waits for that; any other signs with the next nonce.
        logger.info("a nonce was taken", extra={"deployment": str(row.pk)})
        return _pause_of(work.network) if replaced else _NOW
    return _NOW


def _follow(work: Work, chain: Chain) -> timedelta:
    """Submitted, Pending, Confirmed: see what became of the transaction."""
    alive = transactions_alive(work.row)
    found = transactions_look_up(chain, alive)
    if found is None:
        message = "The transaction never landed, and never can."
        _fail(work, failure_of(ErrorCategory.TRANSACTION, message, Remedy.REBUILD))
        return _NOW
    if found.state is _S.UNKNOWN:
        _reorganized(work)
        chain.submit(as_prepared(alive[-1]))  # it was dropped; the same bytes again are harmless
        return _pause_of(work.network)
    if work.status == Status.SUBMITTED:
        _move(work, Change(Status.PENDING, "The network has seen the transaction."))
        return _NOW
    if found.state is _S.REVERTED:
        transactions_bury([found.row])
        detail = found.answer.detail or "The transaction was reverted."
        _fail(work, failure_of(ErrorCategory.TRANSACTION, detail, Remedy.NEVER))
        return _NOW
    if found.state is _S.PENDING:
        _reorganized(work)
        return _pause_of(work.network)
    return _landed(work, found)


def _landed(work: Work, found: Found) -> timedelta:
    answer = found.answer
    facts = {
        "transaction_id": found.row.transaction_id,
        "confirmed_round": answer.round,
        "asset_identifier": answer.asset_identifier,
    }
    if work.status == Status.PENDING:
        message = f"In round or block {answer.round}."
        _move(work, Change(Status.CONFIRMED, message, **facts))  # type: ignore[arg-type]
        return _NOW
    if work.row.confirmed_round != answer.round:
        _update(work, **facts)
    if found.state is not _S.FINAL:
        return _pause_of(work.network, 4)
    message = f"Final in round or block {answer.round}."
    _move(work, Change(Status.INDEXED, message, **facts))  # type: ignore[arg-type]
    return _NOW


def _complete(work: Work, chain: Chain) -> timedelta:
    """Indexed: read the asset back, and complete where it is what was asked for."""
    alive = transactions_alive(work.row)
    found = transactions_look_up(chain, alive)
    if found is None or found.state is not _S.FINAL:
        return _pause_of(work.network, 4)
    confirmation = chain.confirm(work.order(bytes(found.row.key)), found.answer)
    try:
        with transaction.atomic():
            work.held()
            complete(work.row, found.answer, confirmation)
    except DomainError as refusal:
        _fail(work, failure_of(ErrorCategory.INTERNAL, refusal.message, Remedy.USER))
    return _NOW


_STEP: Final[dict[Status, Callable[[Work, Chain], timedelta]]] = {
    Status.QUEUED: _sign,
    Status.SUBMITTED: _follow,
    Status.PENDING: _follow,
    Status.CONFIRMED: _follow,
    Status.INDEXED: _complete,
}


def _reorganized(work: Work) -> None:
    """Note that a confirmed transaction is in no block any more."""
    if work.status != Status.CONFIRMED or work.row.confirmed_round is None:
        return
    with transaction.atomic():
        work.held()
        _update(work, confirmed_round=None)
        record_event(
            "deployments.deployment.reorganized",
            actor=SYSTEM,
            **event_fields(work.row),
            details={"transactionId": work.row.transaction_id},
        )


def _fault(work: Work, chain: Chain, fault: ChainFault) -> None:
    """Decide what follows from what a node said."""
    reading = read_fault(fault, work.network.kind)
    logger.warning(
        "a node refused or did not answer",
        extra={"deployment": str(work.row.pk), "rule": reading.rule, "text": fault.text[:500]},
    )
    failure = reading.failure
    if failure is None:  # nothing is known yet
        _rest(work, _pause_of(work.network))
        return
    if reading.remedy is Remedy.RESEND:  # only time can mend it
        _pause_or_fail(work, failure)
        return
    alive = transactions_alive(work.row)
    try:
        found = transactions_look_up(chain, alive) if alive else None
    except ChainFault:
        _pause_or_fail(work, failure)
        return
    if found is not None and found.state is not _S.UNKNOWN:
        # An earlier sending of the same bytes had arrived, whatever was said of this one.
        _rest(work, _NOW)
    elif reading.remedy is Remedy.REBUILD:
        if found is not None and alive[-1].nonce is not None:
            # One of the same nonce may take its place; on AVM networks it must be dead first.
            transaction_replace(alive[-1])
        _pause_or_fail(work, failure)
    else:
        _fail(work, failure)


def _pause_or_fail(work: Work, failure: Failure) -> None:
    faults = work.row.faults + 1
    if faults >= MAX_FAULTS:
        _fail(work, failure)
        return
    first = timedelta(seconds=failure.delay_seconds or 5)
    pause = min(first * 2 ** (faults - 1), max(_LONGEST_PAUSE, first))
    _rest(work, pause, faults=faults)


def _fail(work: Work, failure: Failure) -> None:
    _move(work, Change(Status.FAILED, failure.advice.message, failure=failure))


def _move(work: Work, change: Change) -> None:
    with transaction.atomic():
        work.held()
        deployment_move(deployment=work.row, change=change, actor=SYSTEM)


def _renew(work: Work) -> None:
    until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    _update(work, lease_until=until)


def _rest(work: Work, pause: timedelta, *, faults: int = 0) -> None:
    _update(work, next_step_at=timezone.now() + pause, faults=faults)


def _update(work: Work, **values: object) -> None:
    rows = Deployment.objects.filter(pk=work.row.pk, lease=work.lease, status=work.row.status)
    if not rows.update(**values):
        raise LeaseLost
    for name, value in values.items():
        setattr(work.row, name, value)


def _pause_of(network: Network, blocks: int = 1) -> timedelta:
    """How long it takes until there may be news: that many blocks, within reason."""
    wanted = timedelta(milliseconds=network.ms_average * blocks)
    return min(max(wanted, timedelta(seconds=1)), timedelta(seconds=60))
