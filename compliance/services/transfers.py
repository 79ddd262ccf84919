"""Validating transfers (seed 1, "Transfer Validation API"). Hot: one query and one event.

A validation reads what is committed, in one statement and without a lock or a cache: a revocation
that was answered before the validation began always denies it. Each is an event, allowed or not, of
the moment at which it began: no event allows a transfer at a moment after that answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import Token, User
from accounts.networks import network_kind
from accounts.selectors import AmbiguousAsset, require_unambiguous
from audit.body import EventDraft
from audit.services import record_events
from compliance.transfer_records import TokenRecord, transfer_records
from config.api.errors import ValidationFailed
from config.api.formats import utc_text
from whitelist.addresses import MAX_LENGTH, holder_address
from whitelist.decision import (
    ACTIVE,
    Check,
    Decision,
    Party,
    Role,
    Transfer,
    Verdict,
    decide,
)

VALIDATED = "whitelist.transfer.validated"
FAILED = "whitelist.transfer.validation_failed"
MOST_AT_ONCE = 1000


class InvalidAddress(ValidationFailed):
    """A named address is none on the network of the token (400)."""

    def __init__(self, party: "Named", problem: str) -> None:
        super().__init__(
            f"Invalid {party.role.lower()} address format", details={party.field: [problem]}
        )


@dataclass(frozen=True, slots=True)
class Named:
    """An address as a caller named it, in which role and in which field."""

    role: Role
    address: str
    field: str


@dataclass(frozen=True, slots=True)
class TransferAsk:
    """One transfer to validate. `amount` is kept in the event and decides nothing yet.

    `operation` says what the transfer is part of: `transfer`, `mint`, `burn` or another's word.
    """

    asset_id: int
    network: str | None
    parties: Sequence[Named]
    amount: Decimal | None = None
    operation: str = "transfer"


@dataclass(frozen=True, slots=True)
class TransferAnswer:
    """What was decided on one transfer, of which token, on what entries, and when."""

    asset_id: int
    network: str | None
    issuer_id: UUID | None
    parties: tuple[Party, ...]
    decision: Decision
    now: datetime

    def party(self, role: Role) -> Party | None:
        """Return the party in this role, or None."""
        return next((party for party in self.parties if party.role is role), None)

    def document(self) -> dict[str, Any]:
        """Return the answer as it goes over the wire (seed 1, `ValidateTransferResponse`)."""
        return {
            "isAllowed": self.decision.allowed,
            "denialReason": self.decision.denial_reason,
            "senderStatus": _status_document(self.party(Role.SENDER), self.now),
            "receiverStatus": _status_document(self.party(Role.RECEIVER), self.now),
            "assetId": self.asset_id,
            "network": self.network,
            "validatedAt": utc_text(self.now),
            "checks": check_documents(self.decision),
        }


def check_documents(decision: Decision) -> list[dict[str, Any]]:
    """Return the checks as they go over the wire."""
    return [_check_document(check) for check in decision.checks]


Refused = InvalidAddress | AmbiguousAsset


def transfer_validate(*, actor: User, ask: TransferAsk) -> TransferAnswer:
    """Decide on one transfer and record it. A token that nobody recorded whitelists nobody.

    Raises `InvalidAddress`, the sender's first, and `AmbiguousAsset`; neither is recorded here.
    """
    now = timezone.now()
    (answer,) = _answers([ask], now)
    if isinstance(answer, ValidationFailed | AmbiguousAsset):
        raise answer
    record_events([_event(ask, answer)], actor=actor, occurred_at=now)
    return answer


def transfers_validate(
    *, actor: User, asks: Sequence[TransferAsk]
) -> list[TransferAnswer | Refused]:
    """Decide on each of at most 1,000 transfers, in order, and record each.

    What `transfer_validate` would raise for one is its answer here, and is recorded too. One query
    and one INSERT, whatever their number.
    """
    if len(asks) > MOST_AT_ONCE:
        message = f"At most {MOST_AT_ONCE} transfers at once."
        raise ValidationFailed(message, details={"transfers": [message]})
    now = timezone.now()
    answers = _answers(asks, now)
    events = [_event(ask, answer) for ask, answer in zip(asks, answers, strict=True)]
    record_events(events, actor=actor, occurred_at=now)
    return answers


def _answers(asks: Sequence[TransferAsk], now: datetime) -> list[TransferAnswer | Refused]:
    spelled = [[_spelled(party.address, ask.network) for party in ask.parties] for ask in asks]
    records = transfer_records(
        [(ask.asset_id, ask.network) for ask in asks],
        [
            (ask.asset_id, spelling)
            for ask, addresses in zip(asks, spelled, strict=True)
            for party, address in zip(ask.parties, addresses, strict=True)
            for spelling in _spellings(party.address, address, ask.network)
        ],
        now,
    )
    return [
        _answer(ask, addresses, records.get(ask.asset_id, ()), now)
        for ask, addresses in zip(asks, spelled, strict=True)
    ]


def _answer(
    ask: TransferAsk,
    addresses: Sequence[str | None],
    records: Sequence[TokenRecord],
    now: datetime,
) -> TransferAnswer | Refused:
    found = [one for one in records if ask.network is None or one.network == ask.network]
    if len(found) > 1:
        try:
            require_unambiguous(
                [Token(asset_id=one.asset_id, network=one.network) for one in found]
            )
        except AmbiguousAsset as ambiguous:
            return ambiguous
    record = found[0] if found else TokenRecord(ask.asset_id, ask.network or "")
    parties: list[Party] = []
    for party, known in zip(ask.parties, addresses, strict=True):
        try:
            address = _address_on(record.network, party.address, known)
        except ValueError as problem:
            if party.role is not Role.USER:
                return InvalidAddress(party, str(problem))
            address = party.address  # whoever asks holds nothing on a network of another kind
        parties.append(Party(party.role, address, record.entries.get(address)))
    decision = decide(
        Transfer(ask.asset_id, record.enforcement, parties, now, ask.amount, record.restrictions)
    )
    return TransferAnswer(
        ask.asset_id, record.network or None, record.issuer_id, tuple(parties), decision, now
    )


def _spelled(text: str, network: str | None) -> str | None:
    """Return the stored spelling as far as the caller's network tells, or None where it is none."""
    if len(text) > 2 * MAX_LENGTH:
        return None
    try:
        return holder_address(text, network or "")
    except ValueError:
        return None


def _spellings(text: str, spelled: str | None, network: str | None) -> set[str]:
    """Return how an address may be stored; the token's network is not known before the token is."""
    found = set() if spelled is None else {spelled}
    if network is None and len(text) <= 2 * MAX_LENGTH and text.isprintable():
        found.add(text.strip())
    return found


def _address_on(network: str, text: str, spelled: str | None) -> str:
    """Return the stored spelling on the token's network; raises ValueError where there is none.

    What was spelled without a network stays, where the network is of its kind.
    """
    if spelled is not None:
        kind = network_kind(network)
        if not network or kind == ("evm" if spelled.startswith("0x") else "avm"):
            return spelled
    return holder_address(text, network)


def _event(ask: TransferAsk, answer: TransferAnswer | Refused) -> EventDraft:
    if not isinstance(answer, TransferAnswer):
        return EventDraft(
            FAILED,
            success=False,
            network=ask.network or None,
            asset_id=ask.asset_id,
            transfer_allowed=False,
            error_message=answer.message,
        )
    sender, receiver, user = (answer.party(role) for role in Role)
    decision = answer.decision
    details: dict[str, Any] = {
        "operation": ask.operation,
        "checks": [str(check.code) for check in decision.checks if not _passed(check)],
    }
    if user is not None:
        details["userAddress"] = user.address
    return EventDraft(
        VALIDATED,
        network=answer.network,
        asset_id=answer.asset_id,
        issuer_id=answer.issuer_id,
        affected_address=sender.address if sender is not None else None,
        to_address=receiver.address if receiver is not None else None,
        transfer_allowed=decision.allowed,
        amount=None if ask.amount is None else f"{ask.amount:f}",
        denial_reason=decision.denial_reason,
        details=details,
    )


def _passed(check: Check) -> bool:
    return check.verdict is Verdict.PASS


def _status_document(party: Party | None, now: datetime) -> dict[str, Any] | None:
    if party is None:
        return None
    entry = party.entry
    expires = entry.expiration_date if entry is not None else None
    return {
        "address": party.address,
        "isWhitelisted": entry is not None,
        "isActive": entry is not None and entry.status == ACTIVE,
        "isExpired": entry is not None and entry.is_expired(now),
        "expirationDate": utc_text(expires) if expires is not None else None,
        "status": entry.status if entry is not None else None,
    }


def _check_document(check: Check) -> dict[str, Any]:
    return {
        "code": check.code,
        "party": check.role,
        "verdict": check.verdict,
        "reason": check.reason,
        "fix": check.fix,
        "erc1404Code": check.erc1404,
    }
