"""Commands and their groups: how they are found, complained of, and ended."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from emolive.cli.complaints import USAGE_ERROR, complaints_said
from emolive.cli.language import Translated, Typer, speak, translate
from emolive.cli.outcome import outcome
from emolive.i18n import tr

# What may be said to be nothing: a title, a note, words to search for.
_MAY_BE_EMPTY = {"title", "text", "query"}


class Commands(Translated, TyperGroup):
    """Commands that return their exit code, and take no empty argument.

    As a path it would be the current folder.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """The group's own options."""
        return _without_needless_types(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name; its help shows no type where nothing can be given."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and not isinstance(command, TyperGroup):
            command.callback = _Ending.of(command.callback, ctx)
        if command is not None:
            _without_needless_types([*command.params, command.get_help_option(ctx)])
            translate(command)
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant, its arguments looked at."""
        name, command, rest = super().resolve_command(ctx, args)
        if "" in (part.rpartition("=")[2] for part in rest) and not isinstance(command, TyperGroup):
            assert command is not None
            inner = type(ctx)(command, parent=ctx, info_name=name)
            given = command.make_parser(inner).parse_args(list(rest))[0]
            for parameter in command.params:
                value = given.get(parameter.name)
                if parameter.name not in _MAY_BE_EMPTY and (
                    value == "" or (isinstance(value, list | tuple) and "" in value)
                ):
                    raise typer.BadParameter(
                        tr("it is empty."), ctx=inner, param_hint=max(parameter.opts, key=len)
                    )
        return name, command, rest


# Groups of commands, imported when they are meant, and what `--help` says of them.
GROUPS = {
    "call": "Calls of two parties: the customer's emotion, and how the conversation goes.",
    "sessions": "Recorded sessions: list, show, replay, search, tag, export, import, delete.",
    "alerts": "Rules for alerts: check them, try them on past calls, see what waits for webhooks.",
    "serve": "Monitor calls from telephone systems, and show them in browsers.",
    "adapt": "Teach a model your own voices, or your own labels, from a few labelled moments.",
    "baseline": "What is known of the sources that were listened to, to adapt answers to them.",
}


def group(**settings: Any) -> Typer:
    """A group of commands; without a command it shows its help, unless `settings` say else."""
    return Typer(
        cls=Commands,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **({"no_args_is_help": True} | settings),
    )


class AllCommands(Commands):
    """The program's own commands, then the groups."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands.update({name: _Group(name=name, help=GROUPS[name]) for name in GROUPS})

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Take the arguments; the language first, since help and complaints are in it."""
        try:
            asked = self.make_parser(ctx).parse_args(list(args))[0].get("language")
        except USAGE_ERROR:  # which is told below
            asked = None
        with complaints_said():
            speak(asked)
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is meant."""
        with complaints_said():
            return super().invoke(ctx)


class _Group(TyperGroup):
    """Stands for a group until that is meant; its module has the group's name."""

    @property
    def commands(self) -> Any:
        """The group's commands."""
        return self._meant().commands

    @commands.setter
    def commands(self, _: Any) -> None:
        """It has none of its own."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The group's own options."""
        return list(self._meant().get_params(ctx))

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """Begin to run the group."""
        return self._meant().make_context(*arguments, **settings)

    def _meant(self) -> Any:
        return typer.main.get_command(import_module(f"emolive.cli.{self.name}").app)


class _Ending:
    """What a command does, so that it ends with the exit code that it returns."""

    def __init__(self, run: Any, ctx: Any) -> None:
        self._run, self._ctx = run, ctx

    @classmethod
    def of(cls, run: Any, ctx: Any) -> _Ending:
        """The same where it is one already: a command is looked up several times."""
        return run if isinstance(run, cls) else cls(run, ctx)

    def __call__(self, *arguments: Any, **options: Any) -> None:
        code = outcome(lambda: self._run(*arguments, **options), debug=bool(self._ctx.obj))
        raise typer.Exit(code)


def _without_needless_types(parameters: list[Any]) -> list[Any]:
    """Typer shows ``<bool>`` after every flag, and Python's type beside an argument's own word."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
        elif parameter.param_type_name == "argument" and parameter.metavar is not None:
            parameter.display_type_rich = _no_type
    return parameters


def _no_type(ctx: Any) -> None:  # noqa: ARG001
    return None


def finish(context: typer.Context, body: Callable[[], int]) -> None:
    """Run a command's body and end with its exit code."""
    raise typer.Exit(outcome(body, debug=bool(context.obj)))
