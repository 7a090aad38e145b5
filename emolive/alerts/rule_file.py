"""Rules as a TOML file: load, check, save, and an example to begin with."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from emolive import toml_files
from emolive.alerts.rules import RuleSet
from emolive.errors import EmoliveError
from emolive.i18n import mark, tr
from emolive.private_files import open_to_others

_WHAT = mark("rules file")
_TABLES = {"rule": mark("rule"), "webhook": mark("webhook")}


def load_rules(path: Path) -> RuleSet:
    """Read and check a rules file.

    Raises:
        EmoliveError: it cannot be read; or one sentence naming file, rule and key.
    """
    return parse_rules(toml_files.read_bytes(path, _WHAT), str(path))


def parse_rules(data: bytes, name: str) -> RuleSet:
    """Check TOML text (UTF-8); `name` is what errors call it.

    Raises:
        EmoliveError: one sentence naming file, rule and key.
    """
    return toml_files.parse(RuleSet, data, name, _where)


def save_rules(rules: RuleSet, path: Path) -> None:
    """Write rules so that `load_rules` gives the same; an older file's comments are kept.

    The file appears whole or not at all, readable by its owner only. A comment goes with the rule
    above it: with that rule deleted, it is gone, too.

    Raises:
        EmoliveError: it cannot be written.
    """
    toml_files.write(rules, path, _WHAT)


def save_edited(rules: RuleSet, path: Path, read: RuleSet | None) -> Path:
    """Write rules over what was `read` from `path`, and never over anything else.

    None: nothing was read, so that they get a name beside `path` where that is taken. Returns where
    they are.

    Raises:
        EmoliveError: the file has changed since, or cannot be written.
    """
    if read is None:
        others = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
        path = next(one for one in chain((path,), others) if not one.exists())
    elif path.exists() and load_rules(path) != read:
        raise EmoliveError(
            "{path} has changed since it was opened: open it again, or save these rules as another "
            "file.",
            path=path,
        )
    save_rules(rules, path)
    return path


def example() -> str:
    """A file to begin with: every kind of rule, explained in comments."""
    return toml_files.example("emolive.alerts")


def check_labels(rules: RuleSet, labels: tuple[str, ...], model: str) -> None:
    """Make sure that a model knows the emotions that the rules name.

    Raises:
        EmoliveError: it does not; the sentence names the ones it knows.
    """
    for rule in rules.enabled:
        if unknown := rule.unknown_emotion(labels):
            raise EmoliveError(
                "Rule {name} names the emotion {unknown}, which the model {model} does "
                "not know: use {labels}.",
                name=repr(rule.name),
                unknown=repr(unknown),
                model=model,
                labels=", ".join(labels),
            )


def exposed_secrets(rules: RuleSet, path: Path) -> list[str]:
    """A sentence for each file with a secret of these rules that others can read.

    `path` is where the rules are from. Who has a webhook's secret, or a chat's
    address, can send alerts in our name.
    """
    files = {path for webhook in rules.webhooks if webhook.secret is not None or webhook.is_chat}
    files |= {one.secret_file.expanduser() for one in rules.webhooks if one.secret_file is not None}
    return [
        tr(
            "{file} holds a secret and is open to other users of this computer: run `chmod "
            "600 {file2}`.",
            file=file,
            file2=shlex.quote(str(file)),
        )
        for file in sorted(files)
        if open_to_others(file)
    ]


def _where(place: toml_files.Place, content: Mapping[str, Any]) -> tuple[str, toml_files.Place]:
    """``("rule", 0, "emotion", "for_s")`` is in *rule 1 ("Angry customer")*, key ``for_s``."""
    if len(place) < 2 or place[0] not in _TABLES or not isinstance(place[1], int):
        return "", place
    table, index = str(place[0]), place[1]
    item = content[table][index]
    name = item.get("name") if isinstance(item, dict) else None
    part = f"{tr(_TABLES[table])} {index + 1}" + (f" ({name!r})" if name else "")
    # Pydantic puts the kind of rule between the index and the key.
    rest = place[2:]
    if table == "rule" and rest:
        rest = rest[1:]
    return part, rest
