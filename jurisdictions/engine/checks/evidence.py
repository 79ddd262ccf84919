"""What makes an attestation count as evidence, and what is wrong with one that does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from jurisdictions.engine.checks.registry import EVIDENCE_LIMIT, POSITIVE, Params
from jurisdictions.engine.clock import Clock, age_ends
from jurisdictions.engine.days import END_OF_TIME
from jurisdictions.engine.results import Evidence, ReasonCode, WarningCode
from jurisdictions.engine.snapshot import AttestationFact
from jurisdictions.engine.values import as_members, same_value

EVIDENCE_PARAMS: dict[str, Any] = {
    "verified": {"type": "boolean"},
    "unexpired": {"type": "boolean"},
    "maxAgeDays": POSITIVE,
    "attributes": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {
            "anyOf": [
                {"type": ["string", "boolean", "number"]},
                {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": ["string", "boolean", "number"]},
                },
            ]
        },
    },
}

_STATUS_PROBLEM = {
    "Revoked": ReasonCode.EVIDENCE_REVOKED,
    "Failed": ReasonCode.EVIDENCE_FAILED,
}

# Where several attestations fall short, the one nearest to counting explains the verdict.
_NEAREST_FIRST = (
    ReasonCode.EVIDENCE_EXPIRED,
    ReasonCode.EVIDENCE_TOO_OLD,
    ReasonCode.EVIDENCE_NOT_YET_VALID,
    ReasonCode.EVIDENCE_SELF_VERIFIED,
    ReasonCode.EVIDENCE_UNVERIFIED,
    ReasonCode.EVIDENCE_PENDING,
    ReasonCode.EVIDENCE_FAILED,
    ReasonCode.EVIDENCE_REVOKED,
    ReasonCode.EVIDENCE_WRONG_ATTRIBUTES,
)

_WORDS = {
    ReasonCode.EVIDENCE_EXPIRED: "has expired",
    ReasonCode.EVIDENCE_TOO_OLD: "is too old",
    ReasonCode.EVIDENCE_NOT_YET_VALID: "is dated in the future",
    ReasonCode.EVIDENCE_SELF_VERIFIED: "was verified by the one who created it",
    ReasonCode.EVIDENCE_UNVERIFIED: "names nobody who verified it",
    ReasonCode.EVIDENCE_PENDING: "is not verified yet",
    ReasonCode.EVIDENCE_FAILED: "failed its verification",
    ReasonCode.EVIDENCE_REVOKED: "was revoked",
    ReasonCode.EVIDENCE_WRONG_ATTRIBUTES: "does not state what is asked for",
}


@dataclass(frozen=True)
class EvidenceTerms:
    """What a requirement asks of each attestation."""

    verified: bool = True
    unexpired: bool = True
    max_age_days: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, params: Params) -> EvidenceTerms:
        """The terms in a check's params; verified and unexpired unless they say otherwise."""
        return cls(
            verified=params.get("verified", True),
            unexpired=params.get("unexpired", True),
            max_age_days=params.get("maxAgeDays"),
            attributes=params.get("attributes", {}),
        )

    def ends(self, attestation: AttestationFact) -> datetime:
        """The moment from which the attestation no longer counts by its age or expiry."""
        ends = END_OF_TIME
        if self.unexpired and attestation.expires_at is not None:
            ends = attestation.expires_at
        if self.max_age_days is not None:
            ends = min(ends, age_ends(_issue_day(attestation), self.max_age_days))
        return ends

    def longest_first(self, attestations: Iterable[AttestationFact]) -> list[AttestationFact]:
        """The attestations in the order in which they outlast each other.

        Whoever stops at the first that counts has asked the clock for no earlier end.
        """
        return sorted(sorted(attestations, key=lambda a: a.id), key=self.ends, reverse=True)

    def shortcoming(self, attestation: AttestationFact, clock: Clock) -> ReasonCode | None:
        """Why the attestation does not count, or None if it does.

        Verified means: status Verified by somebody other than the creator, neither revoked nor
        expired (`attestation-types.json`, rule).
        """
        if not _states(attestation.attributes, self.attributes):
            return ReasonCode.EVIDENCE_WRONG_ATTRIBUTES
        if attestation.status in _STATUS_PROBLEM:
            return _STATUS_PROBLEM[attestation.status]
        if self.verified:
            if attestation.status != "Verified":
                return ReasonCode.EVIDENCE_PENDING
            if attestation.verified_by_id is None:
                return ReasonCode.EVIDENCE_UNVERIFIED
            if attestation.verified_by_id == attestation.created_by_id:
                return ReasonCode.EVIDENCE_SELF_VERIFIED
        if not clock.reached(attestation.issued_at):
            return ReasonCode.EVIDENCE_NOT_YET_VALID
        if self.unexpired and attestation.expires_at and clock.reached(attestation.expires_at):
            return ReasonCode.EVIDENCE_EXPIRED
        if self.max_age_days is not None and clock.too_old(
            _issue_day(attestation), self.max_age_days
        ):
            return ReasonCode.EVIDENCE_TOO_OLD
        return None


def _issue_day(attestation: AttestationFact) -> date:
    return attestation.issued_at.astimezone(UTC).date()


def _states(attributes: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether for every attribute asked for one of the allowed values is stated."""
    for name, allowed in asked.items():
        stated = attributes.get(name)
        stated_values = as_members(stated) or (stated,)
        allowed_values = as_members(allowed) or (allowed,)
        if not any(same_value(one, other) for one in stated_values for other in allowed_values):
            return False
    return True


def nearest(shortcomings: Iterable[ReasonCode]) -> ReasonCode:
    """The shortcoming that explains best why none of the attestations counts."""
    return min(shortcomings, key=_NEAREST_FIRST.index)


def in_words(shortcoming: ReasonCode) -> str:
    """The shortcoming as the end of a sentence about an attestation."""
    return _WORDS[shortcoming]


def attestation_evidence(attestations: Sequence[AttestationFact]) -> tuple[Evidence, ...]:
    """The attestations by id, at most as many as a report names."""
    return tuple(
        Evidence("attestation", one.id, one.attestation_type, one.proof_hash)
        for one in sorted(attestations, key=lambda a: a.id)[:EVIDENCE_LIMIT]
    )


def expiry_warnings(
    attestations: Iterable[AttestationFact], terms: EvidenceTerms, clock: Clock
) -> tuple[WarningCode, ...]:
    """`evidence_expiring` where some of the counting evidence ends within 30 days."""
    expiring = any(clock.soon(terms.ends(one)) for one in attestations)
    return (WarningCode.EVIDENCE_EXPIRING,) if expiring else ()
