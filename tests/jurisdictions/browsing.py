"""The admin as somebody uses it."""

import re
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:jurisdictions_{name}", args=args)


def form_data(response: HttpResponse) -> dict[str, Any]:
    """What the browser would send back from the form on the page, unchanged."""
    form = response.context["adminform"].form  # type: ignore[attr-defined]
    data: dict[str, Any] = {}
    for bound in form:
        if bound.name == "applies_when" or bound.name.startswith("params__"):
            data |= sent(str(bound))
            continue
        value = bound.field.widget.format_value(bound.value()) if bound.value() is not None else ""
        data[bound.html_name] = value[0] if isinstance(value, list) and value else (value or "")
    for formset in response.context.get("inline_admin_formsets", []):  # type: ignore[attr-defined]
        for bound in formset.formset.management_form:
            data[bound.html_name] = bound.value()
    return data


class _Inputs(HTMLParser):
    """Collects what a browser sends of a piece of a form, as it does it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._select: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.sent.setdefault(name, []).append(given.get("value") or "")
        elif tag == "select":
            self._select = name
            self.sent.setdefault(name, []).append("")
        elif tag == "option" and self._select is not None and "selected" in given:
            self.sent[self._select][-1] = given.get("value") or ""
        elif tag == "option" and self._select is not None and given.get("value") == "":
            self.sent[self._select][-1] = ""
        elif tag == "textarea":
            self._area = name
            self.sent.setdefault(name, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            text = self.sent[self._area][-1].removeprefix("\n")
            self.sent[self._area][-1] = text.replace("\r\n", "\n").replace("\n", "\r\n")
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.sent[self._area][-1] += data


def sent(html: str) -> dict[str, Any]:
    """What a browser sends of this piece of a form."""
    parser = _Inputs()
    parser.feed(html)
    return {name: values[0] if len(values) == 1 else values for name, values in parser.sent.items()}


def texts(response: HttpResponse) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def errors(response: HttpResponse) -> dict[str, list[str]]:
    assert response.status_code == 200
    found: dict[str, list[str]] = response.context["adminform"].form.errors  # type: ignore[attr-defined]
    return {name: list(messages) for name, messages in found.items()}
