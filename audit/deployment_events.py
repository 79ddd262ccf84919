"""The events of issuance; see `audit.events`."""

from audit.choices import ActionType, Category, Severity
from audit.event_types import event_type as _event

_A, _C, _S = ActionType, Category, Severity

DEPLOYMENT_EVENTS = (
    _event(
        "deployments.deployment.imported",
        "Deployment recorded",
        _C.TOKEN_ISSUANCE,
        _A.CREATE,
        affects=True,
        evidence="TokenDeployed",
    ),
    _event("deployments.deployment.requested", "Deployment queued", _C.TOKEN_ISSUANCE, _A.CREATE),
    _event("deployments.deployment.retried", "Deployment retried", _C.TOKEN_ISSUANCE, _A.UPDATE),
    _event(
        "deployments.deployment.cancelled", "Deployment cancelled", _C.TOKEN_ISSUANCE, _A.UPDATE
    ),
    _event(
        "deployments.transaction.signed",
        "Deployment signed",
        _C.TOKEN_ISSUANCE,
        _A.UPDATE,
        _S.NOTICE,
    ),
    _event(
        "deployments.deployment.submitted", "Deployment submitted", _C.TOKEN_ISSUANCE, _A.UPDATE
    ),
    _event("deployments.deployment.pending", "Deployment pending", _C.TOKEN_ISSUANCE, _A.UPDATE),
    _event(
        "deployments.deployment.confirmed", "Deployment confirmed", _C.TOKEN_ISSUANCE, _A.UPDATE
    ),
    _event("deployments.deployment.indexed", "Deployment indexed", _C.TOKEN_ISSUANCE, _A.UPDATE),
    _event(
        "deployments.deployment.reorganized",
        "Deployment reorganized",
        _C.TOKEN_ISSUANCE,
        _A.UPDATE,
        _S.WARNING,
    ),
    _event(
        "deployments.deployment.completed",
        "Deployment completed",
        _C.TOKEN_ISSUANCE,
        _A.UPDATE,
        _S.NOTICE,
        affects=True,
        evidence="TokenDeployed",
    ),
    _event(
        "deployments.deployment.failed",
        "Deployment failed",
        _C.TOKEN_ISSUANCE,
        _A.UPDATE,
        _S.WARNING,
    ),
    _event(
        "deployments.deployment.request_failed",
        "Deployment refused",
        _C.TOKEN_ISSUANCE,
        _A.CREATE,
        _S.NOTICE,
    ),
    _event(
        "deployments.deployment.change_failed",
        "Deployment change refused",
        _C.TOKEN_ISSUANCE,
        _A.UPDATE,
        _S.NOTICE,
    ),
    _event(
        "deployments.deployment.exported",
        "Deployment history exported",
        _C.TOKEN_ISSUANCE,
        _A.EXPORT,
        _S.NOTICE,
    ),
)
