"""Exports over HTTP: asking, following, cancelling, and downloads with ranges."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import IssuerMember, User
from audit.exports.downloads import RangeNotSatisfiable, range_of
from audit.exports.models import UNFINISHED_LIMIT, ExportJob
from audit.exports.work import EXPORT_WORK
from audit.models import AuditCheckpoint
from tests.audit.exports import EXPORTS, FIRST, ask, content, job_of, recorded
from tests.factories import client_for, event_bodies

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("as_if_committed", "small_parts"),
]


@pytest.fixture
def finished(owner: User) -> dict[str, Any]:
    """An export of ten rows in three parts, by the owner."""
    (issuer,) = owner.issuer_ids
    recorded(10, issuer_id=issuer)
    export = ask(owner)
    assert EXPORT_WORK.run(UUID(export["exportId"])) is True
    return follow(owner, export)


def follow(user: User, export: dict[str, Any]) -> dict[str, Any]:
    response = client_for(user).get(f"{EXPORTS}/{export['exportId']}")
    assert response.status_code == 200, response.content
    return dict(response.json()["export"])


def download(user: User, export: dict[str, Any], **headers: str) -> Any:
    return client_for(user).get(f"{EXPORTS}/{export['exportId']}/download", **headers)


class TestAsking:
    def test_it_is_followed_from_queued_to_finished(self, owner: User) -> None:
        response = client_for(owner).post(
            EXPORTS, {"view": "compliance-audit-log", "format": "csv"}, format="json"
        )
        assert response.status_code == 202
        assert response.headers["Location"] == f"{EXPORTS}/{response.json()['export']['exportId']}"
        assert int(response.headers["Retry-After"]) >= 1
        export = response.json()["export"]
        assert (export["filters"], export["criteria"], export["gzip"]) == ({}, "No filters", False)
        assert download(owner, export).status_code == 409
        assert EXPORT_WORK.run(UUID(export["exportId"])) is True
        now = follow(owner, export)
        assert (now["status"], now["progressPercent"]) == ("Finished", 100)
        assert now["download"] == f"{EXPORTS}/{now['exportId']}/download"
        assert now["requestedBy"] == owner.label
        followed = client_for(owner).get(f"{EXPORTS}/{now['exportId']}")
        assert "Retry-After" not in followed.headers
        for name in ("requested", "finished"):
            (event,) = event_bodies(f"audit.export.{name}")
            assert (event["actor"], event["actorId"]) == (owner.label, str(owner.pk))
            assert event["referenceId"] == now["exportId"]

    def test_the_same_again_is_the_same_job_while_it_is_not_over(self, owner: User) -> None:
        first = ask(owner, filters={"assetId": 5, "success": True})
        assert ask(owner, filters={"success": "true", "assetId": "5"}) == first
        others = [
            ask(owner, filters={"assetId": 5}),
            ask(owner, filters={"assetId": 5, "success": True}, format="json"),
            ask(owner, filters={"assetId": 5, "success": True}, gzip=True),
        ]
        assert len({one["exportId"] for one in [first, *others]}) == 4
        assert len(event_bodies("audit.export.requested")) == 4
        EXPORT_WORK.run(UUID(first["exportId"]))
        assert ask(owner, filters={"assetId": 5, "success": True})["exportId"] != first["exportId"]

    def test_somebody_else_has_a_job_of_their_own(self, owner: User, officer: User) -> None:
        assert ask(owner)["exportId"] != ask(officer)["exportId"]

    def test_nobody_has_more_than_a_few_unfinished(self, owner: User, officer: User) -> None:
        exports = [ask(owner, filters={"assetId": n + 1}) for n in range(UNFINISHED_LIMIT)]
        refused = ask(owner, status=409, filters={"assetId": 99})
        assert refused["errorCode"] == "CONFLICT"
        assert "5 unfinished exports" in refused["errorMessage"]
        assert ExportJob.objects.count() == UNFINISHED_LIMIT
        assert ask(owner, filters={"assetId": 1}) == exports[0]  # no new one
        ask(officer)
        path = f"{EXPORTS}/{exports[1]['exportId']}/cancel"
        assert client_for(owner).post(path).status_code == 200
        ask(owner, filters={"assetId": 99})

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"view": "nothing"}, "view"),
            ({"view": None}, "view"),
            ({"format": "pdf"}, "format"),
            ({"format": None}, "format"),
            ({"gzip": "yes"}, "gzip"),
            ({"format": "xlsx", "gzip": True}, "gzip"),
            ({"filters": []}, "filters"),
            ({"filters": {"assetId": [1]}}, "filters.assetId"),
            ({"filters": {"assetId": "x"}}, "filters.assetId"),
            ({"filters": {"assetId": 1.5}}, "filters.assetId"),
            ({"filters": {"page": "1"}}, "filters.page"),
            ({"filters": {"fromDate": "2026-02-01", "toDate": "2026-01-01"}}, "filters.toDate"),
            ({"filters": {"performedBy": "a\x00b"}}, "filters.performedBy"),
            ({"filters": {str(n): 1 for n in range(51)}}, "filters"),
            ({"owner": "me"}, "owner"),
        ],
    )
    def test_what_cannot_be_asked_for_is_a_400_that_names_it(
        self, owner: User, body: dict[str, Any], field: str
    ) -> None:
        refused = ask(owner, status=400, **body)
        assert refused["errorCode"] == "VALIDATION_ERROR"
        assert list(refused["details"]) == [field]
        assert not ExportJob.objects.exists()
        assert event_bodies("audit.export.requested") == []

    def test_one_sees_ones_own_and_readers_of_everything_see_all(
        self, owner: User, member: User, auditor: User
    ) -> None:
        mine, theirs = ask(owner), ask(member)
        assert [one["exportId"] for one in listed(owner)] == [mine["exportId"]]
        assert [one["exportId"] for one in listed(auditor)] == [
            theirs["exportId"],
            mine["exportId"],
        ]
        assert listed(auditor, status="Finished") == []
        for path in ("", "/manifest", "/download"):
            answer = client_for(owner).get(f"{EXPORTS}/{theirs['exportId']}{path}")
            assert (answer.status_code, answer.json()["errorCode"]) == (404, "NOT_FOUND")


def listed(user: User, **query: str) -> list[dict[str, Any]]:
    return list(client_for(user).get(EXPORTS, query).json()["exports"])


class TestCancelling:
    def test_cancelled_twice_is_cancelled_once(self, owner: User) -> None:
        export = ask(owner)
        path = f"{EXPORTS}/{export['exportId']}/cancel"
        for _ in range(2):
            answer = client_for(owner).post(path)
            assert (answer.status_code, answer.json()["export"]["status"]) == (200, "Cancelled")
        assert len(event_bodies("audit.export.cancelled")) == 1
        refused = download(owner, export)
        assert (refused.status_code, refused.json()["errorCode"]) == (409, "CONFLICT")

    def test_a_finished_one_cannot_be_cancelled(
        self, owner: User, finished: dict[str, Any]
    ) -> None:
        answer = client_for(owner).post(f"{EXPORTS}/{finished['exportId']}/cancel")
        assert (answer.status_code, answer.json()["errorCode"]) == (409, "CONFLICT")
        assert follow(owner, finished) == finished

    def test_nobody_else_cancels_it(self, owner: User, member: User, officer: User) -> None:
        export = ask(owner)
        path = f"{EXPORTS}/{export['exportId']}/cancel"
        assert client_for(member).post(path).status_code == 404
        assert client_for(officer).post(path).status_code == 403
        assert follow(owner, export)["status"] == "Queued"


class TestDownloading:
    def test_the_headers_say_what_the_file_is(self, owner: User, finished: dict[str, Any]) -> None:
        response = download(owner, finished)
        raw = b"".join(response.streaming_content)
        digest = hashlib.sha256(raw).hexdigest()
        assert finished["sha256"] == response.headers["X-Content-SHA256"] == digest
        assert int(response.headers["Content-Length"]) == finished["bytes"] == len(raw)
        assert response.headers["ETag"] == f'"{digest}"'
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["X-Export-Total"] == "10"
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"] == (
            f'attachment; filename="{finished["fileName"]}"'
        )
        (event,) = event_bodies("audit.export.downloaded")
        assert (event["actor"], event["actionType"]) == (owner.label, "Export")
        assert (event["itemCount"], event["referenceId"]) == (10, finished["exportId"])
        assert event["details"]["sha256"] == digest

    @pytest.mark.parametrize(
        ("wanted", "start", "end"),
        [
            ("bytes=0-", 0, None),
            ("bytes=0-0", 0, 1),
            ("bytes=5-400", 5, 401),
            ("bytes=100-99999999", 100, None),
            ("bytes=-7", -7, None),
            ("bytes=-99999999", 0, None),
        ],
    )
    def test_a_range_is_part_of_the_file(
        self, owner: User, finished: dict[str, Any], wanted: str, start: int, end: int | None
    ) -> None:
        whole = content(owner, finished)
        response = download(owner, finished, HTTP_RANGE=wanted)
        raw = b"".join(response.streaming_content)
        assert (response.status_code, raw) == (206, whole[start:end])
        at = start % len(whole)
        assert response.headers["Content-Range"] == f"bytes {at}-{at + len(raw) - 1}/{len(whole)}"
        assert int(response.headers["Content-Length"]) == len(raw)

    def test_every_range_over_the_seams_of_the_parts(
        self, owner: User, finished: dict[str, Any]
    ) -> None:
        whole, at = content(owner, finished), 0
        for size in job_of(finished).parts.order_by("number").values_list("size", flat=True):
            at += size
            for start, end in ((at - 2, at + 1), (at - 1, at - 1), (at, at + 2)):
                response = download(owner, finished, HTTP_RANGE=f"bytes={start}-{end}")
                if start < len(whole):
                    assert b"".join(response.streaming_content) == whole[start : end + 1]
        assert at == len(whole)

    def test_put_together_of_ranges_it_is_the_file(
        self, owner: User, finished: dict[str, Any]
    ) -> None:
        whole = content(owner, finished)
        pieces = [
            content(owner, finished, HTTP_RANGE=f"bytes={at}-{at + 99}")
            for at in range(0, len(whole), 100)
        ]
        assert b"".join(pieces) == whole

    def test_a_range_behind_the_end_is_a_416(self, owner: User, finished: dict[str, Any]) -> None:
        response = download(owner, finished, HTTP_RANGE=f"bytes={finished['bytes']}-")
        assert (response.status_code, response.json()["errorCode"]) == (
            416,
            "RANGE_NOT_SATISFIABLE",
        )
        assert response.headers["Content-Range"] == f"bytes */{finished['bytes']}"
        assert event_bodies("audit.export.downloaded") == []

    @pytest.mark.parametrize("tag", ['"another"', "Thu, 22 Jan 2026 10:30:00 GMT", 'W/"weak"'])
    def test_a_range_of_another_file_is_the_whole_file(
        self, owner: User, finished: dict[str, Any], tag: str
    ) -> None:
        response = download(owner, finished, HTTP_RANGE="bytes=0-5", HTTP_IF_RANGE=tag)
        assert response.status_code == 200
        assert len(b"".join(response.streaming_content)) == finished["bytes"]

    def test_a_range_of_this_file_is_a_range(self, owner: User, finished: dict[str, Any]) -> None:
        tag = f'"{finished["sha256"]}"'
        response = download(owner, finished, HTTP_RANGE="bytes=0-5", HTTP_IF_RANGE=tag)
        assert (response.status_code, len(b"".join(response.streaming_content))) == (206, 6)

    def test_who_holds_the_file_gets_no_other(self, owner: User, finished: dict[str, Any]) -> None:
        tag = f'"{finished["sha256"]}"'
        response = download(owner, finished, HTTP_IF_NONE_MATCH=tag)
        assert (response.status_code, response.headers["ETag"]) == (304, tag)
        assert event_bodies("audit.export.downloaded") == []

    def test_head_tells_without_a_download(self, owner: User, finished: dict[str, Any]) -> None:
        response = client_for(owner).head(f"{EXPORTS}/{finished['exportId']}/download")
        assert response.status_code == 200
        assert int(response.headers["Content-Length"]) == finished["bytes"]
        assert event_bodies("audit.export.downloaded") == []

    def test_whose_scope_shrank_downloads_no_more(
        self, owner: User, finished: dict[str, Any]
    ) -> None:
        IssuerMember.objects.filter(user=owner).delete()
        for path in ("manifest", "download"):
            answer = client_for(owner).get(f"{EXPORTS}/{finished['exportId']}/{path}")
            assert (answer.status_code, answer.json()["errorCode"]) == (403, "FORBIDDEN")
        assert follow(owner, finished)["status"] == "Finished"
        assert event_bodies("audit.export.downloaded") == []
        assert len(event_bodies("security.access.denied")) == 2

    def test_who_read_everything_and_does_not_any_more_downloads_no_more(
        self, officer: User
    ) -> None:
        export = ask(officer)
        EXPORT_WORK.run(UUID(export["exportId"]))
        officer.groups.clear()
        assert download(officer, export).status_code == 403

    def test_who_reads_everything_downloads_what_others_asked_for(
        self, owner: User, auditor: User, finished: dict[str, Any]
    ) -> None:
        assert content(auditor, finished) == content(owner, finished)

    def test_an_expired_file_is_a_410_at_once(self, owner: User, finished: dict[str, Any]) -> None:
        ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        for path in ("manifest", "download"):
            answer = client_for(owner).get(f"{EXPORTS}/{finished['exportId']}/{path}")
            assert (answer.status_code, answer.json()["errorCode"]) == (410, "EXPORT_EXPIRED")


def test_the_manifest_names_every_part(owner: User, finished: dict[str, Any]) -> None:
    manifest = (
        client_for(owner).get(f"{EXPORTS}/{finished['exportId']}/manifest").json()["manifest"]
    )
    whole, at = content(owner, finished), 0
    for part in manifest["parts"]:
        raw = whole[at : at + part["bytes"]]
        assert hashlib.sha256(raw).hexdigest() == part["sha256"]
        at += part["bytes"]
    assert [part["rows"] for part in manifest["parts"]] == [4, 4, 2]
    assert (at, manifest["rows"], manifest["bytes"]) == (len(whole), 10, len(whole))
    assert manifest["sha256"] == hashlib.sha256(whole).hexdigest()
    assert manifest["criteria"] == "No filters"
    assert manifest["requestedAt"] == finished["createdAt"]
    assert manifest["horizon"] == job_of(finished).bounds
    assert (manifest["checkpoint"], manifest["key"]) == (None, None)


def test_the_manifest_has_the_newest_checkpoint_of_then(owner: User) -> None:
    export = ask(owner)
    AuditCheckpoint.objects.create(
        size=7, root="0" * 64, note="a signed note", key="its key", signed_at=FIRST
    )
    EXPORT_WORK.run(UUID(export["exportId"]))
    AuditCheckpoint.objects.create(
        size=8, root="0" * 64, note="a later one", key="its key", signed_at=FIRST
    )
    manifest = client_for(owner).get(f"{EXPORTS}/{export['exportId']}/manifest").json()["manifest"]
    assert (manifest["checkpoint"], manifest["key"]) == ("a signed note", "its key")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=+1-2", None),
        ("bytes=\u0660-\u0665", None),
        ("bytes=0-99999999999999999999", None),
        ("bytes=0-9", (0, 10)),
        ("bytes=9-9", (9, 10)),
        ("bytes=0-10", (0, 10)),
        ("bytes=-10", (0, 10)),
        ("bytes=-1", (9, 10)),
    ],
)
def test_what_a_range_names_of_ten_bytes(
    wanted: str | None, expected: tuple[int, int] | None
) -> None:
    assert range_of(wanted, 10) == expected


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-11", "bytes=-0"])
def test_a_range_that_no_byte_is_in(wanted: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        range_of(wanted, 10)
