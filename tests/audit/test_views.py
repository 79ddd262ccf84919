"""What holds for every view of the log: order, cursors, languages, cells that are no formula."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Issuer, Token, User
from audit.body import EventDraft
from audit.log_fields import Kind
from audit.log_views import log_view, log_view_names
from audit.models import AuditEvent
from audit.principal import NamedPrincipal
from audit.services import record_events
from config.api.csv import TRIGGERS
from tests.contract.routes import api_operations
from tests.factories import VOI, TokenFactory, client_for

pytestmark = pytest.mark.django_db
ASSET = 12345
NOON = datetime(2026, 1, 22, 12, tzinfo=UTC)
# The list of each view of the log, and the kind of event that all of them show.
LISTS = {
    "compliance/audit-log": ("entries", "compliance.metadata.read"),
    "enterprise-audit/export": ("entries", "compliance.metadata.read"),
    "audit-trail": ("entries", "compliance.metadata.read"),
    "issuer/audit-trail": ("entries", "compliance.metadata.read"),
    f"token/{ASSET}/audit-trail": ("entries", "compliance.metadata.read"),
    "whitelist/audit-log": ("entries", "whitelist.transfer.validated"),
    f"whitelist/{ASSET}/audit-log": ("entries", "whitelist.transfer.validated"),
    "whitelist/enforcement-report": ("entries", "whitelist.transfer.validated"),
    "security/activity": ("events", "audit.log.exported"),
}
FILES = {
    "compliance/audit-log/export/csv",
    "enterprise-audit/export/csv",
    "audit-trail/export/csv",
    "issuer/audit-trail/csv",
    "whitelist/audit-log/export/csv",
    "whitelist/enforcement-report/export/csv",
}
# Files that are no view of the log; the tests of their apps hold them against formulas.
OTHER_FILES = {
    "compliance/attestations/export/csv",
    "whitelist/<asset:asset_id>/export/csv",
    "whitelist/imports/<uuid:import_id>/rejected/csv",
}


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return TokenFactory.create(asset_id=ASSET, network=VOI, issuer=issuer)


def record(name: str, token: Token, count: int = 1, actor: str = "x", **content: Any) -> list[str]:
    drafts = [EventDraft(name, **token.event_fields, **content) for _ in range(count)]
    principal = NamedPrincipal(actor)
    return [str(one) for one in record_events(drafts, actor=principal, occurred_at=NOON)]


def get(user: User, path: str, **query: Any) -> Any:
    asked = {"assetId": ASSET, **query} if path.startswith("issuer/") else query
    response = client_for(user).get(f"/api/v1/{path}", asked)
    assert response.status_code == 200, response.content
    return response


def test_every_csv_file_of_the_api_is_here() -> None:
    files = {route for _, route in api_operations() if route.endswith("/csv")}
    assert files - {"whitelist/<asset:asset_id>/import/csv"} == FILES | OTHER_FILES


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_gives_none_twice_and_none_lost_while_rows_are_added(
    auditor: User, token: Token, path: str
) -> None:
    noun, name = LISTS[path]
    known = record(name, token, 25)  # all at the same moment
    key = "eventId" if noun == "events" else "id"
    seen: list[str] = []
    cursor = None
    while True:
        query = {"pageSize": 10, **({"cursor": cursor} if cursor else {})}
        answer = get(auditor, path, **query).json()
        seen += [entry[key] for entry in answer[noun]]
        cursor = answer["nextCursor"]
        if cursor is None:
            break
        record(name, token, 3)
    assert len(seen) == len(set(seen)) == 25
    assert seen == list(reversed(known))  # the later of two at the same moment comes first


@pytest.mark.parametrize("path", LISTS)
def test_any_language_comes_back_and_nul_is_refused(auditor: User, token: Token, path: str) -> None:
    noun, name = LISTS[path]
    text = "\U0001f3e6 \u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 e\u0301"
    record(name, token, actor=text, error_message=text)
    (entry,) = get(auditor, path).json()[noun]
    assert entry.get("performedBy", entry.get("actor")) == text
    asked = {"assetId": ASSET} if path.startswith("issuer/") else {}
    for spoiled in ("\x00", "a\x00b"):
        response = client_for(auditor).get(f"/api/v1/{path}", {**asked, "performedBy": spoiled})
        assert response.status_code == 400
        assert list(response.json()["details"]) == ["performedBy"]


@pytest.mark.parametrize("path", sorted(FILES))
@pytest.mark.parametrize("first", [one for one in TRIGGERS if one not in "\r\n"])
def test_no_cell_of_a_file_is_a_formula(auditor: User, token: Token, path: str, first: str) -> None:
    name = (
        "whitelist.transfer.validated"
        if path.startswith("whitelist")
        else next(
            kind for place, (_, kind) in LISTS.items() if place.split("/")[0] == path.split("/")[0]
        )
    )
    evil = f'{first}HYPERLINK("http://evil";"a, b")'
    texts = ("affected_address", "to_address", "error_message", "old_status", "new_status", "notes",
             "denial_reason", "old_verification_status", "new_verification_status",
             "filter_criteria")  # fmt: skip
    record(
        name,
        token,
        actor=evil,
        reference_type=evil[:32],
        reference_id=evil,
        details={"role": evil, "amount": evil},
        **dict.fromkeys(texts, evil),
    )
    text = b"".join(get(auditor, path)).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    cells = [cell for row in rows[1:] for cell in row if "HYPERLINK" in cell]
    assert len(cells) >= 6
    assert {cell[:2] for cell in cells} == {f"'{first}"}


ACTORS = ("performedBy", "actor", "actorAddress")


def test_every_text_column_of_every_view_is_guarded(token: Token) -> None:
    """The same of each column by itself, whatever an event may come to hold."""
    record("whitelist.transfer.validated", token, actor="=1")
    line = AuditEvent.objects.get().body
    for name in log_view_names():
        view = log_view(name)
        assert {column.kind for column in view.columns} <= set(Kind)
        (actor,) = (one for one in view.columns if one.key in ACTORS)
        row = next(csv.reader([view.record(line)]))
        assert row[view.columns.index(actor)] == "'=1"
