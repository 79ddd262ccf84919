"""Users, issuers, tokens and credentials."""

import uuid
from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.addresses import canonical_address
from accounts.choices import EntityType, MemberRole, Role
from accounts.fields import BaseUnitsField
from accounts.identifiers import validate_country, validate_issuer_roles, validate_lei
from accounts.managers import UserManager
from accounts.querysets import IssuerQuerySet, TokenQuerySet

_READERS = frozenset({Role.ADMINISTRATOR, Role.COMPLIANCE_OFFICER, Role.AUDITOR})
_OFFICERS = frozenset({Role.ADMINISTRATOR, Role.COMPLIANCE_OFFICER})


class User(AbstractBaseUser, PermissionsMixin):
    """A person or a wallet that signs in: by e-mail address and password, or by signature.

    Fulfils `audit.principal.Principal`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True, null=True, blank=True)
    address = models.CharField(
        "Algorand address", max_length=58, unique=True, null=True, blank=True
    )
    full_name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(email__isnull=False) | Q(address__isnull=False),
                name="user_has_email_or_address",
                violation_error_message="A user needs an e-mail address or an Algorand address.",
            )
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        super().clean()
        self.email = (self.email or "").strip().lower() or None
        self.address = (self.address or "").strip() or None
        if self.address is not None:
            try:
                self.address = canonical_address(self.address, "mainnet-v1.0")
            except ValueError as problem:
                raise ValidationError({"address": str(problem)}) from None

    @property
    def principal_id(self) -> str:
        return str(self.pk)

    @property
    def label(self) -> str:
        return self.address or self.email or str(self.pk)

    @cached_property
    def roles(self) -> frozenset[str]:
        """The platform roles; a superuser is an Administrator."""
        names = set(self.groups.filter(name__in=Role.values).values_list("name", flat=True))
        return frozenset(names | ({str(Role.ADMINISTRATOR)} if self.is_superuser else set()))

    @property
    def is_staff(self) -> bool:
        """Whether the admin is open to this user: anyone with a platform role."""
        return bool(self.roles)

    @property
    def is_administrator(self) -> bool:
        return Role.ADMINISTRATOR in self.roles

    @property
    def is_officer(self) -> bool:
        """Whether the user acts as compliance officer; an administrator does too."""
        return bool(self.roles & _OFFICERS)

    @property
    def reads_everything(self) -> bool:
        return bool(self.roles & _READERS)

    @cached_property
    def memberships(self) -> dict[uuid.UUID, str]:
        """The role in each issuer that the user is a member of."""
        return dict(self.issuermember_set.values_list("issuer_id", "role"))

    @property
    def issuer_ids(self) -> frozenset[uuid.UUID]:
        return frozenset(self.memberships)

    @property
    def writable_issuer_ids(self) -> frozenset[uuid.UUID]:
        """The issuers for which the user may write: as Owner or Operator."""
        return frozenset(
            issuer for issuer, role in self.memberships.items() if role != MemberRole.VIEWER
        )


class Issuer(models.Model):
    """The legal entity behind tokens."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    legal_name = models.CharField(max_length=200, blank=True)
    lei = models.CharField(
        "LEI",
        max_length=20,
        blank=True,
        validators=[validate_lei],
        help_text="ISO 17442, 20 characters.",
    )
    registration_number = models.CharField(max_length=100, blank=True)
    country = models.CharField(
        max_length=2, blank=True, validators=[validate_country], help_text="ISO 3166-1 alpha-2."
    )
    entity_type = models.CharField(max_length=20, choices=EntityType, blank=True)
    roles = models.JSONField(default=list, blank=True, validators=[validate_issuer_roles])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = IssuerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lei"], condition=~Q(lei=""), name="issuer_lei_unique")
        ]

    def __str__(self) -> str:
        return self.legal_name or f"Issuer {str(self.pk)[:8]} (not named yet)"


class IssuerMember(models.Model):
    """A user's role for an issuer."""

    issuer = models.ForeignKey(Issuer, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    role = models.CharField(max_length=10, choices=MemberRole)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "user"], name="issuer_member_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.issuer}"


class Token(models.Model):
    """A token and who owns its record. Identified by network and asset id.

    `network` is empty where no writer named one yet. An owner that nobody verified is shown as a
    warning in reports.
    """

    id = models.BigAutoField(primary_key=True)
    network = models.CharField(max_length=50, blank=True, default="")
    asset_id = models.BigIntegerField()
    name = models.CharField(max_length=200, blank=True)
    unit_name = models.CharField(max_length=50, blank=True)
    total = BaseUnitsField(null=True, blank=True)
    decimals = models.PositiveSmallIntegerField(null=True, blank=True)
    creator_address = models.CharField(max_length=100, blank=True)
    standard = models.CharField(max_length=30, blank=True)
    contract_address = models.CharField(max_length=100, blank=True)
    issuer = models.ForeignKey(
        Issuer, on_delete=models.PROTECT, null=True, blank=True, related_name="tokens"
    )
    ownership_verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset_id", "network"], name="token_unique"),
            models.CheckConstraint(condition=Q(asset_id__gte=1), name="token_asset_id_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} on {self.network or 'an unnamed network'}"

    @property
    def event_fields(self) -> dict[str, Any]:
        """What an event about this token says of it."""
        return {
            "network": self.network or None,
            "asset_id": self.asset_id,
            "issuer_id": self.issuer_id,
        }


class RoundAnchor(models.Model):
    """The last round seen on a network, from which the current one is estimated."""

    network = models.CharField(max_length=50, primary_key=True)
    round = models.BigIntegerField()
    observed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.network} at {self.round}"


class IdempotencyRecord(models.Model):
    """What a request with an idempotency key was answered, kept for `IDEMPOTENCY_HOURS`.

    Without `status_code` it is in flight: whoever holds the `lease` will answer it, and where that
    did not happen by `lease_until` the key is free. `route` (method and path) and `fingerprint`
    (what was asked) are SHA-256; `headers` and `body` are those of the answer, as it was sent.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    route = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    lease = models.UUIDField()
    lease_until = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "route", "key"], name="idempotency_key_unique")
        ]

    def __str__(self) -> str:
        return f"answered {self.status_code}" if self.finished_at else "in flight"


class RevokedCredential(models.Model):
    """A signed transaction or access token that was logged out; known by a SHA-256 of its id."""

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    revoked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"revoked {self.revoked_at:%Y-%m-%d %H:%M}"
