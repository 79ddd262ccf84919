"""What a report on an issuer says of its tokens together: the worst of them decides. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jurisdictions.engine import Status, Verdict
from jurisdictions.engine.outlook import WORST_FIRST

Document = Mapping[str, Any]
_RANK = {str(status): place for place, status in enumerate(WORST_FIRST)}
_NO_TOKENS = "The issuer has no token."


def worst(statuses: Iterable[str]) -> str:
    """Return the worst status; Unknown where there is none."""
    return min(statuses, key=lambda one: _RANK[one], default=str(Status.UNKNOWN))


def merged_summary(summaries: Sequence[Document]) -> dict[str, Any]:
    """Return the summary of tokens together: the worst status, decided by the checks of the worst.

    In counts, every check of every token counts once.
    """
    status = worst(one["status"] for one in summaries)
    statuses = Counter(one["status"] for one in summaries)
    return {
        **_merged_status(status, summaries),
        "jurisdictions": _jurisdictions(summaries),
        "tokens": {str(one): statuses[str(one)] for one in Status},
    }


def merged_readiness(readiness: Sequence[Document]) -> dict[str, Any]:
    """Return the MiCA readiness of tokens together, of those that a MiCA rule is about."""
    applying = [one for one in readiness if one["applies"]]
    note = None
    if not applying:
        note = next((one["note"] for one in readiness), _NO_TOKENS)
    versions = {(one["id"], one["version"]) for each in readiness for one in each["packVersions"]}
    return {
        "applies": bool(applying),
        "note": note,
        **_merged_status(worst(one["status"] for one in applying), applying),
        "packVersions": [{"id": pack, "version": version} for pack, version in sorted(versions)],
    }


def merged_badge(badges: Sequence[Document]) -> dict[str, Any]:
    """Return the badge of tokens together: the evidence that all have, whatever any one misses."""
    eligible = bool(badges) and all(one["badgeStatus"] == "Eligible" for one in badges)
    return {
        "badgeStatus": "Eligible" if eligible else "Incomplete",
        "evidence": _shared_evidence(badges),
        "missingRequirements": _grouped(
            [one["missingRequirements"] for one in badges], ("jurisdiction", "key", "verdict")
        ),
    }


def merged_trail(trails: Sequence[Document], changes: Document) -> dict[str, Any]:
    """Return the completeness of the trails of tokens together; `changes` are those of them all."""
    named = [{one["name"]: one["lastAt"] for one in each["evidenceEvents"]} for each in trails]
    common = set.intersection(*(set(one) for one in named)) if named else set()
    return {
        "complete": bool(trails) and all(one["complete"] for one in trails),
        "chainVerified": trails[0]["chainVerified"] if trails else None,
        "chainDetail": trails[0]["chainDetail"] if trails else "",
        "evidenceEvents": [
            {"name": name, "lastAt": _earliest(one[name] for one in named)}
            for name in sorted(common)
        ],
        "missingEvents": sorted({name for one in trails for name in one["missingEvents"]}),
        "changes": dict(changes),
    }


def merged_warnings(warnings: Iterable[Sequence[Document]]) -> list[dict[str, str]]:
    """Return each warning of the tokens once, with how many of them it is about."""
    seen: Counter[tuple[str, str]] = Counter()
    for each in warnings:
        seen.update({(one["code"], one["message"]) for one in each})
    return [
        {"code": code, "message": f"{message} (Tokens: {count}.)"}
        for (code, message), count in sorted(seen.items())
    ]


def merged_versions(versions: Iterable[Sequence[Document]]) -> list[dict[str, str]]:
    """Return every pack version that was applied to any token."""
    named = {(one["id"], one["version"]) for each in versions for one in each}
    return [{"id": pack, "version": version} for pack, version in sorted(named)]


def _merged_status(status: str, parts: Sequence[Document]) -> dict[str, Any]:
    deciding = [one["rationale"] for one in parts if one["status"] == status]
    return {
        "status": status,
        "rationale": _grouped(
            deciding, ("jurisdiction", "key", "viaTag", "severity", "verdict", "reasonCode")
        ),
        "counts": _summed(one["counts"] for one in parts),
        "missingFacts": _missing(parts),
        "nextEvaluationAt": _earliest(one["nextEvaluationAt"] for one in parts),
    }


def _grouped(lists: Sequence[Sequence[Document]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return entries that agree in `names` once, in words of the first, with a count of tokens."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for entries in lists:
        counted: set[tuple[str, ...]] = set()
        for entry in entries:
            key = tuple(entry[name] or "" for name in names)
            kept = found.setdefault(key, {**entry, "tokens": 0})
            kept["tokens"] += key not in counted
            counted.add(key)
    return [found[key] for key in sorted(found)]


def _summed(counts: Iterable[Document]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return {str(verdict): total[str(verdict)] for verdict in Verdict}


def _missing(parts: Sequence[Document]) -> list[dict[str, Any]]:
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for part in parts:
        for one in part["missingFacts"]:
            key = (one["fact"], one["tag"] or "")
            kept = merged.setdefault(key, {**one, "unlocksChecks": 0, "tokens": 0})
            kept["unlocksChecks"] += one["unlocksChecks"]
            kept["tokens"] += 1
    return sorted(
        merged.values(), key=lambda one: (-one["unlocksChecks"], one["fact"], one["tag"] or "")
    )


def _earliest(moments: Iterable[str | None]) -> str | None:
    # Moments of one form, down to the microsecond or not: compared as moments are, not as text.
    known = [one for one in moments if one is not None]
    return min(known, key=_moment_key, default=None)


def _moment_key(moment: str) -> tuple[str, str]:
    return moment[:19], moment[19:].rstrip("Z")


def _jurisdictions(summaries: Sequence[Document]) -> list[dict[str, Any]]:
    groups: dict[str, list[Document]] = {}
    for summary in summaries:
        for one in summary["jurisdictions"]:
            groups.setdefault(one["jurisdiction"], []).append(one)
    merged = []
    for code, group in sorted(groups.items()):
        status = worst(one["status"] for one in group)
        deciding = [one["rationale"] for one in group if one["status"] == status]
        merged.append(
            {
                "jurisdiction": code,
                "status": status,
                "rationale": _grouped(
                    deciding, ("jurisdiction", "key", "viaTag", "severity", "verdict", "reasonCode")
                ),
                "counts": _summed(one["counts"] for one in group),
                "tokens": len(group),
            }
        )
    return merged


def _shared_evidence(badges: Sequence[Document]) -> list[dict[str, Any]]:
    named = [
        {(one["evidenceType"], one["source"]): one for one in badge["evidence"]} for badge in badges
    ]
    common = set.intersection(*(set(one) for one in named)) if named else set()
    return [
        {
            "evidenceType": key[0],
            "source": key[1],
            "at": _earliest(one[key]["at"] for one in named),
            "references": sorted({text for one in named for text in one[key]["references"]}),
        }
        for key in sorted(common)
    ]
