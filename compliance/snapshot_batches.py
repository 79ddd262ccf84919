"""The snapshots of many tokens at once: each table is read once for all of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, Q

from accounts.models import Token
from attestations.choices import SubjectType
from attestations.models import Attestation
from attestations.querysets import AttestationQuerySet
from attestations.selectors import AttestationValues
from audit.events import EVIDENCE_NAMES
from audit.models import AuditEvent
from compliance.models import ComplianceMetadata
from compliance.snapshots import Reads, read_common, snapshot_of
from deployments.models import Deployment
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import FactValue as EngineValue
from jurisdictions.engine import Snapshot, Tag
from jurisdictions.engine import Waiver as EngineWaiver
from jurisdictions.facts import engine_value, home_of
from jurisdictions.models import FactValue, IssuerJurisdiction, TokenJurisdiction, Waiver
from jurisdictions.selectors import jurisdiction_directory
from jurisdictions.tag_text import JurisdictionDirectory, parse_jurisdiction_text
from jurisdictions.tags import offers_there
from whitelist.choices import EntryStatus
from whitelist.models import WhitelistEntry, WhitelistPolicy
from whitelist.selectors import PopulationEntry, WhitelistPopulation

_UNRECOGNIZED = "unrecognized"


def token_snapshots(tokens: Sequence[Token], now: datetime) -> dict[int, Snapshot]:
    """Return what `token_snapshot` returns for each token, by its id.

    The number of queries is constant, whatever the number of tokens, which come with their issuers.
    """
    common = read_common()
    batch = _Batch.read(tokens, now)
    return {
        token.pk: snapshot_of(token, batch.of(token, common.catalogue), common) for token in tokens
    }


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows of many tokens by token, and those of their issuers by issuer."""

    metadata: dict[int, ComplianceMetadata]
    deployments: dict[int, Deployment]
    facts: dict[int | UUID, list[tuple[str, Any]]]
    token_tags: dict[int, list[TokenJurisdiction]]
    issuer_tags: dict[UUID, list[IssuerJurisdiction]]
    attestations: dict[int | UUID, list[AttestationValues]]
    policies: dict[int, str]
    entries: dict[int, list[PopulationEntry]]
    waivers: dict[int, list[EngineWaiver]]
    evidence: dict[tuple[int, str | None], dict[str, datetime]]
    directory: JurisdictionDirectory

    @classmethod
    def read(cls, tokens: Sequence[Token], now: datetime) -> "_Batch":
        """Read everything."""
        ids = sorted(token.pk for token in tokens)
        issuers = sorted({token.issuer_id for token in tokens if token.issuer_id is not None})
        return cls(
            metadata={
                row.token_id: row for row in ComplianceMetadata.objects.filter(token__in=ids)
            },
            # The last one wins.
            deployments={
                row.token_id: row
                for row in Deployment.objects.filter(token__in=ids).order_by("created_at", "pk")
                if row.token_id is not None
            },
            facts=_facts(ids, issuers),
            token_tags=_grouped(
                TokenJurisdiction.objects.filter(token__in=ids).order_by("code", "pk"), "token_id"
            ),
            issuer_tags=_grouped(
                IssuerJurisdiction.objects.filter(issuer__in=issuers).order_by("code", "pk"),
                "issuer_id",
            ),
            attestations=_attestations(ids, issuers),
            policies=dict(
                WhitelistPolicy.objects.filter(token__in=ids).values_list("token", "enforcement")
            ),
            entries=_entries(ids),
            waivers=_waivers(ids, now),
            evidence=_evidence(tokens),
            directory=jurisdiction_directory(),
        )

    def of(self, token: Token, catalogue: FactCatalogue) -> Reads:
        """What was read of one token."""
        key, issuer = token.pk, token.issuer_id
        attested = [*self.attestations.get(key, ()), *_of(self.attestations, issuer)]
        metadata = self.metadata.get(key)
        return Reads(
            metadata=metadata,
            deployment=self.deployments.get(key),
            facts=_readable([*self.facts.get(key, ()), *_of(self.facts, issuer)], catalogue),
            tags=self._tags(token, metadata.jurisdiction if metadata else None),
            attestations=sorted(attested, key=lambda one: (one.issued_at, one.id)),
            whitelist=WhitelistPopulation(self.policies.get(key), tuple(self.entries.get(key, ()))),
            waivers=tuple(self.waivers.get(key, ())),
            evidence=self.evidence.get((token.asset_id, token.network or None), {}),
        )

    def _tags(self, token: Token, text: str | None) -> tuple[Tag, ...]:
        """The tags that count, by the rules that `jurisdictions.tags` states."""
        own = self.token_tags.get(token.pk, [])
        named = {row.code for row in own}
        inherited = [
            row
            for row in _of(self.issuer_tags, token.issuer_id)
            if row.code not in named and offers_there(row.roles)
        ]
        explicit = [self._explicit(row) for row in (*own, *inherited)]
        codes = {tag.jurisdiction for tag in explicit if tag.recognized}
        derived = [
            Tag(
                jurisdiction=one.code or one.raw_text,
                kind=one.kind or _UNRECOGNIZED,
                source="Derived",
                recognized=one.recognized,
                raw_text=one.raw_text,
            )
            for one in parse_jurisdiction_text(text or "", self.directory)
            if one.code is None or one.code not in codes
        ]
        return (*explicit, *derived)

    def _explicit(self, row: TokenJurisdiction | IssuerJurisdiction) -> Tag:
        entry = self.directory.get(row.code) if row.recognized else None
        return Tag(
            jurisdiction=row.shown_code or row.raw_text,
            kind=entry.kind if entry else _UNRECOGNIZED,
            roles=tuple(row.roles),
            classification=row.classification,
            offering_kind=row.offering_kind,
            exemption=row.exemption,
            source="Explicit",
            recognized=row.recognized,
            raw_text=row.raw_text,
        )


def _of(groups: dict[Any, list[Any]], key: Any) -> list[Any]:
    return [] if key is None else groups.get(key, [])


def _grouped(rows: Iterable[Any], name: str) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, name)].append(row)
    return groups


def _facts(ids: list[int], issuers: list[UUID]) -> dict[int | UUID, list[tuple[str, Any]]]:
    rows = FactValue.objects.filter(Q(token__in=ids) | Q(issuer__in=issuers))
    last = rows.values("token", "issuer", "path").annotate(last=Max("pk")).values("last")
    groups: dict[int | UUID, list[tuple[str, Any]]] = defaultdict(list)
    for row in FactValue.objects.filter(pk__in=last).order_by("path"):
        groups[row.token_id or row.issuer_id].append((row.path, row.value))  # type: ignore[index]
    return groups


def _readable(rows: list[tuple[str, Any]], catalogue: FactCatalogue) -> dict[str, EngineValue]:
    return {
        path: engine_value(catalogue.get(path), value)
        for path, value in rows
        if value is not None and path in catalogue and home_of(path) is None
    }


def _attestations(ids: list[int], issuers: list[UUID]) -> dict[int | UUID, list[AttestationValues]]:
    attestations: AttestationQuerySet = Attestation.objects.with_decisions()
    groups: dict[int | UUID, list[AttestationValues]] = defaultdict(list)
    for row in attestations.filter(Q(token__in=ids) | Q(issuer__in=issuers)).values(
        *_ATTESTATION_FIELDS, "token_id", "wallet_address", "asset_id", "issuer_id"
    ):
        values = {
            name.replace("decided_status", "status"): row[name] for name in _ATTESTATION_FIELDS
        }
        kind = values["subject_type"]
        subject = row["wallet_address"] or str(row["asset_id"])
        if kind == SubjectType.ISSUER:
            subject = str(row["issuer_id"])
        values |= {"subject_type": kind.lower(), "subject": subject}
        groups[row["token_id"] or row["issuer_id"]].append(AttestationValues(**values))
    return groups


_ATTESTATION_FIELDS = (
    "id",
    "subject_type",
    "attestation_type",
    "decided_status",
    "created_by_id",
    "verified_by_id",
    "issued_at",
    "verified_at",
    "expires_at",
    "attributes",
    "proof_hash",
)


def _entries(ids: list[int]) -> dict[int, list[PopulationEntry]]:
    rows = WhitelistEntry.objects.filter(token__in=ids, status=EntryStatus.ACTIVE)
    groups: dict[int, list[PopulationEntry]] = defaultdict(list)
    for row in rows.order_by("address").values_list(
        "token_id",
        "address",
        "kyc_verified",
        "kyc_verification_date",
        "expiration_date",
        "jurisdiction_code",
        "status",
    ):
        groups[row[0]].append(PopulationEntry(*row[1:]))
    return groups


def _waivers(ids: list[int], now: datetime) -> dict[int, list[EngineWaiver]]:
    groups: dict[int, list[EngineWaiver]] = defaultdict(list)
    rows = Waiver.objects.filter(
        Q(revoked_at__isnull=True) | Q(revoked_at__gt=now),
        token__in=ids,
        approved_at__lte=now,
        expires_at__gt=now,
    )
    for row in rows.order_by("requested_at", "pk"):
        waiver = EngineWaiver(
            requirement_key=row.requirement_key,
            expires_at=row.expires_at,
            approved=True,
            id=str(row.pk),
            reason=row.reason,
            type=row.type,
            approved_by=row.approved_by,
            pack_id=row.pack_id,
            version_from=row.version_from,
            version_to=row.version_to,
        )
        groups[row.token_id].append(waiver)
    return groups


def _evidence(tokens: Sequence[Token]) -> dict[tuple[int, str | None], dict[str, datetime]]:
    rows = (
        AuditEvent.objects.filter(
            asset_id__in=sorted({token.asset_id for token in tokens}),
            name__in=sorted(EVIDENCE_NAMES),
            success=True,
        )
        .exclude(action_type__in=["Read", "List"])  # lets the partial index serve
        .order_by()
        .values("asset_id", "network", "name")
        .annotate(latest=Max("occurred_at"))
        .values_list("asset_id", "network", "name", "latest")
    )
    groups: dict[tuple[int, str | None], dict[str, datetime]] = defaultdict(dict)
    for asset_id, network, name, moment in rows:
        latest = groups[asset_id or 0, network]
        evidence = EVIDENCE_NAMES[name]
        latest[evidence] = max(moment, latest.get(evidence, moment))
    return groups
