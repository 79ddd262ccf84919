"""Idempotency keys: the same request is done once, and answered again as it was."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.http import StreamingHttpResponse
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from accounts import idempotency
from accounts.idempotency import (
    IdempotencyKeyInUse,
    IdempotencyKeyMismatch,
    idempotency_claim,
    idempotency_finish,
    idempotency_purge,
)
from accounts.models import IdempotencyRecord, Issuer, User
from attestations import services
from attestations.models import Attestation, AttestationStatusChange
from audit.models import AuditEvent
from compliance.models import ComplianceMetadata
from config.api.idempotency import Answer, Claim, idempotent
from config.api.views import WireViewSet
from deployments.models import Deployment
from tests.attestations.bodies import REQUIRED_ONLY, URL, attest
from tests.deployments.ledger import Ledger
from tests.deployments.requests import PARAMETERS, use_ledger
from tests.factories import TokenFactory, client_for, event_bodies, wallet
from tests.whitelist.imports import csv_of, rows_of
from whitelist.models import WhitelistImport

pytestmark = pytest.mark.django_db

KEY = "9b6c1f0e-4a52-4a9e-9c0b-8f2f5a1d7e11"
DEPLOYMENTS = "/api/v1/token/deployments"
DEPLOYMENT = {"network": "base-sepolia", "standard": "ERC20_Preminted", "parameters": PARAMETERS}
METADATA = "/api/v1/compliance"


def send(user: User | None, key: str | None = KEY, body: Any = None, path: str = URL) -> Any:
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    content = REQUIRED_ONLY if body is None else body
    return client_for(user, **headers).post(path, content, format="json")


def created() -> int:
    """Return how many attestations there are; each is recorded once."""
    count = Attestation.objects.count()
    assert len(event_bodies("attestations.attestation.created")) == count
    return count


def assert_refused(response: Any, status: int, code: str) -> Any:
    assert response.status_code == status
    body = response.json()
    assert body["errorCode"] == code
    assert "X-Idempotency-Hit" not in response
    return body


def raising(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    def fail(**kwargs: Any) -> None:
        raise problem

    monkeypatch.setattr(services, "attestation_create", fail)


class TestTheSameRequest:
    def test_it_is_done_once_and_answered_byte_for_byte(self, owner: User) -> None:
        first = send(owner)
        events = AuditEvent.objects.count()
        again = [send(owner) for _ in range(3)]
        assert first.status_code == 200
        assert first["X-Idempotency-Hit"] == "false"
        for response in again:
            assert response.status_code == 200
            assert response.content == first.content
            assert response["X-Idempotency-Hit"] == "true"
            assert response["Content-Type"] == first["Content-Type"] == "application/json"
            assert response["Allow"] == first["Allow"]
        assert created() == 1
        assert AuditEvent.objects.count() == events

    def test_status_and_headers_are_those_of_the_first(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_ledger(monkeypatch, Ledger())
        first, again = (send(owner, KEY, DEPLOYMENT, DEPLOYMENTS) for _ in range(2))
        assert (first.status_code, again.status_code) == (202, 202)
        assert again.content == first.content
        for name in ("Location", "Retry-After"):
            assert again[name] == first[name]
        assert Deployment.objects.count() == 1

    def test_without_a_key_nothing_is_remembered(self, owner: User) -> None:
        for count in (1, 2):
            response = send(owner, None)
            assert "X-Idempotency-Hit" not in response
            assert created() == count
        assert not IdempotencyRecord.objects.exists()

    def test_the_other_name_of_the_header_is_read_too(self, owner: User) -> None:
        first = client_for(owner, HTTP_X_IDEMPOTENCY_KEY=KEY).post(URL, REQUIRED_ONLY, "json")
        again = send(owner)
        both = client_for(owner, HTTP_X_IDEMPOTENCY_KEY=KEY, HTTP_IDEMPOTENCY_KEY=KEY)
        assert again.content == both.post(URL, REQUIRED_ONLY, "json").content == first.content
        assert created() == 1

    def test_how_its_json_is_written_does_not_matter(self, owner: User) -> None:
        turned = dict(reversed(REQUIRED_ONLY.items()))
        texts = [json.dumps(REQUIRED_ONLY), json.dumps(turned, indent=3)]
        client = client_for(owner, HTTP_IDEMPOTENCY_KEY=KEY)
        kinds = ["application/json", "application/json; charset=utf-8"]
        first, again = (
            client.generic("POST", URL, text, kind) for text, kind in zip(texts, kinds, strict=True)
        )
        assert texts[0] != texts[1]
        assert again.content == first.content
        assert created() == 1

    def test_a_refusal_of_the_request_is_repeated_too(self, owner: User) -> None:
        body = {**REQUIRED_ONLY, "proofHash": ""}
        first, again = send(owner, body=body), send(owner, body=body)
        assert (first.status_code, again.status_code) == (400, 400)
        assert again.content == first.content
        assert again["X-Idempotency-Hit"] == "true"
        assert len(event_bodies("attestations.attestation.create_failed")) == 1
        assert created() == 0

    def test_a_file_is_the_same_whatever_the_boundary_of_its_form(
        self, owner: User, issuer: Issuer
    ) -> None:
        token = TokenFactory.create(issuer=issuer)
        path = f"/api/v1/whitelist/{token.asset_id}/import/csv"

        def upload(count: int, path: str = path) -> Any:
            file = SimpleUploadedFile("holders.csv", csv_of(*rows_of(count)))
            client = client_for(owner, HTTP_IDEMPOTENCY_KEY=KEY)
            return client.post(path, {"file": file}, format="multipart")

        first, again = upload(3), upload(3)
        assert (first.status_code, again.status_code) == (202, 202)
        assert (again.content, again["Location"]) == (first.content, first["Location"])
        assert_refused(upload(4), 409, "IDEMPOTENCY_KEY_MISMATCH")
        assert_refused(upload(3, f"{path}?dryRun=true"), 409, "IDEMPOTENCY_KEY_MISMATCH")
        assert WhitelistImport.objects.count() == 1


class TestIfMatch:
    def ask(self, user: User, etag: str, notes: str) -> Any:
        client = client_for(user, HTTP_IDEMPOTENCY_KEY=KEY, HTTP_IF_MATCH=etag)
        return client.post(METADATA, {"assetId": 12345, "notes": notes}, format="json")

    def test_a_repeated_write_is_not_refused_for_what_it_wrote_itself(self, owner: User) -> None:
        etag = send(owner, None, {"assetId": 12345}, METADATA)["ETag"]
        first, again = self.ask(owner, etag, "new"), self.ask(owner, etag, "new")
        assert (first.status_code, again.status_code) == (200, 200)
        assert first["ETag"] == again["ETag"] != etag
        assert again.content == first.content
        assert len(event_bodies("compliance.metadata.updated")) == 1

    def test_another_condition_is_another_request(self, owner: User) -> None:
        etag = send(owner, None, {"assetId": 12345}, METADATA)["ETag"]
        assert self.ask(owner, '"stale"', "new").status_code == 412
        assert self.ask(owner, '"stale"', "new").status_code == 412
        assert_refused(self.ask(owner, etag, "new"), 409, "IDEMPOTENCY_KEY_MISMATCH")
        assert ComplianceMetadata.objects.get().notes is None


class TestAnotherRequest:
    @pytest.mark.parametrize("change", [{"notes": "other"}, {"assetId": 54321}, {"assetId": "x"}])
    def test_another_body_is_a_conflict_and_changes_nothing(
        self, owner: User, change: dict[str, Any]
    ) -> None:
        first = send(owner)
        assert_refused(
            send(owner, body={**REQUIRED_ONLY, **change}), 409, "IDEMPOTENCY_KEY_MISMATCH"
        )
        assert created() == 1
        assert send(owner).content == first.content

    def test_another_principal_has_keys_of_their_own(self, owner: User, outsider: User) -> None:
        mine, theirs = send(owner), send(outsider)
        assert theirs["X-Idempotency-Hit"] == "false"
        assert theirs.json()["attestation"]["id"] != mine.json()["attestation"]["id"]
        assert created() == 2

    def test_who_is_denied_gets_the_answer_of_nobody_else(
        self, owner: User, outsider: User
    ) -> None:
        body = {"assetId": 12345, "notes": "ours"}
        assert send(owner, KEY, body, METADATA).status_code == 200
        for _ in range(2):
            response = send(outsider, KEY, body, METADATA)
            assert response.status_code == 403
            assert b"ours" not in response.content
        assert send(None, KEY, body, METADATA).status_code == 401
        assert IdempotencyRecord.objects.count() == 2

    def test_a_key_belongs_to_its_path(self, owner: User, officer: User) -> None:
        ids = [attest(owner).pk for _ in range(2)]
        for one in ids:
            response = send(officer, KEY, {}, f"{URL}/{one}/verify")
            assert response.json()["attestation"]["id"] == str(one)
        assert AttestationStatusChange.objects.filter(status="Verified").count() == 2

    @pytest.mark.parametrize("key", ["", "k" * 256, "schlüssel", "a\tb", "a\x7f"])
    def test_a_key_that_is_none_is_refused(self, owner: User, key: str) -> None:
        body = assert_refused(send(owner, key), 400, "VALIDATION_ERROR")
        assert body["details"] == {"Idempotency-Key": ["Give 1 to 255 printable ASCII characters."]}
        assert created() == 0
        assert not IdempotencyRecord.objects.exists()

    @pytest.mark.parametrize("key", ["k" * 255, '"a key" ~!', "0"])
    def test_any_printable_key_will_do(self, owner: User, key: str) -> None:
        assert send(owner, key).content == send(owner, key).content
        assert created() == 1

    def test_two_headers_that_differ_are_refused(self, owner: User) -> None:
        client = client_for(owner, HTTP_IDEMPOTENCY_KEY="a", HTTP_X_IDEMPOTENCY_KEY="b")
        body = assert_refused(client.post(URL, REQUIRED_ONLY, "json"), 400, "VALIDATION_ERROR")
        assert set(body["details"]) == {"Idempotency-Key", "X-Idempotency-Key"}
        assert created() == 0

    def test_a_body_that_cannot_be_read_leaves_the_key_free(self, owner: User) -> None:
        client = client_for(owner, HTTP_IDEMPOTENCY_KEY=KEY)
        broken = client.generic("POST", URL, "{", "application/json")
        assert_refused(broken, 400, "MALFORMED_JSON")
        assert send(owner).status_code == 200
        assert created() == 1


class TestInFlight:
    def test_the_same_request_shall_wait_and_another_is_a_mismatch(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create, met = services.attestation_create, []

        def meanwhile(**wanted: Any) -> Attestation:
            met.append(send(owner))
            met.append(send(owner, body={**REQUIRED_ONLY, "notes": "other"}))
            return create(**wanted)

        monkeypatch.setattr(services, "attestation_create", meanwhile)
        assert send(owner).status_code == 200
        same, other = met
        assert assert_refused(same, 409, "IDEMPOTENCY_KEY_IN_USE")["retryable"] is True
        assert same["Retry-After"] == "1"
        assert_refused(other, 409, "IDEMPOTENCY_KEY_MISMATCH")
        assert created() == 1

    def test_without_a_database_for_the_key_nothing_is_done(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def down(*args: Any, **kwargs: Any) -> None:
            raise OperationalError("down")

        with monkeypatch.context() as patch:
            patch.setattr(IdempotencyRecord.objects, "bulk_create", down)
            assert_refused(send(owner), 503, "SERVICE_UNAVAILABLE")
        assert created() == 0

    @pytest.mark.parametrize(
        ("problem", "status"),
        [(RuntimeError("bug"), 500), (OperationalError("down"), 503), (Throttled(3), 429)],
    )
    def test_what_may_go_better_next_time_is_not_kept(
        self, owner: User, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: int
    ) -> None:
        with monkeypatch.context() as patch:
            raising(patch, problem)
            for _ in range(2):
                response = send(owner)
                assert response.status_code == status
                assert response["X-Idempotency-Hit"] == "false"
        assert not IdempotencyRecord.objects.exists()
        assert send(owner).status_code == 200
        assert created() == 1

    def test_a_process_that_is_told_to_stop_frees_the_key(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            raising(patch, SystemExit(1))
            with pytest.raises(SystemExit):
                send(owner)
        assert not IdempotencyRecord.objects.exists()
        assert send(owner).status_code == 200

    def test_a_process_that_dies_frees_the_key_when_its_lease_ends(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            raising(patch, SystemExit(1))
            patch.setattr("accounts.idempotency.idempotency_release", lambda claim: None)
            with pytest.raises(SystemExit):
                send(owner)
        row = IdempotencyRecord.objects.get()
        assert row.status_code is None
        with time_machine.travel(row.lease_until - timedelta(seconds=1), tick=False):
            assert_refused(send(owner), 409, "IDEMPOTENCY_KEY_IN_USE")
        with time_machine.travel(row.lease_until, tick=False):
            response = send(owner)
            assert send(owner).content == response.content
        assert (response.status_code, response["X-Idempotency-Hit"]) == (200, "false")
        assert created() == 1

    def test_who_comes_back_after_the_lease_keeps_nothing(self, owner: User) -> None:
        asked = {"user_id": owner.pk, "route": "r", "key": KEY, "fingerprint": "f"}
        slow = idempotency_claim(**asked)
        assert isinstance(slow, Claim)
        with time_machine.travel(datetime.now(UTC) + idempotency.LEASE):
            quick = idempotency_claim(**asked)
            assert isinstance(quick, Claim)
            idempotency_finish(claim=slow, answer=Answer(200, {}, b"slow"))
            with pytest.raises(IdempotencyKeyInUse):
                idempotency_claim(**asked)
            idempotency_finish(claim=slow, answer=Answer(500, {}, b""))
            idempotency_finish(claim=quick, answer=Answer(200, {"A": "b"}, b"quick"))
            assert idempotency_claim(**asked) == Answer(200, {"A": "b"}, b"quick")

    def test_an_answer_that_cannot_be_kept_is_sent_all_the_same(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(claim: Claim) -> None:
            raise OperationalError("the database went away")

        monkeypatch.setattr(idempotency, "_held", broken)
        assert send(owner).status_code == 200
        assert_refused(send(owner), 409, "IDEMPOTENCY_KEY_IN_USE")
        assert created() == 1


class Odd(WireViewSet):
    """Answers what no endpoint of ours does."""

    @idempotent
    def stream(self, request: Request) -> StreamingHttpResponse:
        return StreamingHttpResponse([b"a", b"b"])

    @idempotent
    def unwritable(self, request: Request) -> Response:
        return Response({"it": object()})

    @idempotent
    def nothing(self, request: Request) -> Response:
        return Response(status=204)


def odd(user: User, action: str) -> Any:
    request = APIRequestFactory().post("/odd", HTTP_IDEMPOTENCY_KEY=KEY, format="json")
    force_authenticate(request, user)
    view: Callable[..., Any] = Odd.as_view({"post": action})
    return view(request)


class TestOddAnswers:
    def test_a_stream_is_sent_and_not_kept(self, owner: User) -> None:
        for _ in range(2):
            response = odd(owner, "stream")
            assert (b"".join(response), response["X-Idempotency-Hit"]) == (b"ab", "false")
        assert not IdempotencyRecord.objects.exists()

    def test_what_cannot_be_written_is_a_500_and_frees_the_key(self, owner: User) -> None:
        assert odd(owner, "unwritable").status_code == 500
        assert not IdempotencyRecord.objects.exists()

    def test_an_answer_without_a_body_is_one_too(self, owner: User) -> None:
        first, again = odd(owner, "nothing"), odd(owner, "nothing")
        assert (again.status_code, again.content, again["X-Idempotency-Hit"]) == (204, b"", "true")
        assert "Content-Type" not in first.headers.keys() | again.headers.keys()


class TestTime:
    def test_a_key_is_known_for_a_day(self, owner: User, settings: Any) -> None:
        assert settings.IDEMPOTENCY_HOURS == 24
        first = send(owner)
        end = IdempotencyRecord.objects.get().created_at + timedelta(hours=24)
        with time_machine.travel(end - timedelta(seconds=1), tick=False):
            assert send(owner).content == first.content
            assert created() == 1
        with time_machine.travel(end, tick=False):
            other = {**REQUIRED_ONLY, "notes": "other"}
            assert send(owner, body=other)["X-Idempotency-Hit"] == "false"
            assert send(owner, body=other)["X-Idempotency-Hit"] == "true"
            assert_refused(send(owner), 409, "IDEMPOTENCY_KEY_MISMATCH")
        assert created() == 2

    def test_only_what_is_too_old_is_purged(self, owner: User) -> None:
        now = datetime.now(UTC)
        for key, hours in (("old", 24), ("left", 24), ("young", 23), ("new", 0)):
            with time_machine.travel(now - timedelta(hours=hours), tick=False):
                claim = idempotency_claim(user_id=owner.pk, route="r", key=key, fingerprint="f")
                if key in ("old", "young"):
                    assert isinstance(claim, Claim)
                    idempotency_finish(claim=claim, answer=Answer(200, {}, b"{}"))
        with time_machine.travel(now, tick=False):
            assert idempotency_purge() == 2
        assert set(IdempotencyRecord.objects.values_list("key", flat=True)) == {"young", "new"}

    def test_nothing_is_known_of_a_user_who_is_gone(self, owner: User) -> None:
        user = User.objects.create(address=wallet(990))
        asked = {"user_id": user.pk, "route": "r", "key": KEY}
        idempotency_claim(**asked, fingerprint="f")
        with pytest.raises(IdempotencyKeyMismatch):
            idempotency_claim(**asked, fingerprint="g")
        user.delete()
        assert not IdempotencyRecord.objects.exists()
