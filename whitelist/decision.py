"""Whether a transfer of a token may happen, and every check that was made to say so.

Pure: no Django, no database, and the moment is an argument. The policy of the whitelist decides
what its findings mean: Mandatory, and a policy that nobody ever set, deny; Optional warns; Off asks
nobody whether they are listed. What the token itself restricts (lock-up, jurisdictions, accredited
investors, number of holders) denies under every policy, and so does what it would have to know and
does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

ACTIVE = "Active"
MANDATORY, OPTIONAL, OFF = "Mandatory", "Optional", "Off"
ACCREDITED = frozenset(
    {"AccreditedInvestor", "QualifiedPurchaser", "Institutional", "Professional"}
)

# ERC-1404 fixes 0 (no restriction) alone. These are the two that its common implementations share.
NOT_WHITELISTED, TIME_LOCKED = 1, 2


class Role(StrEnum):
    """What an address is to the transfer. `User` is who asks for it."""

    SENDER = "Sender"
    RECEIVER = "Receiver"
    USER = "User"


class Verdict(StrEnum):
    """What a check found. A `Warning` is what would deny under a Mandatory whitelist."""

    PASS = "Pass"  # noqa: S105 - no password
    WARNING = "Warning"
    FAIL = "Fail"


class Code(StrEnum):
    """The checks. A code never changes its meaning."""

    WHITELIST_POLICY = "WHITELIST_POLICY"
    LISTED = "LISTED"
    ACTIVE = "ACTIVE"
    NOT_EXPIRED = "NOT_EXPIRED"
    LOCK_UP = "LOCK_UP"
    JURISDICTION = "JURISDICTION"
    ACCREDITED_INVESTOR = "ACCREDITED_INVESTOR"
    MAX_HOLDERS = "MAX_HOLDERS"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the whitelist says of an address; None where it says nothing."""

    status: str
    expiration_date: datetime | None = None
    investor_category: str | None = None
    jurisdiction: str | None = None

    def is_expired(self, now: datetime) -> bool:
        """Return whether the entry has expired at `now`; at its very moment it has."""
        return self.expiration_date is not None and self.expiration_date <= now

    def admits(self, now: datetime) -> bool:
        """Return whether the address may hold: the entry is Active and has not expired."""
        return self.status == ACTIVE and not self.is_expired(now)


@dataclass(frozen=True, slots=True)
class Party:
    """One address of the transfer with its entry, None where the whitelist has none."""

    role: Role
    address: str
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What the token restricts; None or empty where it does not.

    `holders` is how many hold the token: as recorded, else the addresses that the whitelist admits.
    Counting may stop above `max_holders`.
    """

    max_holders: int | None = None
    holders: int = 0
    locked_until: datetime | None = None
    blocked_jurisdictions: frozenset[str] = frozenset()
    accredited_only: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """All that the decision is made from. `amount` decides nothing yet (seed 1)."""

    asset_id: int
    enforcement: str | None
    parties: Sequence[Party]
    now: datetime
    amount: Decimal | None = None
    restrictions: Restrictions = field(default_factory=Restrictions)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it found of whom, and what would mend it where it did not pass."""

    code: Code
    verdict: Verdict
    reason: str
    role: Role | None = None
    fix: str | None = None
    erc1404: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the transfer may happen. `denial_reason` joins what denies it; None where nothing."""

    allowed: bool
    denial_reason: str | None
    checks: tuple[Check, ...]

    @property
    def denying(self) -> tuple[Check, ...]:
        """The checks that deny it, in the order of the denial reason."""
        return tuple(check for check in self.checks if check.verdict is Verdict.FAIL)


def decide(transfer: Transfer) -> Decision:
    """Decide on a transfer. An address that is two parties is asked once whether it is listed."""
    checks = _policy(transfer)
    seen: set[str] = set()
    for party in transfer.parties:
        if party.address not in seen:
            seen.add(party.address)
            if transfer.enforcement != OFF:
                _listed(transfer, party, checks)
            if transfer.restrictions.blocked_jurisdictions:
                _jurisdiction(transfer, party, checks)
    _lock_up(transfer, checks)
    for party in transfer.parties:
        if party.role is Role.RECEIVER:
            _receiver(transfer, party, checks)
    reasons = [check.reason for check in checks if check.verdict is Verdict.FAIL]
    return Decision(not reasons, "; ".join(reasons) or None, tuple(checks))


def _policy(transfer: Transfer) -> list[Check]:
    asset, enforcement = transfer.asset_id, transfer.enforcement
    verdict, fix = Verdict.PASS, None
    if enforcement == OFF:
        reason = f"The whitelist of asset {asset} is Off: nobody was asked whether they are listed"
        verdict, fix = Verdict.WARNING, "Set the whitelist policy to Mandatory."
    elif enforcement == OPTIONAL:
        reason = (
            f"The whitelist of asset {asset} is Optional: what it finds warns and denies nothing"
        )
        verdict, fix = Verdict.WARNING, "Set the whitelist policy to Mandatory."
    elif enforcement is None:
        reason = f"No whitelist policy was ever set for asset {asset}: it binds as Mandatory"
    else:
        reason = f"The whitelist of asset {asset} is Mandatory"
    return [Check(Code.WHITELIST_POLICY, verdict, reason, None, fix)]


def _listed(transfer: Transfer, party: Party, checks: list[Check]) -> None:
    """Not listed comes before not Active, and that before expired: the first found is the one."""
    role, entry = party.role, party.entry
    who = f"{role} address {party.address}"
    found = Verdict.WARNING if transfer.enforcement == OPTIONAL else Verdict.FAIL

    def amiss(code: Code, reason: str, fix: str) -> None:
        checks.append(Check(code, found, f"{who} {reason}", role, fix, NOT_WHITELISTED))

    if entry is None:
        fix = "Put the address on the whitelist of the token."
        amiss(Code.LISTED, f"is not whitelisted for asset {transfer.asset_id}", fix)
        return
    checks.append(Check(Code.LISTED, Verdict.PASS, f"{who} is whitelisted", role))
    if entry.status != ACTIVE:
        fix = "Set the status of its whitelist entry to Active."
        amiss(Code.ACTIVE, f"whitelist status is {entry.status} (not Active)", fix)
        return
    checks.append(Check(Code.ACTIVE, Verdict.PASS, f"{who} whitelist status is Active", role))
    if entry.expiration_date is not None and entry.is_expired(transfer.now):
        fix = "Renew its whitelist entry with a later expirationDate."
        amiss(Code.NOT_EXPIRED, f"whitelist entry expired on {entry.expiration_date:%Y-%m-%d}", fix)
        return
    checks.append(Check(Code.NOT_EXPIRED, Verdict.PASS, f"{who} entry has not expired", role))


def _jurisdiction(transfer: Transfer, party: Party, checks: list[Check]) -> None:
    blocked = transfer.restrictions.blocked_jurisdictions
    who, asset = f"{party.role} address {party.address}", transfer.asset_id
    code = party.entry.jurisdiction if party.entry else None
    if not code:
        reason = f"{who} has no recorded jurisdiction, and asset {asset} blocks some"
        fix = "State jurisdictionCode on its whitelist entry."
        checks.append(Check(Code.JURISDICTION, Verdict.FAIL, reason, party.role, fix))
    elif code in blocked or code.partition("-")[0] in blocked:
        reason = f"{who} is in jurisdiction {code}, which is blocked for asset {asset}"
        fix = "Nothing on the side of the address; token.blockedJurisdictions says who is blocked."
        checks.append(Check(Code.JURISDICTION, Verdict.FAIL, reason, party.role, fix))
    else:
        reason = f"{who} is in jurisdiction {code}, which is not blocked"
        checks.append(Check(Code.JURISDICTION, Verdict.PASS, reason, party.role))


def _lock_up(transfer: Transfer, checks: list[Check]) -> None:
    """A lock-up binds who gives the token away: minting has no sender, and is not bound."""
    until = transfer.restrictions.locked_until
    if until is None or all(party.role is not Role.SENDER for party in transfer.parties):
        return
    day = f"{until:%Y-%m-%d}"
    if transfer.now < until:
        reason = f"Asset {transfer.asset_id} is locked up until {day}"
        fix = f"Wait until {until:%Y-%m-%dT%H:%M:%SZ} (token.lockUpUntil)."
        checks.append(Check(Code.LOCK_UP, Verdict.FAIL, reason, None, fix, TIME_LOCKED))
    else:
        reason = f"The lock-up of asset {transfer.asset_id} ended on {day}"
        checks.append(Check(Code.LOCK_UP, Verdict.PASS, reason))


def _receiver(transfer: Transfer, party: Party, checks: list[Check]) -> None:
    asset, restrictions, entry = transfer.asset_id, transfer.restrictions, party.entry
    if restrictions.accredited_only:
        who, category = f"Receiver address {party.address}", entry and entry.investor_category
        if category in ACCREDITED:
            reason = f"{who} is recorded as {category}"
            check = Check(Code.ACCREDITED_INVESTOR, Verdict.PASS, reason, party.role)
        else:
            reason = f"{who} is not recorded as an accredited investor, as asset {asset} requires"
            fix = f"State investorCategory on its entry: one of {', '.join(sorted(ACCREDITED))}."
            check = Check(Code.ACCREDITED_INVESTOR, Verdict.FAIL, reason, party.role, fix)
        checks.append(check)
    most = restrictions.max_holders
    if most is not None:
        # Whom the whitelist admits is counted among the holders; anybody else would be one more.
        more = 0 if entry is not None and entry.admits(transfer.now) else 1
        holders = restrictions.holders + more
        if holders > most:
            reason = f"Asset {asset} would have more holders than the {most} that it may have"
            fix = "Record how many hold it (token.holderCount), or revoke entries that need not."
            checks.append(Check(Code.MAX_HOLDERS, Verdict.FAIL, reason, None, fix))
        else:
            reason = f"Asset {asset} has {holders} holders of the {most} that it may have"
            checks.append(Check(Code.MAX_HOLDERS, Verdict.PASS, reason))
