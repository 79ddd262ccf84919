"""Which status may follow which."""

from attestations.choices import VerificationStatus

TRANSITIONS = frozenset(
    {
        (VerificationStatus.PENDING, VerificationStatus.VERIFIED),
        (VerificationStatus.PENDING, VerificationStatus.FAILED),
        (VerificationStatus.PENDING, VerificationStatus.REVOKED),
        (VerificationStatus.VERIFIED, VerificationStatus.REVOKED),
    }
)
NEEDS_REASON = frozenset({VerificationStatus.FAILED, VerificationStatus.REVOKED})
