"""The events of the evidence, of the record, and of the answer; see `audit.events`."""

from audit.choices import ActionType, Category, Operation, Severity
from audit.event_types import event_type as _event

_A, _C, _S, _O = ActionType, Category, Severity, Operation

RECORD_TYPES = (
    # Evidence.
    _event(
        "attestations.attestation.created",
        "Attestation created",
        _C.COMPLIANCE,
        _A.CREATE,
        affects=True,
        meters=_O.ADD,
    ),
    _event(
        "attestations.attestation.create_failed",
        "Attestation refused",
        _C.COMPLIANCE,
        _A.CREATE,
        _S.NOTICE,
    ),
    _event(
        "attestations.attestation.verified",
        "Attestation verified",
        _C.COMPLIANCE,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "attestations.attestation.failed",
        "Attestation failed",
        _C.COMPLIANCE,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "attestations.attestation.revoked",
        "Attestation revoked",
        _C.COMPLIANCE,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "attestations.attestation.decision_failed",
        "Attestation decision refused",
        _C.COMPLIANCE,
        _A.UPDATE,
        _S.NOTICE,
    ),
    _event("attestations.attestation.read", "Attestation read", _C.COMPLIANCE, _A.READ),
    _event(
        "attestations.attestation.read_failed", "Attestation read failed", _C.COMPLIANCE, _A.READ
    ),
    _event("attestations.attestation.listed", "Attestations listed", _C.COMPLIANCE, _A.LIST),
    _event(
        "attestations.attestation.list_failed", "Attestation list failed", _C.COMPLIANCE, _A.LIST
    ),
    # Nothing is computed again for it: a status knows the moment at which it changes.
    _event(
        "attestations.attestation.expiring",
        "Attestation about to expire",
        _C.COMPLIANCE,
        _A.UPDATE,
        _S.NOTICE,
    ),
    _event(
        "attestations.attestation.exported",
        "Attestations exported",
        _C.COMPLIANCE,
        _A.EXPORT,
        _S.NOTICE,
        meters=_O.EXPORT,
    ),
    _event(
        "attestations.attestation.export_failed",
        "Attestation export failed",
        _C.COMPLIANCE,
        _A.EXPORT,
    ),
    _event("attestations.credential.read", "Credential read", _C.COMPLIANCE, _A.READ),
    # The record and its answer.
    _event(
        "compliance.metadata.created",
        "Metadata created",
        _C.COMPLIANCE,
        _A.CREATE,
        affects=True,
        evidence="MetadataUpserted",
        meters=_O.UPSERT,
    ),
    _event(
        "compliance.metadata.updated",
        "Metadata updated",
        _C.COMPLIANCE,
        _A.UPDATE,
        affects=True,
        evidence="MetadataUpserted",
        meters=_O.UPSERT,
    ),
    _event(
        "compliance.metadata.deleted",
        "Metadata deleted",
        _C.COMPLIANCE,
        _A.DELETE,
        _S.NOTICE,
        affects=True,
        meters=_O.DELETE,
    ),
    _event("compliance.metadata.read", "Metadata read", _C.COMPLIANCE, _A.READ),
    _event("compliance.metadata.listed", "Metadata listed", _C.COMPLIANCE, _A.LIST),
    _event(
        "compliance.metadata.create_failed",
        "Metadata write failed",
        _C.COMPLIANCE,
        _A.CREATE,
        _S.NOTICE,
    ),
    _event(
        "compliance.metadata.delete_failed",
        "Metadata deletion failed",
        _C.COMPLIANCE,
        _A.DELETE,
        _S.NOTICE,
    ),
    _event("compliance.metadata.read_failed", "Metadata read failed", _C.COMPLIANCE, _A.READ),
    _event("compliance.metadata.list_failed", "Metadata list failed", _C.COMPLIANCE, _A.LIST),
    _event("compliance.status.changed", "Status changed", _C.COMPLIANCE, _A.UPDATE, _S.NOTICE),
    _event("compliance.report.generated", "Report generated", _C.COMPLIANCE, _A.CREATE),
    _event(
        "compliance.report.generation_failed",
        "Report generation failed",
        _C.COMPLIANCE,
        _A.CREATE,
        _S.NOTICE,
    ),
    _event("compliance.report.read", "Report read", _C.COMPLIANCE, _A.READ),
    _event("compliance.report.read_failed", "Report read failed", _C.COMPLIANCE, _A.READ),
    _event("compliance.report.listed", "Reports listed", _C.COMPLIANCE, _A.LIST),
    _event("compliance.report.reused", "Report answered again", _C.COMPLIANCE, _A.READ),
    _event("compliance.report.exported", "Report exported", _C.COMPLIANCE, _A.EXPORT),
    _event("compliance.report.export_failed", "Report export failed", _C.COMPLIANCE, _A.EXPORT),
    _event("compliance.report_job.requested", "Report requested", _C.COMPLIANCE, _A.CREATE),
    _event("compliance.report_job.finished", "Report job finished", _C.COMPLIANCE, _A.UPDATE),
    _event("compliance.report_job.failed", "Report job failed", _C.COMPLIANCE, _A.UPDATE),
    _event("compliance.report_job.cancelled", "Report job cancelled", _C.COMPLIANCE, _A.UPDATE),
    _event("compliance.report.verified", "Report file checked", _C.COMPLIANCE, _A.VERIFY),
    _event("compliance.report.verify_failed", "Report check failed", _C.COMPLIANCE, _A.VERIFY),
    _event(
        "compliance.package.generated",
        "Attestation package generated",
        _C.COMPLIANCE,
        _A.EXPORT,
        _S.NOTICE,
        affects=True,
        evidence="AttestationPackageGenerated",
        meters=_O.EXPORT,
    ),
    _event(
        "compliance.package.generation_failed",
        "Attestation package refused",
        _C.COMPLIANCE,
        _A.EXPORT,
        _S.NOTICE,
    ),
    _event("compliance.package.read", "Attestation package read", _C.COMPLIANCE, _A.READ),
    _event(
        "compliance.package.read_failed", "Attestation package read failed", _C.COMPLIANCE, _A.READ
    ),
    _event("compliance.package.verified", "Package file checked", _C.COMPLIANCE, _A.VERIFY),
    _event("compliance.package.verify_failed", "Package check failed", _C.COMPLIANCE, _A.VERIFY),
)
