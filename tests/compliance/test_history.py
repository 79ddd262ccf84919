"""The history of a status: the events of its changes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Token, User
from compliance.services.metadata import metadata_upsert
from compliance.services.status import status_recalculate
from tests.compliance.conftest import ASSET
from tests.factories import ARAMID, client_for, event_bodies
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db
PATH = f"/api/v1/compliance/{ASSET}/status/history"


def changes(user: User, **query: Any) -> dict[str, Any]:
    response = client_for(user).get(PATH, query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


@pytest.fixture
def changed_token(compliant_token: Token, owner: User) -> Token:
    """A token that was compliant, then not, then again."""
    status_recalculate(token_id=compliant_token.pk)
    for days, enforcement in ((1, "Off"), (2, "Mandatory")):
        with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
            whitelist_policy_set(actor=owner, token=compliant_token, enforcement=enforcement)
            status_recalculate(token_id=compliant_token.pk)
    return compliant_token


def test_each_change_says_from_what_to_what_and_by_which_checks(
    changed_token: Token, owner: User
) -> None:
    body = changes(owner)
    last, fallen, *_ = body["history"]
    assert (last["fromStatus"], last["toStatus"]) == ("NonCompliant", "Compliant")
    assert (fallen["fromStatus"], fallen["toStatus"]) == ("Compliant", "NonCompliant")
    assert fallen["decidedBy"] == ["base.whitelist_enforced"]
    assert body["totalCount"] == len(body["history"])
    assert body["history"][-1]["fromStatus"] is None
    recorded = {one["id"]: one for one in event_bodies("compliance.status.changed")}
    assert {one["id"] for one in body["history"]} == set(recorded)
    assert last["occurredAt"] == recorded[last["id"]]["occurredAt"]


def test_pages_and_bounds(changed_token: Token, owner: User) -> None:
    total = changes(owner)["totalCount"]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(total):
        body = changes(owner, pageSize=1, **cursor)
        seen += [one["id"] for one in body["history"]]
        cursor = {"cursor": body["nextCursor"]}
    assert body["nextCursor"] is None
    assert seen == [one["id"] for one in changes(owner)["history"]]
    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()
    (one,) = changes(owner, fromDate=tomorrow, toDate=tomorrow)["history"]
    assert one["toStatus"] == "NonCompliant"
    client = client_for(owner)
    for query in ({"pageSize": 0}, {"nope": 1}, {"network": "bad name"}, {"fromDate": "soon"}):
        assert client.get(PATH, query).status_code == 400, query


def test_etag_and_304(changed_token: Token, owner: User) -> None:
    client = client_for(owner)
    etag = client.get(PATH).headers["ETag"]
    assert client.get(PATH, HTTP_IF_NONE_MATCH=etag).status_code == 304
    whitelist_policy_set(actor=owner, token=changed_token, enforcement="Off")
    status_recalculate(token_id=changed_token.pk)
    assert client.get(PATH, HTTP_IF_NONE_MATCH=etag).status_code == 200


def test_it_is_seen_like_events_are(
    changed_token: Token, owner: User, member: User, outsider: User, auditor: User
) -> None:
    total = changes(owner)["totalCount"]
    assert [changes(user)["totalCount"] for user in (member, auditor)] == [total, total]
    assert event_bodies("security.access.denied") == []
    refused = client_for(outsider).get(PATH)
    assert (refused.status_code, refused.json()["errorCode"]) == (404, "NOT_FOUND")
    assert len(event_bodies("security.access.denied")) == 1
    missing = client_for(owner).get("/api/v1/compliance/99/status/history")
    assert missing.status_code == 404
    assert len(event_bodies("security.access.denied")) == 1


def test_an_ambiguous_asset_needs_its_network(changed_token: Token, owner: User) -> None:
    token = metadata_upsert(actor=owner, asset_id=ASSET, network=ARAMID, changes={}).token
    status_recalculate(token_id=token.pk)
    client = client_for(owner)
    assert client.get(PATH).status_code == 409
    (one,) = client.get(PATH, {"network": ARAMID}).json()["history"]
    assert (one["fromStatus"], one["toStatus"]) == (None, "NonCompliant")
