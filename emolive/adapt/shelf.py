"""The adapted models that are kept: written, listed, removed, and whom they remember."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from emolive.adapt.labelled import session_fingerprint
from emolive.errors import EmoliveError, ModelError
from emolive.inference.adapted_file import (
    SUFFIX,
    AdaptedModel,
    adapted_names,
    adapted_path,
    read_adapted,
)
from emolive.inference.bundled import BUNDLED
from emolive.private_files import make_private_folder, owner_only
from emolive.session import audit_log
from emolive.session.database import DATABASE_FILE, Database, library_folder
from emolive.session.export.atomic import replacing

_TAKEN = {*(one.name for one in BUNDLED), "bundled"}


def check_name(name: str) -> str:
    """The name, where a model can have it.

    Raises:
        EmoliveError: it cannot.
    """
    name = name.strip()
    if name.casefold() in _TAKEN:
        raise EmoliveError("{name} comes with emolive: give your model another name.", name=name)
    lower = name.casefold()
    if adapted_path(name) is None or name.endswith(".") or lower.endswith((".onnx", SUFFIX)):
        raise EmoliveError(
            "{name} cannot be the name of a model: use up to 80 letters, digits, spaces, "
            "-, _ and ., a letter or digit first.",
            name=repr(name[:70]),
        )
    return name


def keep(model: AdaptedModel) -> Path:
    """Write it, for its owner's eyes only; one of the same name is replaced.

    Raises:
        EmoliveError: it cannot be written.
    """
    path = adapted_path(check_name(model.name))
    assert path is not None
    try:
        make_private_folder(path.parent, exist_ok=True)
        with (
            replacing(path) as partial,
            open(partial, "w", encoding="utf-8", opener=owner_only) as file,
        ):
            file.write(model.model_dump_json() + "\n")
    except OSError as error:
        raise EmoliveError(
            "The model cannot be written to {path} ({reason}): free some space, or name "
            "another folder in EMOLIVE_MODELS.",
            path=path,
            reason=error.strerror or error,
        ) from error
    return path


def named(name: str) -> AdaptedModel:
    """The adapted model of this name.

    Raises:
        EmoliveError: there is none, or it cannot be read.
    """
    path = adapted_path(name)
    if path is None or not path.is_file():
        known = ", ".join(adapted_names()) or "none yet"
        raise EmoliveError(
            "There is no taught model {name}: there is {known}.", name=name[:70], known=known
        )
    return read_adapted(path)


def remove(name: str) -> None:
    """Delete an adapted model for good.

    Raises:
        EmoliveError: there is none, or it cannot be deleted.
    """
    path = adapted_path(name)
    try:
        if path is None:
            raise FileNotFoundError
        path.unlink()
    except FileNotFoundError:
        known = ", ".join(adapted_names()) or "none"
        raise EmoliveError(
            "There is no taught model {name}: there is {known}.", name=name[:70], known=known
        ) from None
    except OSError as error:
        raise EmoliveError(
            "The model {name} cannot be deleted ({reason}): close what uses it.",
            name=name,
            reason=error.strerror or error,
        ) from error


def kept() -> tuple[list[AdaptedModel], list[str]]:
    """All that can be read, and a sentence for each that cannot."""
    models: list[AdaptedModel] = []
    problems: list[str] = []
    for name in adapted_names():
        try:
            models.append(named(name))
        except ModelError as error:
            problems.append(str(error))
        except EmoliveError:
            continue  # it went away meanwhile
    return models, problems


def taught_with(sessions: Iterable[str]) -> list[str]:
    """The names of the models that learned from any of these sessions."""
    wanted = {session_fingerprint(session) for session in sessions}
    return [
        model.name
        for model in kept()[0]
        if any(one.kind == "session" and one.fingerprint in wanted for one in model.sources)
    ]


def deleted_sources(models: Iterable[AdaptedModel]) -> dict[str, int]:
    """Of each model how many of the sessions that it was taught with the library has deleted.

    By the library's audit log; nothing where there is no library, or it cannot be read.
    """
    folder = library_folder()
    if not (folder / DATABASE_FILE).is_file():
        return {}
    try:
        database = Database(folder / DATABASE_FILE)
        try:
            with database.reading() as connection:
                entries = audit_log.entries(connection)
        finally:
            database.close()
    except EmoliveError:
        return {}
    gone = {
        session_fingerprint(str(entry.details.get("session")))
        for entry in entries
        if entry.action == "delete"
    }
    found = {
        model.name: sum(one.kind == "session" and one.fingerprint in gone for one in model.sources)
        for model in models
    }
    return {name: n for name, n in found.items() if n}
