"""Evaluating a report's bundle again: does every verdict follow from the evidence and the rules?"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from jurisdictions.engine.aggregation import Aggregate, Status, aggregate
from jurisdictions.engine.documents import snapshot_from_document
from jurisdictions.engine.evaluate import evaluate
from jurisdictions.engine.outlook import WORST_FIRST
from jurisdictions.engine.packs import Pack, pack_from_document
from jurisdictions.engine.results import ENGINE_VERSION, CheckResult, Verdict

BUNDLE_FORMAT = "assayer-bundle-1"
ISSUER_BUNDLE_FORMAT = "assayer-bundle-2"  # with a snapshot for each token
_FORMATS = (BUNDLE_FORMAT, ISSUER_BUNDLE_FORMAT)
_PACKS = "packs/"
_SNAPSHOTS = "snapshots/"

CheckName = tuple[str, str, str, str, str]


class UnreadableBundle(ValueError):
    """The file is no bundle, or a part of it is missing or cannot be read."""


@dataclass
class Replay:
    """What came of evaluating a bundle again. Everything agrees where `differences` is empty."""

    report_id: str
    status: str
    checks: int = 0
    notes: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def replay_bundle(path: str) -> Replay:
    """Evaluate the bundle at `path` anew and compare everything that its report says.

    The parts are checked against the report's own digests. The signature is not: that needs the
    published keys (docs/verify-a-report.md). Raises `UnreadableBundle`.
    """
    try:
        return _replay(_files_of(path))
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as problem:
        raise UnreadableBundle(f"{type(problem).__name__}: {problem}") from problem


def _files_of(path: str) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _replay(files: Mapping[str, bytes]) -> Replay:
    manifest = json.loads(files["manifest.json"])
    if manifest["format"] not in _FORMATS:
        known = " or ".join(_FORMATS)
        raise UnreadableBundle(f"the format is {manifest['format']}, not {known}")
    report = json.loads(files["report.json"])
    content = report["content"]
    packs = [
        pack_from_document(json.loads(files[name]))
        for name in sorted(files)
        if name.startswith(_PACKS)
    ]
    now = datetime.fromisoformat(content["asOf"])
    replay = Replay(report["reportId"], content["summary"]["status"])
    if content["engineVersion"] != ENGINE_VERSION:
        replay.notes.append(
            f"the report was made by engine {content['engineVersion']}, this is {ENGINE_VERSION}"
        )
    _compare_files(replay, files, manifest, report)
    if manifest["format"] == ISSUER_BUNDLE_FORMAT:
        _replay_tokens(replay, files, content, packs, now)
    else:
        snapshot = snapshot_from_document(json.loads(files["snapshot.json"]))
        _replay_token(replay, content, content, evaluate(snapshot, packs, now), now)
    return replay


def _replay_tokens(
    replay: Replay,
    files: Mapping[str, bytes],
    content: Mapping[str, Any],
    packs: Sequence[Pack],
    now: datetime,
) -> None:
    """Evaluate every token of an issuer, and whether the worst of them is what the report says."""
    found = []
    for section in content["tokens"]:
        token = section["token"]
        name = " ".join(filter(None, (token["assetId"], token["network"])))
        snapshot = snapshot_from_document(json.loads(files[_snapshot_file(section["snapshot"])]))
        results = evaluate(snapshot, packs, now)
        one = Replay(replay.report_id, section["summary"]["status"])
        status = _replay_token(one, content, section, results, now)
        found.append(status)
        replay.checks += one.checks
        replay.differences += [f"{name}: {difference}" for difference in one.differences]
    worst = min(found, key=WORST_FIRST.index, default=Status.UNKNOWN)
    _compare(replay, "status", content["summary"]["status"], str(worst))
    stated = content["summary"]["tokens"]
    _compare(replay, "tokens", stated, {str(one): found.count(one) for one in Status})
    counts = [section["summary"]["counts"] for section in content["tokens"]]
    summed = {str(verdict): sum(one[str(verdict)] for one in counts) for verdict in Verdict}
    _compare(replay, "counts", content["summary"]["counts"], summed)


def _replay_token(
    replay: Replay,
    content: Mapping[str, Any],
    section: Mapping[str, Any],
    results: tuple[CheckResult, ...],
    now: datetime,
) -> Status:
    overall = aggregate(results, now)
    _compare_summary(replay, section["summary"], overall)
    if "checks" in section:
        _compare_checks(replay, content["reportType"], section["checks"], results)
    return overall.status


def _snapshot_file(digest: str) -> str:
    return f"{_SNAPSHOTS}{digest}.json"


def _compare_files(
    replay: Replay,
    files: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    report: Mapping[str, Any],
) -> None:
    listed = {one["name"]: one["sha256"] for one in manifest["files"]}
    for name in sorted(listed.keys() | files.keys() - {"manifest.json"}):
        if name not in files:
            replay.differences.append(f"{name}: is missing")
        elif _digest(files[name]) != listed.get(name):
            replay.differences.append(f"{name}: is not what the manifest names")
    content = report["content"]
    # Without fractions and with ASCII names, this is the RFC 8785 form.
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if _digest(canonical.encode()) != report["digest"]:
        replay.differences.append("report.json: its digest is not that of its content")
    inputs = content["inputs"]
    if "snapshots" in inputs:
        _compare_snapshots(replay, files, content)
    elif _digest(files["snapshot.json"]) != inputs["snapshot"]:
        replay.differences.append("snapshot.json: is not the snapshot that the report names")
    given = {_digest(files[name]) for name in files if name.startswith(_PACKS)}
    if given != {one["digest"] for one in inputs["packs"]}:
        replay.differences.append("packs: are not the rule packs that the report names")


def _compare_snapshots(
    replay: Replay, files: Mapping[str, bytes], content: Mapping[str, Any]
) -> None:
    named = set(content["inputs"]["snapshots"])
    if named != {section["snapshot"] for section in content["tokens"]}:
        replay.differences.append("inputs: are not the snapshots of the tokens")
    for name in sorted(files):
        digest = name.removeprefix(_SNAPSHOTS).removesuffix(".json")
        if name.startswith(_SNAPSHOTS) and (_digest(files[name]) != digest or digest not in named):
            replay.differences.append(f"{name}: is not a snapshot that the report names")


def _compare_summary(replay: Replay, stated: Mapping[str, Any], found: Aggregate) -> None:
    _compare(replay, "status", stated["status"], str(found.status))
    _compare(
        replay,
        "counts",
        stated["counts"],
        {str(verdict): count for verdict, count in found.counts.items()},
    )
    _compare(
        replay,
        "jurisdictions",
        {one["jurisdiction"]: one["status"] for one in stated["jurisdictions"]},
        {one.jurisdiction: str(one.status) for one in found.jurisdictions},
    )
    _compare(
        replay,
        "rationale",
        [(one["key"], one["viaTag"], one["verdict"]) for one in stated["rationale"]],
        [(one.key, one.via_tag, str(one.verdict)) for one in found.rationale],
    )


def _compare_checks(
    replay: Replay,
    report_type: str,
    checks: Sequence[Mapping[str, Any]],
    results: tuple[CheckResult, ...],
) -> None:
    found = {_name_of(one): _said_by(one) for one in results}
    stated = {
        (
            one["jurisdiction"],
            one["viaTag"] or "",
            one["pack"]["id"],
            one["pack"]["version"],
            one["key"],
        ): (one["verdict"], one["underlyingVerdict"], one["reasonCode"], one["reason"])
        for one in checks
    }
    replay.checks = len(stated)
    for name in sorted(stated):
        _compare(replay, " ".join(filter(None, name)), stated[name], found.get(name))
    if report_type != "MicaReadiness":  # which holds the checks of MiCA alone
        for name in sorted(found.keys() - stated.keys()):
            replay.differences.append(f"{' '.join(filter(None, name))}: is not in the report")


def _name_of(result: CheckResult) -> CheckName:
    return (
        result.jurisdiction,
        result.via_tag or "",
        result.pack_id,
        result.pack_version,
        result.key,
    )


def _said_by(result: CheckResult) -> tuple[str, str | None, str, str]:
    underlying = str(result.underlying_verdict) if result.underlying_verdict else None
    return str(result.verdict), underlying, str(result.reason_code), result.reason


def _compare(replay: Replay, name: str, stated: object, found: object) -> None:
    if stated != found:
        replay.differences.append(f"{name}: the report says {stated}, the evaluation {found}")


def _digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()
