"""Forms of the admin of accounts: log-in, users, issuers, members, tokens."""

from typing import Any, ClassVar

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth import authenticate
from django.db import transaction

from accounts.admin_roles import ModelForm
from accounts.choices import IssuerRole, Role
from accounts.lockout import account_name
from accounts.models import Issuer, IssuerMember, Token, User
from accounts.services import user_password_change
from audit.services import record_event


class LogInForm(AdminAuthenticationForm):
    """The admin's log-in: the same counting of failures and the same events as the API's."""

    username = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"}),
    )

    def clean(self) -> dict[str, Any]:
        name = account_name(self.cleaned_data.get("username"))
        password = self.cleaned_data.get("password")
        if name and password:
            # As `email`: axes does not count a failure of credentials that say `username`.
            user = authenticate(self.request, email=name, password=password)
            if not isinstance(user, User):
                raise self.get_invalid_login_error()
            self.user_cache = user
            self.confirm_login_allowed(user)
        return self.cleaned_data

    def confirm_login_allowed(self, user: Any) -> None:
        try:
            super().confirm_login_allowed(user)
        except forms.ValidationError:
            with transaction.atomic():
                record_event(
                    "security.access.denied",
                    actor=user,
                    success=False,
                    details={"method": "POST", "route": "admin/login/", "reason": "NO_ROLE"},
                )
            raise


class PasswordForm(AdminPasswordChangeForm):
    """The change of one's own password in the admin, through the service."""

    def save(self, commit: bool = True) -> User:
        user: User = self.user
        user_password_change(user=user, password=self.cleaned_data["new_password1"])
        return user


class EditForm(ModelForm):
    """A form that writes what was edited on it, and refuses what somebody else edited meanwhile.

    It compares with what the page showed, which it carries along, and not with the record of now.
    """

    not_carried: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() - self.not_carried:
            self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.instance._state.adding and self._carries():
            for name in self.changed_data:
                if self._changed_meanwhile(name):
                    self.add_error(name, "Somebody changed this meanwhile; open the record again.")
        return cleaned

    def _carries(self) -> bool:
        # Asked of the whole form: a selection of nothing is carried by no value at all.
        return any(self[name].html_initial_name in self.data for name in self.fields)

    def _changed_meanwhile(self, name: str) -> bool:
        bound = self[name]
        if not bound.field.show_hidden_initial:
            return False
        shown = bound.field.hidden_widget().value_from_datadict(
            self.data, self.files, bound.html_initial_name
        )
        return bound.field.has_changed(self.get_initial_for_field(bound.field, name), shown)


class UserForm(EditForm):
    """A user's identity, roles and, where it is to be set, password."""

    not_carried = frozenset({"new_password", "new_password_again"})

    roles = forms.MultipleChoiceField(
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Without a role: the API only, and what the user's issuers allow.",
    )
    new_password = forms.CharField(
        required=False,
        strip=False,
        max_length=1_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. Leave it empty to change nothing; a wallet needs none.",
    )
    new_password_again = forms.CharField(
        required=False,
        strip=False,
        max_length=1_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ("email", "address", "full_name", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["roles"] = sorted(self.instance.roles)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("new_password") != cleaned.get("new_password_again"):
            self.add_error("new_password_again", "The two passwords differ.")
        return cleaned


class CapitalsField(forms.CharField):
    """Text in capitals, however it was typed."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).upper()


class IssuerForm(EditForm):
    """The legal entity; LEI and country are checked by the model."""

    lei = CapitalsField(
        label="LEI", max_length=20, required=False, help_text="ISO 17442, 20 characters."
    )
    country = CapitalsField(max_length=2, required=False, help_text="ISO 3166-1 alpha-2.")
    roles = forms.MultipleChoiceField(
        choices=IssuerRole.choices, required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Issuer
        fields = ("legal_name", "lei", "registration_number", "country", "entity_type", "roles")


class MemberForm(ModelForm):
    """A member's role; who it is can only be said when adding."""

    class Meta:
        model = IssuerMember
        fields = ("user", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "user" in self.fields and not self.instance._state.adding:
            self.fields["user"].disabled = True


class TokenForm(EditForm):
    """What is known of a token, and who owns its record."""

    class Meta:
        model = Token
        fields = (
            "name",
            "unit_name",
            "total",
            "decimals",
            "standard",
            "creator_address",
            "contract_address",
            "issuer",
        )
