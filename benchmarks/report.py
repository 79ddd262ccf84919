"""Reports of a token with 10,000 events and 500 attestations, against their SQL and their seal."""

from collections.abc import Iterator
from time import perf_counter

import orjson
from django.utils import timezone

from accounts.models import User
from audit.body import canonical
from audit.signing import sign
from benchmarks.events import fill
from benchmarks.measure import Call, Row, sample
from benchmarks.metadata_write import replay, statements_of
from benchmarks.tokens import attest
from benchmarks.world import ASSET, NETWORK, token_with_record
from compliance.choices import ReportType
from compliance.models import ComplianceReport
from compliance.services.reports import report_generate

_TYPES = ("KYC", "AML", "Accreditation", "WhitePaper", "Prospectus")
_SHARE = 10
"""One in so many of the events that are filled in is about the token."""


def run(quick: bool) -> Iterator[Row]:
    events, attestations = (500, 50) if quick else (10_000, 500)
    token, holder = token_with_record()
    officer = User.objects.create(email="second@example.org")
    attest(holder, officer, _TYPES * (attestations // len(_TYPES)), [token])
    fill(events * _SHARE)
    for report_type in (ReportType.FULL, ReportType.AUDIT_TRAIL):
        generate = generator(holder, report_type)
        reads = [one for one in statements_of(generate) if one[0].startswith("SELECT")]
        kept = ComplianceReport.objects.latest("created_at").content
        calls: dict[str, Call] = {"report": generate, "floor": floor(kept, replay(reads))}
        samples = sample(calls, rounds=5 if quick else 25, batch=1, clock=perf_counter, warm_up=2)
        yield samples.row(
            f"{report_type}, {events:,} events, {attestations} attestations, {len(kept):,} bytes",
            "report",
            "floor",
            against=f"its {len(reads)} reads by psycopg, RFC 8785, one Ed25519 signature",
        )


def generator(actor: User, report_type: ReportType) -> Call:
    """Return a call that makes a report; one as of a moment is never an earlier one again."""
    return lambda: report_generate(
        actor=actor,
        asset_id=ASSET,
        network=NETWORK,
        report_type=report_type,
        as_of=timezone.now(),
    )


def floor(content: str, read: Call) -> Call:
    """Return a call that reads the rows, writes the document and signs as many bytes."""
    document = orjson.loads(content)

    def call() -> object:
        read()
        return sign(canonical(document))

    return call
