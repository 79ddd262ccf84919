"""The number of database statements of every operation, as committed in `query_counts.json`.

Counted are all statements but savepoints, signed in by an access token, with rules loaded and known
to the process. After a change that is meant to change a number:

    WRITE_BASELINE=1 python3 manage.py test tests/contract/test_query_counts.py
"""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Token
from attestations.models import Attestation
from audit.body import EventDraft
from audit.models import WebhookDelivery, WebhookSubscription
from audit.principal import SYSTEM
from audit.services import record_events
from compliance.models import ComplianceMetadata, ComplianceReport, TokenStatus
from jurisdictions.loading import rules_load
from jurisdictions.models import RulePack, Waiver
from jurisdictions.services.lifecycle import pack_submit
from tests.contract.bodies import (
    EXPORT,
    NEW_PACK,
    PACK,
    PAIR,
    REQUIREMENT,
    SIMULATIONS,
    cosignature_body,
    simulation_body,
    waiver_body,
)
from tests.contract.routes import api_operations
from tests.contract.world import (
    ASSET,
    EMAIL,
    HOLDERS,
    HOOK,
    ISSUANCE,
    LISTED,
    NEW_ASSET,
    PASSWORD,
    QUERIES,
    RULE,
    Ask,
    World,
    disabled,
    make_status_fresh,
    make_world,
    queued,
    refresh_token,
    undone,
    verified,
    waiting_export,
    waiting_run,
)
from tests.factories import CID, VOI, wallet
from tests.jurisdictions import rules
from whitelist.models import WhitelistEntry

pytestmark = pytest.mark.django_db
BASELINE = Path(__file__).with_name("query_counts.json")
ROWS = 50
_ONE = "compliance/attestations/<uuid:attestation_id>"
_RULES = "compliance/jurisdiction-rules"
_TAGS = "compliance/token-jurisdictions"
_WAIVER = "compliance/waivers/<uuid:waiver_id>"
_HOOK = "webhooks/subscriptions/<uuid:subscription_id>"
_DRAFT = f"{_RULES}/<slug:pack_id>/<version:version>"
_ISSUED = "token/deployments"
_RUN = "compliance/dry-runs/<uuid:run_id>"


@pytest.fixture
def known_world(db: None) -> World:
    """The world under the platform baseline, its status fresh."""
    rules_load(actor=SYSTEM, activate=("global-baseline",))
    world = make_world()
    make_status_fresh(world)
    return world


def _metadata(asset_id: int, **more: Any) -> dict[str, Any]:
    return {"assetId": asset_id, "network": VOI, "jurisdiction": "GLOBAL", **more}


def _attestation(**more: Any) -> dict[str, Any]:
    return {"issuerAddress": "the provider", "proofHash": CID, "proofType": "IPFS", **more}


def _asks(world: World) -> dict[str, tuple[str, Callable[[], Ask]]]:
    """Return what is asked, by whom: one entry of each operation, more where it has two costs."""
    by_owner = f"compliance/attestations/{world.by_owner.pk}"
    reason = {"reason": "the document was read"}
    draft = world.path(_DRAFT)
    requirement = f"{draft}/requirements/{RULE}"
    return {
        "POST auth/login": (
            "anonymous",
            lambda: Ask("POST", "auth/login", {"email": EMAIL, "password": PASSWORD}),
        ),
        "POST auth/refresh": (
            "anonymous",
            lambda: Ask("POST", "auth/refresh", {"refreshToken": refresh_token()}),
        ),
        "POST auth/logout": ("owner", lambda: Ask("POST", "auth/logout", {})),
        "GET auth/profile": ("owner", lambda: Ask("GET", "auth/profile")),
        "POST compliance": (
            "owner",
            lambda: Ask("POST", "compliance", _metadata(ASSET, assetType="Warehouse receipt")),
        ),
        "POST compliance (new token)": (
            "owner",
            lambda: Ask("POST", "compliance", _metadata(NEW_ASSET)),
        ),
        "POST compliance (no change)": (
            "owner",
            lambda: Ask("POST", "compliance", _metadata(ASSET)),
        ),
        "GET compliance": ("owner", lambda: Ask("GET", "compliance")),
        "GET compliance/<asset:asset_id>": ("owner", lambda: Ask("GET", f"compliance/{ASSET}")),
        "DELETE compliance/<asset:asset_id>": (
            "owner",
            lambda: Ask("DELETE", f"compliance/{ASSET}"),
        ),
        "GET compliance/<asset:asset_id>/status": (
            "owner",
            lambda: Ask("GET", f"compliance/{ASSET}/status"),
        ),
        "GET compliance/<asset:asset_id>/status (stale)": ("owner", lambda: _stale(world)),
        "GET compliance/<asset:asset_id>/status/history": (
            "owner",
            lambda: Ask("GET", f"compliance/{ASSET}/status/history"),
        ),
        "GET issuers/<uuid:issuer_id>/status": (
            "owner",
            lambda: Ask("GET", f"issuers/{world.issuer.pk}/status"),
        ),
        "GET issuers/<uuid:issuer_id>/status (stale)": (
            "owner",
            lambda: _stale(world, f"issuers/{world.issuer.pk}/status"),
        ),
        "GET token/<asset:asset_id>/compliance-indicators": (
            "owner",
            lambda: Ask("GET", f"token/{ASSET}/compliance-indicators"),
        ),
        "POST compliance/reports": (
            "owner",
            lambda: Ask("POST", "compliance/reports", {"assetId": ASSET, "network": VOI}),
        ),
        "POST compliance/reports (on the issuer)": (
            "owner",
            lambda: Ask("POST", "compliance/reports", {"issuerId": str(world.issuer.pk)}),
        ),
        "POST exports": ("owner", lambda: Ask("POST", "exports", EXPORT)),
        "GET exports": ("owner", lambda: Ask("GET", "exports")),
        "POST exports/<uuid:export_id>/cancel": (
            "owner",
            lambda: Ask("POST", f"exports/{waiting_export(world.user('owner')).pk}/cancel"),
        ),
        **{
            f"GET exports/<uuid:export_id>{part}": (
                "owner",
                lambda part=part: Ask("GET", f"exports/{world.export.pk}{part}"),  # type: ignore[misc]
            )
            for part in ("", "/manifest", "/download")
        },
        "GET compliance/reports/jobs/<uuid:job_id>": (
            "owner",
            lambda: Ask("GET", f"compliance/reports/jobs/{world.job.pk}"),
        ),
        "DELETE compliance/reports/jobs/<uuid:job_id>": (
            "owner",
            lambda: Ask("DELETE", f"compliance/reports/jobs/{world.job.pk}"),
        ),
        "GET compliance/reports": ("owner", lambda: Ask("GET", "compliance/reports")),
        "GET compliance/reports/<uuid:report_id>": (
            "owner",
            lambda: Ask("GET", f"compliance/reports/{world.report.pk}"),
        ),
        "GET compliance/reports/<uuid:report_id>/download": (
            "owner",
            lambda: Ask("GET", f"compliance/reports/{world.report.pk}/download"),
        ),
        "GET compliance/reports/<uuid:report_id>/bundle": (
            "owner",
            lambda: Ask("GET", f"compliance/reports/{world.report.pk}/bundle"),
        ),
        "POST compliance/reports/verify": (
            "owner",
            lambda: Ask("POST", "compliance/reports/verify", {"some": "file"}),
        ),
        "GET compliance/reports/schema/<str:version>": (
            "owner",
            lambda: Ask("GET", "compliance/reports/schema/1.0"),
        ),
        "POST compliance/attestation": (
            "owner",
            lambda: Ask("POST", "compliance/attestation", {"tokenId": ASSET, "network": VOI}),
        ),
        "POST compliance/attestation (as a PDF)": (
            "owner",
            lambda: Ask("POST", "compliance/attestation", {"tokenId": ASSET, "format": "pdf"}),
        ),
        "GET compliance/attestation-packages/<uuid:package_id>": (
            "owner",
            lambda: Ask("GET", f"compliance/attestation-packages/{world.package.pk}"),
        ),
        "POST compliance/attestation-packages/verify": (
            "owner",
            lambda: Ask("POST", "compliance/attestation-packages/verify", {"some": "file"}),
        ),
        "POST compliance/attestations": (
            "owner",
            lambda: Ask(
                "POST",
                "compliance/attestations",
                _attestation(walletAddress=wallet(7), assetId=ASSET, network=VOI),
            ),
        ),
        "POST compliance/attestations (of an issuer)": (
            "owner",
            lambda: Ask(
                "POST",
                "compliance/attestations",
                _attestation(subjectType="Issuer", issuerId=str(world.issuer.pk)),
            ),
        ),
        "GET compliance/attestations": ("owner", lambda: Ask("GET", "compliance/attestations")),
        **{
            f"GET compliance/attestations/export/{form}": (
                "owner",
                lambda form=form: Ask("GET", f"compliance/attestations/export/{form}"),  # type: ignore[misc]
            )
            for form in ("csv", "json")
        },
        f"GET {_ONE}": ("owner", lambda: Ask("GET", by_owner)),
        f"GET {_ONE} (as a credential)": (
            "owner",
            lambda: Ask(
                "GET", f"compliance/attestations/{verified(world).pk}", query={"format": "vc"}
            ),
        ),
        f"POST {_ONE}/verify": ("officer", lambda: Ask("POST", f"{by_owner}/verify", reason)),
        f"POST {_ONE}/fail": ("officer", lambda: Ask("POST", f"{by_owner}/fail", reason)),
        f"POST {_ONE}/revoke": ("officer", lambda: Ask("POST", f"{by_owner}/revoke", reason)),
        f"GET {_RULES}": ("owner", lambda: Ask("GET", _RULES)),
        f"POST {_RULES}": ("officer", lambda: Ask("POST", _RULES, NEW_PACK)),
        f"POST {_RULES} (a copy of fifteen requirements)": (
            "officer",
            lambda: Ask("POST", _RULES, {"packId": "global-baseline", "from": "2026.11.1"}),
        ),
        f"POST {_RULES}/evaluate": (
            "owner",
            lambda: Ask("POST", f"{_RULES}/evaluate", {"assetId": ASSET, "network": VOI}),
        ),
        f"POST {_RULES}/evaluate (a draft)": (
            "officer",
            lambda: Ask(
                "POST",
                f"{_RULES}/evaluate",
                {"assetId": ASSET, "packId": world.pack.pack_id, "version": world.pack.version},
            ),
        ),
        f"GET {_RULES}/<slug:pack_id>": (
            "owner",
            lambda: Ask("GET", f"{_RULES}/global-baseline"),
        ),
        f"GET {_DRAFT}": ("owner", lambda: Ask("GET", draft)),
        f"PATCH {_DRAFT}": ("officer", lambda: Ask("PATCH", draft, {"disclaimer": "None."})),
        f"PUT {_DRAFT}": ("officer", lambda: Ask("PUT", draft, {**PACK, "disclaimer": "None."})),
        f"POST {_DRAFT}/submit": ("officer", lambda: Ask("POST", f"{draft}/submit")),
        f"POST {_DRAFT}/return": (
            "officer",
            lambda: _reviewed(world, Ask("POST", f"{draft}/return", reason)),
        ),
        f"POST {_DRAFT}/activate": (
            "administrator",
            lambda: _reviewed(
                world,
                Ask("POST", f"{draft}/activate", {"dryRunReport": rules.tried(world.pack)}),
            ),
        ),
        f"GET {_ISSUED}": ("owner", lambda: Ask("GET", _ISSUED)),
        f"POST {_ISSUED}": ("owner", lambda: Ask("POST", _ISSUED, ISSUANCE)),
        f"GET {_ISSUED}/metrics": ("owner", lambda: Ask("GET", f"{_ISSUED}/metrics")),
        f"POST {_ISSUED}/audit-trail/export": (
            "owner",
            lambda: Ask("POST", f"{_ISSUED}/audit-trail/export", {}),
        ),
        **{
            f"GET {_ISSUED}/<uuid:deployment_id>{part}": (
                "owner",
                lambda part=part: Ask("GET", f"{_ISSUED}/{world.deployment.pk}{part}"),  # type: ignore[misc]
            )
            for part in ("", "/history", "/events", "/audit-trail")
        },
        f"POST {_ISSUED}/<uuid:deployment_id>/cancel": (
            "owner",
            lambda: Ask(
                "POST",
                f"{_ISSUED}/{queued(world.user('owner')).pk}/cancel",
                {"reason": "wrong name"},
            ),
        ),
        f"POST {_ISSUED}/<uuid:deployment_id>/retry": (
            "owner",
            lambda: Ask("POST", f"{_ISSUED}/{world.deployment.pk}/retry"),
        ),
        f"GET {_DRAFT}/dry-runs": ("officer", lambda: Ask("GET", f"{draft}/dry-runs")),
        f"POST {_DRAFT}/dry-runs": ("officer", lambda: Ask("POST", f"{draft}/dry-runs")),
        f"GET {_RUN}": ("officer", lambda: Ask("GET", world.path(_RUN))),
        f"DELETE {_RUN}": (
            "officer",
            lambda: Ask("DELETE", f"compliance/dry-runs/{waiting_run(world).pk}"),
        ),
        f"GET {_RUN}/changes": ("officer", lambda: Ask("GET", world.path(f"{_RUN}/changes"))),
        f"GET {_RUN}/report": ("officer", lambda: Ask("GET", world.path(f"{_RUN}/report"))),
        f"POST {_DRAFT}/retire": ("officer", lambda: Ask("POST", f"{draft}/retire", reason)),
        f"POST {_DRAFT}/requirements": (
            "officer",
            lambda: Ask("POST", f"{draft}/requirements", REQUIREMENT),
        ),
        f"GET {_DRAFT}/requirements/<rule:key>": ("owner", lambda: Ask("GET", requirement)),
        f"PATCH {_DRAFT}/requirements/<rule:key>": (
            "officer",
            lambda: Ask("PATCH", requirement, {"title": "Other"}),
        ),
        f"PUT {_DRAFT}/requirements/<rule:key>": (
            "officer",
            lambda: Ask("PUT", requirement, REQUIREMENT),
        ),
        f"DELETE {_DRAFT}/requirements/<rule:key>": (
            "officer",
            lambda: Ask("DELETE", requirement),
        ),
        f"POST {_RULES}/assign": (
            "owner",
            lambda: Ask("POST", f"{_RULES}/assign", {"assetId": ASSET, "jurisdictionCode": "DE"}),
        ),
        f"GET {_TAGS}": ("owner", lambda: Ask("GET", _TAGS, query=QUERIES[_TAGS])),
        f"DELETE {_TAGS}": (
            "owner",
            lambda: Ask("DELETE", _TAGS, {"assetId": ASSET, "jurisdictionCode": "GLOBAL"}),
        ),
        **{
            f"{method} issuers/<uuid:issuer_id>/jurisdictions": (
                "owner",
                lambda method=method, body=body: Ask(  # type: ignore[misc]
                    method, f"issuers/{world.issuer.pk}/jurisdictions", body
                ),
            )
            for method, body in (
                ("GET", None),
                ("POST", {"jurisdictionCode": "DE"}),
                ("DELETE", {"jurisdictionCode": "GLOBAL"}),
            )
        },
        "GET compliance/<asset:asset_id>/facts": (
            "owner",
            lambda: Ask("GET", f"compliance/{ASSET}/facts"),
        ),
        "GET compliance/<asset:asset_id>/facts/history": (
            "owner",
            lambda: Ask("GET", f"compliance/{ASSET}/facts/history"),
        ),
        "POST compliance/<asset:asset_id>/facts": (
            "owner",
            lambda: Ask("POST", f"compliance/{ASSET}/facts", {"facts": {"token.isin": "A"}}),
        ),
        "GET issuers/<uuid:issuer_id>/facts": (
            "owner",
            lambda: Ask("GET", f"issuers/{world.issuer.pk}/facts"),
        ),
        "GET issuers/<uuid:issuer_id>/facts/history": (
            "owner",
            lambda: Ask("GET", f"issuers/{world.issuer.pk}/facts/history"),
        ),
        "POST issuers/<uuid:issuer_id>/facts": (
            "owner",
            lambda: Ask(
                "POST", f"issuers/{world.issuer.pk}/facts", {"facts": {"issuer.website": "A"}}
            ),
        ),
        **{
            f"{method} {route}": (
                "owner",
                lambda method=method, route=route, body=body: Ask(  # type: ignore[misc]
                    method, world.path(route), body
                ),
            )
            for method, route, body in (
                ("GET", "webhooks/subscriptions", None),
                ("POST", "webhooks/subscriptions", HOOK),
                ("GET", _HOOK, None),
                ("PUT", _HOOK, HOOK),
                ("PATCH", _HOOK, {"description": "ours"}),
                ("DELETE", _HOOK, None),
                ("POST", f"{_HOOK}/rotate-secret", {}),
                ("POST", f"{_HOOK}/test", {}),
                ("GET", "webhooks/deliveries", None),
                ("POST", "webhooks/deliveries/<uuid:delivery_id>/redeliver", {}),
            )
        },
        f"POST {_HOOK}/enable": (
            "owner",
            lambda: Ask("POST", f"{world.path(_HOOK)}/enable", disabled(world)),
        ),
        "POST audit-trail/checkpoint/cosign": (
            "owner",
            lambda: Ask("POST", "audit-trail/checkpoint/cosign", cosignature_body()),
        ),
        "GET compliance/waivers": ("owner", lambda: Ask("GET", "compliance/waivers")),
        "POST compliance/waivers": (
            "officer",
            lambda: Ask("POST", "compliance/waivers", waiver_body()),
        ),
        f"GET {_WAIVER}": ("owner", lambda: Ask("GET", world.path(_WAIVER))),
        f"POST {_WAIVER}/approve": (
            "administrator",
            lambda: Ask("POST", f"{world.path(_WAIVER)}/approve"),
        ),
        f"POST {_WAIVER}/revoke": (
            "officer",
            lambda: Ask("POST", f"{world.path(_WAIVER)}/revoke", reason),
        ),
        "POST whitelist": ("owner", lambda: _listing(address=wallet(7))),
        "POST whitelist/validate-transfer": (
            "outsider",
            lambda: Ask("POST", "whitelist/validate-transfer", PAIR),
        ),
        "POST whitelist/validate-transfers": (
            "outsider",
            lambda: Ask("POST", "whitelist/validate-transfers", {"transfers": [PAIR]}),
        ),
        "POST whitelist/validate-transfers (a hundred)": (
            "outsider",
            lambda: Ask("POST", "whitelist/validate-transfers", {"transfers": [PAIR] * 100}),
        ),
        **{
            f"POST token/{verb}/simulate": (
                "owner",
                lambda verb=verb: Ask(  # type: ignore[misc]
                    "POST", f"token/{verb}/simulate", simulation_body(world, verb)
                ),
            )
            for verb in SIMULATIONS
        },
        "POST whitelist (no change)": ("owner", lambda: _listing(address=LISTED)),
        "POST whitelist/bulk": ("owner", lambda: _listing(addresses=[wallet(7)])),
        "POST whitelist/bulk (fifty)": (
            "owner",
            lambda: _listing(addresses=[wallet(number) for number in range(ROWS)]),
        ),
        "DELETE whitelist": (
            "owner",
            lambda: Ask("DELETE", "whitelist", {"assetId": ASSET, "address": LISTED}),
        ),
        "GET whitelist/<asset:asset_id>": ("owner", lambda: Ask("GET", f"whitelist/{ASSET}")),
        "GET whitelist/<asset:asset_id>/policy": (
            "owner",
            lambda: Ask("GET", f"whitelist/{ASSET}/policy"),
        ),
        "PUT whitelist/<asset:asset_id>/policy": (
            "owner",
            lambda: Ask("PUT", f"whitelist/{ASSET}/policy", {"enforcement": "Mandatory"}),
        ),
        "GET metering": ("owner", lambda: Ask("GET", "metering")),
        "GET metering/events": ("owner", lambda: Ask("GET", "metering/events")),
        "POST whitelist/<asset:asset_id>/import/csv": (
            "officer",
            lambda: Ask("POST", f"whitelist/{ASSET}/import/csv", HOLDERS),
        ),
        **{
            f"{method} whitelist/imports/<uuid:import_id>{part}": (
                "owner",
                lambda method=method, part=part: Ask(  # type: ignore[misc]
                    method, f"whitelist/imports/{world.listing.pk}{part}"
                ),
            )
            for method, part in (("GET", ""), ("DELETE", ""), ("GET", "/rejected/csv"))
        },
        **{
            f"GET whitelist/<asset:asset_id>/{part}": (
                "owner",
                lambda part=part: Ask("GET", f"whitelist/{ASSET}/{part}"),  # type: ignore[misc]
            )
            for part in ("export/csv", "audit-log", "compliance-overview")
        },
        **{
            f"GET whitelist/{path}": (
                "owner",
                lambda path=path: Ask(  # type: ignore[misc]
                    "GET", f"whitelist/{path}", query=QUERIES.get(f"whitelist/{path}", {})
                ),
            )
            for path in (
                "compliance-overview",
                "audit-log",
                "audit-log/export/csv",
                "audit-log/export/json",
                "audit-log/retention-policy",
                "enforcement-report",
                "enforcement-report/export/csv",
                "enforcement-report/export/json",
            )
        },
        "GET compliance/audit-log": ("owner", lambda: Ask("GET", "compliance/audit-log")),
        "GET compliance/audit-log (all issuers)": (
            "auditor",
            lambda: Ask("GET", "compliance/audit-log"),
        ),
        "GET compliance/audit-log/export/csv": (
            "owner",
            lambda: Ask("GET", "compliance/audit-log/export/csv"),
        ),
        "GET compliance/audit-log/export/json": (
            "owner",
            lambda: Ask("GET", "compliance/audit-log/export/json"),
        ),
        **{
            f"GET audit-trail/{part}": (
                "owner",
                lambda part=part: Ask(  # type: ignore[misc]
                    "GET",
                    world.path(f"audit-trail/{part}"),
                    query=QUERIES.get(f"audit-trail/{part}", {}),
                ),
            )
            for part in (
                "checkpoint",
                "checkpoints",
                "consistency",
                "export/bundle",
                "<uuid:event_id>/proof",
                "tile/<level:level>/<tile:number>",
                "tile/<level:level>/<tile:number>.p/<width:width>",
            )
        },
        **{
            f"GET {path}": (
                "owner",
                lambda path=path: Ask("GET", world.path(path), query=QUERIES.get(path, {})),  # type: ignore[misc]
            )
            for path in (
                "enterprise-audit/export",
                "enterprise-audit/export/csv",
                "enterprise-audit/export/json",
                "enterprise-audit/retention-policy",
                "audit-trail",
                "audit-trail/export/csv",
                "audit-trail/export/json",
                "audit-trail/export/ndjson",
                "issuer/audit-trail",
                "issuer/audit-trail/csv",
                "issuer/audit-trail/json",
                "token/<asset:asset_id>/audit-trail",
                "security/activity",
            )
        },
        "GET security/refusals": ("officer", lambda: Ask("GET", "security/refusals")),
        "GET compliance/audit-log/retention-policy": (
            "owner",
            lambda: Ask("GET", "compliance/audit-log/retention-policy"),
        ),
    }


def _listing(**what: Any) -> Ask:
    path = "whitelist/bulk" if "addresses" in what else "whitelist"
    return Ask("POST", path, {"assetId": ASSET, "network": VOI, **what})


def _reviewed(world: World, ask: Ask) -> Ask:
    pack_submit(actor=world.user("officer"), pack=world.pack)
    return ask


def _stale(world: World, path: str = f"compliance/{ASSET}/status") -> Ask:
    TokenStatus.objects.filter(pk=world.token.pk).update(evaluated_revision=0)
    return Ask("GET", path)


LISTS = {
    "compliance": ("metadata", "owner"),
    "compliance/attestations": ("attestations", "owner"),
    "compliance/reports": ("reports", "owner"),
    "compliance/audit-log": ("entries", "owner"),
    "enterprise-audit/export": ("entries", "owner"),
    "audit-trail": ("entries", "owner"),
    "compliance/jurisdiction-rules": ("rules", "owner"),
    "compliance/waivers": ("waivers", "owner"),
    "webhooks/subscriptions": ("subscriptions", "officer"),
    "webhooks/deliveries": ("deliveries", "owner"),
    f"whitelist/{ASSET}": ("entries", "owner"),
    "whitelist/audit-log": ("entries", "owner"),
    f"whitelist/{ASSET}/audit-log": ("entries", "owner"),
    "whitelist/enforcement-report": ("entries", "owner"),
}
FILES = (
    *(
        f"{log}/export/{form}"
        for log in (
            "compliance/audit-log",
            "enterprise-audit",
            "audit-trail",
            "compliance/attestations",
            "whitelist/audit-log",
            "whitelist/enforcement-report",
        )
        for form in ("csv", "json")
    ),
    f"whitelist/{ASSET}/export/csv",
)


def statements(world: World, persona: str, ask: Ask) -> tuple[int, Any]:
    """Return the number of statements of the request, its file read to the end, and the answer."""
    for cache in caches.all():
        cache.clear()
    client = world.client(persona)
    with CaptureQueriesContext(connection) as queries:
        response = ask.send(client)
        content = b"".join(response) if response.streaming else response.content
    assert response.status_code in (200, 202), content
    sent = [query["sql"] for query in queries.captured_queries]
    counted = [sql for sql in sent if not sql.startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]
    return len(counted), content


def test_every_operation_costs_what_is_committed(known_world: World) -> None:
    got = {}
    for name, (persona, make) in _asks(known_world).items():
        with undone():
            ask = make()
            got[name], _ = statements(known_world, persona, ask)
    if os.environ.get("WRITE_BASELINE"):
        BASELINE.write_text(json.dumps(got, indent=2) + "\n")
    assert got == json.loads(BASELINE.read_text())


def test_every_operation_has_a_count() -> None:
    counted = {name.partition(" (")[0] for name in json.loads(BASELINE.read_text())}
    assert counted == {f"{method} {route}" for method, route in api_operations()}


def test_the_fresh_status_is_two_statements_with_authentication(known_world: World) -> None:
    ask = Ask("GET", f"compliance/{ASSET}/status")
    assert statements(known_world, "owner", ask)[0] <= 2
    etag = ask.send(known_world.client("owner")).headers["ETag"]
    with CaptureQueriesContext(connection) as queries:
        again = ask.send(known_world.client("owner"), HTTP_IF_NONE_MATCH=etag)
    assert (again.status_code, len(queries) <= 2) == (304, True)


def _fill(world: World) -> None:
    """Make `ROWS` rows more of everything that a list shows."""
    now = timezone.now()
    later = [now + timedelta(microseconds=number) for number in range(ROWS)]
    tokens = Token.objects.bulk_create(
        Token(network=VOI, asset_id=60_000 + number, issuer=world.issuer) for number in range(ROWS)
    )
    ComplianceMetadata.objects.bulk_create(
        ComplianceMetadata(token=token, created_by="x", created_at=moment)
        for token, moment in zip(tokens, later, strict=True)
    )
    ComplianceReport.objects.bulk_create(
        ComplianceReport(
            token=token,
            schema_version="1.0",
            status="Unknown",
            as_of=now,
            content="{}",
            digest="0" * 64,
            created_by="x",
            created_at=moment,
        )
        for token, moment in zip(tokens, later, strict=True)
    )
    Attestation.objects.bulk_create(
        Attestation(
            subject_type="Token",
            token=token,
            asset_id=token.asset_id,
            network=VOI,
            issuer_address="the provider",
            proof_hash=CID,
            issued_at=moment,
            created_at=moment,
            created_by=world.user("owner"),
            created_by_label=world.label("owner"),
        )
        for token, moment in zip(tokens, later, strict=True)
    )
    Waiver.objects.bulk_create(
        Waiver(
            token=token,
            requirement_key=RULE,
            basis="policy",
            reason="x",
            expires_at=now + timedelta(days=1),
            requested_by="x",
            requested_by_id="x",
            requested_at=moment,
        )
        for token, moment in zip(tokens, later, strict=True)
    )
    WhitelistEntry.objects.bulk_create(
        WhitelistEntry(
            token=world.token, address=f"holder {number}", created_by="x", created_at=moment
        )
        for number, moment in enumerate(later)
    )
    WebhookSubscription.objects.bulk_create(
        WebhookSubscription(
            owner_id=f"owner {number}", owner="x", slot=1, url="x", event_types=["*"], secret=b"x"
        )
        for number in range(ROWS)
    )
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            subscription=world.webhook,
            event_id=uuid4(),
            event_type="x",
            event_seq=number,
            created_at=moment,
        )
        for number, moment in enumerate(later)
    )
    RulePack.objects.bulk_create(
        RulePack(
            pack_id="filler",
            version=f"2026.11.{number}",
            jurisdiction_id="GLOBAL",
            framework_id="FILLER",
            framework_name="Filler",
            created_by="x",
            created_at=moment,
        )
        for number, moment in enumerate(later)
    )
    record_events(
        [
            EventDraft("compliance.metadata.read", **token.event_fields, notes="read")
            for token in tokens
        ],
        actor=SYSTEM,
    )
    record_events([_transfer(world.token) for _ in tokens], actor=SYSTEM)


def _transfer(token: Token) -> EventDraft:
    return EventDraft(
        "whitelist.transfer.validated",
        **token.event_fields,
        affected_address=wallet(7),
        to_address=wallet(8),
        transfer_allowed=False,
        denial_reason="Receiver is not listed",
    )


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_the_same_with_one_row_and_with_fifty(known_world: World, path: str) -> None:
    noun, persona = LISTS[path]
    record_events([_transfer(known_world.token)], actor=SYSTEM)
    ask = Ask("GET", path, query={"pageSize": 1})
    with undone():
        few, content = statements(known_world, persona, ask)
    assert len(json.loads(content)[noun]) == 1
    _fill(known_world)
    many, content = statements(known_world, persona, Ask("GET", path, query={"pageSize": ROWS}))
    answer = json.loads(content)
    assert len(answer[noun]) == ROWS
    assert answer["totalCount"] > ROWS
    assert many == few
    cursor = Ask("GET", path, query={"pageSize": 10, "cursor": answer["nextCursor"]})
    assert statements(known_world, persona, cursor)[0] == few


@pytest.mark.parametrize("path", FILES)
def test_a_file_costs_the_same_with_few_rows_and_with_many(known_world: World, path: str) -> None:
    with undone():
        few, short = statements(known_world, "owner", Ask("GET", path))
    _fill(known_world)
    many, long = statements(known_world, "owner", Ask("GET", path))
    assert many == few
    assert len(long) > len(short) + ROWS * 100
