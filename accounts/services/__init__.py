"""Writing users, issuers and tokens. Every function is one transaction with its event."""

from accounts.services.issuers import issuer_create, issuer_update, member_add, member_remove
from accounts.services.tokens import (
    token_for_evidence,
    token_for_write,
    token_owner_verify,
    token_reassign,
    token_update,
)
from accounts.services.users import (
    user_by_address,
    user_create,
    user_password_change,
    user_roles_set,
    user_update,
)

__all__ = [
    "issuer_create",
    "issuer_update",
    "member_add",
    "member_remove",
    "token_for_evidence",
    "token_for_write",
    "token_owner_verify",
    "token_reassign",
    "token_update",
    "user_by_address",
    "user_create",
    "user_password_change",
    "user_roles_set",
    "user_update",
]
