"""The kinds of events of whitelists: who may hold."""

from audit.choices import ActionType, Category, Operation, Severity
from audit.event_types import event_type as _event

_A, _C, _S, _O = ActionType, Category, Severity, Operation

WHITELIST_EVENTS = (
    _event(
        "whitelist.entry.created",
        "Whitelist entry added",
        _C.WHITELIST,
        _A.CREATE,
        affects=True,
        meters=_O.ADD,
    ),
    _event(
        "whitelist.entry.updated",
        "Whitelist entry changed",
        _C.WHITELIST,
        _A.UPDATE,
        affects=True,
        meters=_O.UPDATE,
    ),
    _event(
        "whitelist.entry.removed",
        "Whitelist entry removed",
        _C.WHITELIST,
        _A.DELETE,
        _S.NOTICE,
        affects=True,
        meters=_O.REMOVE,
    ),
    _event(
        "whitelist.entry.write_failed",
        "Whitelist write failed",
        _C.WHITELIST,
        _A.UPDATE,
        _S.NOTICE,
    ),
    _event(
        "whitelist.entry.remove_failed",
        "Whitelist removal failed",
        _C.WHITELIST,
        _A.DELETE,
        _S.NOTICE,
    ),
    _event(
        "whitelist.policy.changed",
        "Whitelist policy changed",
        _C.WHITELIST_RULES,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
    ),
    _event(
        "whitelist.policy.write_failed",
        "Whitelist policy write failed",
        _C.WHITELIST_RULES,
        _A.UPDATE,
        _S.NOTICE,
    ),
    _event(
        "whitelist.transfer.validated",
        "Transfer validated",
        _C.TRANSFER_VALIDATION,
        _A.VERIFY,
        meters=_O.TRANSFER_VALIDATION,
    ),
    _event("whitelist.import.requested", "Whitelist import requested", _C.WHITELIST, _A.CREATE),
    _event("whitelist.import.finished", "Whitelist import finished", _C.WHITELIST, _A.UPDATE),
    _event(
        "whitelist.import.failed", "Whitelist import failed", _C.WHITELIST, _A.UPDATE, _S.NOTICE
    ),
    _event("whitelist.import.cancelled", "Whitelist import cancelled", _C.WHITELIST, _A.UPDATE),
    _event(
        "whitelist.import.request_failed",
        "Whitelist import refused",
        _C.WHITELIST,
        _A.CREATE,
        _S.NOTICE,
    ),
    _event(
        "whitelist.rejections.exported",
        "Rejected rows of an import exported",
        _C.WHITELIST,
        _A.EXPORT,
        _S.NOTICE,
    ),
    _event(
        "whitelist.entries.exported",
        "Whitelist exported",
        _C.WHITELIST,
        _A.EXPORT,
        _S.NOTICE,
        meters=_O.EXPORT,
    ),
    _event(
        "whitelist.transfer.validation_failed",
        "Transfer validation refused",
        _C.TRANSFER_VALIDATION,
        _A.VERIFY,
        _S.NOTICE,
    ),
)
