"""How `analyze` tells how it goes: progress, results, complaints, and a table at the end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Begun, Done, Failed, FileResult, Message
from emolive.archive.pace import Pace, PaceNow
from emolive.archive.summary import FileOutcome, Summary
from emolive.cli.console import Console, columns
from emolive.i18n import decimal, mark, ntr, tr
from emolive.labels import emotion_name, label_name, swatches
from emolive.plain_text import one_line
from emolive.times import length_text, seconds_text
from emolive.wording import percent

_NAME_WIDTH = 28
_OTHER = ("uncertain", "silence")


class AnalyzeReport:
    """Results go to standard output, everything else to standard error.

    On a terminal with a progress bar over the estimated seconds of audio.
    """

    def __init__(
        self, files: Sequence[AudioInput], labels: Sequence[str], *, keep: bool = False
    ) -> None:
        """Report on `files`, whose emotions are `labels`; `keep` each one's outcome."""
        self._labels = labels
        self._files = files
        self._kept: dict[AudioInput, FileOutcome] | None = {} if keep else None
        self._sums = Summary.of(())
        self._complaints = 0
        self._before = 0
        self._pace = Pace(())
        self._console = Console(stderr=True)
        self._results = Console(soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[pace]}", style="cyan"),
            console=self._console,
            disable=not self._console.is_terminal,
            # Results go to another stream; wherever both are the terminal, they print above.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._progress.add_task("", total=None, pace="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @property
    def failures(self) -> int:
        """Inputs that failed, in whole or in part."""
        return self._complaints + self._sums.problems

    @property
    def outcomes(self) -> list[FileOutcome]:
        """If kept: all files that are over, also in earlier runs, in the order of the inputs."""
        kept = self._kept or {}
        return [kept[item] for item in self._files if item in kept]

    def looked(self, problems: Sequence[str], left_out: Sequence[str]) -> None:
        """Some paths led to no file, and some files are none to analyse."""
        self._complaints += len(problems)
        for sentence in problems:
            self._tell(sentence, style="red")
        for sentence in left_out:
            self.say(sentence)

    def say(self, sentence: str) -> None:
        """Something to know that is no failure."""
        self._tell(sentence)

    def finished_before(self, item: AudioInput, result: FileResult) -> None:
        """An earlier run did this file."""
        self._before += 1
        self._take(FileOutcome(item, result))

    def begin(self, items: Sequence[AudioInput], note: str = "") -> None:
        """These are to be done now; `note` says more about that."""
        if note:
            self._tell(tr("{note}, {number} to hear.", note=note, number=len(items)))
        if self._before:
            self._tell(
                tr(
                    "{before} done before, {number} to do.",
                    before=_files(self._before),
                    number=len(items),
                )
            )
        self._pace = Pace(items)

    def accept(self, message: Message) -> None:
        """Something happened."""
        self.advance(message)
        self.result(message)

    def result(self, message: Message) -> None:
        """A file is over, whatever its progress was."""
        if isinstance(message, Done):
            self._done(message.item, message.result)
        elif isinstance(message, Failed):
            self._take(FileOutcome(message.item, failure=message.sentence))
            self._tell(message.sentence, style="red")

    def advance(self, message: Message) -> None:
        """Something happened of which only the progress is shown."""
        self._pace.accept(message)
        self._show(message.item if isinstance(message, Begun) else None)

    def interrupted(self) -> None:
        """A person had enough."""
        done = self._sums.files - self._sums.problems
        self._tell(
            tr(
                "Stopped: {done} of {files} are done. The same command with --resume goes on from "
                "here.",
                done=done,
                files=_files(len(self._files)),
            )
        )

    def close(self, out: str) -> None:
        """Sum up; `out` is where the results are."""
        summary = self._sums
        if summary.files > 1:
            self._console.print(self._table(summary))
            if speed := self._speed():
                self._tell(speed)
        good = summary.files - summary.problems
        now = good - self._before
        parts = [tr("{files} analysed", files=_files(now))]
        if self._before:
            parts.append(tr("{number} done before", number=self._before))
        if self.failures:
            parts.append(tr("{number} failed", number=self.failures))
        self._tell(tr("{parts}; results are in {out}", parts=", ".join(parts), out=out))

    def _take(self, outcome: FileOutcome) -> None:
        self._sums = self._sums.with_file(outcome)
        if self._kept is not None:
            self._kept[outcome.item] = outcome

    def _done(self, item: AudioInput, result: FileResult) -> None:
        self._take(FileOutcome(item, result))
        answer = tr("no speech")
        if result.label is not None and result.confidence is not None:
            leads, share = emotion_name(result.label), percent(result.confidence)
            decided = result.verdict == result.label
            undecided = tr("uncertain; {emotion} leads with {share}", emotion=leads, share=share)
            answer = f"{leads} {share}" if decided else undecided
        said = f"{item}: {answer} ({seconds_text(result.duration_s)})"
        self._results.print(one_line(said))
        if result.note:
            self._tell(tr("Notice: {note}", note=result.note))
        if result.problem:
            self._tell(
                tr("{problem} What came before is in the results.", problem=result.problem),
                style="red",
            )

    def _show(self, begun: AudioInput | None) -> None:
        now = self._pace.now()
        if begun is not None:
            name = one_line(begun.path.name)
            if len(name) > _NAME_WIDTH:
                name = f"{name[: _NAME_WIDTH - 1]}…"
            turn = min(now.files, now.files_over + 1)
            self._progress.update(self._task, description=f"{turn}/{now.files} {name}")
        self._progress.update(
            self._task, completed=now.done_s, total=now.total_s, pace=_pace_text(now)
        )

    def _table(self, summary: Summary) -> Table:
        numbers = (mark("time"), mark("share"), mark("leads in"))
        table = columns(mark("label"), *numbers, numbers=numbers, show_edge=False)
        colours = dict(zip(self._labels, swatches(self._labels), strict=True))
        shown = [*self._labels, *(label for label in _OTHER if label in summary.seconds)]
        shown += [label for label in summary.seconds if label not in shown]
        for label in shown:
            sign = Text("■ ", colours[label].dark if label in colours else "grey50")
            table.add_row(
                sign.append(label_name(label), "default"),
                length_text(summary.seconds.get(label, 0.0)),
                percent(summary.share(label), 1),
                _files(summary.leading[label]) if label in summary.leading else "",
            )
        table.add_section()
        table.add_row(tr("all files"), length_text(summary.duration_s), "", _files(summary.files))
        if self.failures:
            table.add_row(tr("failed"), "", "", _files(self.failures), style="red")
        return table

    def _speed(self) -> str | None:
        """How fast this run was; None when it had nothing to do."""
        now = self._pace.now()
        if not now.done_s:
            return None
        return tr(
            "{audio} of audio in {time}: {speed} times real time.",
            audio=length_text(now.done_s),
            time=length_text(now.elapsed_s),
            speed=decimal(now.speed, 0),
        )

    def _tell(self, text: str, style: str = "") -> None:
        self._console.print(one_line(text), style=style, soft_wrap=True)


def _files(count: int) -> str:
    return ntr("{count} file", "{count} files", count)


def _pace_text(now: PaceNow) -> str:
    parts = []
    if now.done_s:
        parts.append(tr("{speed} × real time", speed=decimal(now.speed, 0)))
    if now.left_s is not None:
        parts.append(tr("{time} left", time=length_text(now.left_s)))
    return " · ".join(parts)
