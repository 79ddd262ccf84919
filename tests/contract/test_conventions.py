"""What holds for every answer: paths, methods, headers, health, metrics, documents, logs."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.addresses import encode_algorand_address
from accounts.arc14.signer import sign_arc14
from accounts.models import RoundAnchor, User
from compliance.api.views import status as status_view
from config.observability import health, metrics
from tests.contract.bodies import (
    EXPORT,
    NEW_PACK,
    PACK,
    PAIR,
    REQUIREMENT,
    SIMULATIONS,
    cosignature_body,
    waiver_body,
)
from tests.contract.routes import operations
from tests.contract.world import (
    ASSET,
    EMAIL,
    HOLDERS,
    LISTED,
    PASSWORD,
    QUERIES,
    Ask,
    World,
    assert_envelope,
    make_status_fresh,
    refresh_token,
)
from tests.factories import VOI, client_for, event_bodies

pytestmark = pytest.mark.django_db
ORIGIN = "https://app.example.com"
_RULES = "compliance/jurisdiction-rules"
_TAGS = "compliance/token-jurisdictions"
_DRAFT = f"{_RULES}/<slug:pack_id>/<version:version>"
_RUN = "compliance/dry-runs/<uuid:run_id>"


def _paths(world: World, method: str) -> list[str]:
    """Return the path of every operation with this method."""
    return sorted(
        "/" + world.path(route)
        for verb, route in operations()
        if verb == method and route and "<path:" not in route
    )


class TestPathsAndMethods:
    def test_a_trailing_slash_is_a_404_and_no_redirect(self, world: World) -> None:
        client = world.client("administrator")
        for path in {*_paths(world, "GET"), *_paths(world, "POST")}:
            for method in ("GET", "POST"):
                response = Ask(method, f"{path}/").send(client)
                assert_envelope(response, 404, f"{path}/")
                assert "Location" not in response.headers

    def test_head_answers_as_get_without_a_body(self, world: World) -> None:
        make_status_fresh(world)
        client = world.client("officer")
        for path in _paths(world, "GET"):
            query = QUERIES.get(path.removeprefix("/api/v1/"), {})
            got, head = (Ask(verb, path, query=query).send(client) for verb in ("GET", "HEAD"))
            assert head.status_code == got.status_code == 200, path
            assert b"".join(head) == b"", path
            for name in ("Content-Type", "ETag", "Content-Disposition", "X-Export-Truncated"):
                assert bool(head.headers.get(name)) == bool(got.headers.get(name)), (path, name)
            assert head.headers["Content-Type"] == got.headers["Content-Type"]

    def test_options_names_the_methods(self, world: World) -> None:
        client = world.client("owner")
        for path in {*_paths(world, "GET"), *_paths(world, "POST")}:
            if not path.startswith("/api/v1/"):
                continue
            response = Ask("OPTIONS", path).send(client)
            assert response.status_code == 200, path
            allowed = {word.strip() for word in response.headers["Allow"].split(",")}
            expected = {
                verb
                for verb in ("GET", "POST", "PUT", "PATCH", "DELETE")
                if path in _paths(world, verb)
            } | {"OPTIONS"}
            assert allowed - {"HEAD"} == expected, path

    def test_what_no_route_matches_is_a_404_in_the_envelope(self, world: World) -> None:
        client = world.client("owner")
        for path in (
            "/nothing",
            "/api",
            "/api/v2/compliance",
            "/api/v1/compliance/NaN",
            "/api/v1/compliance/0",
            "/api/v1/compliance/-1",
            "/api/v1/compliance/1.5",
            "/api/v1/compliance/9223372036854775808",
            "/api/v1/compliance/99999999999999999999",
            "/api/v1/compliance/NaN/status",
            "/api/v1/compliance/reports/1",
            "/api/v1/compliance/attestations/not-a-uuid/verify",
            "/API/V1/compliance",
        ):
            for method in ("GET", "POST", "DELETE"):
                assert_envelope(Ask(method, path).send(client), 404, path)

    @pytest.mark.parametrize(
        "accept",
        ["text/csv", "application/xml", "text/html", "image/*;q=0", "", "nonsense", "*/*, ;;"],
    )
    def test_any_accept_gets_the_endpoints_own_form(self, world: World, accept: str) -> None:
        client = world.client("officer")
        for path, form in (
            (f"compliance/{ASSET}", "application/json"),
            ("compliance/audit-log", "application/json"),
            ("compliance/audit-log/export/csv", "text/csv; charset=utf-8"),
            ("compliance/audit-log/export/json", "application/json"),
        ):
            response = Ask("GET", path).send(client, HTTP_ACCEPT=accept)
            assert (response.status_code, response.headers["Content-Type"]) == (200, form)
        refused = Ask("GET", "compliance/audit-log/export/csv").send(
            world.client("anonymous"), HTTP_ACCEPT=accept
        )
        assert_envelope(refused, 401)

    def test_format_is_a_parameter_like_any_other(self, world: World) -> None:
        ask = Ask("GET", f"compliance/{ASSET}", query={"format": "xml"})
        body = assert_envelope(ask.send(world.client("owner")), 400)
        assert body["details"] == {"format": ["Unknown parameter."]}


class TestCors:
    def test_a_preflight_is_answered_without_signing_in(self, world: World) -> None:
        for path in {*_paths(world, "GET"), *_paths(world, "POST")}:
            if not path.startswith(("/api/", "/health")):
                continue
            response = APIClient().options(
                path,
                HTTP_ORIGIN=ORIGIN,
                HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
                HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization,x-correlation-id,if-match",
            )
            assert response.status_code == 200, path
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
            allowed = response.headers["Access-Control-Allow-Headers"]
            for name in ("authorization", "content-type", "if-match", "x-correlation-id"):
                assert name in allowed
            assert "DELETE" in response.headers["Access-Control-Allow-Methods"]

    def test_errors_have_the_headers_too(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner, nobody = world.client("owner"), world.client("anonymous")
        answers = {
            200: Ask("GET", f"compliance/{ASSET}").send(owner, HTTP_ORIGIN=ORIGIN),
            400: Ask("GET", "compliance", query={"x": 1}).send(owner, HTTP_ORIGIN=ORIGIN),
            401: Ask("GET", "compliance").send(nobody, HTTP_ORIGIN=ORIGIN),
            403: Ask("DELETE", f"compliance/{ASSET}").send(
                world.client("member"), HTTP_ORIGIN=ORIGIN
            ),
            404: Ask("GET", "/api/v9/nothing").send(nobody, HTTP_ORIGIN=ORIGIN),
            405: Ask("PUT", "compliance").send(owner, HTTP_ORIGIN=ORIGIN),
            413: Ask("POST", "compliance", {"notes": "x" * 1_000_000}).send(
                owner, HTTP_ORIGIN=ORIGIN
            ),
        }
        monkeypatch.setattr(status_view, "status_get", _raise(RuntimeError("secret detail")))
        answers[500] = Ask("GET", f"compliance/{ASSET}/status").send(owner, HTTP_ORIGIN=ORIGIN)
        for status, response in answers.items():
            assert response.status_code == status
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
            exposed = {
                name.strip()
                for name in response.headers["Access-Control-Expose-Headers"].split(",")
            }
            assert exposed == {
                "accept-ranges",
                "content-range",
                "content-disposition",
                "etag",
                "link",
                "location",
                "preference-applied",
                "retry-after",
                "x-content-sha256",
                "x-correlation-id",
                "x-export-total",
                "x-export-truncated",
            }
            assert "origin" in response.headers["Vary"].lower()

    def test_another_origin_gets_no_permission(self, world: World) -> None:
        response = Ask("GET", f"compliance/{ASSET}").send(
            world.client("owner"), HTTP_ORIGIN="https://evil.example.com"
        )
        assert response.status_code == 200
        assert "Access-Control-Allow-Origin" not in response.headers


class TestCorrelation:
    @pytest.mark.parametrize("given", ["a", "abc.DEF-1_2", "0" * 64])
    def test_a_well_formed_id_is_kept(self, world: World, given: str) -> None:
        response = Ask("GET", f"compliance/{ASSET}").send(
            world.client("owner"), HTTP_X_CORRELATION_ID=given
        )
        assert response.headers["X-Correlation-ID"] == given
        assert event_bodies("compliance.metadata.read")[-1]["correlationId"] == given

    @pytest.mark.parametrize("given", ["", " ", "a b", "ü", "0" * 65, "x\ty", "a;b", '"a"'])
    def test_anything_else_is_replaced(self, world: World, given: str) -> None:
        response = Ask("GET", f"compliance/{ASSET}").send(
            world.client("owner"), HTTP_X_CORRELATION_ID=given
        )
        answered = response.headers["X-Correlation-ID"]
        assert answered != given
        assert re.fullmatch(r"[0-9a-f]{32}", answered)
        assert event_bodies("compliance.metadata.read")[-1]["correlationId"] == answered

    @pytest.mark.parametrize(
        "path", ["/nothing", "/api/v1/nothing", "/health", "/metrics", "/api/schema", "/"]
    )
    def test_every_path_answers_with_it(self, client: Client, path: str) -> None:
        response = client.get(path, headers={"x-correlation-id": "kept-1"})
        assert response.headers["X-Correlation-ID"] == "kept-1"
        if response.status_code == 404:
            assert response.json()["correlationId"] == "kept-1"
        ids = {client.get(path).headers["X-Correlation-ID"] for _ in range(2)}
        assert len(ids) == 2

    def test_a_denial_is_recorded_under_it(self, world: World) -> None:
        Ask("GET", "compliance").send(
            world.client("anonymous"), HTTP_X_CORRELATION_ID="denied-here"
        )
        assert event_bodies("security.access.denied")[-1]["correlationId"] == "denied-here"


class _Refusing:
    """Stands for a connection whose server is gone."""

    def cursor(self) -> Any:
        raise OperationalError("connection to server at db.internal (10.0.0.5) failed: secret")


class TestHealth:
    CHECKS = ("database", "migrations", "cache", "broker")

    def test_health_is_health_live(self, client: Client) -> None:
        for path in ("/health", "/health/live"):
            response = client.get(path)
            assert (response.status_code, response.json()) == (200, {"status": "ok"})

    def test_live_needs_no_database(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "connection", _Refusing())
        assert client.get("/health/live").status_code == 200

    def test_ready_names_every_dependency(self, client: Client) -> None:
        response = client.get("/health/ready")
        assert response.status_code == 200
        assert response.json() == {
            "status": "ok",
            "checks": {
                "database": "ok",
                "migrations": "ok",
                "cache": "ok",
                "broker": "in process",
            },
        }

    @staticmethod
    def _break(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        if name == "database":
            monkeypatch.setattr(health, "connection", _Refusing())
        elif name == "migrations":
            monkeypatch.setattr(
                health.MigrationExecutor, "migration_plan", lambda *_: [("secret", False)]
            )
        elif name == "cache":
            monkeypatch.setattr(
                type(cache._connections[cache._alias]),  # type: ignore[attr-defined]
                "set",
                _raise(RedisConnectionError("Error 111 connecting to redis.internal:6379")),
            )
        else:
            monkeypatch.setattr(settings, "CELERY_TASK_ALWAYS_EAGER", False)
            monkeypatch.setattr(
                "celery.current_app.connection_for_write",
                _raise(OSError("[Errno 111] redis://:secret@broker.internal:6379/1")),
            )

    @pytest.mark.parametrize("broken", CHECKS)
    def test_one_failure_is_a_503_that_leaks_nothing(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        self._break(broken, monkeypatch)
        response = client.get("/health/ready")
        assert response.status_code == 503
        body = response.json()
        assert body["status"] == "failed"
        assert set(body) == {"status", "checks"}
        assert tuple(body["checks"]) == self.CHECKS
        assert body["checks"][broken] == "failed"
        others = {name for name in self.CHECKS if body["checks"][name] == "failed"} - {broken}
        assert others <= ({"migrations"} if broken == "database" else set())
        assert set(body["checks"].values()) <= {"ok", "failed", "in process"}


STATUSES = ("Unknown", "NonCompliant", "PartiallyCompliant", "Compliant")


class TestMetrics:
    @staticmethod
    def _value(text: str, name: str, **labels: str) -> float:
        for line in text.splitlines():
            found = re.fullmatch(r"(\w+)\{(.*)\} ([0-9.e+]+)", line)
            if found and found[1] == name:
                given = dict(re.findall(r'(\w+)="([^"]*)"', found[2]))
                if given == labels:
                    return float(found[3])
        return 0.0

    def test_prometheus_text_whose_counters_move(self, world: World) -> None:
        client, client_owner = Client(), world.client("owner")

        def read() -> str:
            response = client.get("/metrics")
            assert response.status_code == 200
            assert response.headers["Content-Type"].startswith("text/plain; version=")
            return response.content.decode()

        before = read()
        for _ in range(3):
            Ask("GET", f"compliance/{ASSET}").send(client_owner)
        Ask("GET", f"compliance/{ASSET}/status").send(client_owner)
        Ask("POST", "compliance/reports", {"assetId": ASSET}).send(client_owner)
        Ask("GET", "compliance/1/status").send(client_owner)
        list(Ask("GET", "compliance/audit-log/export/csv").send(client_owner))
        after = read()

        def moved(name: str, **labels: str) -> float:
            return self._value(after, name, **labels) - self._value(before, name, **labels)

        route = "api/v1/compliance/<asset:asset_id>"
        requests = "assayer_http_requests_total"
        assert moved(requests, method="GET", route=route, status="200") == 3
        status = {"method": "GET", "route": f"{route}/status"}
        assert moved(requests, **status, status="200") == 1
        assert moved(requests, **status, status="404") == 1
        assert moved("assayer_http_request_seconds_count", method="GET", route=route) == 3
        assert moved("assayer_audit_events_total", category="Compliance", success="True") >= 4
        assert moved("assayer_reports_total", kind="Full") == 1
        evaluated = [moved("assayer_status_evaluations_total", status=one) for one in STATUSES]
        assert sum(evaluated) == 1
        rows = {"view": "compliance-audit-log", "format": "csv"}
        assert moved("assayer_exported_rows_total", **rows) > 0
        # A label with every asset id would grow without end.
        assert str(ASSET) not in re.sub(r" [0-9.e+-]+$", "", after, flags=re.MULTILINE)

    def test_paths_without_a_route_share_one_label(self, client: Client) -> None:
        for number in range(3):
            client.get(f"/nothing/{number}")
            client.generic("BREW", f"/nothing/{number}")
        text = client.get("/metrics").content.decode()
        assert "nothing" not in text
        assert "BREW" not in text
        labels = {"method": "GET", "route": "unmatched", "status": "404"}
        assert self._value(text, "assayer_http_requests_total", **labels) >= 3


class TestDocuments:
    def test_the_documents_load_nothing_from_elsewhere(self, client: Client) -> None:
        page = client.get("/api/docs")
        assert page.status_code == 200
        html = page.content.decode()
        assert re.findall(r"(?:https?:)?//[^\s\"'<>]+", html) == []
        parts = re.findall(r'(?:src|href)="([^"]+)"', html)
        assert len(parts) >= 3
        for part in parts:
            assert part.startswith("/static/"), part
            asset = client.get(part)
            assert asset.status_code == 200, part
            assert len(b"".join(asset)) > 100
        schema = client.get("/api/schema").content.decode()
        assert re.findall(r"https?://[^\s\"']+", schema) == []


def _raise(error: Exception) -> Callable[..., Any]:
    def stub(*args: object, **kwargs: object) -> Any:
        raise error

    return stub


# Every service that a view calls: what it is called there, and a request that reaches it.
SERVICES: list[tuple[str, Callable[[World], Ask]]] = [
    ("accounts.api.views.session_open",
     lambda w: Ask("POST", "auth/login", {"email": EMAIL, "password": PASSWORD})),
    ("accounts.api.views.session_refresh",
     lambda w: Ask("POST", "auth/refresh", {"refreshToken": "a.b.c"})),
    ("accounts.api.views.session_close", lambda w: Ask("POST", "auth/logout", {})),
    ("accounts.api.views.memberships_of", lambda w: Ask("GET", "auth/profile")),
    ("compliance.api.views.metadata.metadata_upsert",
     lambda w: Ask("POST", "compliance", {"assetId": ASSET, "network": VOI})),
    ("compliance.api.views.metadata.metadata_get", lambda w: Ask("GET", f"compliance/{ASSET}")),
    ("compliance.api.views.metadata.metadata_delete",
     lambda w: Ask("DELETE", f"compliance/{ASSET}")),
    ("compliance.models.ComplianceMetadata.objects.visible_to",
     lambda w: Ask("GET", "compliance")),
    ("compliance.api.views.status.status_get", lambda w: Ask("GET", f"compliance/{ASSET}/status")),
    ("compliance.api.views.history.status_changes",
     lambda w: Ask("GET", f"compliance/{ASSET}/status/history")),
    ("compliance.api.views.issuer_status.issuer_status",
     lambda w: Ask("GET", f"issuers/{w.issuer.pk}/status")),
    ("compliance.api.views.indicators.indicators_get",
     lambda w: Ask("GET", f"token/{ASSET}/compliance-indicators")),
    ("compliance.api.views.reports.report_ask",
     lambda w: Ask("POST", "compliance/reports", {"assetId": ASSET})),
    ("compliance.api.views.report_jobs.report_job_get",
     lambda w: Ask("GET", f"compliance/reports/jobs/{w.job.pk}")),
    ("compliance.api.views.report_jobs.report_job_cancel",
     lambda w: Ask("DELETE", f"compliance/reports/jobs/{w.job.pk}")),
    ("compliance.api.views.reports.report_read",
     lambda w: Ask("GET", f"compliance/reports/{w.report.pk}")),
    ("compliance.api.views.report_files.report_export",
     lambda w: Ask("GET", f"compliance/reports/{w.report.pk}/download")),
    ("compliance.api.views.report_files.report_bundle",
     lambda w: Ask("GET", f"compliance/reports/{w.report.pk}/bundle")),
    ("compliance.api.views.report_files.report_verify",
     lambda w: Ask("POST", "compliance/reports/verify", {"some": "file"})),
    ("compliance.api.views.report_files.schema_bytes",
     lambda w: Ask("GET", "compliance/reports/schema/1.0")),
    ("compliance.models.ComplianceReport.objects.visible_to",
     lambda w: Ask("GET", "compliance/reports")),
    ("compliance.api.views.packages.package_generate",
     lambda w: Ask("POST", "compliance/attestation", {"tokenId": ASSET})),
    ("compliance.api.views.packages.package_read",
     lambda w: Ask("GET", f"compliance/attestation-packages/{w.package.pk}")),
    ("compliance.api.views.packages.package_verify",
     lambda w: Ask("POST", "compliance/attestation-packages/verify", {"some": "file"})),
    ("attestations.services.attestation_create",
     lambda w: Ask("POST", "compliance/attestations",
                   {"subjectType": "Token", "assetId": ASSET, "issuerAddress": "x",
                    "proofHash": "y"})),
    ("attestations.api.views.attestations_visible",
     lambda w: Ask("GET", "compliance/attestations")),
    *(
        ("attestations.api.exports.attestations_visible",
         lambda w, form=form: Ask("GET", f"compliance/attestations/export/{form}"))
        for form in ("csv", "json")
    ),
    ("attestations.api.views.attestation_get",
     lambda w: Ask("GET", f"compliance/attestations/{w.by_owner.pk}")),
    *(
        (f"attestations.services.attestation_{verb}",
         lambda w, verb=verb: Ask("POST", f"compliance/attestations/{w.by_owner.pk}/{verb}",
                                  {"reason": "read"}))
        for verb in ("verify", "fail", "revoke")
    ),
    *(
        ("audit.log_views.exact_count", lambda w, path=path: Ask("GET", path))
        for path in ("compliance/audit-log", "whitelist/audit-log", "audit-trail",
                     "security/activity")
    ),
    *(
        ("audit.api.log_viewset.exact_count", lambda w, path=path: Ask("GET", path))
        for path in ("compliance/audit-log/export/csv", "compliance/audit-log/export/json",
                     "whitelist/audit-log/export/csv", "whitelist/audit-log/export/json",
                     "whitelist/enforcement-report/export/csv",
                     "whitelist/enforcement-report/export/json",
                     "enterprise-audit/export/csv", "enterprise-audit/export/json",
                     "audit-trail/export/csv", "audit-trail/export/json",
                     "audit-trail/export/ndjson")
    ),
    *(
        ("audit.api.log_viewset.retention_policy",
         lambda w, log=log: Ask("GET", f"{log}/retention-policy"))
        for log in ("compliance/audit-log", "whitelist/audit-log", "enterprise-audit")
    ),
    ("audit.api.enterprise_audit.events_summary", lambda w: Ask("GET", "enterprise-audit/export")),
    *(
        ("accounts.api.trail_views.token_get_visible",
         lambda w, path=path: Ask("GET", path, query=QUERIES.get(path, {})))
        for path in ("issuer/audit-trail", "issuer/audit-trail/csv", "issuer/audit-trail/json",
                     f"token/{ASSET}/audit-trail")
    ),
    ("accounts.api.security.refusals", lambda w: Ask("GET", "security/refusals")),
    ("audit.api.metering.metered_events", lambda w: Ask("GET", "metering")),
    ("audit.api.metering.metered_events", lambda w: Ask("GET", "metering/events")),
    ("audit.trail.checkpoint_get", lambda w: Ask("GET", "audit-trail/checkpoint")),
    ("audit.api.trail_views.cosignature_add",
     lambda w: Ask("POST", "audit-trail/checkpoint/cosign", cosignature_body())),
    ("audit.trail.checkpoint_document", lambda w: Ask("GET", "audit-trail/checkpoints")),
    ("audit.trail.consistency_get",
     lambda w: Ask("GET", "audit-trail/consistency", query={"from": 1, "to": 2})),
    *(
        (f"audit.api.exports.{name}", lambda w, method=method, path=path, body=body: Ask(
            method, f"exports{path.format(w.export.pk)}", body))
        for name, method, path, body in (
            ("export_request", "POST", "", EXPORT),
            ("ExportJob.objects.visible_to", "GET", "", None),
            ("export_get", "GET", "/{}", None),
            ("export_cancel", "POST", "/{}/cancel", None),
            ("export_manifest", "GET", "/{}/manifest", None),
            ("export_download", "GET", "/{}/download", None),
        )
    ),
    ("audit.trail.bundle_make", lambda w: Ask("GET", "audit-trail/export/bundle")),
    ("audit.trail.inclusion_get",
     lambda w: Ask("GET", w.path("audit-trail/<uuid:event_id>/proof"))),
    ("audit.trail.tile_get",
     lambda w: Ask("GET", w.path("audit-trail/tile/<level:level>/<tile:number>"))),
    ("audit.trail.tile_get",
     lambda w: Ask("GET", w.path("audit-trail/tile/<level:level>/<tile:number>.p/<width:width>"))),
    ("compliance.api.views.evaluate.trial_of",
     lambda w: Ask("POST", f"{_RULES}/evaluate", {"assetId": ASSET, "network": VOI})),
    ("jurisdictions.api.views.packs.rule_packs", lambda w: Ask("GET", _RULES)),
    ("jurisdictions.services.drafts.pack_create", lambda w: Ask("POST", _RULES, NEW_PACK)),
    ("jurisdictions.api.views.packs.pack_get",
     lambda w: Ask("GET", w.path(f"{_RULES}/<slug:pack_id>"))),
    ("jurisdictions.api.views.packs.pack_get", lambda w: Ask("GET", w.path(_DRAFT))),
    ("jurisdictions.services.drafts.pack_update", lambda w: Ask("PATCH", w.path(_DRAFT), PACK)),
    ("jurisdictions.services.drafts.pack_update", lambda w: Ask("PUT", w.path(_DRAFT), PACK)),
    *(
        (f"jurisdictions.services.lifecycle.pack_{step}",
         lambda w, step=step, body=body: Ask("POST", f"{w.path(_DRAFT)}/{step}", body))
        for step, body in (("submit", {}), ("return", {"reason": "Cite."}),
                           ("activate", {"dryRunReport": "0" * 64}),
                           ("retire", {"reason": "Repealed."}))
    ),
    ("jurisdictions.services.dry_runs.dry_run_request",
     lambda w: Ask("POST", f"{w.path(_DRAFT)}/dry-runs")),
    ("jurisdictions.api.views.dry_runs.pack_get",
     lambda w: Ask("GET", f"{w.path(_DRAFT)}/dry-runs")),
    *(
        (f"jurisdictions.services.dry_runs.dry_run_{service}",
         lambda w, method=method, part=part: Ask(method, w.path(f"{_RUN}{part}")))
        for service, method, part in (("get", "GET", ""), ("cancel", "DELETE", ""),
                                      ("get", "GET", "/changes"), ("report_read", "GET", "/report"))
    ),
    ("jurisdictions.services.requirements.requirement_create",
     lambda w: Ask("POST", f"{w.path(_DRAFT)}/requirements", REQUIREMENT)),
    ("jurisdictions.api.views.packs.requirement_get",
     lambda w: Ask("GET", w.path(f"{_DRAFT}/requirements/<rule:key>"))),
    ("jurisdictions.services.requirements.requirement_update",
     lambda w: Ask("PATCH", w.path(f"{_DRAFT}/requirements/<rule:key>"), {"title": "Other"})),
    ("jurisdictions.services.requirements.requirement_update",
     lambda w: Ask("PUT", w.path(f"{_DRAFT}/requirements/<rule:key>"), REQUIREMENT)),
    ("jurisdictions.services.requirements.requirement_delete",
     lambda w: Ask("DELETE", w.path(f"{_DRAFT}/requirements/<rule:key>"))),
    ("jurisdictions.api.views.tags.tag_assign",
     lambda w: Ask("POST", f"{_RULES}/assign", {"assetId": ASSET, "jurisdictionCode": "DE"})),
    ("jurisdictions.api.views.tags.token_tags",
     lambda w: Ask("GET", _TAGS, query=QUERIES[_TAGS])),
    ("jurisdictions.api.views.tags.tag_remove",
     lambda w: Ask("DELETE", _TAGS, {"assetId": ASSET, "jurisdictionCode": "GLOBAL"})),
    *(
        (f"jurisdictions.api.views.tags.{name}",
         lambda w, verb=verb, body=body: Ask(verb, f"issuers/{w.issuer.pk}/jurisdictions", body))
        for verb, name, body in (
            ("GET", "issuer_tags", None),
            ("POST", "issuer_tag_assign", {"jurisdictionCode": "GLOBAL"}),
            ("DELETE", "issuer_tag_remove", {"jurisdictionCode": "GLOBAL"}),
        )
    ),
    ("jurisdictions.api.views.facts.token_get_visible",
     lambda w: Ask("GET", f"compliance/{ASSET}/facts")),
    ("jurisdictions.api.views.facts.fact_history",
     lambda w: Ask("GET", f"compliance/{ASSET}/facts/history")),
    ("jurisdictions.api.views.facts.fact_history",
     lambda w: Ask("GET", f"issuers/{w.issuer.pk}/facts/history")),
    ("jurisdictions.api.views.facts.facts_record",
     lambda w: Ask("POST", f"compliance/{ASSET}/facts", {"facts": {"token.isin": "A"}})),
    ("jurisdictions.api.views.facts.issuer_get_visible",
     lambda w: Ask("GET", f"issuers/{w.issuer.pk}/facts")),
    ("jurisdictions.api.views.facts.issuer_facts_record",
     lambda w: Ask("POST", f"issuers/{w.issuer.pk}/facts", {"facts": {"issuer.website": "A"}})),
    ("whitelist.api.views.entries.whitelist_entry_write",
     lambda w: Ask("POST", "whitelist", {"assetId": ASSET, "address": LISTED})),
    ("whitelist.api.views.entries.whitelist_entry_remove",
     lambda w: Ask("DELETE", "whitelist", {"assetId": ASSET, "address": LISTED})),
    ("whitelist.api.views.entries.whitelist_bulk_write",
     lambda w: Ask("POST", "whitelist/bulk", {"assetId": ASSET, "addresses": [LISTED]})),
    ("compliance.api.views.transfers.transfer_validate",
     lambda w: Ask("POST", "whitelist/validate-transfer", PAIR)),
    ("compliance.api.views.transfers.transfers_validate",
     lambda w: Ask("POST", "whitelist/validate-transfers", {"transfers": [PAIR]})),
    *(
        ("compliance.enforcement.transfer_validate",
         lambda w, verb=verb: Ask("POST", f"token/{verb}/simulate", SIMULATIONS[verb]))
        for verb in SIMULATIONS
    ),
    ("whitelist.api.views.entries.token_get_visible", lambda w: Ask("GET", f"whitelist/{ASSET}")),
    ("whitelist.api.views.entries.whitelist_policy_get",
     lambda w: Ask("GET", f"whitelist/{ASSET}/policy")),
    ("whitelist.api.views.entries.whitelist_policy_write",
     lambda w: Ask("PUT", f"whitelist/{ASSET}/policy", {"enforcement": "Off"})),
    ("whitelist.api.views.imports.whitelist_import_request",
     lambda w: Ask("POST", f"whitelist/{ASSET}/import/csv", HOLDERS)),
    ("whitelist.api.views.imports.whitelist_import_get",
     lambda w: Ask("GET", f"whitelist/imports/{w.listing.pk}")),
    ("whitelist.api.views.imports.whitelist_import_cancel",
     lambda w: Ask("DELETE", f"whitelist/imports/{w.listing.pk}")),
    ("whitelist.api.views.imports.whitelist_import_rejections_export",
     lambda w: Ask("GET", f"whitelist/imports/{w.listing.pk}/rejected/csv")),
    ("whitelist.api.views.reports.whitelist_export",
     lambda w: Ask("GET", f"whitelist/{ASSET}/export/csv")),
    ("whitelist.api.views.reports.whitelist_overview",
     lambda w: Ask("GET", f"whitelist/{ASSET}/compliance-overview")),
    ("whitelist.api.views.reports.whitelist_overview",
     lambda w: Ask("GET", "whitelist/compliance-overview", query={"assetId": ASSET})),
    ("whitelist.api.views.audit_log.token_get_visible",
     lambda w: Ask("GET", f"whitelist/{ASSET}/audit-log")),
    ("whitelist.api.log_views.enforcement_summary",
     lambda w: Ask("GET", "whitelist/enforcement-report")),
    ("jurisdictions.models.Waiver.objects.visible_to", lambda w: Ask("GET", "compliance/waivers")),
    ("jurisdictions.api.views.waivers.waiver_request",
     lambda w: Ask("POST", "compliance/waivers", waiver_body())),
    ("jurisdictions.api.views.waivers.waiver_get",
     lambda w: Ask("GET", f"compliance/waivers/{w.waiver.pk}")),
    ("jurisdictions.api.views.waivers.waiver_approve",
     lambda w: Ask("POST", f"compliance/waivers/{w.waiver.pk}/approve", {})),
    ("jurisdictions.api.views.waivers.waiver_revoke",
     lambda w: Ask("POST", f"compliance/waivers/{w.waiver.pk}/revoke", {"reason": "met"})),
]  # fmt: skip


class TestCrashes:
    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [
            (RuntimeError("secret detail"), 500, "INTERNAL_ERROR"),
            (KeyError("secret detail"), 500, "INTERNAL_ERROR"),
            (OperationalError("secret detail"), 503, "SERVICE_UNAVAILABLE"),
        ],
        ids=["RuntimeError", "KeyError", "OperationalError"],
    )
    def test_no_error_tells_its_text(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
        status: int,
        code: str,
    ) -> None:
        for name, make in SERVICES:
            ask = make(world)
            with monkeypatch.context() as patched:
                patched.setattr(name, _raise(error))
                response = ask.send(world.client("officer"))
            body = assert_envelope(response, status)
            assert body["errorCode"] == code, ask
            assert body["details"] == {}
            assert "secret detail" not in response.content.decode()
            assert str(response.headers).find("secret detail") == -1
        assert "secret detail" not in json.dumps(event_bodies())

    def test_every_operation_is_crashed(self, world: World) -> None:
        crashed = {(make(world).method, "/api/v1/" + make(world).path) for _, make in SERVICES}
        expected = {
            (verb, path)
            for verb in ("GET", "POST", "PUT", "PATCH", "DELETE")
            for path in _paths(world, verb)
            if path.startswith("/api/v1/")
        }
        assert crashed == expected

    def test_a_crash_outside_the_api_is_the_envelope_too(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(metrics, "generate_latest", _raise(RuntimeError("secret detail")))
        response = Client(raise_request_exception=False).get("/metrics?token=query-secret")
        body = assert_envelope(response, 500, "/metrics")
        assert body["errorCode"] == "INTERNAL_ERROR"
        assert b"secret" not in response.content


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return the log lines so far as production writes them, each read as JSON."""
    root = logging.getLogger()
    formatters = [
        handler.formatter
        for handler in root.handlers
        if "ProcessorFormatter" in type(handler.formatter).__name__
    ]
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatters[0])
    root.handlers.insert(0, handler)  # a handler before it would mark the records as its own
    try:
        yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    finally:
        root.removeHandler(handler)


class TestLogs:
    def test_an_access_line_says_route_status_and_time_and_nothing_else(
        self, world: World, lines: Callable[[], list[dict[str, Any]]]
    ) -> None:
        Ask("GET", f"compliance/{ASSET}", query={"network": VOI}).send(
            world.client("owner"), HTTP_X_CORRELATION_ID="line-1"
        )
        (line,) = lines()
        assert line.pop("ms") >= 0
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "correlation_id": "line-1",
            "event": "request",
            "level": "info",
            "logger": "assayer.access",
            "method": "GET",
            "route": "api/v1/compliance/<asset:asset_id>",
            "source": "Api",
            "status": 200,
        }

    def test_secrets_never_reach_a_log(
        self,
        world: World,
        lines: Callable[[], list[dict[str, Any]]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        key = bytes(range(32))
        RoundAnchor.objects.create(network=VOI, round=50_000_000, observed_at=timezone.now())
        header = sign_arc14(key, settings.ARC14_REALMS[0], VOI, 50_000_000)
        broken = header[:-8] + "AAAAAAAA"
        bearer = str(AccessToken.for_user(world.user("owner")))
        refresh = refresh_token()
        secrets = [PASSWORD, "not-the-password", header, broken, bearer, refresh, "query-secret"]

        def send(ask: Ask, authorization: str | None = None, correlation: str = "run") -> Any:
            extra = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
            return ask.send(client_for(None), **extra, HTTP_X_CORRELATION_ID=correlation)

        login = send(Ask("POST", "auth/login", {"email": EMAIL, "password": PASSWORD}))
        assert login.status_code == 200
        secrets += [login.json()["accessToken"], login.json()["refreshToken"]]
        wrong = send(Ask("POST", "auth/login", {"email": EMAIL, "password": "not-the-password"}))
        assert wrong.status_code == 401
        renewed = send(Ask("POST", "auth/refresh", {"refreshToken": refresh}))
        assert renewed.status_code == 200
        secrets += [renewed.json()["accessToken"], renewed.json()["refreshToken"]]
        signed = send(Ask("GET", "auth/profile"), header)
        assert signed.status_code == 200
        address = encode_algorand_address(_public_key(key))
        assert signed.json()["algorandAddress"] == address
        assert send(Ask("GET", "auth/profile"), broken).status_code == 401
        assert send(Ask("GET", "compliance", query={"token": "query-secret"}), header).status_code
        assert send(Ask("POST", "compliance", {}), f"Bearer {bearer}").status_code == 400

        # A crash whose text quotes what was sent, in the API and outside it.
        quoted = RuntimeError(f"could not parse {header} and Bearer {bearer} and {refresh}")
        monkeypatch.setattr(status_view, "status_get", _raise(quoted))
        monkeypatch.setattr(metrics, "generate_latest", _raise(quoted))
        crash = send(Ask("GET", f"compliance/{ASSET}/status"), f"Bearer {bearer}", "crash-1")
        assert crash.status_code == 500
        outside = send(Ask("GET", "/metrics", query={"token": "query-secret"}), None, "crash-2")
        assert outside.status_code == 500

        written = lines()
        text = json.dumps(written)
        for secret in secrets:
            assert secret not in text
            for start in range(0, len(secret) - 40, 40):
                assert secret[start : start + 40] not in text
        assert {line["correlation_id"] for line in written} == {"run", "crash-1", "crash-2"}
        for correlation in ("crash-1", "crash-2"):
            (error,) = [
                line
                for line in written
                if line["correlation_id"] == correlation and line["level"] == "error"
            ]
            assert "RuntimeError: could not parse [removed]" in error["exception"]
        assert sum(line["event"] == "request" for line in written) == 9

    def test_an_unhandled_error_is_logged_under_the_correlation_id(
        self,
        world: World,
        lines: Callable[[], list[dict[str, Any]]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(status_view, "status_get", _raise(RuntimeError("secret detail")))
        response = Ask("GET", f"compliance/{ASSET}/status").send(world.client("owner"))
        assert response.status_code == 500
        error, access = lines()
        assert error["event"] == "unhandled error"
        assert "RuntimeError: secret detail" in error["exception"]
        assert access["status"] == 500
        assert (
            error["correlation_id"]
            == access["correlation_id"]
            == response.json()["correlationId"]
            == response.headers["X-Correlation-ID"]
        )


def _public_key(seed: bytes) -> bytes:
    from nacl.signing import SigningKey

    return bytes(SigningKey(seed).verify_key)


def test_a_superuser_of_the_admin_reaches_no_api_by_its_session(world: World) -> None:
    client = Client()
    user: User = world.user("administrator")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.get("/api/v1/compliance")
    assert_envelope(response, 401)
