"""The registry: every name that an event can have, and what follows from it."""

from audit.choices import ActionType, Category, Operation, Severity
from audit.deployment_events import DEPLOYMENT_EVENTS
from audit.event_types import EventType
from audit.event_types import event_type as _event
from audit.record_events import RECORD_TYPES
from audit.webhook_events import WEBHOOK_EVENTS
from audit.whitelist_events import WHITELIST_EVENTS

__all__ = ["EVENT_TYPES", "EVIDENCE_NAMES", "METERED", "SEVERITIES", "EventType"]

_A, _C, _S, _O = ActionType, Category, Severity, Operation

_TYPES = (
    # Who is calling.
    _event("accounts.user.registered", "User registered", _C.ACCOUNT, _A.CREATE),
    _event("accounts.user.updated", "User changed", _C.ACCOUNT, _A.UPDATE),
    _event("accounts.user.logged_in", "Logged in", _C.ACCOUNT, _A.LOGIN),
    _event("accounts.user.login_failed", "Log-in failed", _C.ACCOUNT, _A.LOGIN, _S.WARNING),
    _event("accounts.user.locked", "Account locked", _C.SECURITY, _A.DENY, _S.WARNING),
    _event("accounts.user.logged_out", "Logged out", _C.ACCOUNT, _A.LOGOUT),
    _event("accounts.session.refreshed", "Session refreshed", _C.ACCOUNT, _A.UPDATE),
    _event("accounts.role.changed", "Roles changed", _C.ACCOUNT, _A.UPDATE, _S.NOTICE),
    _event("accounts.issuer.created", "Issuer created", _C.ACCOUNT, _A.CREATE),
    _event("accounts.issuer.updated", "Issuer changed", _C.ACCOUNT, _A.UPDATE, affects=True),
    _event("accounts.member.added", "Issuer member added", _C.ACCOUNT, _A.CREATE, _S.NOTICE),
    _event("accounts.member.updated", "Issuer member changed", _C.ACCOUNT, _A.UPDATE, _S.NOTICE),
    _event("accounts.member.removed", "Issuer member removed", _C.ACCOUNT, _A.DELETE, _S.NOTICE),
    _event("accounts.token.registered", "Token registered", _C.COMPLIANCE, _A.CREATE, affects=True),
    _event("accounts.token.updated", "Token changed", _C.COMPLIANCE, _A.UPDATE, affects=True),
    _event("accounts.token.claimed", "Token claimed", _C.COMPLIANCE, _A.UPDATE, affects=True),
    _event(
        "accounts.token.owner_verified",
        "Token owner verified",
        _C.COMPLIANCE,
        _A.VERIFY,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "accounts.token.reassigned",
        "Token reassigned",
        _C.COMPLIANCE,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    _event("accounts.anchor.recorded", "Round anchor recorded", _C.ACCOUNT, _A.UPDATE),
    _event("security.access.denied", "Access denied", _C.SECURITY, _A.DENY, _S.WARNING),
    # The log itself.
    _event(
        "audit.log.exported",
        "Audit log exported",
        _C.AUDIT,
        _A.EXPORT,
        _S.NOTICE,
        meters=_O.EXPORT,
    ),
    _event("audit.export.requested", "Export requested", _C.AUDIT, _A.CREATE),
    _event("audit.export.finished", "Export finished", _C.AUDIT, _A.UPDATE),
    _event("audit.export.failed", "Export failed", _C.AUDIT, _A.UPDATE),
    _event("audit.export.cancelled", "Export cancelled", _C.AUDIT, _A.UPDATE),
    _event("audit.export.expired", "Files of an export deleted", _C.AUDIT, _A.UPDATE),
    _event(
        "audit.export.downloaded",
        "Export downloaded",
        _C.AUDIT,
        _A.EXPORT,
        _S.NOTICE,
        meters=_O.EXPORT,
    ),
    _event("audit.trail.verified", "Audit trail verified", _C.AUDIT, _A.VERIFY),
    _event("audit.trail.broken", "Audit trail found altered", _C.AUDIT, _A.VERIFY, _S.WARNING),
    _event(
        "audit.trail.verdict_changed",
        "Audit trail verdict changed",
        _C.AUDIT,
        _A.VERIFY,
        _S.NOTICE,
        affects=True,
    ),
    _event("audit.trail.verification_requested", "Verification requested", _C.AUDIT, _A.VERIFY),
    _event(
        "audit.trail.verification_failed", "Verification stopped", _C.AUDIT, _A.VERIFY, _S.WARNING
    ),
    _event("audit.checkpoint.cosigned", "Checkpoint cosigned", _C.AUDIT, _A.CREATE),
    _event("audit.checkpoint.anchored", "Checkpoint anchored", _C.AUDIT, _A.CREATE),
    _event("audit.checkpoint.refused", "Checkpoint not signed", _C.AUDIT, _A.VERIFY, _S.WARNING),
    # Which rules apply.
    _event("jurisdictions.pack.loaded", "Rule pack loaded", _C.JURISDICTION, _A.CREATE),
    _event("jurisdictions.pack.drafted", "Rule pack drafted", _C.JURISDICTION, _A.CREATE),
    _event("jurisdictions.pack.updated", "Rule pack draft changed", _C.JURISDICTION, _A.UPDATE),
    _event("jurisdictions.pack.submitted", "Rule pack submitted", _C.JURISDICTION, _A.UPDATE),
    _event("jurisdictions.pack.returned", "Rule pack returned", _C.JURISDICTION, _A.UPDATE),
    _event(
        "jurisdictions.pack.activated",
        "Rule pack activated",
        _C.JURISDICTION,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "jurisdictions.pack.superseded",
        "Rule pack superseded",
        _C.JURISDICTION,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "jurisdictions.pack.retired",
        "Rule pack retired",
        _C.JURISDICTION,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "jurisdictions.pack.change_failed",
        "Rule pack change refused",
        _C.JURISDICTION,
        _A.UPDATE,
        _S.NOTICE,
    ),
    _event(
        "jurisdictions.pack.approved",
        "Rule pack approved on its dry run",
        _C.JURISDICTION,
        _A.UPDATE,
        _S.NOTICE,
    ),
    _event("jurisdictions.dry_run.requested", "Dry run requested", _C.JURISDICTION, _A.CREATE),
    _event("jurisdictions.dry_run.finished", "Dry run finished", _C.JURISDICTION, _A.UPDATE),
    _event("jurisdictions.dry_run.failed", "Dry run failed", _C.JURISDICTION, _A.UPDATE, _S.NOTICE),
    _event("jurisdictions.dry_run.report_read", "Dry-run report read", _C.JURISDICTION, _A.READ),
    _event("jurisdictions.dry_run.cancelled", "Dry run cancelled", _C.JURISDICTION, _A.UPDATE),
    _event(
        "jurisdictions.dry_run.request_failed",
        "Dry run refused",
        _C.JURISDICTION,
        _A.CREATE,
        _S.NOTICE,
    ),
    _event("jurisdictions.requirement.created", "Requirement added", _C.JURISDICTION, _A.CREATE),
    _event("jurisdictions.requirement.updated", "Requirement changed", _C.JURISDICTION, _A.UPDATE),
    _event("jurisdictions.requirement.deleted", "Requirement removed", _C.JURISDICTION, _A.DELETE),
    _event(
        "jurisdictions.directory.loaded",
        "Jurisdictions loaded",
        _C.JURISDICTION,
        _A.UPDATE,
        affects=True,
    ),
    _event(
        "jurisdictions.jurisdiction.updated",
        "Jurisdiction changed",
        _C.JURISDICTION,
        _A.UPDATE,
        affects=True,
    ),
    _event("jurisdictions.fact.added", "Fact defined", _C.JURISDICTION, _A.CREATE, _S.NOTICE),
    _event("jurisdictions.fact.described", "Fact described", _C.JURISDICTION, _A.UPDATE),
    _event("jurisdictions.fact.updated", "Fact changed", _C.JURISDICTION, _A.UPDATE, affects=True),
    _event(
        "jurisdictions.list.updated",
        "Screening list changed",
        _C.JURISDICTION,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    # What is recorded of a token or an issuer for the rules to look at.
    _event(
        "jurisdictions.token_tag.assigned", "Token tagged", _C.COMPLIANCE, _A.CREATE, affects=True
    ),
    _event(
        "jurisdictions.token_tag.updated",
        "Tag of a token changed",
        _C.COMPLIANCE,
        _A.UPDATE,
        affects=True,
    ),
    _event(
        "jurisdictions.token_tag.removed",
        "Tag of a token removed",
        _C.COMPLIANCE,
        _A.DELETE,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "jurisdictions.issuer_tag.assigned", "Issuer tagged", _C.COMPLIANCE, _A.CREATE, affects=True
    ),
    _event(
        "jurisdictions.issuer_tag.updated",
        "Tag of an issuer changed",
        _C.COMPLIANCE,
        _A.UPDATE,
        affects=True,
    ),
    _event(
        "jurisdictions.issuer_tag.removed",
        "Tag of an issuer removed",
        _C.COMPLIANCE,
        _A.DELETE,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "jurisdictions.tag.write_failed", "Tag write failed", _C.COMPLIANCE, _A.UPDATE, _S.NOTICE
    ),
    _event(
        "jurisdictions.facts.recorded", "Facts recorded", _C.COMPLIANCE, _A.UPDATE, affects=True
    ),
    _event(
        "jurisdictions.facts.write_failed",
        "Facts write failed",
        _C.COMPLIANCE,
        _A.UPDATE,
        _S.NOTICE,
    ),
    _event(
        "jurisdictions.waiver.requested", "Waiver requested", _C.COMPLIANCE, _A.CREATE, _S.NOTICE
    ),
    _event(
        "jurisdictions.waiver.approved",
        "Waiver approved",
        _C.COMPLIANCE,
        _A.VERIFY,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "jurisdictions.waiver.revoked",
        "Waiver revoked",
        _C.COMPLIANCE,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    # Nothing is computed again for it: a status knows the moment at which it changes.
    _event("jurisdictions.waiver.expired", "Waiver expired", _C.COMPLIANCE, _A.UPDATE, _S.NOTICE),
    _event(
        "jurisdictions.waiver.write_failed",
        "Waiver write failed",
        _C.COMPLIANCE,
        _A.UPDATE,
        _S.NOTICE,
    ),
    *WEBHOOK_EVENTS,
    *WHITELIST_EVENTS,
    *DEPLOYMENT_EVENTS,
    # Evidence, the record and its answer.
    *RECORD_TYPES,
)

EVENT_TYPES = {event.name: event for event in _TYPES}
EVIDENCE_NAMES = {event.name: event.evidence for event in _TYPES if event.evidence}
METERED = {event.name: event.meters for event in _TYPES if event.meters}
SEVERITIES = {event.name: str(event.severity) for event in _TYPES}
