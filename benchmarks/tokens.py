"""Many tokens of one issuer with their record: metadata, tags, facts, evidence, whitelists."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import Issuer, Token, User
from attestations.choices import SubjectType
from attestations.models import Attestation, AttestationStatusChange
from compliance.models import ComplianceMetadata
from deployments.models import Deployment
from jurisdictions.models import FactValue, IssuerJurisdiction, TokenJurisdiction
from whitelist.models import WhitelistEntry, WhitelistPolicy

NETWORK = "voimain-v1.0"
FIRST = 600_000
PACKS = ("global-baseline", "eu-mica", "eu-aml", "eu-securities", "fatf", "us-sec")

_AT_ONCE = 1000
_TAGS = (
    ("DE", "UTILITY", None),
    ("US", "FINANCIAL_INSTRUMENT", "US_REG_D_506C"),
    ("FR", "FINANCIAL_INSTRUMENT", None),
    ("GLOBAL", None, None),
)
_TYPES = ("KYC", "AML", "WhitePaper")
_FACTS = (
    ("offering.startDate", "2026-02-01"),
    ("whitePaper.publishedUrl", "https://example.org/paper"),
    ("token.holderCount", 40),
)
_EVENTS = """
INSERT INTO audit_auditevent (id, name, category, action_type, occurred_at, actor, success,
    network, asset_id, reference_type, reference_id, correlation_id, body)
SELECT gen_random_uuid(), k.name, k.category, k.action, now() - interval '20 days', 'benchmark',
    true, %(network)s, %(first)s + n, '', '', '', '{}'
FROM generate_series(0, %(last)s) AS n, (VALUES
    ('compliance.metadata.created', 'Compliance', 'Create'),
    ('compliance.metadata.updated', 'Compliance', 'Update'),
    ('whitelist.entry.updated', 'Whitelist', 'Update')) AS k (name, category, action)
"""


def tokens_with_records(count: int) -> list[int]:
    """Make the tokens, their issuer and all that is known of both; return the tokens' ids."""
    holder = User.objects.create(email="benchmark@example.org")
    officer = User.objects.create(email="second@example.org")
    issuer = Issuer.objects.create(legal_name="Meridian GmbH", country="DE")
    IssuerJurisdiction.objects.create(issuer=issuer, code="CH", raw_text="CH", roles=["offered_in"])
    FactValue.objects.create(issuer=issuer, path="issuer.website", value="https://example.org")
    attest(holder, officer, ["License"], issuer=issuer)
    ids: list[int] = []
    for start in range(0, count, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, count))
        tokens = Token.objects.bulk_create(
            Token(network=NETWORK, asset_id=FIRST + number, name="Receipt", issuer=issuer)
            for number in numbers
        )
        _records(tokens, holder, officer)
        ids += [token.pk for token in tokens]
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, {"network": NETWORK, "first": FIRST, "last": count - 1})
        cursor.execute("VACUUM ANALYZE")
    return ids


def attest(
    holder: User,
    officer: User,
    types: Sequence[str],
    tokens: Sequence[Token] = (),
    issuer: Issuer | None = None,
) -> None:
    """Record verified attestations of the types on each token, or on the issuer."""
    now = timezone.now()
    subjects = [(SubjectType.TOKEN, token, token.asset_id, None) for token in tokens]
    made = Attestation.objects.bulk_create(
        Attestation(
            subject_type=kind,
            token=token,
            asset_id=asset_id,
            issuer=owner,
            attestation_type=type_,
            network=NETWORK if token else "",
            issuer_address="benchmark",
            proof_hash="0" * 64,
            issued_at=now - timedelta(days=60),
            expires_at=now + timedelta(days=300),
            created_by=holder,
            created_by_label="benchmark",
        )
        for kind, token, asset_id, owner in subjects or [(SubjectType.ISSUER, None, None, issuer)]
        for type_ in types
    )
    AttestationStatusChange.objects.bulk_create(
        AttestationStatusChange(
            attestation=one,
            attestation_created_by=holder,
            from_status="Pending",
            status="Verified",
            changed_by=officer,
            changed_by_label="second",
        )
        for one in made
    )


def _records(tokens: Sequence[Token], holder: User, officer: User) -> None:
    now = timezone.now()
    ComplianceMetadata.objects.bulk_create(
        ComplianceMetadata(
            token=token,
            kyc_provider="Sumsub",
            kyc_verification_date=now - timedelta(days=30),
            verification_status="Verified",
            jurisdiction=_TAGS[token.asset_id % 4][0],
            next_compliance_review=now + timedelta(days=170),
            asset_type="Warehouse receipt",
            created_by="benchmark",
        )
        for token in tokens
    )
    TokenJurisdiction.objects.bulk_create(_tags(tokens))
    FactValue.objects.bulk_create(
        FactValue(token=token, path=path, value=value, recorded_by="benchmark")
        for token in tokens
        for path, value in _FACTS
    )
    attest(holder, officer, _TYPES, tokens)
    WhitelistPolicy.objects.bulk_create(
        WhitelistPolicy(token=token, enforcement="Mandatory", set_by="benchmark")
        for token in tokens
    )
    WhitelistEntry.objects.bulk_create(
        WhitelistEntry(
            token=token,
            address=f"{'HOLDER' * 8}{number}",
            kyc_verified=True,
            kyc_verification_date=now - timedelta(days=30),
            jurisdiction_code="DE",
            created_by="benchmark",
        )
        for token in tokens
        for number in range(5)
    )
    Deployment.objects.bulk_create(
        Deployment(
            token=token,
            network=NETWORK,
            standard="ASA",
            status="Submitted",
            origin="Imported",
            deployed_by="benchmark",
            created_by="benchmark",
        )
        for token in tokens
    )


def _tags(tokens: Sequence[Token]) -> Iterator[TokenJurisdiction]:
    for token in tokens:
        code, classification, exemption = _TAGS[token.asset_id % 4]
        yield TokenJurisdiction(
            token=token,
            code=code,
            raw_text=code,
            classification=classification,
            exemption=exemption,
            assigned_by="benchmark",
        )
