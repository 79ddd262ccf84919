"""The words of attestations; the stored value is the wire value."""

from django.db.models import TextChoices


class VerificationStatus(TextChoices):
    """Where an attestation stands, in the order of the integers that older clients send.

    `Pending` and `Expired` are computed; the others are stored as changes.
    """

    PENDING = "Pending"
    VERIFIED = "Verified"
    FAILED = "Failed"
    EXPIRED = "Expired"
    REVOKED = "Revoked"


class SubjectType(TextChoices):
    """What an attestation is about."""

    WALLET = "Wallet"
    TOKEN = "Token"  # noqa: S105 - a subject, not a secret
    ISSUER = "Issuer"
