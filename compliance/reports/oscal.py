"""A report as OSCAL assessment results, for governance tools. Pure.

OSCAL knows only satisfied and not-satisfied. What is unknown or waived is not satisfied, with the
reason `other` and a property of our namespace that keeps the verdict; what does not apply is left
out. Every result has one finding more than it has checks: the status as a whole. A report on an
issuer has a result for the issuer and one for each of its tokens.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from audit.body import canonical

OSCAL_VERSION = "1.2.1"
NAMESPACE = "urn:assayer:oscal"
_PLAN_NOTE = (
    "Assayer evaluates continuously and has no assessment plan; the rule packs that are named "
    "here, with their versions, are what was assessed against."
)
_REASONS = {"Pass": "pass", "Fail": "fail"}


def oscal_bytes(report: Mapping[str, Any]) -> bytes:
    """Return the OSCAL document of a sealed report; the same bytes for the same report."""
    return canonical({"assessment-results": _Maker(report).document()})


class _Maker:
    """Builds the document; every UUID is a version 5 one in the namespace of the report's id."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self._report = report
        self._content: Mapping[str, Any] = report["content"]
        self._root = UUID(report["reportId"])

    def document(self) -> dict[str, Any]:
        content, report = self._content, self._report
        plan = self._uuid("plan")
        return {
            "uuid": self._uuid("assessment-results"),
            "metadata": {
                "title": f"{content['reportType']} report on {self._subject_name()}",
                "last-modified": report["generatedAt"],
                "version": report["schemaVersion"],
                "oscal-version": OSCAL_VERSION,
                "props": [
                    _prop("report-id", report["reportId"]),
                    _prop("report-digest", report["digest"]),
                    _prop("report-key-id", report["keyId"]),
                    _prop("engine-version", content["engineVersion"]),
                ],
                "remarks": content["disclaimer"],
            },
            "import-ap": {"href": f"#{plan}", "remarks": _PLAN_NOTE},
            "results": [
                self._result(content, self._subject_name(), ()),
                *(
                    self._result(one, _token_name(one["token"]), _token_identity(one["token"]))
                    for one in content.get("tokens", ())
                ),
            ],
            "back-matter": {"resources": self._resources(plan)},
        }

    def _result(self, part: Mapping[str, Any], name: str, of: tuple[str, ...]) -> dict[str, Any]:
        """Return the result that says what `part` of the report says; `of` is its identity."""
        as_of, status = self._content["asOf"], part["summary"]["status"]
        checks = [one for one in part.get("checks", ()) if one["verdict"] != "NotApplicable"]
        observations = [self._overall_observation(part["summary"], of)]
        findings = [self._overall_finding(status, of)]
        for check in checks:
            observations.append(self._observation(check, of))
            findings.append(self._finding(check, of))
        return {
            "uuid": self._uuid("result", *of),
            "title": f"Status {status}",
            "description": f"The status of {name} as of {as_of}.",
            "start": as_of,
            "end": as_of,
            "props": [_prop("status", status)],
            "reviewed-controls": {"control-selections": [self._selection(checks)]},
            "observations": observations,
            "findings": findings,
        }

    def _selection(self, checks: list[dict[str, Any]]) -> dict[str, Any]:
        controls = sorted({check["key"] for check in checks})
        if not controls:
            return {"include-all": {}}
        return {"include-controls": [{"control-id": _token(key)} for key in controls]}

    def _overall_observation(
        self, summary: Mapping[str, Any], of: tuple[str, ...]
    ) -> dict[str, Any]:
        deciding = "; ".join(f"{one['key']}: {one['reason']}" for one in summary["rationale"])
        return {
            "uuid": self._uuid("observation", "status", *of),
            "title": "What decided the status",
            "description": deciding or "No check decided the status.",
            "methods": ["TEST"],
            "collected": self._content["asOf"],
        }

    def _overall_finding(self, status: str, of: tuple[str, ...]) -> dict[str, Any]:
        satisfied = status == "Compliant"
        return {
            "uuid": self._uuid("finding", "status", *of),
            "title": "Status of the issuer" if self._is_of_issuer(of) else "Status of the token",
            "description": f"The status is {status}.",
            "props": [_prop("status", status)],
            "target": {
                "type": "objective-id",
                "target-id": "overall-status",
                "status": _status(satisfied, "Fail" if status == "NonCompliant" else status),
            },
            "related-observations": [
                {"observation-uuid": self._uuid("observation", "status", *of)}
            ],
        }

    def _observation(self, check: Mapping[str, Any], of: tuple[str, ...]) -> dict[str, Any]:
        evidence = [
            {"description": _text(f"{one['type']} {one['reference']}")} for one in check["evidence"]
        ]
        observation = {
            "uuid": self._uuid("observation", *of, *_identity(check)),
            "title": _text(check["title"]),
            "description": _text(check["reason"]),
            "methods": ["TEST"],
            "collected": check["evaluatedAt"],
        }
        return {**observation, "relevant-evidence": evidence} if evidence else observation

    def _finding(self, check: Mapping[str, Any], of: tuple[str, ...]) -> dict[str, Any]:
        verdict = check["verdict"]
        props = [
            _prop("verdict", verdict),
            _prop("reason-code", check["reasonCode"]),
            _prop("severity", check["severity"]),
            _prop("basis", check["basis"]),
            _prop("jurisdiction", check["jurisdiction"]),
            _prop("pack", f"{check['pack']['id']} {check['pack']['version']}"),
            *(_prop("citation", one["text"]) for one in check["citations"] if one["text"].strip()),
        ]
        if check["underlyingVerdict"]:
            props.append(_prop("underlying-verdict", check["underlyingVerdict"]))
        if check["viaTag"]:
            props.append(_prop("via-tag", check["viaTag"]))
        finding = {
            "uuid": self._uuid("finding", *of, *_identity(check)),
            "title": _text(check["title"]),
            "description": _text(check["reason"]),
            "props": props,
            "target": {
                "type": "objective-id",
                "target-id": _token(check["key"]),
                "status": _status(verdict == "Pass", verdict),
            },
            "related-observations": [
                {"observation-uuid": self._uuid("observation", *of, *_identity(check))}
            ],
        }
        return {**finding, "remarks": check["remediation"]} if check["remediation"] else finding

    def _resources(self, plan: str) -> list[dict[str, Any]]:
        packs = self._content["inputs"]["packs"]
        return [
            {"uuid": plan, "title": "Assessment plan", "description": _PLAN_NOTE},
            *(
                {
                    "uuid": self._uuid("pack", pack["id"], pack["version"]),
                    "title": f"Rule pack {pack['id']} {pack['version']}",
                    "props": [_prop("sha256", pack["digest"])],
                }
                for pack in packs
            ),
        ]

    def _subject_name(self) -> str:
        content = self._content
        if "issuer" in content:
            issuer = content["issuer"]
            return _text(f"issuer {issuer['legalName'] or issuer['id']}")
        name = _token_name(content["token"])
        return f"the issuance of {name}" if "issuance" in content else name

    def _is_of_issuer(self, of: tuple[str, ...]) -> bool:
        return not of and "issuer" in self._content

    def _uuid(self, *parts: str) -> str:
        return str(uuid5(self._root, "|".join(parts)))


def _token_name(token: Mapping[str, Any]) -> str:
    network = f" on {token['network']}" if token["network"] else ""
    return f"asset {token['assetId']}{network}"


def _token_identity(token: Mapping[str, Any]) -> tuple[str, ...]:
    return "token", token["assetId"], token["network"] or ""


def _identity(check: Mapping[str, Any]) -> tuple[str, ...]:
    pack = check["pack"]
    return (
        check["jurisdiction"],
        check["viaTag"] or "",
        pack["id"],
        pack["version"],
        check["key"],
    )


def _status(satisfied: bool, verdict: str) -> dict[str, str]:
    if satisfied:
        return {"state": "satisfied", "reason": "pass"}
    status = {"state": "not-satisfied", "reason": _REASONS.get(verdict, "other")}
    if status["reason"] == "other":
        status["remarks"] = f"The verdict is {verdict}, which OSCAL has no word for."
    return status


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": _text(value)}


def _text(value: str) -> str:
    """Return text that OSCAL takes: on one line and not empty."""
    return " ".join(value.split()) or "-"


def _token(key: str) -> str:
    """Return `key` as an OSCAL token: letters, digits, dots, hyphens, underscores."""
    kept = "".join(one if one.isalnum() or one in "._-" else "-" for one in key)
    return kept if kept[:1].isalpha() or kept[:1] == "_" else f"_{kept}"
