"""The admin by role: who sees, adds and changes there, and how a service's refusal is shown."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.models import User
from config.api.errors import DomainError
from config.api.serializers import camel

if TYPE_CHECKING:
    _Options = admin.options.BaseModelAdmin[Any]
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
    ModelForm = forms.ModelForm[Any]
else:
    # Django's classes take no type parameters when the program runs.
    _Options = object
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline
    ModelForm = forms.ModelForm

_REFUSAL = "_service_refusal"


def actor_of(request: HttpRequest) -> User:
    """Return the user who works in the admin; raises PermissionDenied for nobody."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class RoleAdminMixin(_Options):
    """Permissions by role: readers of everything view, officers add and change, nobody deletes.

    Serves model admins and inlines alike. Django's own permission rows play no part.
    """

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _reads_everything(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _reads_everything(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_officer(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_officer(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ServiceModelAdmin(RoleAdminMixin, _ModelAdmin):
    """A model admin whose `save_model` and actions call one service each.

    Where the service refuses, nothing is saved: the form comes back with what was typed and with
    the reasons, an action comes back to the list with a message.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (DomainError, ValidationError) as refusal:
            # Once more, after the rollback: `get_form` now makes a form that is not valid.
            setattr(request, _REFUSAL, refusal)
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        form = super().get_form(request, obj, change, **kwargs)
        refusal = getattr(request, _REFUSAL, None)
        return form if refusal is None else _refused(form, refusal)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().changelist_view(request, extra_context)
        except (DomainError, ValidationError) as refusal:
            for text in (text for texts in _reasons(refusal).values() for text in texts):
                self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


class ReadOnlyInline(RoleAdminMixin, _TabularInline):
    """Rows shown under their parent; nobody edits them there."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _reads_everything(request: HttpRequest) -> bool:
    # The log-in page asks for visitors too.
    return isinstance(request.user, User) and request.user.reads_everything


def _is_officer(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_officer


def _reasons(refusal: DomainError | ValidationError) -> Mapping[str, Sequence[str]]:
    if isinstance(refusal, DomainError):
        return refusal.details or {NON_FIELD_ERRORS: [refusal.message]}
    if hasattr(refusal, "error_dict"):
        return refusal.message_dict
    return {NON_FIELD_ERRORS: refusal.messages}


def _refused(form: type[ModelForm], refusal: DomainError | ValidationError) -> type[ModelForm]:
    def clean(self: ModelForm) -> dict[str, Any] | None:
        cleaned = form.clean(self)
        by_wire_name = {camel(name): name for name in self.fields}
        for name, texts in _reasons(refusal).items():
            field = name if name in self.fields else by_wire_name.get(name)
            for text in texts:
                self.add_error(field, text)
        return cleaned

    return type(form.__name__, (form,), {"clean": clean})
