"""Rule packs over the wire: read by everyone, drafted by officers, in force by a second person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEvent
from jurisdictions.loading import rules_load
from jurisdictions.models import Requirement, RulePack
from tests.contract.world import assert_envelope
from tests.factories import client_for, event_bodies
from tests.jurisdictions import rules
from tests.jurisdictions.rules import BASELINE

pytestmark = pytest.mark.django_db
BASE = "/api/v1/compliance/jurisdiction-rules"
NEW: dict[str, Any] = {
    "packId": "br-cvm",
    "jurisdictionCode": "BR",
    "regulatoryFramework": "CVM",
    "frameworkName": "CVM Resolution 88",
    "effectiveFrom": "2026-01-01",
    "sources": [{"id": "cvm", "title": "CVM", "citation": "Res. 88", "confidence": "low"}],
}
RULE: dict[str, Any] = {
    "key": "br.issuer_named",
    "title": "The issuer is named",
    "citation": "CVM Res. 88 Art 4",
    "source": "cvm",
    "category": "disclosure",
    "checkKind": "field_present",
    "params": {"field": "issuer.legalName"},
}


def send(user: User, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
    client: APIClient = client_for(user)
    return getattr(client, method)(f"{BASE}{path}", body, format="json", headers=headers)


def rule(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    return dict(response.json()["rule"])


def draft_of(officer: User) -> str:
    """A Draft of a new pack with one requirement; the path below the base."""
    path = f"/br-cvm/{rule(send(officer, 'post', '', NEW))['version']}"
    assert send(officer, "post", f"{path}/requirements", RULE).status_code == 200
    return path


def tried(path: str) -> dict[str, str]:
    """The body that approves a dry run of the version at `path`, as it is now."""
    _, pack_id, version = path.split("/")
    return {"dryRunReport": rules.tried(RulePack.objects.get(pack_id=pack_id, version=version))}


def unchanged(response: Any, status: int, before: Any) -> dict[str, Any]:
    body = assert_envelope(response, status)
    assert rules.everything() == before
    return body


class TestReading:
    def test_the_newest_in_force_with_its_requirements(self, owner: User, officer: User):
        rules.draft(officer)
        found = rule(send(owner, "get", f"/{BASELINE}"))
        assert (found["packId"], found["version"], found["status"]) == (
            BASELINE,
            "2026.11.1",
            "Active",
        )
        assert (found["jurisdictionCode"], found["jurisdictionName"]) == ("GLOBAL", "All tokens")
        assert (found["regulatoryFramework"], found["isActive"]) == ("PLATFORM", True)
        assert found["requirementCount"] == len(found["requirements"]) == 15
        document = rules.document()
        assert [one["key"] for one in found["requirements"]] == [
            one["key"] for one in document["requirements"]
        ]
        assert found["sources"] == document["sources"]

    def test_a_requirement_says_what_it_rests_on_and_when_it_applies(self, owner: User):
        rules_load(activate=["fatf"])
        found = {one["key"]: one for one in rule(send(owner, "get", "/fatf"))["requirements"]}
        listed = found["fatf.r19.call_for_action"]
        assert (listed["basis"], listed["confidence"]) == ("standard", "high")
        assert listed["citation"] == listed["regulatoryReference"]
        assert listed["citation"] == "FATF R.19; Call for Action statement"
        assert (listed["severity"], listed["isMandatory"]) == ("required", True)
        assert listed["appliesWhenText"] == "always"
        assert listed["requirementCode"] == listed["key"]
        assert listed["params"]["list"] == "fatf.call_for_action"
        licensed = found["fatf.r15.licensed"]
        assert "issuer.roles contains 'casp' or " in licensed["appliesWhenText"]

    def test_a_version_by_query_and_by_path(self, owner: User, officer: User):
        version = rules.draft(officer).version
        for path in (f"/{BASELINE}?version={version}", f"/{BASELINE}/{version}"):
            found = rule(send(owner, "get", path))
            assert (found["version"], found["status"]) == (version, "Draft")

    @pytest.mark.parametrize(
        "path",
        ["/nothing", f"/{BASELINE}?version=2020.01.1", f"/{BASELINE}/2020.01.1", f"/{BASELINE}/x"],
    )
    def test_what_is_not_there_is_404(self, owner: User, path: str):
        rules.load()
        assert_envelope(send(owner, "get", path), 404)

    @time_machine.travel("2026-11-22T12:00:00Z", tick=False)
    def test_an_active_version_of_the_future_is_not_in_force_yet(
        self, owner: User, officer: User, administrator: User
    ):
        copy = rules.draft(officer)
        path = f"/{BASELINE}/{copy.version}"
        send(officer, "patch", path, {"effectiveFrom": "2026-12-01"})
        send(officer, "post", f"{path}/submit")
        assert (
            rule(send(administrator, "post", f"{path}/activate", tried(path)))["status"] == "Active"
        )
        assert rule(send(owner, "get", f"/{BASELINE}"))["version"] == "2026.11.1"
        with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC), tick=False):
            assert rule(send(owner, "get", f"/{BASELINE}"))["version"] == copy.version

    def test_an_etag_answers_304_until_something_changes(self, officer: User):
        rules.load()
        path = draft_of(officer)
        first = send(officer, "get", path)
        etag = first.headers["ETag"]
        again = send(officer, "get", path, **{"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        send(officer, "patch", f"{path}/requirements/br.issuer_named", {"title": "Other"})
        changed = send(officer, "get", path, **{"If-None-Match": etag})
        assert changed.status_code == 200
        assert changed.headers["ETag"] != etag

    def test_one_requirement_with_its_etag(self, owner: User, officer: User):
        rules.load()
        path = f"{draft_of(officer)}/requirements/br.issuer_named"
        found = send(owner, "get", path)
        assert found.json()["requirement"]["title"] == "The issuer is named"
        again = send(owner, "get", path, **{"If-None-Match": found.headers["ETag"]})
        assert again.status_code == 304
        assert_envelope(send(owner, "get", f"{path}x"), 404)


class TestList:
    @pytest.fixture(autouse=True)
    def _all(self, db: None) -> None:
        rules_load(activate=[BASELINE, "fatf", "eu-mica"])

    @pytest.mark.parametrize(
        ("query", "packs"),
        [
            ("jurisdiction=eu", {"eu-mica", "eu-aml", "eu-securities"}),
            ("jurisdictionCode=EU&status=Draft", {"eu-aml", "eu-securities"}),
            ("framework=mica", {"eu-mica"}),
            ("framework=fatf recommendations", {"fatf"}),
            ("regulatoryFramework=MICA&isActive=true", {"eu-mica"}),
            ("status=active", {BASELINE, "fatf", "eu-mica"}),
            ("packId=GB-FCA", {"gb-fca"}),
            ("packId=gb-fca&isActive=true", set()),
        ],
    )
    def test_filters(self, owner: User, query: str, packs: set[str]):
        answer = send(owner, "get", f"?{query}").json()
        assert {one["packId"] for one in answer["rules"]} == packs
        assert answer["totalCount"] == len(packs)

    def test_pages_of_twenty_without_requirements(self, owner: User):
        answer = send(owner, "get").json()
        assert (answer["totalCount"], answer["pageSize"], answer["nextCursor"]) == (12, 20, None)
        assert all("requirements" not in one for one in answer["rules"])
        counts = {one["packId"]: one["requirementCount"] for one in answer["rules"]}
        assert (counts["eu-mica"], sum(counts.values())) == (79, 200)
        seen, path = [], "?pageSize=5"
        while path:
            page = send(owner, "get", path).json()
            seen += [one["packId"] for one in page["rules"]]
            path = f"?pageSize=5&cursor={page['nextCursor']}" if page["nextCursor"] else ""
        assert seen == [one["packId"] for one in answer["rules"]]

    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("pageSize=101", "pageSize"),
            ("status=Sleeping", "status"),
            ("isActive=yes", "isActive"),
            ("country=EU", "country"),
        ],
    )
    def test_a_wrong_parameter_is_named(self, owner: User, query: str, name: str):
        body = assert_envelope(send(owner, "get", f"?{query}"), 400)
        assert list(body["details"]) == [name]


class TestDrafting:
    @pytest.fixture(autouse=True)
    def _rules(self, db: None) -> None:
        rules.load(BASELINE)

    def test_a_new_pack_from_nothing(self, officer: User):
        response = send(officer, "post", "", NEW)
        made = rule(response)
        assert response.headers["Location"] == f"{BASE}/br-cvm/{made['version']}"
        assert {name: made[name] for name in NEW} == NEW
        assert (made["status"], made["origin"], made["createdBy"]) == (
            "Draft",
            "Staff",
            officer.label,
        )
        assert (made["requirements"], made["jurisdictionName"]) == ([], "Brazil")
        assert event_bodies("jurisdictions.pack.drafted")[0]["actor"] == officer.label

    def test_a_copy_of_a_version(self, officer: User):
        made = rule(send(officer, "post", "", {"packId": BASELINE, "from": "2026.11.1"}))
        assert made["status"] == "Draft"
        assert made["version"] != "2026.11.1"
        assert made["requirementCount"] == 15
        before = rules.everything()
        body = {"packId": BASELINE, "from": "2026.11.1", "notes": ["x"], "frameworkName": "y"}
        refused = unchanged(send(officer, "post", "", body), 400, before)
        assert set(refused["details"]) == {"notes", "frameworkName"}
        missing = {"packId": BASELINE, "from": "2020.01.1"}
        unchanged(send(officer, "post", "", missing), 404, before)

    @pytest.mark.parametrize(
        ("change", "name", "text"),
        [
            ({"packId": BASELINE}, "packId", "draft a new version"),
            ({"packId": "No Pack"}, "packId", "small letters"),
            ({"jurisdictionCode": "QQ"}, "jurisdictionCode", "no jurisdiction QQ"),
            ({"sources": []}, "sources", ""),
            ({"sources": [{"id": "x"}]}, "sources", "title"),
            ({"sources": "x"}, "sources", "a list of objects"),
            ({"appliesWhen": {"fact": "no.such", "op": "exists"}}, "appliesWhen", "no.such"),
            ({"effectiveFrom": "2026-02-30"}, "effectiveFrom", ""),
            ({"effectiveTo": "2025-01-01"}, "effectiveTo", "before effectiveFrom"),
            ({"asOf": "20260101"}, "asOf", "YYYY-MM-DD"),
            ({"parameters": [1]}, "parameters", "an object"),
            ({"priority": 1}, "priority", "Unknown field"),
            ({"frameworkName": ""}, "frameworkName", "blank"),
        ],
    )
    def test_what_is_wrong_is_named_by_field(
        self, officer: User, change: dict[str, Any], name: str, text: str
    ):
        before = rules.everything()
        body = unchanged(send(officer, "post", "", {**NEW, **change}), 400, before)
        assert list(body["details"]) == [name]
        assert text in body["details"][name][0]

    def test_a_patch_changes_what_it_names_and_a_put_everything(self, officer: User):
        path = draft_of(officer)
        send(officer, "patch", path, {"notes": ["Ask counsel."], "effectiveTo": "2030-12-31"})
        patched = rule(send(officer, "get", path))
        assert (patched["notes"], patched["effectiveFrom"]) == (["Ask counsel."], "2026-01-01")
        content = {name: NEW[name] for name in ("regulatoryFramework", "frameworkName", "sources")}
        put = rule(send(officer, "put", path, content))
        assert (put["notes"], put["effectiveFrom"], put["effectiveTo"]) == (None, None, None)
        assert put["appliesWhen"] == {"always": True}
        assert [one["key"] for one in put["requirements"]] == ["br.issuer_named"]
        body = assert_envelope(send(officer, "put", path, {"notes": []}), 400)
        assert set(body["details"]) == {"regulatoryFramework", "frameworkName", "sources"}

    def test_if_match_guards_against_stale_edits(self, officer: User, administrator: User):
        path = draft_of(officer)
        etag = send(officer, "get", path).headers["ETag"]
        kept = send(administrator, "patch", path, {"disclaimer": "Mine"}, **{"If-Match": etag})
        assert rule(kept)["disclaimer"] == "Mine"
        before = rules.everything()
        stale = {"If-Match": etag}
        unchanged(send(officer, "patch", path, {"disclaimer": "Yours"}, **stale), 412, before)
        unchanged(send(officer, "post", f"{path}/requirements", RULE, **stale), 412, before)
        unchanged(send(officer, "post", f"{path}/submit", **stale), 412, before)
        fresh = {"If-Match": kept.headers["ETag"]}
        assert send(officer, "post", f"{path}/submit", **fresh).status_code == 200

    def test_nothing_but_a_draft_is_edited(self, officer: User):
        path = f"/{BASELINE}/2026.11.1"
        before = rules.everything()
        for method, below, body in (
            ("patch", "", {"disclaimer": "x"}),
            ("put", "", {k: NEW[k] for k in ("regulatoryFramework", "frameworkName", "sources")}),
            ("post", "/requirements", {**RULE, "source": "policy"}),
            ("patch", "/requirements/base.kyc_status", {"severity": "recommended"}),
            ("put", "/requirements/base.kyc_status", {**RULE, "source": "policy"}),
            ("delete", "/requirements/base.kyc_status", None),
            ("post", "/submit", None),
            ("post", "/return", {"reason": "x"}),
        ):
            body = unchanged(send(officer, method, f"{path}{below}", body), 409, before)
            assert body["errorCode"] == "CONFLICT"

    def test_only_officers_write(self, owner: User, auditor: User, officer: User):
        path = draft_of(officer)
        before, events = rules.everything(), event_bodies("jurisdictions.pack.change_failed")
        for user in (owner, auditor):
            for method, below, body in (
                ("post", "", NEW),
                ("patch", path, {"disclaimer": "x"}),
                ("post", f"{path}/requirements", {**RULE, "key": "br.other"}),
                ("patch", f"{path}/requirements/br.issuer_named", {"title": "x"}),
                ("delete", f"{path}/requirements/br.issuer_named", None),
                ("post", f"{path}/submit", None),
                ("post", f"{path}/retire", {"reason": "x"}),
            ):
                unchanged(send(user, method, below, body), 403, before)
        assert event_bodies("jurisdictions.pack.change_failed") == events
        assert len(event_bodies("security.access.denied")) == 14


class TestRequirements:
    @pytest.fixture
    def path(self, officer: User) -> str:
        rules.load(BASELINE)
        return draft_of(officer)

    def test_added_changed_replaced_and_taken_out(self, officer: User, path: str):
        one = f"{path}/requirements/br.issuer_named"
        added = {**RULE, "key": "br.second", "severity": "recommended", "onMissing": "fail"}
        made = send(officer, "post", f"{path}/requirements", added).json()["requirement"]
        assert {name: made[name] for name in added} == added
        patched = send(officer, "patch", one, {"note": "Check.", "key": "br.renamed"})
        assert patched.json()["requirement"]["note"] == "Check."
        one = f"{path}/requirements/br.renamed"
        put = send(officer, "put", one, {**RULE, "title": "Named"}).json()["requirement"]
        assert (put["note"], put["title"], put["key"]) == (None, "Named", "br.issuer_named")
        one = f"{path}/requirements/br.issuer_named"
        gone = send(officer, "delete", one, **{"If-Match": send(officer, "get", one)["ETag"]})
        assert gone.json() == {"success": True, "requirement": None}
        assert list(
            Requirement.objects.filter(pack__pack_id="br-cvm").values_list("key", flat=True)
        ) == ["br.second"]
        names = AuditEvent.objects.filter(name__startswith="jurisdictions.requirement")
        assert list(names.order_by("seq").values_list("name", flat=True)) == [
            f"jurisdictions.requirement.{what}"
            for what in ("created", "created", "updated", "updated", "deleted")
        ]

    @pytest.mark.parametrize(
        ("change", "name", "text"),
        [
            ({"checkKind": "oracle"}, "checkKind", "Choose one of"),
            ({"params": {"field": "no.such"}}, "params", "no.such"),
            ({"params": {"value": 1}}, "params", ""),
            ({"params": []}, "params", "an object"),
            ({"source": "hearsay"}, "source", "no such source"),
            ({"key": "br.issuer_named"}, "key", "has this key"),
            ({"key": "Not A Key"}, "key", "small letters"),
            ({"appliesWhen": {"fact": "a.b", "op": "exists"}}, "appliesWhen", "no fact a.b"),
            ({"severity": "fatal"}, "severity", "Must be one of"),
            ({"category": None}, "category", ""),
            ({"citation": "x"}, "citation", "at least 3"),
            ({"effectiveFrom": "2026-02-02", "effectiveTo": "2026-02-01"}, "effectiveTo", "before"),
            ({"validationCriteria": "x"}, "validationCriteria", "Unknown field"),
        ],
    )
    def test_what_is_wrong_is_named_by_field(
        self, officer: User, path: str, change: dict[str, Any], name: str, text: str
    ):
        before = rules.everything()
        wanted = {**RULE, "key": "br.second", **change}
        body = unchanged(send(officer, "post", f"{path}/requirements", wanted), 400, before)
        assert list(body["details"]) == [name]
        assert text in body["details"][name][0]
        (failed,) = event_bodies("jurisdictions.pack.change_failed")
        assert (failed["actor"], failed["success"]) == (officer.label, False)

    def test_a_stale_edit_is_refused(self, officer: User, path: str):
        one = f"{path}/requirements/br.issuer_named"
        etag = {"If-Match": send(officer, "get", one).headers["ETag"]}
        changed = send(officer, "patch", one, {"title": "New"}, **etag)
        assert changed.headers["ETag"] != etag["If-Match"]
        before = rules.everything()
        for method, body in (("patch", {"title": "Old"}), ("put", RULE), ("delete", None)):
            unchanged(send(officer, method, one, body, **etag), 412, before)


class TestLife:
    @pytest.fixture
    def path(self, officer: User) -> str:
        rules.load(BASELINE)
        return draft_of(officer)

    def test_submitted_returned_activated_retired(
        self, officer: User, administrator: User, path: str
    ):
        assert rule(send(officer, "post", f"{path}/submit"))["status"] == "InReview"
        back = send(administrator, "post", f"{path}/return", {"reason": "Cite it."})
        assert rule(back)["status"] == "Draft"
        assert rule(send(officer, "post", f"{path}/submit"))["submittedBy"] == officer.label
        active = rule(send(administrator, "post", f"{path}/activate", tried(path)))
        assert (active["status"], active["activatedBy"]) == ("Active", administrator.label)
        gone = send(administrator, "post", f"{path}/retire", {"reason": "Repealed."})
        assert rule(gone)["status"] == "Retired"
        assert event_bodies("jurisdictions.pack.retired")[0]["notes"] == "Repealed."

    def test_who_made_it_never_activates_it(self, officer: User, administrator: User, path: str):
        send(administrator, "patch", path, {"disclaimer": "Seen."})
        send(officer, "post", f"{path}/submit")
        before = rules.everything()
        report = tried(path)
        unchanged(send(officer, "post", f"{path}/activate", report), 403, before)
        body = unchanged(send(administrator, "post", f"{path}/activate", report), 403, before)
        assert "neither changed nor submitted" in body["errorMessage"]

    def test_steps_out_of_order_are_409(self, officer: User, administrator: User, path: str):
        before = rules.everything()
        unchanged(send(administrator, "post", f"{path}/activate", tried(path)), 409, before)
        unchanged(send(officer, "post", f"{path}/return", {"reason": "x"}), 409, before)

    def test_an_empty_draft_is_not_submitted(self, officer: User, path: str):
        send(officer, "delete", f"{path}/requirements/br.issuer_named")
        before = rules.everything()
        body = unchanged(send(officer, "post", f"{path}/submit"), 400, before)
        assert body["details"] == {"request": ["It has no requirements yet; add at least one."]}

    @pytest.mark.parametrize("step", ["return", "retire"])
    def test_a_reason_is_asked_for(self, officer: User, path: str, step: str):
        send(officer, "post", f"{path}/submit")
        before = rules.everything()
        for body in ({}, {"reason": ""}, {"reason": " "}, {"reason": None}):
            refused = unchanged(send(officer, "post", f"{path}/{step}", body), 400, before)
            assert list(refused["details"]) == ["reason"]

    def test_only_administrators_end_what_is_in_force(self, officer: User, administrator: User):
        pack = rules.activated(officer, administrator)
        before = rules.everything()
        path = f"/{BASELINE}/{pack.version}/retire"
        unchanged(send(officer, "post", path, {"reason": "x"}), 403, before)
        assert RulePack.objects.get(pk=pack.pk).status == "Active"


def test_an_activation_over_the_wire_judges_tokens_at_once(
    officer: User, administrator: User, owner: User
):
    rules.load(BASELINE)
    path = draft_of(officer)
    metadata = {"assetId": 1, "network": "voimain-v1.0", "jurisdiction": "BR"}
    assert client_for(owner).post("/api/v1/compliance", metadata, format="json").status_code == 200
    status = "/api/v1/compliance/1/status"
    before = {one["id"] for one in client_for(owner).get(status).json()["status"]["packVersions"]}
    assert "br-cvm" not in before
    send(officer, "post", f"{path}/submit")
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=1)):
        send(administrator, "post", f"{path}/activate", tried(path))
    after = {one["id"] for one in client_for(owner).get(status).json()["status"]["packVersions"]}
    assert after == before | {"br-cvm"}
