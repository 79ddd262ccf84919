"""Deployments over the wire: asking, following, cancelling, retrying, and what is refused."""

import json
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Issuer, User
from deployments.chains.port import ChainFault
from deployments.models import Deployment
from deployments.services.work import MAX_FAULTS
from tests.deployments.ledger import Ledger
from tests.deployments.requests import METADATA, PARAMETERS, ask, step, use_ledger
from tests.factories import client_for, event_bodies

pytestmark = pytest.mark.django_db

PATH = "/api/v1/token/deployments"
BODY = {"network": "base-sepolia", "standard": "ERC20_Preminted", "parameters": PARAMETERS}


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return use_ledger(monkeypatch, Ledger())


def post(user: User, path: str, body: Any = None, **headers: str) -> Any:
    return client_for(user, **headers).post(path, body, format="json")


def failed(owner: User, ledger: Ledger, text: str = "insufficient funds for gas") -> Deployment:
    def refuse(name: str) -> None:
        if name == "submit":
            raise ChainFault(text)

    ledger.before = refuse
    deployment = step(ask(owner))
    ledger.before = lambda name: None
    return deployment


class TestAsking:
    def test_the_answer_is_202_with_the_queued_deployment(
        self, owner: User, issuer: Issuer, ledger: Ledger
    ) -> None:
        answer = post(owner, PATH, {**BODY, "complianceMetadata": METADATA})
        assert answer.status_code == 202
        deployment = Deployment.objects.get()
        assert answer["Location"] == f"{PATH}/{deployment.pk}"
        assert answer["Retry-After"] == "2"
        shown = answer.json()["deployment"]
        assert shown["currentStatus"] == "Queued"
        assert shown["issuerId"] == str(issuer.pk)
        assert shown["parameters"]["initialSupply"] == str(1000 * 10**18)
        assert shown["complianceMetadata"] == METADATA
        assert [entry["reasonCode"] for entry in shown["statusHistory"]] == ["DEPLOYMENT_REQUESTED"]

    def test_an_alias_of_the_network_and_the_number_of_the_standard_do(
        self, owner: User, ledger: Ledger
    ) -> None:
        answer = post(owner, PATH, {**BODY, "network": "BASE-Sepolia", "standard": 3})
        assert answer.status_code == 202
        assert Deployment.objects.get().network == "base-sepolia"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"network": None}, "network"),
            ({"network": "nowhere at all"}, "network"),
            ({"network": "voimain"}, "parameters.name"),
            ({"standard": "ERC721"}, "standard"),
            ({"standard": True}, "standard"),
            ({"parameters": None}, "parameters"),
            ({"parameters": [1]}, "parameters"),
            ({"parameters": {**PARAMETERS, "cap": 1}}, "parameters.cap"),
            ({"parameters": {**PARAMETERS, "name": "n" * 51}}, "parameters.name"),
            ({"parameters": {**PARAMETERS, "initialSupply": {}}}, "parameters.initialSupply"),
            ({"complianceMetadata": {"issuerName": "X"}}, "complianceMetadata.jurisdiction"),
            ({"complianceMetadata": {"color": "red"}}, "complianceMetadata.color"),
            ({"complianceMetadata": {"maxHolders": 0}}, "complianceMetadata.maxHolders"),
            ({"issuerId": "7"}, "issuerId"),
            ({"gasLimit": 1}, "gasLimit"),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_queued(
        self, owner: User, ledger: Ledger, changes: dict[str, Any], field: str
    ) -> None:
        body = {**BODY, **changes}
        if changes.get("network") == "voimain":
            body["standard"] = "ASA_FT"
            body["parameters"] = {"name": "n" * 33, "unitName": "U", "totalSupply": 1}
        answer = post(owner, PATH, body)
        assert answer.status_code == 400
        assert field in answer.json()["details"]
        assert not Deployment.objects.exists()
        assert event_bodies()[-1]["name"] == "deployments.deployment.request_failed"

    def test_a_network_that_is_not_set_up_is_refused_at_once(
        self, owner: User, settings: Any
    ) -> None:
        settings.DEPLOYMENT_NODES = {}
        answer = post(owner, PATH, BODY)
        assert answer.status_code == 400
        assert "operator has not set it up" in answer.json()["details"]["network"][0]
        assert not Deployment.objects.exists()

    def test_a_viewer_and_an_auditor_may_not(
        self, member: User, auditor: User, ledger: Ledger
    ) -> None:
        for user in (member, auditor):
            assert post(user, PATH, BODY).status_code == 403
        assert not Deployment.objects.exists()

    def test_nobody_issues_for_the_issuer_of_others(
        self, outsider: User, issuer: Issuer, ledger: Ledger
    ) -> None:
        answer = post(outsider, PATH, {**BODY, "issuerId": str(issuer.pk)})
        assert answer.status_code == 404
        assert not Deployment.objects.exists()

    def test_an_officer_says_for_whom(self, officer: User, issuer: Issuer, ledger: Ledger) -> None:
        answer = post(officer, PATH, BODY)
        assert answer.status_code == 400
        assert "issuerId" in answer.json()["details"]
        assert post(officer, PATH, {**BODY, "issuerId": str(issuer.pk)}).status_code == 202
        assert Deployment.objects.get().issuer == issuer


class TestReading:
    def test_the_etag_holds_until_something_changes(self, owner: User, ledger: Ledger) -> None:
        deployment = ask(owner)
        path = f"{PATH}/{deployment.pk}"
        etag = client_for(owner).get(path)["ETag"]
        assert client_for(owner, HTTP_IF_NONE_MATCH=etag).get(path).status_code == 304
        step(deployment)
        answer = client_for(owner, HTTP_IF_NONE_MATCH=etag).get(path)
        assert answer.status_code == 200
        assert answer.json()["deployment"]["currentStatus"] == "Pending"

    def test_the_history_is_a_bare_array(self, owner: User, ledger: Ledger) -> None:
        deployment = step(ask(owner))
        entries = client_for(owner).get(f"{PATH}/{deployment.pk}/history").json()
        assert [entry["status"] for entry in entries] == ["Queued", "Submitted", "Pending"]
        assert entries[1]["previousStatus"] == "Queued"
        assert entries[1]["transactionHash"] == deployment.transaction_id
        assert entries[0]["complianceChecks"][0]["checkName"] == "PARAMETERS"

    def test_what_a_node_said_is_for_those_who_may_act_on_it(
        self, owner: User, member: User, auditor: User, officer: User, ledger: Ledger
    ) -> None:
        deployment = failed(owner, ledger, "insufficient funds: node 10.0.0.7")
        seen = {}
        for user in (owner, officer, member, auditor):
            answer = client_for(user).get(f"{PATH}/{deployment.pk}")
            seen[user.pk] = answer.json()["deployment"]["errorDetails"]
            assert ("10.0.0.7" in answer.content.decode()) is (user in (owner, officer))
        assert seen[member.pk] == {
            "category": "InsufficientFunds",
            "errorCode": "INSUFFICIENT_FUNDS",
            "userMessage": "The issuing account has too little to pay for it.",
            "technicalMessage": None,
            "isRetryable": True,
            "suggestedRetryDelaySeconds": None,
            "recommendedAction": "Fund the issuing account, then retry.",
        }

    def test_others_do_not_see_it(self, owner: User, outsider: User, ledger: Ledger) -> None:
        deployment = ask(owner)
        for tail in ("", "/history", "/events", "/audit-trail"):
            assert client_for(outsider).get(f"{PATH}/{deployment.pk}{tail}").status_code == 404
        assert client_for(outsider).get(PATH).json()["totalCount"] == 0
        for act in ("cancel", "retry"):
            answer = post(outsider, f"{PATH}/{deployment.pk}/{act}", {"reason": "x"})
            assert answer.status_code in (400, 404)
        deployment.refresh_from_db()
        assert deployment.status == "Queued"

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("", 2),
            ("status=Pending", 1),
            ("status=0", 1),
            ("network=base-sepolia", 2),
            ("network=ethereum", 0),
            ("network=%00", None),
            ("tokenType=erc20_preminted", 2),
            ("deployedBy=0x2C7536E3605D9C16A7A3D7B1898E529396A65C23", 2),
            ("fromDate=2099-01-01", 0),
            ("toDate=2099-01-01", 2),
            ("fromDate=2026-02-01&toDate=2026-01-01", None),
            ("status=Lost", None),
            ("page=0", None),
            ("pageSize=101", None),
            ("colour=red", None),
        ],
    )
    def test_the_filters(self, owner: User, ledger: Ledger, query: str, count: int | None) -> None:
        step(ask(owner))
        ask(owner)
        answer = client_for(owner).get(f"{PATH}?{query}")
        if count is None:
            assert answer.status_code == 400
        else:
            assert answer.json()["totalCount"] == count


class TestCancelling:
    def test_a_queued_one_is_cancelled_once(self, owner: User, ledger: Ledger) -> None:
        deployment = ask(owner)
        path = f"{PATH}/{deployment.pk}/cancel"
        answer = post(owner, path, {"reason": "wrong name"})
        assert answer.status_code == 200
        assert answer.json()["deployment"]["currentStatus"] == "Cancelled"
        entry = answer.json()["deployment"]["statusHistory"][-1]
        assert entry["message"] == "Cancelled by user: wrong name"
        assert entry["actorAddress"] == owner.label
        assert post(owner, path, {"reason": "again"}).status_code == 200
        assert deployment.transitions.count() == 2
        assert step(deployment).status == "Cancelled"
        assert "wrong name" not in json.dumps(event_bodies())

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": None}])
    def test_it_needs_a_reason(self, owner: User, ledger: Ledger, body: dict[str, Any]) -> None:
        answer = post(owner, f"{PATH}/{ask(owner).pk}/cancel", body)
        assert answer.status_code == 400
        assert answer.json()["details"]["reason"] == ["Cancellation reason is required"]

    def test_what_may_be_on_its_way_cannot_be_cancelled(self, owner: User, ledger: Ledger) -> None:
        def refuse(name: str) -> None:
            if name == "submit":
                raise ChainFault("connection refused")

        ledger.before = refuse
        deployment = step(ask(owner))
        assert deployment.status == "Queued"
        answer = post(owner, f"{PATH}/{deployment.pk}/cancel", {"reason": "x"})
        assert answer.status_code == 409
        deployment.refresh_from_db()
        assert deployment.status == "Queued"

    def test_a_later_status_is_a_conflict_that_says_what_is_possible(
        self, owner: User, ledger: Ledger
    ) -> None:
        deployment = step(ask(owner))
        answer = post(owner, f"{PATH}/{deployment.pk}/cancel", {"reason": "x"})
        assert answer.status_code == 409
        assert answer.json()["details"] == {
            "currentStatus": ["Pending"],
            "requestedStatus": ["Cancelled"],
            "allowedStatuses": ["Confirmed", "Failed"],
            "verdict": ["INVALID_TRANSITION"],
        }

    def test_a_viewer_may_not(self, owner: User, member: User, ledger: Ledger) -> None:
        deployment = ask(owner)
        answer = post(member, f"{PATH}/{deployment.pk}/cancel", {"reason": "x"})
        assert answer.status_code == 403


class TestRetrying:
    def test_a_failed_one_is_queued_again(self, owner: User, ledger: Ledger) -> None:
        deployment = failed(owner, ledger)
        answer = post(owner, f"{PATH}/{deployment.pk}/retry")
        assert answer.status_code == 200
        shown = answer.json()["deployment"]
        assert shown["currentStatus"] == "Queued"
        assert shown["errorDetails"] is None
        assert [entry["status"] for entry in shown["statusHistory"]] == [
            "Queued",
            "Failed",
            "Queued",
        ]

    def test_one_that_has_not_failed_is_a_conflict(self, owner: User, ledger: Ledger) -> None:
        deployment = step(ask(owner))
        assert post(owner, f"{PATH}/{deployment.pk}/retry").status_code == 409
        again = ask(owner)
        assert post(owner, f"{PATH}/{again.pk}/retry").status_code == 200
        assert again.transitions.count() == 1  # it is queued: nothing is added

    def test_parameters_that_the_network_refuses_are_final(
        self, owner: User, ledger: Ledger
    ) -> None:
        deployment = failed(owner, ledger, "asset is not valid")
        Deployment.objects.filter(pk=deployment.pk).update(
            error={**deployment.error, "category": "ValidationError"}
        )
        assert post(owner, f"{PATH}/{deployment.pk}/retry").status_code == 409
        deployment.refresh_from_db()
        assert deployment.status == "Failed"


class TestTrails:
    def test_one_as_json(self, owner: User, ledger: Ledger) -> None:
        deployment = failed(owner, ledger)
        answer = client_for(owner).get(f"{PATH}/{deployment.pk}/audit-trail")
        assert answer["Content-Type"] == "application/json"
        record = answer.json()
        assert record["complianceSummary"] == "2 passed, 0 failed out of 2 checks"
        assert record["errorSummary"] == "The issuing account has too little to pay for it."
        assert record["totalDurationMs"] >= 0
        assert [entry["status"] for entry in record["statusHistory"]] == ["Queued", "Failed"]
        assert event_bodies()[-1]["name"] == "deployments.deployment.exported"

    def test_one_as_csv(self, owner: User, ledger: Ledger) -> None:
        parameters = {**PARAMETERS, "name": "=cmd()", "symbol": 'A"B'}
        deployment = step(ask(owner, parameters=parameters))
        answer = client_for(owner).get(f"{PATH}/{deployment.pk}/audit-trail?format=CSV")
        lines = answer.content.decode().split("\r\n")
        assert lines[0].startswith("DeploymentId,TokenType,TokenName,TokenSymbol,Network")
        assert lines[1].startswith(f'"{deployment.pk}","ERC20_Preminted","\'=cmd()","A""B",')
        assert len(lines) == 5
        assert answer["Content-Disposition"].endswith(f'audit-trail-{deployment.pk}.csv"')

    def test_many(self, owner: User, ledger: Ledger) -> None:
        for _ in range(3):
            step(ask(owner))
        answer = post(owner, f"{PATH}/audit-trail/export", {"format": "json", "pageSize": 2})
        body = answer.json()
        assert (body["recordCount"], body["totalCount"]) == (2, 3)
        assert answer["Link"] == '</api/v1/exports>; rel="create-form"'
        records = json.loads(body["data"])
        assert [len(record["statusHistory"]) for record in records] == [3, 3]
        rows = post(owner, f"{PATH}/audit-trail/export", {"format": 1, "status": "Pending"})
        assert rows.json()["data"].count("\r\n") == 1 + 3 * 3

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"format": "xml"}, "format"),
            ({"pageSize": 1001}, "pageSize"),
            ({"page": 0}, "page"),
            ({"status": "Lost"}, "status"),
            ({"fromDate": "2026-02-01", "toDate": "2026-01-01"}, "toDate"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, owner: User, ledger: Ledger, body: dict[str, Any], field: str
    ) -> None:
        answer = post(owner, f"{PATH}/audit-trail/export", body)
        assert answer.status_code == 400
        assert field in answer.json()["details"]


class TestFollowing:
    def read(self, user: User, deployment: Deployment, **headers: str) -> list[str]:
        answer = client_for(user, **headers).get(f"{PATH}/{deployment.pk}/events")
        assert answer["Content-Type"] == "text/event-stream"
        return b"".join(answer.streaming_content).decode().split("\n\n")

    def test_a_deployment_that_is_over_is_told_and_ends(self, owner: User, ledger: Ledger) -> None:
        deployment = failed(owner, ledger)
        first, second = deployment.transitions.order_by("pk")
        blocks = self.read(owner, deployment)
        assert blocks[0] == "retry: 2000"
        assert blocks[1].startswith(f'id: {first.pk}\nevent: status\ndata: {{"id":"{first.pk}"')
        assert '"status":"Failed"' in blocks[2]
        assert blocks[3] == "event: end\ndata: {}"
        assert second.pk > first.pk

    def test_a_reader_that_comes_back_goes_on_where_it_was(
        self, owner: User, ledger: Ledger
    ) -> None:
        deployment = failed(owner, ledger)
        first, second = deployment.transitions.order_by("pk")
        blocks = self.read(owner, deployment, HTTP_LAST_EVENT_ID=str(first.pk))
        assert [block.split("\n")[0] for block in blocks[1:3]] == [f"id: {second.pk}", "event: end"]

    def test_changes_come_as_they_happen(self, owner: User, ledger: Ledger) -> None:
        from deployments.api.streams import changes

        deployment = ask(owner)
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            ledger.mine()
            ledger.finalize()
            step(deployment)

        told = b"".join(changes(deployment.pk, after=0, technical=True, wait=wait)).decode()
        assert told.count("event: status") == 6
        assert told.endswith("event: end\ndata: {}\n\n")
        assert waits

    def test_a_stream_ends_after_a_minute(self, owner: User, ledger: Ledger) -> None:
        from deployments.api.streams import SECONDS, changes

        deployment = ask(owner)
        now = [0.0]

        def wait(seconds: float) -> None:
            now[0] += seconds

        stream = changes(deployment.pk, after=0, technical=True, clock=lambda: now[0], wait=wait)
        assert b"".join(stream).count(b": still here") == SECONDS

    @pytest.mark.parametrize("value", ["abc", "-1", "1" * 19])
    def test_a_wrong_place_is_a_400(self, owner: User, ledger: Ledger, value: str) -> None:
        deployment = ask(owner)
        client = client_for(owner, HTTP_LAST_EVENT_ID=value)
        assert client.get(f"{PATH}/{deployment.pk}/events").status_code == 400


def test_many_faults_are_one_failure(owner: User, ledger: Ledger) -> None:
    def down(name: str) -> None:
        raise ChainFault("connection refused")

    ledger.before = down
    deployment = ask(owner)
    for _ in range(MAX_FAULTS + 3):
        step(deployment)
    assert deployment.transitions.count() == 2
    assert deployment.updated_at is not None
    assert deployment.updated_at <= timezone.now()
