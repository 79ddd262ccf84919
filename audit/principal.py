"""Who acts: the small protocol through which the log knows its callers."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class Principal(Protocol):
    """Someone or something that acts. `accounts.User` fulfils it."""

    @property
    def principal_id(self) -> str | None:
        """The stable id of the account, or None where there is none."""

    @property
    def label(self) -> str:
        """What the log shows: an address or an e-mail address."""

    @property
    def reads_everything(self) -> bool:
        """Whether every issuer's events are visible."""

    @property
    def issuer_ids(self) -> AbstractSet[UUID]:
        """The issuers whose events are visible."""


@dataclass(frozen=True, slots=True)
class NamedPrincipal:
    """A principal without an account: the system itself, or someone who did not sign in."""

    label: str
    principal_id: str | None = None
    reads_everything: bool = False
    issuer_ids: AbstractSet[UUID] = frozenset()


SYSTEM = NamedPrincipal("system", reads_everything=True)
ANONYMOUS = NamedPrincipal("anonymous")
