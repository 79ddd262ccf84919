"""Round anchors: the last round seen on each network, from which the current one is estimated."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.arc14.chain import AlgodChain, AlgodNode
from accounts.arc14.verifier import Arc14Error
from accounts.models import RoundAnchor
from accounts.networks import Network, known_network
from audit.principal import Principal
from audit.services import record_event
from config.api.errors import ValidationFailed

logger = logging.getLogger("assayer.accounts")

_BIGGEST_ROUND = 2**63 - 1
_DOUBT = 2  # rounds between the bounds of an estimate that was made just now


@transaction.atomic
def anchor_record(*, network: str, round_number: int, observed_at: datetime | None = None) -> bool:
    """Note that `network` had just finished this round; return whether that was news.

    Without an event: it is operational, and comes every 30 seconds. A round never goes back.
    Raises `ValidationFailed` for what is no Algorand network or no round.
    """
    known = _known(network, round_number)
    moment = observed_at or timezone.now()
    values = {"round": round_number, "observed_at": moment}
    anchor, created = RoundAnchor.objects.get_or_create(network=known.name, defaults=values)
    if created:
        return True
    newer = Q(round__lt=round_number) | Q(round=round_number, observed_at__lt=moment)
    return bool(RoundAnchor.objects.filter(newer, pk=anchor.pk).update(**values))


@transaction.atomic
def anchor_set(*, actor: Principal, network: str, round_number: int) -> RoundAnchor:
    """Set the round that `network` has just finished, also back; recorded as somebody's act.

    Raises `ValidationFailed` for what is no Algorand network or no round.
    """
    known = _known(network, round_number)
    values = {"round": round_number, "observed_at": timezone.now()}
    anchor, _ = RoundAnchor.objects.update_or_create(network=known.name, defaults=values)
    record_event(
        "accounts.anchor.recorded",
        actor=actor,
        network=known.name,
        details={"round": str(round_number)},
    )
    return anchor


def anchors_follow() -> int:
    """Ask the node of every network in `ARC14_ALGOD_URLS` for its round; return how many answered.

    A node that does not answer, or is behind its network, is logged and leaves its anchor as it is.
    """
    answered = 0
    for name, url in sorted(settings.ARC14_ALGOD_URLS.items()):
        try:
            _follow(name, url)
        except (Arc14Error, ValidationFailed, ValueError):
            logger.warning("a node did not say its round", extra={"network": name})
        else:
            answered += 1
    return answered


def _follow(network: str, url: str) -> None:
    node = AlgodNode(url, settings.ARC14_ALGOD_TOKEN)
    low, high = AlgodChain({network: node}).round_bounds(network)
    if high - low > _DOUBT:
        # Its last block is old: what it knows says little about now.
        raise Arc14Error("CHAIN_UNAVAILABLE")
    anchor_record(network=network, round_number=high - 1)


def round_estimate(network: Network) -> int | None:
    """Return the round that `network` has probably reached by its anchor, or None without one."""
    row = RoundAnchor.objects.filter(network=network.name).first()
    if row is None:
        return None
    elapsed = max(timezone.now() - row.observed_at, timedelta())
    return row.round + elapsed // timedelta(milliseconds=network.ms_average)


def _known(network: str, round_number: int) -> Network:
    known = known_network(network)
    if known is None or known.kind != "avm":
        raise ValidationFailed(f"{network} is not a known Algorand network.")
    if not 0 <= round_number <= _BIGGEST_ROUND:
        raise ValidationFailed("A round is a whole number from 0 to 2^63-1.")
    return known
