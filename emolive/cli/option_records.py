"""Options that belong together as one parameter, a record; Typer sees them one by one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def spread(body: Callable[..., Any]) -> Callable[..., Any]:
    """A command's body as Typer takes it: where a record stands, an option for each of its fields.

    A record is a dataclass; its fields are annotated as parameters are, or are records again.
    """
    signature = inspect.signature(body, eval_str=True)
    parameters = signature.parameters
    records = {
        name: one.annotation for name, one in parameters.items() if is_dataclass(one.annotation)
    }
    if not records:
        return body

    @wraps(body)
    def run(**given: Any) -> Any:
        made = {name: _made(record, given) for name, record in records.items()}
        return body(**given, **made)

    options: list[inspect.Parameter] = []
    for name, one in parameters.items():
        options += _options(records[name]) if name in records else [one]
    keyword = inspect.Parameter.KEYWORD_ONLY  # a default may come before none
    options = [one.replace(kind=keyword) for one in options]
    run.__signature__ = signature.replace(parameters=options)  # type: ignore[attr-defined]
    return run


def _fields(record: Any) -> Iterator[tuple[Field[Any], Any]]:
    hints: Mapping[str, Any] = get_type_hints(record, include_extras=True)
    return ((field, hints[field.name]) for field in fields(record))


def _options(record: Any) -> Iterator[inspect.Parameter]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    for field, hint in _fields(record):
        if is_dataclass(hint):
            yield from _options(hint)
        else:
            yield inspect.Parameter(field.name, keyword, default=field.default, annotation=hint)


def _made(record: Any, given: dict[str, Any]) -> Any:
    """A record of what was given, which is taken out."""
    return record(
        **{
            field.name: _made(hint, given) if is_dataclass(hint) else given.pop(field.name)
            for field, hint in _fields(record)
        }
    )
