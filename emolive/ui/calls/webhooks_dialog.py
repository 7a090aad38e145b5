"""The webhooks of a file of rules: add, change, delete, and send a test."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QLineEdit, QListWidget, QWidget

from emolive.alerts.rule_drafts import NO_ADDRESS, RuleDrafts, RuleError
from emolive.alerts.webhook import new_secret, try_webhook
from emolive.i18n import tr
from emolive.ui.background import Background
from emolive.ui.controls import Fields, card, label, push_button
from emolive.ui.dialog import Dialog
from emolive.ui.layouts import STRETCH, fill, hbox
from emolive.ui.settings.form import Choice
from emolive.ui.theme import Theme


class WebhooksDialog(Dialog):
    """`changed` carries the drafts with each change that goes together."""

    changed = Signal(object)

    def __init__(self, theme: Theme, drafts: RuleDrafts, parent: QWidget | None = None) -> None:
        text = tr(
            "Servers and chats that get alerts as they fire, and only then; each rule says which. "
            "Messages hold numbers and words, never sound."
        )
        super().__init__(theme, tr("Webhooks"), text, parent, 640)
        self.drafts = drafts
        self._work = Background("webhooks", self)
        self.list = QListWidget(self)
        self.list.setAccessibleName(tr("Webhooks"))
        self.list.setObjectName("plain")
        self.list.setFixedHeight(104)
        text = tr("No webhook yet. Add one to get alerts where you are: in a chat, or on a server.")
        self.none = label(text, self, "muted", wrap=True)
        self.none.setFixedHeight(self.list.height())
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        frame = card(self, self.list, self.none, margins=4)
        self.list.currentRowChanged.connect(lambda _: self._show_hook())
        self.add = push_button(tr("Add a webhook"), self, self._on_add)
        self.delete = push_button(tr("Delete"), self, self._on_delete, kind="quiet")
        kinds: list[tuple[str, object]] = [
            (tr("Signed (a server of yours)"), "signed"),
            (tr("Slack channel"), "slack"),
            (tr("Microsoft Teams channel"), "teams"),
        ]
        self.name = QLineEdit(self)
        self.kind = Choice(tr("Kind"), kinds, self)
        self.kind.setFixedWidth(320)
        self.url = QLineEdit(self)
        self.secret = QLineEdit(self)
        self.secret.setEchoMode(QLineEdit.EchoMode.Password)
        self.show_secret = push_button(tr("Show"), self, self._on_show, kind="quiet")
        self.make_secret = push_button(tr("New"), self, self._on_new_secret, kind="quiet")
        self.secret_row = QWidget(self)
        hbox((self.secret, 1), self.show_secret, self.make_secret, within=self.secret_row)
        self.form = QWidget(self)
        fields = Fields(self.form)
        fields.setContentsMargins(0, 0, 0, 0)
        for title, widget in (
            (tr("Name"), self.name), (tr("Kind"), self.kind), (tr("Address"), self.url),
            (tr("Secret"), self.secret_row),
        ):  # fmt: skip
            fields.add(title, widget)
        for title, field in (
            (tr("Name"), self.name),
            (tr("Address"), self.url),
            (tr("Secret"), self.secret),
        ):
            field.setAccessibleName(title)
            field.textEdited.connect(lambda _: self._on_edited())
        self.url.setPlaceholderText("https://")
        self.kind.picked.connect(lambda _: self._on_edited())
        self.test = push_button(tr("Send a test"), self, self._on_test)
        self.said = label("", self, "muted", wrap=True)
        fill(
            self.body,
            frame,
            hbox(self.add, self.delete, STRETCH),
            self.form,
            hbox(self.test, (self.said, 1)),
        )
        self.done_button = push_button(tr("Done"), self, self.accept, kind="primary")
        self.buttons.addWidget(self.done_button)
        self.finished.connect(lambda: self._work.close(0.0))
        self._show_all(0)

    @property
    def index(self) -> int:
        """The chosen one, or -1."""
        return self.list.currentRow()

    def _show_all(self, row: int) -> None:
        with QSignalBlocker(self.list):
            self.list.clear()
            self.list.addItems([hook.name for hook in self.drafts.webhooks])
            self.list.setCurrentRow(min(row, len(self.drafts.webhooks) - 1))
        self._show_hook()

    def _show_hook(self) -> None:
        there = self.index >= 0
        self.none.setHidden(there)
        for widget in (self.list, self.form, self.test, self.delete):
            widget.setVisible(there)
        hook = self.drafts.webhooks[self.index] if there else None
        self.name.setText(hook.name if hook else "")
        self.kind.show_value(hook.format if hook else "signed")
        self.url.setText(hook.url if hook and hook.url != NO_ADDRESS else "")
        secret = hook.secret.get_secret_value() if hook and hook.secret else ""
        self.secret.setText(secret)
        elsewhere = hook is not None and not hook.is_chat and hook.secret is None
        # One that a variable or a file holds is not shown, and changes there.
        self.secret.setPlaceholderText(tr("kept elsewhere") if elsewhere else "")
        self.secret_row.setEnabled(there and hook is not None and not hook.is_chat)
        self.said.setText("")
        self.show_problem("")

    def _values(self) -> dict[str, Any]:
        hook = self.drafts.webhooks[self.index]
        kind = self.kind.value()
        values: dict[str, Any] = {
            "name": self.name.text(),
            "format": kind,
            "url": self.url.text().strip() or NO_ADDRESS,
        }
        if kind != "signed":
            return values | {"secret": None, "secret_env": None, "secret_file": None}
        if secret := self.secret.text().strip():
            return values | {
                "secret": SecretStr(secret), "secret_env": None, "secret_file": None,
            }  # fmt: skip
        if hook.is_chat:  # it becomes one that is signed
            return values | {"secret": SecretStr(new_secret())}
        return values

    def _on_edited(self) -> None:
        index = self.index
        if index < 0:
            return
        try:
            self.drafts = self.drafts.webhook_changed(index, self._values())
        except RuleError as error:
            self.show_problem(str(error))
            self.test.setEnabled(False)
            return
        self.show_problem("")
        self.test.setEnabled(True)
        hook = self.drafts.webhooks[index]
        self.list.item(index).setText(hook.name)
        self.secret_row.setEnabled(not hook.is_chat)
        if hook.secret is not None and not self.secret.text():
            self.secret.setText(hook.secret.get_secret_value())
        elif hook.is_chat:
            self.secret.clear()
        self.changed.emit(self.drafts)

    def _on_add(self) -> None:
        self.drafts = self.drafts.with_webhook(tr("Webhook"), new_secret())
        self.changed.emit(self.drafts)
        self._show_all(len(self.drafts.webhooks) - 1)
        self.url.setFocus()

    def _on_delete(self) -> None:
        if (index := self.index) >= 0:
            self.drafts = self.drafts.without_webhook(index)
            self.changed.emit(self.drafts)
            self._show_all(max(0, index - 1))

    def _on_show(self) -> None:
        hidden = self.secret.echoMode() == QLineEdit.EchoMode.Password
        mode = QLineEdit.EchoMode.Normal if hidden else QLineEdit.EchoMode.Password
        self.secret.setEchoMode(mode)
        self.show_secret.setText(tr("Hide") if hidden else tr("Show"))

    def _on_new_secret(self) -> None:
        self.secret.setText(new_secret())
        self._on_edited()

    def _on_test(self) -> None:
        hook = self.drafts.webhooks[self.index]
        if hook.url == NO_ADDRESS:
            self.show_problem(tr("Give the address that the server or the chat told you."))
            return
        self.show_problem("")
        self.said.setText(tr("Sending…"))
        self.test.setEnabled(False)
        self._work.ask(lambda: try_webhook(hook), self._on_taken, self._on_not_taken, key="test")

    def _on_taken(self, text: str) -> None:
        self.test.setEnabled(True)
        self.said.setText(text)

    def _on_not_taken(self, text: str) -> None:
        self.test.setEnabled(True)
        self.said.setText("")
        self.show_problem(text)
