"""The admin's page for one's own password: the admin has no other way to give it a form."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from accounts.admin_forms import PasswordForm


class AdminPasswordChangeView(PasswordChangeView):
    """Django's page with a form that changes the password through the service."""

    form_class = PasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.current_app = admin.site.name
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]


password_change = admin.site.admin_view(AdminPasswordChangeView.as_view(), cacheable=True)
