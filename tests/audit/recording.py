"""What changed, and whether the log says so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from audit.models import AuditEvent
from tests.contract.world import contents

_LOG = "the log itself: an event of each would make the log grow by being sealed"
_COMPUTED = "computed from what is recorded; a change of the answer is recorded as an event"

# Tables whose rows are no data of anybody's, each with the reason.
UNRECORDED = {
    "accounts.IdempotencyRecord": "repeats for a day what was answered; the request is recorded",
    "accounts.RoundAnchor": "operational, every 30 seconds, by a node; set by hand it is recorded",
    "admin.LogEntry": "what the admin notes for itself beside the event of the service",
    "audit.AuditCheckpoint": _LOG,
    "audit.AuditSeal": _LOG,
    "audit.AuditTile": _LOG,
    "audit.WebhookDelivery": "an event of each would be delivered in its turn, for ever",
    "axes.AccessAttempt": "counts failures for the lock-out; the failures are recorded",
    "axes.AccessAttemptExpiration": "counts failures for the lock-out; the failures are recorded",
    "axes.AccessFailureLog": "counts failures for the lock-out; the failures are recorded",
    "axes.AccessLog": "counts log-ins for the lock-out; the log-ins are recorded",
    "compliance.TokenStatus": _COMPUTED,
    "contenttypes.ContentType": "Django's list of models; a migration writes it",
    "jurisdictions.ReferenceStamp": "set by a trigger when recorded rows change, for caches",
    "sessions.Session": "holds who is signed in to the admin; signing in is recorded",
}

# For every other table: the beginnings of the names of events, of which one explains a change.
_ATTESTATION = ("attestations.attestation.",)
_CREDENTIAL = ("attestations.credential.", "attestations.attestation.")
_DRY_RUN = ("jurisdictions.dry_run.",)
_IMPORT = ("whitelist.import.",)
_SESSION = ("accounts.user.", "accounts.session.", "accounts.role.")
_PACK = ("jurisdictions.pack.", "jurisdictions.requirement.")
EXPLAINED = {
    "accounts.RevokedCredential": ("accounts.user.",),
    "accounts.Issuer": ("accounts.issuer.",),
    "accounts.IssuerMember": ("accounts.member.",),
    "accounts.Token": ("accounts.token.",),
    "accounts.User": ("accounts.user.", "accounts.role."),
    "accounts.User_groups": ("accounts.role.", "accounts.user.registered"),
    "accounts.User_user_permissions": ("accounts.role.",),
    "attestations.Attestation": _ATTESTATION,
    "attestations.AttestationStatusChange": _ATTESTATION,
    "attestations.AttestationReminder": _ATTESTATION,
    "attestations.AttestationCredential": _CREDENTIAL,
    "audit.AuditAnchoring": ("audit.checkpoint.anchored",),
    "audit.AuditCosignature": ("audit.checkpoint.cosigned",),
    "audit.AuditVerification": ("audit.trail.",),
    "audit.ExportJob": ("audit.export.",),
    "audit.ExportPart": ("audit.export.",),
    "audit.VerificationJob": ("audit.trail.",),
    "audit.WebhookSubscription": ("audit.webhook.",),
    "auth.Group": ("accounts.role.",),
    "auth.Group_permissions": ("accounts.role.",),
    "auth.Permission": ("accounts.role.",),
    "compliance.AttestationPackage": ("compliance.package.",),
    "compliance.ComplianceMetadata": ("compliance.metadata.",),
    "compliance.ComplianceReport": ("compliance.report.",),
    "compliance.ReportInput": ("compliance.report.",),
    "compliance.ReportJob": ("compliance.report_job.",),
    "compliance.ReportJobPart": ("compliance.report_job.",),
    "deployments.Deployment": ("deployments.deployment.",),
    "deployments.DeploymentTransaction": ("deployments.transaction.",),
    "deployments.DeploymentTransition": ("deployments.deployment.",),
    "jurisdictions.AmbiguousSpelling": ("jurisdictions.directory.",),
    "jurisdictions.DryRun": _DRY_RUN,
    "jurisdictions.DryRunChange": _DRY_RUN,
    "jurisdictions.DryRunReport": _DRY_RUN,
    "jurisdictions.FactDefinition": ("jurisdictions.fact.", "jurisdictions.directory."),
    "jurisdictions.FactValue": ("jurisdictions.facts.",),
    "jurisdictions.IssuerJurisdiction": ("jurisdictions.issuer_tag.",),
    "jurisdictions.Jurisdiction": ("jurisdictions.jurisdiction.", "jurisdictions.directory."),
    "jurisdictions.PackApproval": ("jurisdictions.pack.approved",),
    "jurisdictions.Requirement": _PACK,
    "jurisdictions.RulePack": _PACK,
    "jurisdictions.ScreeningList": ("jurisdictions.list.", "jurisdictions.directory."),
    "jurisdictions.ScreeningListEntry": ("jurisdictions.list.", "jurisdictions.directory."),
    "jurisdictions.TokenJurisdiction": (
        "jurisdictions.token_tag.",
        "compliance.metadata.",  # its jurisdiction says which tags the token has
    ),
    "jurisdictions.Waiver": ("jurisdictions.waiver.",),
    "token_blacklist.BlacklistedToken": _SESSION,
    "token_blacklist.OutstandingToken": _SESSION,
    "whitelist.WhitelistEntry": ("whitelist.entry.", "whitelist.import."),
    "whitelist.WhitelistImport": _IMPORT,
    "whitelist.WhitelistImportFile": _IMPORT,
    "whitelist.WhitelistImportRejection": _IMPORT,
    "whitelist.WhitelistPolicy": ("whitelist.policy.",),
}


class Watched:
    """The tables that a piece of work changed, and the events of it."""

    def __init__(self) -> None:
        self.changed: frozenset[str] = frozenset()
        self.events: list[str] = []

    @property
    def unexplained(self) -> list[str]:
        """Return the changed tables of which no event says it."""
        return sorted(
            table
            for table in self.changed - UNRECORDED.keys()
            if not any(name.startswith(EXPLAINED[table]) for name in self.events)
        )


@contextmanager
def watched() -> Iterator[Watched]:
    """Note what the block changes in any table, and which successes it records."""
    seen, before, last = Watched(), contents(), _last()
    yield seen
    after = contents()
    seen.changed = frozenset(table for table in after if after[table] != before.get(table))
    rows = AuditEvent.objects.filter(seq__gt=last, success=True).order_by("seq")
    seen.events = list(rows.values_list("name", flat=True))


def _last() -> int:
    row = AuditEvent.objects.order_by("-seq").first()
    return row.seq if row is not None else 0


def done(response: Any) -> Any:
    """Return a response that succeeded, read to its end."""
    assert response.status_code < 400, (response.status_code, response.content[:2_000])
    list(response)  # a streamed file is made while it is read
    return response


Act = Callable[..., Any]
