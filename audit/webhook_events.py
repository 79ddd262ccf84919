"""The events of webhook subscriptions; see `audit.events`.

A delivery is none: it would have to be delivered in its turn.
"""

from audit.choices import ActionType, Category, Severity
from audit.event_types import event_type as _event

_A, _C, _S = ActionType, Category, Severity

WEBHOOK_EVENTS = (
    _event("audit.webhook.created", "Webhook subscribed", _C.AUDIT, _A.CREATE, _S.NOTICE),
    _event("audit.webhook.updated", "Webhook changed", _C.AUDIT, _A.UPDATE),
    _event("audit.webhook.deleted", "Webhook deleted", _C.AUDIT, _A.DELETE),
    _event("audit.webhook.rotated", "Webhook secret rotated", _C.AUDIT, _A.UPDATE, _S.NOTICE),
    _event("audit.webhook.enabled", "Webhook enabled", _C.AUDIT, _A.UPDATE),
    _event("audit.webhook.disabled", "Webhook disabled", _C.AUDIT, _A.UPDATE, _S.WARNING),
    _event("audit.webhook.redelivered", "Webhook asked for again", _C.AUDIT, _A.UPDATE),
    _event("audit.webhook.tested", "Webhook tested", _C.AUDIT, _A.VERIFY),
    _event("audit.webhook.change_failed", "Webhook change refused", _C.AUDIT, _A.UPDATE),
)
