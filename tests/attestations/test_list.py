"""Reading attestations: one, the list, every filter, paging, and expiry alike in all of them."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Issuer, User
from attestations.models import Attestation
from attestations.services import attestation_fail, attestation_revoke, attestation_verify
from audit.models import AuditEvent
from tests.attestations.bodies import URL, attest
from tests.factories import ARAMID, VOI, WALLET, client_for, wallet

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EXPIRY = START + timedelta(days=30)
STATUSES = ["Pending", "Verified", "Failed", "Expired", "Revoked"]


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def get(outsider: User) -> Callable[..., Any]:
    """Return the list's answer to these parameters, asked with a token of this moment."""

    def ask(user: User = outsider, **parameters: Any) -> Any:
        response = client_for(user).get(URL, parameters)
        assert response.status_code == 200, response.content
        return response.json()

    return ask


def cursor(*content: Any) -> str:
    """Return a cursor of this content, right or wrong."""
    return urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer["attestations"]]


def names(answer: Any, known: dict[str, Attestation]) -> set[str]:
    by_id = {str(row.pk): name for name, row in known.items()}
    return {by_id[row_id] for row_id in ids(answer)}


@pytest.fixture
def decided(outsider: User, officer: User) -> dict[str, Attestation]:
    """One attestation of each decided status that expires, and one that never does."""
    made = {
        name: attest(outsider, expires_at=EXPIRY)
        for name in ("pending", "verified", "failed", "revoked", "verified, revoked")
    }
    made["verified for ever"] = attest(outsider)
    for name in ("verified", "verified, revoked", "verified for ever"):
        attestation_verify(actor=officer, attestation_id=made[name].pk)
    attestation_fail(actor=officer, attestation_id=made["failed"].pk, reason="x")
    attestation_revoke(actor=officer, attestation_id=made["revoked"].pk, reason="x")
    attestation_revoke(actor=officer, attestation_id=made["verified, revoked"].pk, reason="x")
    return made


BEFORE = {
    "pending": "Pending",
    "verified": "Verified",
    "failed": "Failed",
    "revoked": "Revoked",
    "verified, revoked": "Revoked",
    "verified for ever": "Verified",
}
AFTER = {**BEFORE, "pending": "Expired", "verified": "Expired"}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (START, BEFORE),
        (EXPIRY - timedelta(microseconds=1), BEFORE),
        (EXPIRY, AFTER),
        (EXPIRY + timedelta(days=400), AFTER),
    ],
)
def test_expiry_is_alike_in_get_list_and_filters(
    clock: Any,
    get: Callable[..., Any],
    outsider: User,
    decided: dict[str, Attestation],
    moment: datetime,
    expected: dict[str, str],
) -> None:
    clock.move_to(moment, tick=False)
    client = client_for(outsider)
    by_get = {
        name: client.get(f"{URL}/{row.pk}").json()["attestation"]["verificationStatus"]
        for name, row in decided.items()
    }
    by_id = {row["id"]: row["verificationStatus"] for row in get()["attestations"]}
    by_list = {name: by_id[str(row.pk)] for name, row in decided.items()}
    assert by_get == by_list == expected
    for position, status in enumerate(STATUSES):
        wanted = {name for name, value in expected.items() if value == status}
        for spelled in (status, status.upper(), position):
            answer = get(verificationStatus=spelled)
            assert names(answer, decided) == wanted
            assert answer["totalCount"] == len(wanted)
    live = {name for name, value in expected.items() if value != "Expired"}
    assert names(get(excludeExpired="true"), decided) == live
    assert names(get(excludeExpired="false"), decided) == set(decided)
    assert get(excludeExpired="true", verificationStatus="Expired")["totalCount"] == 0


def test_the_moment_of_reading_changes_nothing(
    clock: Any, get: Callable[..., Any], decided: dict[str, Attestation]
) -> None:
    clock.move_to(EXPIRY, tick=False)
    get()
    clock.move_to(EXPIRY - timedelta(seconds=1), tick=False)
    assert get(verificationStatus="Expired")["totalCount"] == 0


@pytest.fixture
def several(clock: Any, outsider: User, owner: User, issuer: Issuer) -> dict[str, Attestation]:
    """Attestations that each differ in one thing, a day apart, oldest first."""
    made = {}
    for name, creator, fields in (
        ("plain", outsider, {}),
        ("wallet", outsider, {"wallet_address": wallet(1)}),
        ("asset", outsider, {"asset_id": 777}),
        ("network", outsider, {"network": ARAMID}),
        ("attester", outsider, {"issuer_address": "Another"}),
        ("type", outsider, {"attestation_type": "AML"}),
        ("token", outsider, {"subject_type": "Token", "wallet_address": ""}),
        (
            "issuer",
            owner,
            {
                "subject_type": "Issuer",
                "wallet_address": "",
                "asset_id": None,
                "issuer_id": issuer.pk,
                "network": "",
            },
        ),
    ):
        made[name] = attest(creator, **fields)
        clock.shift(timedelta(days=1))
    return made


ALL = {"plain", "wallet", "asset", "network", "attester", "type", "token", "issuer"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ALL),
        ({"walletAddress": wallet(1)}, {"wallet"}),
        ({"walletAddress": wallet(1).lower()}, {"wallet"}),
        ({"walletAddress": WALLET}, ALL - {"wallet", "token", "issuer"}),
        ({"walletAddress": WALLET[:20]}, set()),
        ({"assetId": 777}, {"asset"}),
        ({"assetId": 12345}, ALL - {"asset", "issuer"}),
        ({"assetId": 2**63 - 1}, set()),
        ({"issuerAddress": "another"}, {"attester"}),
        ({"attestationType": "aml"}, {"type"}),
        ({"network": ARAMID}, {"network"}),
        ({"network": "Aramid"}, {"network"}),
        ({"network": "unheard.of"}, set()),
        ({"network": ARAMID, "assetId": 777}, set()),
        ({"fromDate": "2026-03-08"}, {"issuer"}),
        ({"fromDate": "2026-03-08T12:00:00Z"}, {"issuer"}),
        ({"fromDate": "2026-03-08T12:00:00.000001Z"}, set()),
        ({"toDate": "2026-03-01"}, {"plain"}),
        ({"toDate": "2026-03-01T12:00:00Z"}, {"plain"}),
        ({"toDate": "2026-03-01T11:59:59Z"}, set()),
        ({"fromDate": "2026-03-02", "toDate": "2026-03-03"}, {"wallet", "asset"}),
        ({"verificationStatus": "Pending"}, ALL),
        ({"verificationStatus": "", "assetId": "", "excludeExpired": ""}, ALL),
    ],
)
def test_every_filter(
    get: Callable[..., Any],
    several: dict[str, Attestation],
    parameters: dict[str, Any],
    expected: set[str],
) -> None:
    answer = get(**parameters)
    assert names(answer, several) == expected
    assert answer["totalCount"] == len(expected)


def test_the_list_is_newest_first(get: Callable[..., Any], several: dict[str, Attestation]) -> None:
    answer = get()
    assert ids(answer) == [str(row.pk) for row in reversed(several.values())]
    assert set(answer) == {
        "success",
        "attestations",
        "totalCount",
        "page",
        "pageSize",
        "totalPages",
        "nextCursor",
    }
    assert (answer["page"], answer["pageSize"], answer["totalPages"]) == (1, 20, 1)
    assert answer["nextCursor"] is None


@pytest.mark.parametrize(
    "parameters",
    [
        {"unknown": "1"},
        {"wallet": WALLET},
        {"format": "csv"},
        {"walletAddress": "x" * 101},
        {"issuerAddress": "x" * 101},
        {"attestationType": "x" * 101},
        {"network": "x" * 51},
        {"network": "voi main"},
        {"walletAddress": "a\0"},
        {"assetId": "0"},
        {"assetId": "-1"},
        {"assetId": "1.5"},
        {"assetId": "NaN"},
        {"assetId": str(2**63)},
        {"verificationStatus": "Approved"},
        {"verificationStatus": "5"},
        {"verificationStatus": "-1"},
        {"excludeExpired": "yes"},
        {"fromDate": "yesterday"},
        {"toDate": "2026-02-30"},
        {"page": "0"},
        {"page": "-1"},
        {"page": "one"},
        {"pageSize": "0"},
        {"pageSize": "101"},
        {"cursor": "!"},
        *(
            {"cursor": cursor(*content)}
            for content in (
                ("2026-03-01T12:00:00Z", "no-uuid"),
                ("2026-03-01T12:00:00", str(UUID(int=5))),
                ("0001-01-01T00:00:00+14:00", str(UUID(int=5))),
                ("9999-12-31T23:59:59-14:00", str(UUID(int=5))),
                ("2026-03-01T12:00:00Z", -5),
                ("2026-03-01T12:00:00Z", None),
                (5, 5),
                (),
            )
        ),
    ],
)
def test_what_cannot_be_asked_is_a_400_that_names_it(
    outsider: User, several: dict[str, Attestation], parameters: dict[str, str]
) -> None:
    response = client_for(outsider).get(URL, parameters)
    assert response.status_code == 400
    assert list(response.json()["details"]) == list(parameters)


def test_an_inverted_range_and_a_repeated_parameter_are_refused(outsider: User) -> None:
    client = client_for(outsider)
    inverted = client.get(URL, {"fromDate": "2026-03-02", "toDate": "2026-03-01"})
    assert (inverted.status_code, list(inverted.json()["details"])) == (400, ["toDate"])
    repeated = client.get(f"{URL}?assetId=1&assetId=2")
    assert (repeated.status_code, repeated.json()["details"]) == (
        400,
        {"assetId": ["Given more than once."]},
    )


def test_pages_have_exact_totals(get: Callable[..., Any], several: dict[str, Attestation]) -> None:
    first, last = get(pageSize=3), get(pageSize=3, page=3)
    assert [len(ids(answer)) for answer in (first, last)] == [3, 2]
    assert (last["totalCount"], last["totalPages"], last["page"]) == (8, 3, 3)
    assert ids(get(pageSize=3, page=4)) == []


def test_a_cursor_neither_skips_nor_repeats_while_rows_are_added(
    clock: Any, get: Callable[..., Any], outsider: User
) -> None:
    # Of one moment, so that the order of the ids decides.
    present = {str(attest(outsider).pk) for _ in range(7)}
    seen: list[str] = []
    position: str | None = None
    for _ in range(4):
        answer = get(pageSize=2, **({"cursor": position} if position else {}))
        seen += ids(answer)
        position = answer["nextCursor"]
        clock.shift(timedelta(seconds=1))
        attest(outsider)
    assert position is None
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == present


def test_a_cursor_works_with_a_computed_status(
    clock: Any, get: Callable[..., Any], decided: dict[str, Attestation]
) -> None:
    clock.move_to(EXPIRY, tick=False)
    first = get(verificationStatus="Expired", pageSize=1)
    then = get(verificationStatus="Expired", pageSize=1, cursor=first["nextCursor"])
    known = names(first, decided) | names(then, decided)
    assert known == {"pending", "verified"}
    assert then["nextCursor"] is None


def test_cursor_and_page_exclude_each_other(
    get: Callable[..., Any], outsider: User, several: dict[str, Attestation]
) -> None:
    position = get(pageSize=2)["nextCursor"]
    response = client_for(outsider).get(URL, {"cursor": position, "page": 2})
    assert (response.status_code, list(response.json()["details"])) == (400, ["cursor"])


@pytest.mark.parametrize(
    "persona", ["owner", "member", "outsider", "officer", "auditor", "administrator"]
)
def test_everyone_who_signed_in_reads(
    persona: str, request: pytest.FixtureRequest, outsider: User
) -> None:
    attestation = attest(outsider)
    client = client_for(request.getfixturevalue(persona))
    assert ids(client.get(URL).json()) == [str(attestation.pk)]
    answer = client.get(f"{URL}/{attestation.pk}").json()
    assert answer["attestation"] == client.get(URL).json()["attestations"][0]


def test_nobody_reads_without_signing_in(anonymous: APIClient, outsider: User) -> None:
    attestation = attest(outsider)
    assert anonymous.get(URL).status_code == 401
    assert anonymous.get(f"{URL}/{attestation.pk}").status_code == 401


def test_what_does_not_exist_is_not_found(
    outsider: User, events: Callable[..., list[dict[str, Any]]]
) -> None:
    client = client_for(outsider)
    response = client.get(f"{URL}/{uuid4()}")
    assert (response.status_code, response.json()["errorMessage"]) == (
        404,
        "Attestation not found.",
    )
    (event,) = events("attestations.attestation.read_failed")
    assert (event["actor"], event["success"]) == (outsider.address, False)
    assert client.get(f"{URL}/att-001").status_code == 404
    assert client.get(f"{URL}/").status_code == 404


def test_reading_takes_no_parameters(outsider: User) -> None:
    attestation = attest(outsider)
    response = client_for(outsider).get(f"{URL}/{attestation.pk}", {"network": VOI})
    assert (response.status_code, response.json()["details"]) == (
        400,
        {"network": ["Unknown parameter."]},
    )


def test_reads_and_lists_are_recorded_with_their_reader(
    get: Callable[..., Any],
    member: User,
    outsider: User,
    events: Callable[..., list[dict[str, Any]]],
) -> None:
    attestation = attest(outsider)
    client_for(member).get(f"{URL}/{attestation.pk}")
    get(user=member, assetId=12345, excludeExpired="true", toDate="2026-03-01")
    (read,) = events("attestations.attestation.read")
    assert (read["actor"], read["actorId"]) == (member.address, str(member.pk))
    assert (read["assetId"], read["referenceId"]) == ("12345", str(attestation.pk))
    assert read["affectedAddress"] == WALLET
    (listed,) = events("attestations.attestation.listed")
    assert (listed["actor"], listed["itemCount"]) == (member.address, 1)
    assert listed["filterCriteria"] == (
        "AssetId=12345, ExcludeExpired=True, ToDate=2026-03-01T23:59:59.999999Z"
    )


def test_a_list_that_fails_is_recorded(
    outsider: User, events: Callable[..., list[dict[str, Any]]]
) -> None:
    client_for(outsider).get(URL, {"page": "0"})
    (event,) = events("attestations.attestation.list_failed")
    assert event["errorMessage"] == "The request is not valid: page"
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("parameters", "rows"),
    [({}, 6), ({"verificationStatus": "Verified", "excludeExpired": "true"}, 2)],
)
def test_a_list_costs_four_queries_whatever_it_holds(
    outsider: User, decided: dict[str, Attestation], parameters: dict[str, str], rows: int
) -> None:
    client = client_for(outsider)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(URL, parameters)
    assert len(ids(response.json())) == rows
    # The caller, the count, the page, the event.
    assert len(queries) == 4, [query["sql"] for query in queries]


def test_reading_one_costs_three_queries(outsider: User, decided: dict[str, Attestation]) -> None:
    client = client_for(outsider)
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{URL}/{decided['verified'].pk}")
    # The caller, the attestation with its token, the event.
    assert len(queries) == 3, [query["sql"] for query in queries]
