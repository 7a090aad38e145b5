"""Style rules of ordinary widgets: fields, tables, menus, dialogs, scroll bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emolive import resources

if TYPE_CHECKING:
    from emolive.ui.theme import Theme


# Kinds of buttons with a ground of their own, and those that show only their text.
_FILLED = ("primary", "danger", "chip", "toggle", "menu", "pill")
_BARE = ("quiet", "segment", "row", "jump")


def _disabled_buttons(t: Theme) -> str:
    """One look for every kind, also for one that is checked: nothing disabled looks alive."""

    def selectors(kinds: tuple[str, ...]) -> str:
        states = (":disabled", ":checked:disabled")
        return ", ".join(f'QPushButton[{k}="true"]{state}' for k in kinds for state in states)

    return f"""
{selectors(_FILLED)} {{
    background: {t.plot}; color: {t.faint}; border-color: {t.border}; font-weight: normal;
}}
{selectors(_BARE)} {{ background: transparent; color: {t.faint}; font-weight: normal; }}
"""


def widget_style(t: Theme) -> str:
    """Rules in the colours of a theme, to be appended to its style sheet."""
    tick = resources.asset(f"tick-{'dark' if t.dark else 'light'}.svg").as_posix()
    return f"""
QLineEdit, QPlainTextEdit, QDateEdit, QDoubleSpinBox, QSpinBox {{
    background: {t.surface}; border: 1px solid {t.border}; border-radius: 8px;
    padding: 0 10px; min-height: 32px; selection-background-color: {t.accent};
    selection-color: {t.on_accent};
}}
QPlainTextEdit {{ padding: 6px 8px; min-height: 0; }}
QLineEdit:hover, QPlainTextEdit:hover, QDateEdit:hover {{ border-color: {t.faint}; }}
QLineEdit:focus, QPlainTextEdit:focus, QDateEdit:focus, QDoubleSpinBox:focus, QSpinBox:focus {{
    border: 2px solid {t.accent}; padding: 0 9px;
}}
QPlainTextEdit:focus {{ padding: 5px 7px; }}
QLineEdit[plain] {{
    background: transparent; border: 1px solid transparent; font-size: 18px; font-weight: 600;
    padding: 0 6px;
}}
QLineEdit[plain="small"] {{ font-size: 15px; }}
QLineEdit[plain]:hover {{ border-color: {t.border}; background: {t.surface}; }}
QLineEdit[plain]:focus {{
    border: 2px solid {t.accent}; background: {t.surface}; padding: 0 5px;
}}
QToolButton {{
    background: transparent; border: 1px solid transparent; border-radius: 7px;
    min-width: 30px; min-height: 30px; padding: 0;
}}
QToolButton:hover {{ background: {t.plot}; border-color: {t.border}; }}
QToolButton:focus {{ border: 2px solid {t.accent}; }}
QToolButton:checked {{ background: {t.info_tint}; border-color: {t.accent}; }}
QToolButton:disabled {{ background: transparent; border-color: transparent; }}
QToolButton::menu-indicator {{ image: none; }}
QComboBox QLineEdit, QComboBox QLineEdit:focus {{
    background: transparent; border: none; padding: 0; min-height: 0;
}}
QLineEdit QToolButton {{ min-width: 0; min-height: 0; border: none; background: transparent; }}
QToolButton[round="true"] {{
    background: {t.accent}; border: 1px solid {t.accent}; border-radius: 19px;
    min-width: 36px; min-height: 36px;
}}
QToolButton[round="true"]:hover {{ background: {t.accent_hover}; }}
QToolButton[round="true"]:focus {{ border: 2px solid {t.text}; }}
QToolButton[round="true"]:disabled {{ background: {t.border}; border-color: {t.border}; }}
QPushButton[danger="true"] {{
    background: {t.danger_tint}; color: {t.danger}; border-color: {t.danger}; font-weight: 600;
}}
QPushButton[quiet="true"] {{ background: transparent; }}
QPushButton[quiet="true"]:hover {{ background: {t.plot}; }}
QPushButton[chip="true"] {{
    min-height: 24px; border-radius: 12px; padding: 0 10px; font-size: 12px;
    background: {t.plot}; border: 1px solid {t.border};
}}
QPushButton[chip="true"]:hover {{ border-color: {t.faint}; }}
QPushButton[chip="true"]:focus {{ border: 2px solid {t.accent}; padding: 0 9px; }}
QPushButton[chip="true"]:checked {{
    background: {t.info_tint}; border-color: {t.accent}; color: {t.accent}; font-weight: 600;
}}
QPushButton[row="true"] {{
    background: transparent; border: 1px solid transparent; border-radius: 6px; min-height: 28px;
    padding: 0;
}}
QPushButton[row="true"]:hover {{ background: {t.plot}; }}
QPushButton[row="true"]:focus {{ border: 2px solid {t.accent}; }}
QPushButton[menu="true"] {{ padding: 0 26px 0 12px; text-align: left; }}
QPushButton::menu-indicator {{ image: none; }}
QLabel[role="page"] {{ font-size: 20px; font-weight: 700; }}
QLabel[role="heading"] {{ font-size: 14px; font-weight: 600; }}
QLabel[role="muted"] {{ color: {t.muted}; }}
QLabel[role="problem"] {{
    color: {t.danger}; background: {t.danger_tint}; border-radius: 8px; padding: 8px 12px;
}}
QLabel[role="hint"] {{
    color: {t.text}; background: {t.info_tint}; border-radius: 8px; padding: 8px 12px;
}}
QLabel[role="clock"] {{ font-size: 18px; font-weight: 600; }}
*[large="true"] QLabel {{ font-size: 22px; }}
*[large="true"] QLabel[role="hero"] {{ font-size: 48px; }}
*[large="true"] QLabel[role="title"] {{ font-size: 28px; }}
*[large="true"] QLabel[role="caption"] {{ font-size: 18px; }}
*[large="true"] QPushButton, *[large="true"] QComboBox {{ font-size: 20px; min-height: 52px; }}
QDialog {{ background: {t.window}; }}
QTableView, QListView, QTreeView {{
    background: {t.surface}; border: none; outline: none; gridline-color: transparent;
    selection-background-color: {t.info_tint}; selection-color: {t.text};
    alternate-background-color: {t.surface};
}}
QListWidget#plain {{ background: transparent; }}
QListWidget#plain::item {{ min-height: 30px; padding: 0 8px; border-radius: 6px; }}
QListWidget#plain::item:selected {{ background: {t.info_tint}; color: {t.text}; }}
QTableView#results::item {{ padding: 0 8px; }}
QTableWidget::item {{ padding: 0 4px; }}
QTableView#results::item:selected {{ background: {t.info_tint}; color: {t.text}; }}
QHeaderView {{ background: {t.surface}; }}
QHeaderView::section {{
    background: {t.surface}; color: {t.muted}; border: none; padding: 0 8px;
    border-bottom: 1px solid {t.border}; font-size: 12px; min-height: 30px;
}}
QHeaderView::section:first {{ padding-left: 14px; }}
QTableWidget QHeaderView::section, QTableWidget QHeaderView::section:first {{ padding: 0 4px; }}
QTableWidget::item:selected {{ background: {t.info_tint}; color: {t.text}; }}
QHeaderView::section:hover {{ color: {t.text}; }}
QHeaderView::down-arrow, QHeaderView::up-arrow {{ width: 0; height: 0; }}
QMenu {{
    background: {t.surface}; border: 1px solid {t.border}; border-radius: 8px; padding: 5px;
}}
QMenu::item {{ padding: 6px 26px 6px 12px; border-radius: 5px; }}
QMenu::item:selected {{ background: {t.info_tint}; }}
QMenu::item:disabled {{ color: {t.faint}; }}
QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 6px; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 1px; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 1px; }}
QScrollBar::handle {{ background: {t.border}; border-radius: 4px; }}
QScrollBar::handle:vertical {{ min-height: 32px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; }}
QScrollBar::handle:hover {{ background: {t.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QCheckBox, QRadioButton {{ spacing: 8px; min-height: 24px; }}
QCheckBox::indicator {{
    width: 16px; height: 16px; border: 1px solid {t.faint}; border-radius: 4px;
    background: {t.surface};
}}
QCheckBox::indicator:hover {{ border-color: {t.accent}; }}
QCheckBox::indicator:checked {{
    background: {t.accent}; border-color: {t.accent}; image: url({tick});
}}
QCheckBox::indicator:disabled {{ border-color: {t.border}; background: {t.plot}; }}
QRadioButton::indicator {{
    width: 16px; height: 16px; border: 1px solid {t.faint}; border-radius: 9px;
    background: {t.surface};
}}
QRadioButton::indicator:hover {{ border-color: {t.accent}; }}
QRadioButton::indicator:checked {{
    width: 8px; height: 8px; border: 5px solid {t.accent}; background: {t.on_accent};
}}
QRadioButton:focus {{ color: {t.accent}; }}
QCheckBox:focus {{ color: {t.accent}; }}
QCheckBox:disabled {{ color: {t.faint}; }}
QRadioButton:disabled {{ color: {t.faint}; }}
QRadioButton::indicator:disabled {{ border-color: {t.border}; background: {t.plot}; }}
QLineEdit:disabled, QPlainTextEdit:disabled, QDateEdit:disabled, QDoubleSpinBox:disabled,
QSpinBox:disabled, QComboBox:disabled {{
    color: {t.faint}; background: {t.plot}; border-color: {t.border};
}}
{_disabled_buttons(t)}
QProgressBar {{
    background: {t.border}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px;
}}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
QSlider {{ min-height: 26px; background: transparent; }}
QSlider::groove:horizontal {{ background: {t.border}; height: 4px; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {t.accent}; height: 4px; border-radius: 2px; }}
QSlider::handle:horizontal {{
    background: {t.surface}; border: 2px solid {t.accent}; width: 12px; margin: -6px 0;
    border-radius: 8px;
}}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {t.accent}; }}
QSlider::sub-page:horizontal:disabled {{ background: {t.faint}; }}
QSlider::handle:horizontal:disabled {{ border-color: {t.faint}; }}
QFrame#popup {{
    background: {t.surface}; border: 1px solid {t.border}; border-radius: 10px;
}}
QSplitter::handle {{ background: transparent; }}
QCalendarWidget QWidget {{ alternate-background-color: {t.plot}; }}
"""
