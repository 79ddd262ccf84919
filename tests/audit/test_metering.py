"""Metering: every metered operation is counted once, for whom and for which token, by period."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Issuer, User
from attestations.services import attestation_revoke
from audit.body import EventDraft
from audit.choices import Operation
from audit.events import EVENT_TYPES, METERED
from audit.principal import NamedPrincipal
from audit.services import record_events
from compliance.services.metadata import metadata_upsert
from config.api.errors import DomainError
from tests.attestations.bodies import attest
from tests.factories import ARAMID, VOI, client_for, wallet

pytestmark = pytest.mark.django_db
URL = "/api/v1/metering"
START = datetime(2026, 1, 22, 10, 30, tzinfo=UTC)
ALICE, BOB = NamedPrincipal(wallet(1)), NamedPrincipal("bob@example.com")
ADD, UPSERT = "attestations.attestation.created", "compliance.metadata.updated"
EXPORT = "attestations.attestation.exported"


def record(name: str, actor: NamedPrincipal = ALICE, at: datetime = START, **content: Any) -> None:
    record_events([EventDraft(name, **content)], actor=actor, occurred_at=at)


@pytest.fixture
def log(issuer: Issuer) -> None:
    token = {"asset_id": 7, "network": VOI, "issuer_id": issuer.pk}
    for hour in range(3):
        record(ADD, at=START + timedelta(hours=hour), **token)
    record(ADD, BOB, **token)
    record(UPSERT, asset_id=8, network=ARAMID)
    record(EXPORT, BOB, at=START + timedelta(days=40), item_count=250, **token)
    record("audit.log.exported", BOB, item_count=0)
    record("whitelist.entry.created", **token)
    # None of these meters: a read, a refusal, a failure.
    record("attestations.attestation.read", **token)
    record("attestations.attestation.create_failed", success=False, **token)
    record(EXPORT, success=False, item_count=9, **token)


@pytest.fixture
def ask(auditor: User) -> Callable[..., dict[str, Any]]:
    def get(user: User = auditor, path: str = "", **parameters: Any) -> dict[str, Any]:
        response = client_for(user).get(URL + path, parameters)
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        return answer

    return get


def sums(answer: dict[str, Any]) -> dict[tuple[Any, ...], tuple[int, int]]:
    return {
        (row["operation"], row["assetId"], row["performedBy"]): (row["events"], row["items"])
        for row in answer["usage"]
    }


def test_operations_are_summed_up_by_token_and_actor(log: None, ask: Any) -> None:
    answer = ask()
    by_category = {
        (row["category"], row["operation"], row["assetId"], row["performedBy"]): (
            row["events"],
            row["items"],
        )
        for row in answer["usage"]
    }
    assert by_category == {
        ("Compliance", "Export", 7, BOB.label): (1, 250),
        ("Compliance", "Add", 7, ALICE.label): (3, 3),
        ("Compliance", "Add", 7, BOB.label): (1, 1),
        ("Compliance", "Upsert", 8, ALICE.label): (1, 1),
        ("Compliance", "Export", None, BOB.label): (1, 0),
        ("Whitelist", "Add", 7, ALICE.label): (1, 1),
    }
    assert answer["totals"] == [
        {"category": "Compliance", "operation": "Add", "events": 4, "items": 4},
        {"category": "Compliance", "operation": "Export", "events": 2, "items": 250},
        {"category": "Compliance", "operation": "Upsert", "events": 1, "items": 1},
        {"category": "Whitelist", "operation": "Add", "events": 1, "items": 1},
    ]
    assert (answer["totalCount"], answer["totalPages"], answer["nextCursor"]) == (6, 1, None)
    first = answer["usage"][1]
    assert (first["network"], first["firstAt"], first["lastAt"]) == (
        VOI,
        "2026-01-22T10:30:00Z",
        "2026-01-22T12:30:00Z",
    )


@pytest.mark.parametrize(
    ("parameters", "events"),
    [
        ({"fromDate": "2026-01-22T11:30:00Z", "toDate": "2026-01-22"}, 2),
        ({"fromDate": "2026-01-23"}, 1),
        ({"toDate": "2026-01-22T10:30:00Z"}, 5),
        ({"assetId": 8}, 1),
        ({"assetId": 7, "network": "voimain"}, 6),
        ({"category": "Whitelist"}, 1),
        ({"operation": "export"}, 2),
        ({"operation": 2}, 5),
        ({"performedBy": BOB.label.upper()}, 3),
        ({"operation": "TransferValidation"}, 0),
    ],
)
def test_every_filter_narrows_the_sums_and_the_list_alike(
    log: None, ask: Any, parameters: dict[str, Any], events: int
) -> None:
    answer = ask(**parameters)
    assert sum(row["events"] for row in answer["usage"]) == events
    assert sum(row["events"] for row in answer["totals"]) == events
    assert ask(path="/events", **parameters)["totalCount"] == events


def test_the_list_shows_each_in_the_incumbents_words(log: None, ask: Any) -> None:
    answer = ask(path="/events", operation="Export", assetId=7)
    (entry,) = answer["events"]
    assert entry.pop("eventId")
    assert entry.pop("correlationId")
    assert entry == {
        "timestamp": "2026-03-03T10:30:00.000000Z",
        "category": "Compliance",
        "operationType": "Export",
        "network": VOI,
        "assetId": 7,
        "performedBy": BOB.label,
        "itemCount": 250,
        "eventType": EXPORT,
    }
    page = ask(path="/events", pageSize=3)
    rest = ask(path="/events", pageSize=100, cursor=page["nextCursor"])
    ids = [row["eventId"] for row in (*page["events"], *rest["events"])]
    assert len(ids) == len(set(ids)) == page["totalCount"] == 8


def test_pages_of_sums_are_cut_in_one_order(log: None, ask: Any) -> None:
    whole = ask()["usage"]
    pages = [ask(page=number, pageSize=2) for number in (1, 2, 3, 4)]
    assert [row for page in pages for row in page["usage"]] == whole
    assert {(page["totalCount"], page["totalPages"]) for page in pages} == {(6, 3)}


def test_members_see_their_own_issuers_and_staff_all(
    log: None, ask: Any, member: User, outsider: User, officer: User
) -> None:
    seen = {row["assetId"] for row in ask(member)["usage"]}
    assert seen == {7}
    assert ask(outsider)["usage"] == ask(outsider)["totals"] == []
    assert ask(outsider, "/events")["events"] == []
    assert {row["assetId"] for row in ask(officer)["usage"]} == {7, 8, None}
    assert client_for(None).get(URL).status_code == 401


def test_what_the_services_do_is_metered_once_and_what_they_refuse_is_not(
    ask: Any, owner: User, officer: User
) -> None:
    metadata_upsert(actor=owner, asset_id=9, network=VOI, changes={"jurisdiction": "DE"})
    row = attest(owner, asset_id=9)
    attestation_revoke(actor=officer, attestation_id=row.pk, reason="left")
    with pytest.raises(DomainError):
        attest(owner, asset_id=9, wallet_address="nonsense")
    client_for(owner).get("/api/v1/compliance/attestations/export/csv", {"assetId": 9})
    client_for(owner).post("/api/v1/compliance/attestation", {"tokenId": 9}, format="json")
    client_for(owner).delete("/api/v1/compliance/9")
    found = sums(ask(owner))
    assert found == {
        ("Upsert", 9, owner.label): (1, 1),
        ("Add", 9, owner.label): (1, 1),
        ("Export", 9, owner.label): (2, 2),
        ("Delete", 9, owner.label): (1, 1),
    }


def test_it_costs_the_same_however_much_was_done(log: None, auditor: User) -> None:
    costs = []
    for _ in range(2):
        for path in ("", "/events"):
            with CaptureQueriesContext(connection) as queries:
                client_for(auditor).get(URL + path)
            costs.append(len(queries))
        drafts = [EventDraft(ADD, asset_id=number, network=VOI) for number in range(1, 200)]
        record_events(drafts, actor=BOB)
    assert costs[:2] == costs[2:]


@pytest.mark.parametrize("path", ["", "/events"])
@pytest.mark.parametrize(
    "query",
    ["operation=Nonsense", "category=Security", "assetId=0", "actionType=Create", "success=true",
     "pageSize=101", "network=%00", "operation=Add&operation=Add",
     "fromDate=2026-02-02&toDate=2026-02-01"],
)  # fmt: skip
def test_bad_parameters_are_refused(auditor: User, path: str, query: str) -> None:
    assert client_for(auditor).get(f"{URL}{path}?{query}").status_code == 400


def test_the_seeds_operations_meter() -> None:
    assert set(METERED) <= set(EVENT_TYPES)
    wanted = {  # seed 1 sections 9 and 14, seed 2 "Metering", and what the incumbent metered
        "attestations.attestation.created": Operation.ADD,
        "compliance.package.generated": Operation.EXPORT,
        "compliance.metadata.created": Operation.UPSERT,
        "compliance.metadata.updated": Operation.UPSERT,
        "compliance.metadata.deleted": Operation.DELETE,
        "audit.log.exported": Operation.EXPORT,
        "attestations.attestation.exported": Operation.EXPORT,
        "whitelist.entry.created": Operation.ADD,
        "whitelist.entry.updated": Operation.UPDATE,
        "whitelist.entry.removed": Operation.REMOVE,
        "whitelist.transfer.validated": Operation.TRANSFER_VALIDATION,
    }
    assert wanted.items() <= METERED.items()
    reads = [name for name in METERED if EVENT_TYPES[name].action_type in ("Read", "List")]
    assert reads == []
