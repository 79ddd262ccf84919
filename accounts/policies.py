"""Who may do what: the role table of the design, section 5. Each raises `PermissionRefused`."""

from accounts.choices import MemberRole
from accounts.models import Issuer, Token, User
from config.api.errors import PermissionRefused


def require_officer(actor: User) -> None:
    """Only compliance officers and administrators."""
    if not actor.is_officer:
        raise PermissionRefused("Only a compliance officer may do this.")


def require_administrator(actor: User) -> None:
    """Only administrators."""
    if not actor.is_administrator:
        raise PermissionRefused("Only an administrator may do this.")


def require_writer(actor: User) -> None:
    """Refuse those who may never write: auditors, and members who are nothing but viewers."""
    if actor.is_officer:
        return
    if actor.reads_everything:
        raise PermissionRefused("An auditor reads and never writes.")
    if actor.memberships and not actor.writable_issuer_ids:
        raise PermissionRefused("A viewer of an issuer reads and never writes.")


def may_write(actor: User, token: Token) -> bool:
    """Return whether `actor` may write the record of `token`, which somebody owns."""
    return actor.is_officer or token.issuer_id in actor.writable_issuer_ids


def require_token_writer(actor: User, token: Token) -> None:
    """Only officers, and the Owners and Operators of the token's issuer."""
    require_writer(actor)
    if not may_write(actor, token):
        raise PermissionRefused("This token belongs to another issuer.")


def require_issuer_owner(actor: User, issuer: Issuer) -> None:
    """Only officers, and the Owners of this issuer."""
    if not actor.is_officer and actor.memberships.get(issuer.pk) != MemberRole.OWNER:
        raise PermissionRefused("Only an Owner of this issuer may do this.")


def require_staff(actor: User) -> None:
    """Only users with a platform role."""
    if not actor.reads_everything:
        raise PermissionRefused
