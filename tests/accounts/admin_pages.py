"""The admin as its users see it: a signed-in client, and forms filled as the page shows them."""

from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent


def admin(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(model: str, kind: str, *args: Any) -> str:
    return reverse(f"admin:accounts_{model}_{kind}", args=args)


def form_of(client: Client, url: str) -> dict[str, Any]:
    """Return what a browser would send back of the page at `url` without any edit."""
    context = client.get(url).context
    sent = _values(context["adminform"].form)
    for formset in context["inline_admin_formsets"]:
        sent |= _values(formset.formset.management_form)
        for form in formset.formset.initial_forms:
            sent |= _values(form)
    return sent


def _values(form: Any) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(value, bool):
            # A browser says nothing of a box that is not ticked.
            sent |= {bound.html_name: "on"} if value else {}
        else:
            sent[bound.html_name] = _sent(value)
        if bound.field.show_hidden_initial:
            shown = form.get_initial_for_field(bound.field, bound.name)
            sent[bound.html_initial_name] = _sent(shown)
    return sent


def _sent(value: Any) -> Any:
    return "" if value is None else getattr(value, "pk", value)


def errors_of(response: Any) -> dict[str, list[str]]:
    """Return the messages of a form that came back, by field."""
    assert response.status_code == 200
    return {name: list(texts) for name, texts in response.context["adminform"].form.errors.items()}


def recorded() -> list[str]:
    """Return the names of accounts' events, without those of logging in."""
    rows = AuditEvent.objects.filter(name__startswith="accounts.").order_by("seq")
    return [name for name in rows.values_list("name", flat=True) if "logged_in" not in name]
