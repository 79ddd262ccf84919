"""Reading whitelists."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Token
from whitelist.choices import EntryStatus
from whitelist.models import WhitelistEntry, WhitelistPolicy


@dataclass(frozen=True, slots=True)
class PopulationEntry:
    """What the rules may ask of one entry; `jurisdiction` is None where none was stated."""

    address: str
    kyc_verified: bool
    kyc_verification_date: datetime | None
    expiration_date: datetime | None
    jurisdiction: str | None
    status: str


@dataclass(frozen=True, slots=True)
class WhitelistPopulation:
    """The policy's enforcement, None where it was never set, and the entries by address."""

    enforcement: str | None
    entries: tuple[PopulationEntry, ...]


def whitelist_population(*, token: Token, every_status: bool = False) -> WhitelistPopulation:
    """Return the policy and the Active entries of a token, in two queries whatever their number.

    An expired entry is among them: whether time has overtaken it is for the rules to say. With
    `every_status` those that are not Active are too.
    """
    enforcement = (
        WhitelistPolicy.objects.filter(token=token).values_list("enforcement", flat=True).first()
    )
    entries = WhitelistEntry.objects.filter(token=token)
    if not every_status:
        entries = entries.filter(status=EntryStatus.ACTIVE)
    rows = entries.order_by("address").values_list(
        "address",
        "kyc_verified",
        "kyc_verification_date",
        "expiration_date",
        "jurisdiction_code",
        "status",
    )
    return WhitelistPopulation(enforcement, tuple(PopulationEntry(*row) for row in rows))
