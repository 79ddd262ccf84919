"""Trying a draft on every token, against the same SQL alone."""

from collections.abc import Iterator
from functools import partial
from time import perf_counter

from accounts.models import User
from audit.principal import SYSTEM
from benchmarks.measure import Row, Samples
from benchmarks.metadata_write import EVENT, replay, statements_of
from benchmarks.tokens import PACKS, tokens_with_records
from compliance.services.dry_runs import BATCH, dry_run_continue
from jurisdictions.loading import rules_load
from jurisdictions.models import DryRun, RulePack
from jurisdictions.services.drafts import pack_draft_from
from jurisdictions.services.dry_runs import dry_run_request

_OWN = ('INSERT INTO "jurisdictions_dryrun', 'UPDATE "jurisdictions_dryrun"')


def run(quick: bool) -> Iterator[Row]:
    rules_load(actor=SYSTEM, activate=PACKS)
    tokens_with_records(400 if quick else 10_000)
    officer = User.objects.create(email="third@example.org", is_superuser=True)
    active = RulePack.objects.get(pack_id=PACKS[1], status="Active")
    draft = pack_draft_from(actor=officer, pack=active)
    started_run = dry_run_request(actor=officer, pack=draft)
    seconds: dict[str, list[float]] = {"batch": [], "sql": []}
    queries = set()
    while DryRun.objects.get(pk=started_run.pk).is_unfinished:
        started = perf_counter()
        sent = statements_of(partial(dry_run_continue, started_run.pk))
        seconds["batch"].append(perf_counter() - started)
        queries.add(len(sent))
        again = replay([one for one in sent if not one[0].startswith((EVENT, *_OWN))])
        started = perf_counter()
        again()
        seconds["sql"].append(perf_counter() - started)
    done = DryRun.objects.get(pk=started_run.pk).done
    yield Row(
        f"{done:,} tokens judged twice, {len(PACKS)} packs",
        "",
        f"{done / sum(seconds['batch']):,.0f} a second",
        remarks=[f"at most {max(queries)} queries a batch of {BATCH}"],
    )
    yield Samples(seconds).row(
        f"a batch of {BATCH}", "batch", "sql", against="its reads by psycopg, one transaction"
    )
