"""Rule packs that are wrong in one way each: refused, with the place and the reason."""

import json
from collections.abc import Callable
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from jurisdictions.engine import validate_pack
from jurisdictions.models import FactDefinition, Jurisdiction, Requirement, RulePack
from jurisdictions.reference_data import rule_pack_schema
from tests.jurisdictions import rules
from tests.jurisdictions.builders import catalogue

Spoil = Callable[[dict[str, Any]], object]
KEY = "base.issuer_profile"
VERIFICATION = "metadata.verificationStatus"


def problems(document: object) -> list[str]:
    return validate_pack(document, rule_pack_schema(), catalogue())


def spoiled(spoil: Spoil) -> dict[str, Any]:
    """The baseline with one thing wrong."""
    document = rules.document()
    spoil(document)
    return document


def top(**changes: Any) -> Spoil:
    return lambda document: document.update(changes)


def rule(**changes: Any) -> Spoil:
    return lambda document: document["requirements"][0].update(changes)


def without(name: str) -> Spoil:
    return lambda document: document["requirements"][0].pop(name)


def check(kind: str, **params: Any) -> Spoil:
    return rule(check={"kind": kind, "params": params})


def when(fact: str, op: str, **value: Any) -> Spoil:
    return rule(appliesWhen={"fact": fact, "op": op, **value})


def place(**changes: Any) -> Spoil:
    return lambda document: document["jurisdiction"].update(changes)


def again(name: str) -> Spoil:
    """The first of the list stands in it twice."""
    return lambda document: document[name].append(deepcopy(document[name][0]))


def nested(levels: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"always": True}
    for _ in range(levels):
        condition = {"all": [condition]}
    return condition


BETWEEN = {
    "field": "metadata.kycVerificationDate",
    "notBefore": "2026-01-01",
    "notAfter": "now",
    "offset": {"n": 3, "unit": "days"},
}

# Of each kind of mistake: the mistake, the place that is named, and the reason.
MISTAKES: dict[str, tuple[Spoil, str, str]] = {
    "schema version": (top(schemaVersion="2.0.0"), "schemaVersion", "'1.0.0' was expected"),
    "unknown member": (top(surprise=True), "$", "('surprise' was unexpected)"),
    "unknown member of a rule": (
        rule(surprise=True),
        "requirements[0]",
        "('surprise' was unexpected)",
    ),
    "pack id": (top(packId="Global Baseline"), "packId", "'Global Baseline' does not match"),
    "version": (top(version="1.0"), "version", "'1.0' does not match"),
    "status": (top(status="live"), "status", "'live' is not one of"),
    "key": (rule(key="Base Profile"), "requirements[0].key", "'Base Profile' does not match"),
    "severity": (rule(severity="fatal"), "requirements[0].severity", "'fatal' is not one of"),
    "basis": (rule(basis="rumour"), "requirements[0].basis", "'rumour' is not one of"),
    "category": (rule(category="tax"), "requirements[0].category", "'tax' is not one of"),
    "onMissing": (rule(onMissing="pass"), "requirements[0].onMissing", "'pass' is not one of"),
    "citation": (rule(citation=""), "requirements[0].citation", "'' is too short"),
    "confidence missing": (
        without("confidence"),
        "requirements[0]",
        "'confidence' is a required property",
    ),
    "no requirements": (top(requirements=[]), "requirements", "[] should be non-empty"),
    "requirements of a wrong type": (
        top(requirements="none"),
        "requirements",
        "'none' is not of type 'array'",
    ),
    "no sources": (top(sources=[]), "sources", "[] should be non-empty"),
    "a source twice": (again("sources"), "sources", "policy is given 2 times"),
    "unknown source": (rule(source="hearsay"), KEY, "there is no source hearsay"),
    "a key twice": (again("requirements"), KEY, "used 2 times"),
    "check kind": (check("oracle"), "requirements[0].check.kind", "'oracle' is not one of"),
    "missing param": (
        check("field_in", field=VERIFICATION),
        KEY,
        "'values' is a required property",
    ),
    "unknown param": (
        check("field_present", field="issuer.legalName", surprise=1),
        KEY,
        "('surprise' was unexpected)",
    ),
    "param of a wrong type": (
        check("number_within", field="metadata.maxHolders", min="ten"),
        f"{KEY}: min",
        "'ten' is not of type 'number'",
    ),
    "pattern": (
        check("field_present", field="issuer.legalName", pattern="("),
        f"{KEY}: pattern",
        "unterminated",
    ),
    "unknown fact": (
        check("field_present", field="issuer.name"),
        KEY,
        "there is no fact issuer.name",
    ),
    "fact of a wrong type": (
        check("date_within", field="issuer.legalName", notAfter="now"),
        KEY,
        "issuer.legalName is of type string; this check needs date",
    ),
    "offset with two bounds": (
        check("date_within", **BETWEEN),
        KEY,
        "an offset belongs to one bound",
    ),
    "unknown attestation type": (
        check("attestation_present", types=["KYC", "Rumour"]),
        "requirements[0].check.params.types[1]",
        "'Rumour' is not one of ['KYC', ",
    ),
    "unknown fact in a condition": (
        when("issuer.name", "exists"),
        f"{KEY}: appliesWhen",
        "there is no fact issuer.name",
    ),
    "value that an enum lacks": (
        when(VERIFICATION, "eq", value="Nearly"),
        f"{KEY}: appliesWhen",
        f"{VERIFICATION} cannot be Nearly; it takes Pending, ",
    ),
    "operator that a type lacks": (
        when(VERIFICATION, "gt", value="Verified"),
        f"{KEY}: appliesWhen",
        f"{VERIFICATION} is of type enum; gt is for numbers and dates",
    ),
    "unknown operator": (
        when(VERIFICATION, "is", value="Verified"),
        "requirements[0].appliesWhen",
        "op is one of eq, ",
    ),
    "no alternatives": (
        top(appliesWhen={"any": []}),
        "appliesWhen",
        "any takes a list of at least one condition",
    ),
    "deep condition": (
        rule(appliesWhen=nested(12)),
        f"{KEY}: appliesWhen",
        "conditions nest deeper than 12 levels",
    ),
    "endless condition": (
        rule(appliesWhen=nested(400)),
        "requirements[0].appliesWhen.all[0]",
        "nests deeper than 60 levels",
    ),
    "a day that is none": (
        rule(effectiveFrom="2026-02-30"),
        "requirements[0].effectiveFrom",
        "day",
    ),
    "a moment for a day": (
        top(asOf="2026-02-03T00:00:00Z"),
        "asOf",
        "'2026-02-03T00:00:00Z' does not match",
    ),
    "end before start": (top(effectiveTo="2025-12-31"), "effectiveTo", "before effectiveFrom"),
    "end before start of a rule": (
        rule(effectiveFrom="2026-02-02", effectiveTo="2026-02-01"),
        f"{KEY}: effectiveTo",
        "before effectiveFrom",
    ),
    "tag fact everywhere": (
        when("tag.classification", "exists"),
        KEY,
        "applies to every token, so it cannot read tag.classification",
    ),
    "jurisdiction code": (place(code="Atlantis"), "jurisdiction.code", "'Atlantis' does not"),
    "treaty state without a code": (
        place(extendedTo=[{}]),
        "jurisdiction.extendedTo[0]",
        "'code' is a required property",
    ),
    "retention of nothing": (
        top(retention=[{"personalData": {}}]),
        "retention[0]",
        "'recordClass' is a required property",
    ),
    "NUL": (rule(title="a\0b"), "requirements[0].title", "holds a NUL character"),
    "NUL in a name": (top(parameters={"a\0": 1}), "parameters", "holds a NUL character"),
    "half a character": (top(notes=["\ud83d"]), "notes[0]", "holds half of a surrogate pair"),
    "no number": (
        top(parameters={"rate": float("inf")}),
        "parameters.rate",
        "inf is no number in JSON",
    ),
}


def test_what_is_spoiled_here_is_sound_without() -> None:
    assert problems(rules.document()) == []
    assert problems(spoiled(rule(appliesWhen=nested(11)))) == []


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named_with_its_place(kind: str) -> None:
    spoil, where, reason = MISTAKES[kind]
    (problem,) = problems(spoiled(spoil))
    assert problem.startswith((f"{where}: ", f"{where}.all[0]"))
    assert reason in problem


def test_every_mistake_of_a_document_is_named() -> None:
    document = spoiled(rule(severity="fatal", basis="rumour"))
    document["schemaVersion"] = "2.0.0"
    assert [one.split(":")[0] for one in problems(document)] == [
        "requirements[0].basis",
        "requirements[0].severity",
        "schemaVersion",
    ]
    document = spoiled(rule(source="hearsay", effectiveFrom="2026-02-02", effectiveTo="2026-02-01"))
    document["effectiveTo"] = "2025-12-31"
    assert problems(document) == [
        "effectiveTo: before effectiveFrom",
        f"{KEY}: effectiveTo: before effectiveFrom",
        f"{KEY}: there is no source hearsay",
    ]


@pytest.mark.django_db
class TestLoading:
    """What comes from files is checked for these as well."""

    def refusal(self, folder: Path) -> str:
        """What the command says where it refuses; nothing of any rule is there afterwards."""
        said = StringIO()
        with pytest.raises(CommandError) as refusal:
            call_command("load_rules", fixtures=folder, stdout=said)
        assert refusal.value.returncode != 0
        assert said.getvalue() == ""
        for model in (RulePack, Requirement, FactDefinition, Jurisdiction, AuditEvent):
            assert not model.objects.exists()
        return str(refusal.value)

    def test_all_that_is_wrong_is_listed_and_nothing_is_loaded(self, tmp_path: Path) -> None:
        names = {kind: f"pack-{number:02}" for number, kind in enumerate(MISTAKES)}
        packs = {names[kind]: spoiled(spoil) for kind, (spoil, _, _) in MISTAKES.items()}
        said = self.refusal(rules.fixtures_with(tmp_path, sound=rules.document("US-SEC"), **packs))
        first, *lines = said.splitlines()
        assert first.startswith("The rules were not loaded; ")
        assert len(lines) == len(MISTAKES) > 20
        for kind, (_, where, reason) in MISTAKES.items():
            (line,) = [one for one in lines if one.startswith(f"{names[kind]}.json: ")]
            assert where in line
            assert reason in line

    def test_a_jurisdiction_must_be_known(self, tmp_path: Path) -> None:
        said = self.refusal(rules.fixtures_with(tmp_path, a=spoiled(place(code="QQ"))))
        assert said.splitlines()[1:] == ["a.json: jurisdiction.code: there is no jurisdiction QQ"]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "Expecting value"),
            ("[1", "Expecting"),
            ("[]", "holds no JSON object"),
            ("[" * 200_000, "nests too deep"),
            ('{"version": "2026.11.1", "version": "2026.11.2"}', "an object names version twice"),
            ('{"packId": %s1}' % ("9" * 5000), "Exceeds the limit"),
        ],
        ids=["empty", "cut off", "list", "deep", "member twice", "huge number"],
    )
    def test_a_file_that_cannot_be_read_is_named(
        self, tmp_path: Path, text: str, reason: str
    ) -> None:
        folder = rules.fixtures_with(tmp_path, a=rules.document())
        (folder / "rulepacks" / "b.json").write_text(text, encoding="utf-8")
        _, *lines = self.refusal(folder).splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("b.json: ")
        assert reason in lines[0]

    def test_a_file_that_is_no_text_is_named(self, tmp_path: Path) -> None:
        folder = rules.fixtures_with(tmp_path, a=rules.document())
        sound = json.dumps(rules.document("US-SEC")).encode()
        (folder / "rulepacks" / "b.json").write_bytes(sound.replace(b"e", b"\xff", 1))
        assert "b.json: 'utf-8' codec can't decode" in self.refusal(folder)
