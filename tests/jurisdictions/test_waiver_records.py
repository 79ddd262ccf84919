"""Waivers as records: typed, reasoned, approved by a second person, over within a year."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Issuer, Token, User
from config.api.errors import (
    Conflict,
    NotFound,
    PermissionRefused,
    PreconditionFailed,
    ValidationFailed,
)
from jurisdictions.models import Waiver
from jurisdictions.services.waivers import (
    OwnWaiver,
    a_year_after,
    waiver_approve,
    waiver_request,
    waiver_revoke,
)
from jurisdictions.waivers import waivers_for_engine
from tests import factories
from tests.factories import VOI, client_for, event_bodies
from tests.jurisdictions import rules

pytestmark = pytest.mark.django_db
ASSET = 50001
KEY = "base.whitelist_enforced"
PATH = "/api/v1/compliance/waivers"


@pytest.fixture(autouse=True)
def _rules(db: None) -> None:
    rules.baseline()


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return factories.TokenFactory.create(asset_id=ASSET, network=VOI, issuer=issuer)


@pytest.fixture
def law(db: None) -> str:
    """A requirement that rests on law."""
    pack = rules.draft(factories.user_with_role("ComplianceOfficer"))
    row = rules.rule_of(pack, KEY)
    row.basis = "law"
    row.save(update_fields=["basis"])
    return KEY


def request(actor: User, **more: Any) -> Waiver:
    content = {
        "asset_id": ASSET,
        "network": VOI,
        "requirement_key": KEY,
        "reason": "Jane Roe's opinion of May",
        "expires_at": timezone.now() + timedelta(days=90),
        **more,
    }
    return waiver_request(actor=actor, **content)


def approved(officer: User, second: User, **more: Any) -> Waiver:
    return waiver_approve(actor=second, waiver_id=request(officer, **more).pk)


class TestRequesting:
    def test_it_is_kept_and_has_no_effect_yet(self, token: Token, officer: User) -> None:
        waiver = request(officer, type="risk_acceptance", evidence_reference="file 12")
        waiver.refresh_from_db()
        assert (waiver.requirement_key, waiver.basis) == (KEY, "policy")
        assert (waiver.type, waiver.evidence_reference) == ("risk_acceptance", "file 12")
        assert (waiver.requested_by, waiver.requested_by_id) == (
            officer.label,
            officer.principal_id,
        )
        assert (waiver.approved_at, waiver.status_at(timezone.now())) == (None, "Requested")
        assert waivers_for_engine(token, timezone.now()) == ()
        (event,) = event_bodies("jurisdictions.waiver.requested")
        assert event["referenceId"] == str(waiver.pk)
        assert event["newStatus"] == "Requested"
        assert event["details"]["requirementKey"] == KEY
        assert "Jane" not in str(event)
        assert "file 12" not in str(event)

    @pytest.mark.parametrize(
        ("content", "field"),
        [
            ({"reason": "  "}, "reason"),
            ({"requirement_key": "base.nothing"}, "requirementKey"),
            ({"requirement_key": "engine.jurisdiction_tagged"}, "requirementKey"),
            ({"pack_id": "eu-mica"}, "requirementKey"),
            ({"type": "hope"}, "type"),
            ({"version_from": "2026.11.1"}, "versionFrom"),
            ({"pack_id": "global-baseline", "version_to": "soon"}, "versionTo"),
            (
                {
                    "pack_id": "global-baseline",
                    "version_from": "2026.11.10",
                    "version_to": "2026.11.9",
                },
                "versionTo",
            ),
            ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expiresAt"),
            ({"expires_at": datetime(9999, 12, 31, tzinfo=UTC)}, "expiresAt"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, token: Token, officer: User, content: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            request(officer, **content)
        assert list(refusal.value.details) == [field]
        assert not Waiver.objects.exists()
        assert event_bodies("jurisdictions.waiver.requested") == []

    def test_law_needs_to_know_what_the_decision_rests_on(
        self, token: Token, officer: User, law: str
    ) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            request(officer)
        assert list(refusal.value.details) == ["type"]
        waiver = request(officer, type="legal_opinion")
        assert waiver.basis == "law"
        with pytest.raises(IntegrityError), transaction.atomic():
            Waiver.objects.filter(pk=waiver.pk).update(type="")

    def test_a_year_ahead_and_not_a_moment_more(self, token: Token, officer: User) -> None:
        now = datetime(2028, 2, 29, 12, tzinfo=UTC)
        assert a_year_after(now) == datetime(2029, 2, 28, 12, tzinfo=UTC)
        assert a_year_after(datetime(2026, 11, 22, tzinfo=UTC)) == datetime(
            2027, 11, 22, tzinfo=UTC
        )
        with time_machine.travel(now, tick=False):
            last = a_year_after(now)
            with pytest.raises(ValidationFailed):
                request(officer, expires_at=last + timedelta(microseconds=1))
            assert request(officer, expires_at=last).expires_at == last

    def test_officers_alone(
        self, token: Token, owner: User, member: User, auditor: User, outsider: User
    ) -> None:
        for actor in (owner, member, auditor, outsider):
            with pytest.raises(PermissionRefused):
                request(actor)
        assert not Waiver.objects.exists()

    def test_a_token_that_nobody_recorded_is_not_registered(self, officer: User) -> None:
        with pytest.raises(NotFound):
            request(officer, asset_id=99)
        assert not Token.objects.exists()


class TestApproving:
    def test_by_another_officer(self, token: Token, officer: User, administrator: User) -> None:
        waiver = approved(officer, administrator, type="regulator_relief")
        assert (waiver.approved_by, waiver.lock_version) == (administrator.label, 2)
        assert waiver.status_at(timezone.now()) == "Approved"
        (value,) = waivers_for_engine(token, timezone.now())
        assert (value.requirement_key, value.approved, value.id) == (KEY, True, str(waiver.pk))
        assert (value.type, value.approved_by) == ("regulator_relief", administrator.label)
        (event,) = event_bodies("jurisdictions.waiver.approved")
        assert (event["oldStatus"], event["newStatus"]) == ("Requested", "Approved")

    def test_never_by_who_requested_it(self, token: Token, officer: User) -> None:
        waiver = request(officer)
        with pytest.raises(OwnWaiver):
            waiver_approve(actor=officer, waiver_id=waiver.pk)
        waiver.refresh_from_db()
        assert (waiver.approved_at, waiver.lock_version) == (None, 1)
        assert event_bodies("jurisdictions.waiver.approved") == []
        with pytest.raises(IntegrityError), transaction.atomic():
            Waiver.objects.filter(pk=waiver.pk).update(
                approved_at=timezone.now(), approved_by_id=officer.principal_id
            )
        with pytest.raises(IntegrityError), transaction.atomic():
            Waiver.objects.filter(pk=waiver.pk).update(approved_at=timezone.now())

    def test_not_twice_nor_after_its_end(
        self, token: Token, officer: User, administrator: User
    ) -> None:
        waiver = approved(officer, administrator)
        with pytest.raises(Conflict, match="Approved"):
            waiver_approve(actor=administrator, waiver_id=waiver.pk)
        late = request(officer)
        with (
            time_machine.travel(late.expires_at, tick=False),
            pytest.raises(Conflict, match="Expired"),
        ):
            waiver_approve(actor=administrator, waiver_id=late.pk)
        with pytest.raises(NotFound):
            waiver_approve(actor=administrator, waiver_id=token.issuer_id)

    def test_officers_alone(self, token: Token, officer: User, owner: User, auditor: User) -> None:
        waiver = request(officer)
        for actor in (owner, auditor):
            with pytest.raises(PermissionRefused):
                waiver_approve(actor=actor, waiver_id=waiver.pk)
            with pytest.raises(PermissionRefused):
                waiver_revoke(actor=actor, waiver_id=waiver.pk, reason="no")
        waiver.refresh_from_db()
        assert waiver.lock_version == 1

    def test_a_decision_on_an_older_state_is_refused(
        self, token: Token, officer: User, administrator: User
    ) -> None:
        waiver = request(officer)
        for stale in ({"if_match": '"x"'}, {"lock_version": 9}):
            with pytest.raises(PreconditionFailed):
                waiver_approve(actor=administrator, waiver_id=waiver.pk, **stale)
            with pytest.raises(PreconditionFailed):
                waiver_revoke(actor=administrator, waiver_id=waiver.pk, reason="no", **stale)


class TestItsEnd:
    def test_it_ends_by_the_clock(self, token: Token, officer: User, administrator: User) -> None:
        waiver = approved(officer, administrator)
        end = waiver.expires_at
        assert len(waivers_for_engine(token, end - timedelta(microseconds=1))) == 1
        assert waivers_for_engine(token, end) == ()
        assert waivers_for_engine(token, waiver.approved_at - timedelta(seconds=1)) == ()
        assert waiver.status_at(end) == "Expired"

    def test_it_is_revoked_for_a_reason(
        self, token: Token, officer: User, administrator: User
    ) -> None:
        waiver = approved(officer, administrator)
        with pytest.raises(ValidationFailed):
            waiver_revoke(actor=officer, waiver_id=waiver.pk, reason="  ")
        waiver = waiver_revoke(actor=officer, waiver_id=waiver.pk, reason="Jane withdrew it")
        assert (waiver.revoked_by, waiver.revocation_reason) == (
            officer.label,
            "Jane withdrew it",
        )
        assert waiver.status_at(timezone.now()) == "Revoked"
        assert waivers_for_engine(token, timezone.now()) == ()
        (event,) = event_bodies("jurisdictions.waiver.revoked")
        assert (event["oldStatus"], event["newStatus"]) == ("Approved", "Revoked")
        assert "Jane" not in str(event)
        for decide in (
            lambda: waiver_revoke(actor=officer, waiver_id=waiver.pk, reason="again"),
            lambda: waiver_approve(actor=administrator, waiver_id=waiver.pk),
        ):
            with pytest.raises(Conflict):
                decide()

    def test_who_requested_it_may_withdraw_it(self, token: Token, officer: User) -> None:
        waiver = waiver_revoke(actor=officer, waiver_id=request(officer).pk, reason="mistake")
        assert waiver.status_at(timezone.now()) == "Revoked"


class TestTheWire:
    def body(self, **more: Any) -> dict[str, Any]:
        return {
            "assetId": ASSET,
            "network": "voimain",
            "requirementKey": KEY,
            "type": "LEGAL_OPINION",
            "reason": "opinion",
            "evidenceReference": "file 12",
            "expiresAt": (timezone.now() + timedelta(days=30)).isoformat(),
            **more,
        }

    def test_request_approve_revoke(self, token: Token, officer: User, administrator: User) -> None:
        first, second = client_for(officer), client_for(administrator)
        body = self.body(packId="global-baseline", versionFrom="2026.11.1")
        response = first.post(PATH, body, format="json")
        assert response.status_code == 200, response.content
        waiver = response.json()["waiver"]
        path = f"{PATH}/{waiver['id']}"
        assert response.headers["Location"] == path
        assert {name: waiver[name] for name in waiver if not name.endswith("At")} == {
            "id": waiver["id"],
            "assetId": ASSET,
            "network": VOI,
            "requirementKey": KEY,
            "packId": "global-baseline",
            "versionFrom": "2026.11.1",
            "versionTo": None,
            "basis": "policy",
            "type": "legal_opinion",
            "status": "Requested",
            "reason": "opinion",
            "evidenceReference": "file 12",
            "requestedBy": officer.label,
            "approvedBy": None,
            "revokedBy": None,
            "revocationReason": None,
        }
        own = first.post(f"{path}/approve")
        assert (own.status_code, own.json()["errorCode"]) == (422, "BUSINESS_RULE_VIOLATION")
        etag = response.headers["ETag"]
        stale = second.post(f"{path}/approve", HTTP_IF_MATCH='"x"')
        assert stale.status_code == 412
        done = second.post(f"{path}/approve", HTTP_IF_MATCH=etag)
        assert (done.status_code, done.json()["waiver"]["status"]) == (200, "Approved")
        assert second.get(path, HTTP_IF_NONE_MATCH=done.headers["ETag"]).status_code == 304
        assert second.post(f"{path}/approve").status_code == 409
        ended = first.post(f"{path}/revoke", {"reason": "over"}, format="json")
        assert ended.json()["waiver"]["status"] == "Revoked"
        assert ended.json()["waiver"]["revocationReason"] == "over"

    def test_the_etag_expires_with_the_waiver(
        self, token: Token, officer: User, administrator: User
    ) -> None:
        waiver = approved(officer, administrator, expires_at=timezone.now() + timedelta(minutes=9))
        path = f"{PATH}/{waiver.pk}"
        etag = client_for(officer).get(path).headers["ETag"]
        with time_machine.travel(waiver.expires_at):
            again = client_for(officer).get(path, HTTP_IF_NONE_MATCH=etag)
        assert (again.status_code, again.json()["waiver"]["status"]) == (200, "Expired")

    def test_the_list_and_its_filters(
        self, token: Token, officer: User, administrator: User
    ) -> None:
        other = factories.TokenFactory.create(asset_id=50002, network=VOI)
        active = approved(officer, administrator, type="legal_opinion")
        open_one = request(officer, asset_id=other.asset_id)
        ended = request(officer)
        waiver_revoke(actor=officer, waiver_id=ended.pk, reason="mistake")
        client = client_for(officer)

        def ids(**query: Any) -> list[str]:
            response = client.get(PATH, query)
            assert response.status_code == 200, response.content
            assert response.json()["totalCount"] == len(response.json()["waivers"])
            return [one["id"] for one in response.json()["waivers"]]

        assert ids() == [str(ended.pk), str(open_one.pk), str(active.pk)]
        assert ids(status="Approved") == [str(active.pk)]
        assert ids(status="requested") == [str(open_one.pk)]
        assert ids(status="Revoked") == [str(ended.pk)]
        assert ids(status="Expired") == []
        assert ids(assetId=50002, network="voimain") == [str(open_one.pk)]
        assert ids(type="legal_opinion") == [str(active.pk)]
        assert ids(requirementKey=KEY.upper()) == ids()
        assert ids(requirementKey="base.kyc_status") == []
        assert ids(fromDate="2999-01-01") == []
        assert client.get(PATH, {"status": "Nonsense"}).status_code == 400

    def test_visibility(
        self,
        token: Token,
        officer: User,
        owner: User,
        member: User,
        outsider: User,
        auditor: User,
    ) -> None:
        waiver = request(officer)
        path = f"{PATH}/{waiver.pk}"
        seen = {
            user: (
                client_for(user).get(PATH).json()["totalCount"],
                client_for(user).get(path).status_code,
            )
            for user in (owner, member, outsider, officer, auditor)
        }
        assert list(seen.values()) == [(1, 200), (1, 200), (0, 404), (1, 200), (1, 200)]
        for user in (owner, member, outsider, auditor):
            client = client_for(user)
            assert client.post(PATH, self.body(), format="json").status_code == 403
            assert client.post(f"{path}/approve").status_code == 403
            revoked = client.post(f"{path}/revoke", {"reason": "no"}, format="json")
            assert revoked.status_code == 403
        assert Waiver.objects.get().lock_version == 1
        missing = client_for(officer).get(f"{PATH}/{token.issuer_id}")
        assert missing.status_code == 404
