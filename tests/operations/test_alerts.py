"""The alerts that `docs/operations.md` gives: valid YAML, about metrics that are really served."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from audit.principal import SYSTEM
from audit.services import record_event
from audit.verification import verify_trail
from tests.audit.logs import signed

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
NAME = re.compile(r"\bassayer_[a-z0-9_]+")

PARTITIONS = {"assayer_audit_partition_days_ahead", "assayer_audit_default_partition_events"}


def rules() -> list[dict[str, Any]]:
    (text,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (group,) = yaml.safe_load(text)["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def served() -> dict[str, list[dict[str, str]]]:
    """Return the labels of every sample by its name."""
    samples: dict[str, list[dict[str, str]]] = {}
    text = Client().get("/metrics").content.decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample.labels)
    return samples


def test_every_alert_says_when_how_bad_and_what_to_do() -> None:
    assert len(rules()) >= 7
    for rule in rules():
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
        assert set(rule["labels"]) == {"severity"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)


@pytest.mark.django_db(transaction=True)
def test_every_metric_of_the_document_is_served() -> None:
    signed(1)
    verify_trail()
    record_event("security.access.denied", actor=SYSTEM, success=False)
    assert Client().get("/health/live").status_code == 200
    samples = served()
    elsewhere = set() if connection.vendor == "postgresql" else PARTITIONS
    text = DOCUMENT.read_text(encoding="utf-8")
    named = set(NAME.findall(text))
    assert len(named) >= 8
    histograms = {name.removesuffix("_count") for name in samples if name.endswith("_count")}
    assert named - set(samples) - histograms == elsewhere
    assert set(NAME.findall(" ".join(rule["expr"] for rule in rules()))) <= set(samples) | elsewhere


@pytest.mark.django_db(transaction=True)
def test_the_labels_that_alerts_choose_by_exist() -> None:
    record_event("security.access.denied", actor=SYSTEM, success=False)
    Client().get("/health/live")
    samples = served()
    chosen = [
        (name, selector)
        for rule in rules()
        for name, selector in re.findall(r"(assayer_\w+)\{([^}]*)\}", rule["expr"])
    ]
    assert chosen
    for name, selector in chosen:
        for label, how, value in re.findall(r'(\w+)(=~|=)"([^"]*)"', selector):
            values = {labels[label] for labels in samples[name]}
            assert how == "=~" or value in values, (name, label, value)
