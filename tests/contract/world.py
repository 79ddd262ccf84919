"""One token with everything on it, and everybody who could ask for it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Issuer, Token, User
from accounts.services import user_create
from accounts.sessions import session_open
from attestations.models import Attestation
from attestations.services import attestation_create, attestation_verify
from audit.body import EventDraft
from audit.checkpoints import checkpoint_sign
from audit.choices import ExportFormat
from audit.exports.models import ExportJob
from audit.exports.services import export_request
from audit.exports.work import EXPORT_WORK
from audit.merkle import Tree, leaf_hash
from audit.models import AuditEvent, AuditSeal
from audit.principal import SYSTEM
from audit.services import record_events
from audit.tiles import tiles_extend
from compliance.models import AttestationPackage, ComplianceReport, ReportJob
from compliance.services.metadata import metadata_upsert
from compliance.services.packages import package_generate
from compliance.services.report_jobs import report_ask
from compliance.services.reports import report_generate
from compliance.services.status import status_recalculate
from jurisdictions.models import (
    DryRun,
    DryRunReport,
    FactDefinition,
    Jurisdiction,
    RulePack,
    Waiver,
)
from jurisdictions.services.drafts import pack_create
from jurisdictions.services.dry_runs import dry_run_request
from jurisdictions.services.requirements import requirement_create
from jurisdictions.services.tags import issuer_tag_assign, tag_assign
from jurisdictions.services.waivers import waiver_request
from tests import factories
from tests.factories import CID, VOI, wallet
from tests.jurisdictions.rules import tried
from whitelist.models import WhitelistImport
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.imports import whitelist_import_request

PERSONAS = (
    "anonymous",
    "newcomer",
    "owner",
    "member",
    "outsider",
    "officer",
    "auditor",
    "administrator",
)
ASSET, NEW_ASSET = 50001, 50002
LISTED = wallet(901)  # on the whitelist of ASSET
# What a GET cannot do without.
QUERIES = {
    "audit-trail/consistency": {"from": 1, "to": 2},
    "compliance/token-jurisdictions": {"assetId": ASSET},
    "issuer/audit-trail": {"assetId": ASSET},
    "issuer/audit-trail/csv": {"assetId": ASSET},
    "issuer/audit-trail/json": {"assetId": ASSET},
    "whitelist/compliance-overview": {"assetId": ASSET},
}
HOLDERS = b"Address,Status\r\n%b,Active\r\n" % wallet(902).encode()
RULE = "house.issuer_named"
EMAIL, PASSWORD = "login@example.com", "correct horse battery staple"


@dataclass(frozen=True)
class Ask:
    """One request of the API: a path below `/api/v1/`, a query and a body."""

    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)

    def send(self, client: APIClient, **extra: Any) -> Any:
        """Send it as JSON, or bytes as a CSV file, and return the response."""
        url = self.path if self.path.startswith("/") else f"/api/v1/{self.path}"
        query = f"?{urlencode(self.query, doseq=True)}" if self.query else ""
        content_type = "application/json"
        content: dict[str, Any] = {} if self.body is None else {"data": self.body}
        if isinstance(self.body, bytes):
            content_type = "text/csv"
        elif content:
            content["data"] = json.dumps(self.body)
        return client.generic(
            self.method, url + query, content_type=content_type, **content, **extra
        )


@dataclass
class World:
    """The token `ASSET` of `issuer`: metadata, two pending attestations, one report, a package.

    `LISTED` is on its whitelist; `listing` is a file for it that the owner sent.

    `export` is a finished one that the owner asked for.

    `job` is a report on the issuer that the owner asked for and nobody works on.

    `pack` is a Draft by the officer, with the one requirement `RULE`, which `waiver`, requested by
    the officer, is about; `dry_run` of it has finished. Token and issuer are tagged GLOBAL.
    """

    issuer: Issuer
    other_issuer: Issuer
    users: dict[str, User | None]
    token: Token
    by_owner: Attestation
    by_officer: Attestation
    report: ComplianceReport
    login_user: User
    pack: RulePack
    waiver: Waiver
    dry_run: DryRun
    event_id: UUID
    job: ReportJob
    package: AttestationPackage
    listing: WhitelistImport
    export: ExportJob

    def client(self, persona: str) -> APIClient:
        return factories.client_for(self.users[persona])

    def user(self, persona: str) -> User:
        user = self.users[persona]
        assert user is not None
        return user

    def path(self, route: str) -> str:
        """Return the path of a route that names what is in the world."""
        return (
            route.replace("<asset:asset_id>", str(ASSET))
            .replace("<uuid:report_id>", str(self.report.pk))
            .replace("<uuid:attestation_id>", str(self.by_owner.pk))
            .replace("<uuid:issuer_id>", str(self.issuer.pk))
            .replace("<asset:list_number>", "1")
            .replace("<uuid:package_id>", str(self.package.pk))
            .replace("<uuid:job_id>", str(self.job.pk))
            .replace("<uuid:import_id>", str(self.listing.pk))
            .replace("<uuid:export_id>", str(self.export.pk))
            .replace("<uuid:waiver_id>", str(self.waiver.pk))
            .replace("<uuid:event_id>", str(self.event_id))
            .replace("<level:level>/<tile:number>.p/<width:width>", "0/000.p/1")
            .replace("<level:level>/<tile:number>", "0/000")
            .replace("<uuid:run_id>", str(self.dry_run.pk))
            .replace("<slug:pack_id>", self.pack.pack_id)
            .replace("<version:version>", self.pack.version)
            .replace("<rule:key>", RULE)
            .replace("<path:rest>", "v2/nothing")
            .replace("<str:version>", "1.0")
        )

    def label(self, persona: str) -> str:
        user = self.users[persona]
        return user.label if user else "anonymous"


def make_world() -> World:
    """Make the world through the services, as clients would have."""
    issuer, other = factories.IssuerFactory.create(), factories.IssuerFactory.create()
    users: dict[str, User | None] = {
        "anonymous": None,
        "newcomer": factories.UserFactory.create(),
        "owner": factories.member_of(issuer, "Owner"),
        "member": factories.member_of(issuer, "Viewer"),
        "outsider": factories.member_of(other, "Owner"),
        "officer": factories.user_with_role("ComplianceOfficer"),
        "auditor": factories.user_with_role("Auditor"),
        "administrator": factories.user_with_role("Administrator"),
    }
    owner, officer = users["owner"], users["officer"]
    assert owner is not None
    assert officer is not None
    metadata = metadata_upsert(
        actor=owner, asset_id=ASSET, network=VOI, changes={"jurisdiction": "GLOBAL"}
    )
    report = report_generate(actor=officer, asset_id=ASSET, network=VOI)
    # Before what follows makes the status stale again.
    package = package_generate(actor=officer, asset_id=ASSET, network=VOI)
    job = report_ask(actor=owner, issuer_id=issuer.pk, background=True)
    assert isinstance(job, ReportJob)
    pack = draft(officer)
    for path in ("token.isin", "issuer.website"):
        FactDefinition.objects.get_or_create(path=path, defaults={"type": "string"})
    tag_assign(actor=owner, asset_id=ASSET, network=VOI, jurisdiction="GLOBAL")
    issuer_tag_assign(actor=owner, issuer_id=issuer.pk, jurisdiction="GLOBAL")
    whitelist_entry_upsert(actor=owner, token=metadata.token, address=LISTED, kyc_verified=True)
    return World(
        issuer=issuer,
        other_issuer=other,
        users=users,
        token=metadata.token,
        by_owner=attest(owner),
        by_officer=attest(officer),
        report=report,
        login_user=user_create(email=EMAIL, password=PASSWORD),
        pack=pack,
        waiver=waiver_request(
            actor=officer,
            asset_id=ASSET,
            network=VOI,
            requirement_key=RULE,
            reason="the board accepted it",
            expires_at=timezone.now() + timedelta(days=30),
        ),
        event_id=_sealed(metadata.token),
        dry_run=DryRunReport.objects.get(digest=tried(pack)).run,
        job=job,
        package=package,
        listing=whitelist_import_request(actor=owner, token=metadata.token, raw=HOLDERS),
        export=_finished(waiting_export(owner)),
    )


def waiting_export(user: User) -> ExportJob:
    """Return an export of the user that nobody works on."""
    return export_request(
        actor=user, view="compliance-audit-log", parameters={}, form=ExportFormat.CSV
    )


def _finished(export: ExportJob) -> ExportJob:
    EXPORT_WORK.run(export.pk)
    export.refresh_from_db()
    return export


def _sealed(token: Token) -> UUID:
    """Seal and sign the log, as the sealer does once all is committed; return an event in it."""
    listed = [EventDraft("audit.trail.verified", item_count=number) for number in range(256)]
    record_events(listed, actor=SYSTEM)
    rows = AuditEvent.objects.order_by("seq").values_list("seq", "body")
    tree = Tree()
    tree.extend(body.encode() for _, body in rows)
    places = [seq for seq, _ in rows]
    tiles_extend(0, [leaf_hash(body.encode()) for _, body in rows], places)
    AuditSeal.objects.create(
        size=tree.size,
        root=tree.root().hex(),
        frontier=[one.hex() for one in tree.frontier],
        last_xid=2**62 if connection.vendor == "postgresql" else 0,
        last_seq=places[-1],
        sealed_at=timezone.now(),
    )
    checkpoint_sign()
    own = AuditEvent.objects.filter(asset_id=token.asset_id, issuer_id=token.issuer_id)
    found: UUID = own.order_by("seq")[0].id
    return found


def draft(officer: User) -> RulePack:
    """Return a Draft of a new pack for every token, with one requirement."""
    everywhere, _ = Jurisdiction.objects.get_or_create(
        code="GLOBAL", defaults={"kind": "global", "name": "All tokens"}
    )
    FactDefinition.objects.get_or_create(path="issuer.legalName", defaults={"type": "string"})
    pack = pack_create(
        actor=officer,
        pack_id="house-rules",
        jurisdiction=everywhere,
        framework_id="HOUSE",
        framework_name="House rules",
        sources=[{"id": "house", "title": "House", "citation": "House", "confidence": "low"}],
    )
    requirement_create(
        actor=officer,
        pack=pack,
        key=RULE,
        title="The issuer is named",
        citation="House rule 1",
        source="house",
        category="disclosure",
        check_kind="field_present",
        params={"field": "issuer.legalName"},
    )
    pack.refresh_from_db()
    return pack


def attest(creator: User, **more: Any) -> Attestation:
    """Return a pending attestation about the world's token."""
    content = {
        "wallet_address": wallet(900),
        "asset_id": ASSET,
        "network": VOI,
        "issuer_address": "the provider",
        "proof_hash": CID,
        "proof_type": "IPFS",
        "attestation_type": "KYC",
        **more,
    }
    return attestation_create(actor=creator, **content)


def verified(world: World) -> Attestation:
    """Return an attestation by the owner that the officer has verified."""
    row = attest(world.user("owner"), wallet_address=wallet(901))
    return attestation_verify(actor=world.user("officer"), attestation_id=row.pk)


def refresh_token() -> str:
    """Return a refresh token of the world's user with a password."""
    from django.test import RequestFactory

    request = RequestFactory().post("/api/v1/auth/login")
    return session_open(request=request, email=EMAIL, password=PASSWORD).refresh_token


def waiting_run(world: World) -> DryRun:
    """Return a dry run of the world's pack that nothing has evaluated yet."""
    return dry_run_request(actor=world.user("officer"), pack=world.pack)


def make_status_fresh(world: World) -> None:
    """Compute the status now, so that a read has nothing to do."""
    status_recalculate(token_id=world.token.pk)


@contextmanager
def undone() -> Iterator[None]:
    """Undo whatever the block writes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def contents(*, events: bool = False) -> dict[str, list[Any]]:
    """Return every row of every table, of the event log only where `events` asks for it."""
    tables: dict[str, list[Any]] = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy and (events or model is not AuditEvent):
            rows = model._base_manager.order_by("pk").values_list()
            tables[model._meta.label] = [repr(row) for row in rows]
    return tables


ENVELOPE = {
    "success",
    "errorCode",
    "errorMessage",
    "details",
    "remediationHint",
    "retryable",
    "correlationId",
    "timestamp",
    "path",
}


def _beside(response: Any, body: dict[str, Any]) -> set[str]:
    """Return what an enforced operation says beside the envelope (seed 2)."""
    if not body["path"].endswith("/simulate") or response.request["REQUEST_METHOD"] != "POST":
        return set()
    if body["errorCode"] != "OPERATION_BLOCKED":
        return {"isAllowed"}
    return {"isAllowed", "address", "assetId", "denialReason", "checks"}


def assert_envelope(response: Any, status: int, path: str | None = None) -> dict[str, Any]:
    """Assert that `response` is an error of the catalogue in its one shape; return its body."""
    from config.api.catalogue import CATALOGUE

    assert response.status_code == status, (response.status_code, response.content[:500])
    assert response.headers["Content-Type"].split(";")[0] == "application/json"
    body: dict[str, Any] = json.loads(response.content)
    assert set(body) == ENVELOPE | _beside(response, body), body
    entry = CATALOGUE[body["errorCode"]]
    assert (entry.status, entry.retryable, entry.hint) == (
        status,
        body["retryable"],
        body["remediationHint"],
    )
    assert body["success"] is False
    assert body["errorMessage"]
    assert body["correlationId"] == response.headers["X-Correlation-ID"]
    assert body["timestamp"].endswith("Z")
    assert all(
        isinstance(name, str) and isinstance(texts, list) and all(isinstance(t, str) for t in texts)
        for name, texts in body["details"].items()
    ), body["details"]
    if path is not None:
        assert body["path"] == path
    if status == 401:
        assert "SigTx realm=" in response.headers["WWW-Authenticate"]
    if status in (423, 429, 503):
        assert int(response.headers["Retry-After"]) >= 1
    return body
