"""The admin as somebody uses it."""

import re
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
        value = bound.field.widget.format_value(bound.value()) if bound.value() is not None else ""
        data[bound.html_name] = value[0] if isinstance(value, list) and value else (value or "")
    for formset in response.context.get("inline_admin_formsets", []):  # type: ignore[attr-defined]
        for bound in formset.formset.management_form:
            data[bound.html_name] = bound.value()
    return data


def texts(response: HttpResponse) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def errors(response: HttpResponse) -> dict[str, list[str]]:
    assert response.status_code == 200
    found: dict[str, list[str]] = response.context["adminform"].form.errors  # type: ignore[attr-defined]
    return {name: list(messages) for name, messages in found.items()}
