"""The transactions that were signed for a deployment: kept, looked for, and buried."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from django.utils import timezone

from deployments.chains.port import Chain, Lookup, Prepared, TransactionState
from deployments.models import Deployment, DeploymentTransaction
from deployments.vocabulary import Status

_S = TransactionState
# What is known of several transactions of one deployment, of which at most one lands.
_TELLING: Final = (_S.FINAL, _S.CONFIRMED, _S.REVERTED, _S.PENDING, _S.UNKNOWN, _S.DEAD)


def transactions_alive(deployment: Deployment) -> list[DeploymentTransaction]:
    """Return those that may still land or have landed, oldest first."""
    rows = DeploymentTransaction.objects.filter(deployment=deployment, dead_at__isnull=True)
    return list(rows.order_by("pk"))


def transaction_keep(
    *, deployment: Deployment, prepared: Prepared, key: bytes
) -> DeploymentTransaction:
    """Keep a signed transaction before it is sent.

    Raises IntegrityError where another deployment of the sender took the nonce first.
    """
    return DeploymentTransaction.objects.create(
        deployment=deployment,
        network=deployment.network,
        transaction_id=prepared.transaction_id,
        sender=prepared.sender,
        signed=prepared.signed,
        key=key,
        valid_from=prepared.valid_from,
        valid_until=prepared.valid_until,
        nonce=prepared.nonce,
        prepared_at=timezone.now(),
    )


def as_prepared(row: DeploymentTransaction) -> Prepared:
    """Return the transaction as the chain knows it."""
    return Prepared(
        transaction_id=row.transaction_id,
        signed=bytes(row.signed),
        sender=row.sender,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        nonce=row.nonce,
    )


def nonces_taken(*, network: str, sender: str) -> frozenset[int]:
    """Return the nonces of the sender's transactions that are not over."""
    rows = DeploymentTransaction.objects.filter(
        network=network, sender=sender, nonce__isnull=False, dead_at__isnull=True
    ).exclude(deployment__status__in=[str(Status.COMPLETED), str(Status.CANCELLED)])
    return frozenset(nonce for nonce in rows.values_list("nonce", flat=True) if nonce is not None)


class Found(NamedTuple):
    """What is known of a deployment's transactions: the most telling answer, and of which it is."""

    answer: Lookup
    row: DeploymentTransaction

    @property
    def state(self) -> TransactionState:
        return self.answer.state


def transactions_look_up(chain: Chain, alive: Sequence[DeploymentTransaction]) -> Found | None:
    """Ask the chain about the transactions; None where all of them are dead."""
    found = [Found(chain.lookup(as_prepared(row)), row) for row in alive]
    transactions_bury([one.row for one in found if one.state is _S.DEAD])
    living = [one for one in found if one.state is not _S.DEAD]
    return min(living, key=lambda one: _TELLING.index(one.state), default=None)


def transactions_bury(rows: Sequence[DeploymentTransaction]) -> None:
    """Note that these have no effect and never can."""
    ids = [row.pk for row in rows]
    DeploymentTransaction.objects.filter(pk__in=ids).update(dead_at=timezone.now())


def nonce_left_behind(
    *, chain: Chain, deployment: Deployment, replaced: DeploymentTransaction | None
) -> DeploymentTransaction | None:
    """Return a transaction whose nonce nobody will use: its deployment failed and it never landed.

    Every later nonce of the sender would wait for it, so the next one signed takes its place. One
    that the deployment replaces itself (`replaced`) decides which nonce that can be.
    """
    rows = DeploymentTransaction.objects.filter(
        network=deployment.network,
        sender=chain.sender(),
        nonce__isnull=False,
        replaced_at__isnull=True,
        dead_at__isnull=True,
        deployment__status=str(Status.FAILED),
    ).exclude(deployment=deployment)
    if replaced is not None:
        rows = rows.filter(nonce=replaced.nonce)
    left = rows.order_by("nonce", "pk").first()
    if left is None:
        return None
    found = transactions_look_up(chain, [left])
    return left if found is not None and found.state is _S.UNKNOWN else None


def transaction_replace(row: DeploymentTransaction) -> bool:
    """Note that another is to take its place; return whether nobody noted it before."""
    rows = DeploymentTransaction.objects.filter(pk=row.pk, replaced_at__isnull=True)
    return bool(rows.update(replaced_at=timezone.now()))
