"""The words of an evaluation and the record of one check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jurisdictions.engine.snapshot import Waiver
from jurisdictions.engine.values import FactValue

ENGINE_VERSION = "1.0.0"
# The engine's own checks are results of this pack.
ENGINE_PACK_ID = "engine"


class Verdict(StrEnum):
    """The answer of one check, spelled as on the wire."""

    PASS = "Pass"  # noqa: S105 (a verdict, no password)
    FAIL = "Fail"
    UNKNOWN = "Unknown"
    NOT_APPLICABLE = "NotApplicable"
    WAIVED = "Waived"


class Severity(StrEnum):
    """Whether a check blocks compliance or only advises."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"


class ReasonCode(StrEnum):
    """Why a check answered as it did; one code, one cause."""

    SATISFIED = "satisfied"
    CONDITION_NOT_MET = "condition_not_met"
    APPLICABILITY_UNDETERMINED = "applicability_undetermined"
    NOT_YET_EFFECTIVE = "not_yet_effective"
    NO_LONGER_EFFECTIVE = "no_longer_effective"
    CHECK_KIND_UNKNOWN = "check_kind_unknown"

    FACT_MISSING = "fact_missing"
    FACT_UNREADABLE = "fact_unreadable"
    REFERENCE_MISSING = "reference_missing"
    VALUE_MALFORMED = "value_malformed"
    VALUE_TOO_SHORT = "value_too_short"
    VALUE_TOO_LONG = "value_too_long"
    CHECKSUM_WRONG = "checksum_wrong"
    VALUE_NOT_ALLOWED = "value_not_allowed"
    NUMBER_BELOW_MINIMUM = "number_below_minimum"
    NUMBER_ABOVE_MAXIMUM = "number_above_maximum"
    DATE_BEFORE_BOUND = "date_before_bound"
    DATE_AFTER_BOUND = "date_after_bound"
    DATE_TOO_OLD = "date_too_old"
    DATE_IN_FUTURE = "date_in_future"
    DEADLINE_OPEN = "deadline_open"
    DEADLINE_PASSED = "deadline_passed"

    EVIDENCE_MISSING = "evidence_missing"
    EVIDENCE_PENDING = "evidence_pending"
    EVIDENCE_EXPIRED = "evidence_expired"
    EVIDENCE_REVOKED = "evidence_revoked"
    EVIDENCE_FAILED = "evidence_failed"
    EVIDENCE_TOO_OLD = "evidence_too_old"
    EVIDENCE_NOT_YET_VALID = "evidence_not_yet_valid"
    EVIDENCE_WRONG_ATTRIBUTES = "evidence_wrong_attributes"
    EVIDENCE_SELF_VERIFIED = "evidence_self_verified"
    EVIDENCE_UNVERIFIED = "evidence_unverified"
    EVIDENCE_INSUFFICIENT = "evidence_insufficient"
    COVERAGE_INSUFFICIENT = "coverage_insufficient"
    POPULATION_EMPTY = "population_empty"
    POPULATION_UNAVAILABLE = "population_unavailable"

    WHITELIST_POLICY_MISSING = "whitelist_policy_missing"
    WHITELIST_NOT_ENFORCED = "whitelist_not_enforced"
    WHITELIST_EMPTY = "whitelist_empty"
    WHITELIST_ENTRIES_INVALID = "whitelist_entries_invalid"
    WHITELIST_JURISDICTION_MISSING = "whitelist_jurisdiction_missing"
    DEPLOYMENT_MISSING = "deployment_missing"
    DEPLOYMENT_FAILED = "deployment_failed"
    DEPLOYMENT_NOT_COMPLETED = "deployment_not_completed"
    AUDIT_CHAIN_BROKEN = "audit_chain_broken"
    AUDIT_EVENTS_MISSING = "audit_events_missing"
    AUDIT_EVENTS_TOO_FEW = "audit_events_too_few"
    AUDIT_EVENT_TOO_OLD = "audit_event_too_old"
    VERIFICATION_NOT_RUN = "verification_not_run"
    RETENTION_NOT_CONFIGURED = "retention_not_configured"
    RETENTION_TOO_SHORT = "retention_too_short"
    RETENTION_TOO_LONG = "retention_too_long"
    LIST_HIT = "list_hit"
    LIST_MISSING = "list_missing"
    SUBJECT_MISSING = "subject_missing"
    REVIEW_MISSING = "review_missing"
    REVIEW_NOT_SATISFIED = "review_not_satisfied"

    JURISDICTION_MISSING = "jurisdiction_missing"
    JURISDICTION_UNRECOGNIZED = "jurisdiction_unrecognized"
    RULE_PACK_MISSING = "rule_pack_missing"
    CLASSIFICATION_MISSING = "classification_missing"
    CLASSIFICATION_NOT_NEEDED = "classification_not_needed"


class WarningCode(StrEnum):
    """What a reader should know although it changes no verdict (regulation.md section 10)."""

    EVIDENCE_EXPIRING = "evidence_expiring"
    ASSUMED_FACT = "assumed_fact"
    LIST_STALE = "list_stale"
    LIST_HIT = "list_hit"
    CLASSIFICATION_INCONSISTENT = "classification_inconsistent"
    JURISDICTION_TEXT_UNPARSED = "jurisdiction_text_unparsed"
    CALENDAR_FALLBACK = "calendar_fallback"
    DEADLINE_OPEN = "deadline_open"


@dataclass(frozen=True)
class Citation:
    """The provision a requirement rests on, and where to read it ("" if nowhere public)."""

    text: str
    uri: str = ""


@dataclass(frozen=True)
class Evidence:
    """One thing a check looked at: a fact by path, an attestation by id, a population by name."""

    type: str
    reference: str
    value: FactValue = None
    hash: str | None = None


@dataclass(frozen=True)
class Assumption:
    """A value taken for a fact that nobody recorded, as the facts catalogue declares."""

    path: str
    value: FactValue


@dataclass(frozen=True)
class Outcome:
    """What a check kind answers, before the requirement and any waiver are put around it."""

    verdict: Verdict
    reason_code: ReasonCode
    reason: str
    evidence: tuple[Evidence, ...] = ()
    missing_facts: tuple[str, ...] = ()
    warnings: tuple[WarningCode, ...] = ()


@dataclass(frozen=True)
class CheckResult:
    """One requirement judged for one jurisdiction: the verdict and everything that explains it.

    `via_tag` names the tags that brought the requirement, comma separated ("DE,FR"), or is None
    where it applies to every token. `flips_at` is the earliest future moment at which the verdict
    can change by the clock alone, or None.
    """

    key: str
    jurisdiction: str
    via_tag: str | None
    pack_id: str
    pack_version: str
    title: str
    category: str
    severity: Severity
    basis: str
    verdict: Verdict
    reason_code: ReasonCode
    reason: str
    citations: tuple[Citation, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    missing_facts: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    warnings: tuple[WarningCode, ...] = ()
    waiver: Waiver | None = None
    underlying_verdict: Verdict | None = None
    control: str | None = None
    remediation: str = ""
    flips_at: datetime | None = None

    @property
    def via_tags(self) -> tuple[str, ...]:
        """The codes of the tags that brought the requirement."""
        return tuple(self.via_tag.split(",")) if self.via_tag else ()
