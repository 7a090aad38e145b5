"""`doctor`: the checks, one after the other."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from emolive.cli.checks import Finding, Verdict, package_versions, run_checks
from emolive.cli.console import Console
from emolive.cli.outcome import CANNOT, DONE, print_json
from emolive.i18n import tr

_SIGNS = {
    Verdict.OK: ("✓", "green"),
    Verdict.WARNING: ("!", "yellow"),
    Verdict.BROKEN: ("✗", "bold red"),
}


def run_doctor(model: Path | None, provider: str, *, as_json: bool) -> int:
    """Check everything and print what was found; 2 when something needed is broken."""
    if as_json:
        findings = list(run_checks(model, provider))
        print_json(
            {"ok": not _broken(findings), "versions": package_versions(), "checks": findings}
        )
    else:
        console = Console(soft_wrap=True)
        findings = []
        for finding in run_checks(model, provider):
            findings.append(finding)
            console.print(_lines(finding))
        console.print(_verdict(findings))
    return CANNOT if _broken(findings) else DONE


def _broken(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.verdict is Verdict.BROKEN]


def _lines(finding: Finding) -> Text:
    sign, style = _SIGNS[finding.verdict]
    text = Text.assemble((f"{sign} ", style), (tr(finding.name), "bold"))
    for fact in finding.facts:
        text.append(f"\n    {fact}")
    if finding.way_out:
        text.append(f"\n  → {finding.way_out}", style)
    return text


def _verdict(findings: list[Finding]) -> Text:
    if broken := _broken(findings):
        names = ", ".join(tr(finding.name) for finding in broken)
        return Text(tr("\nBroken: {names}.", names=names), "bold red")
    return Text(tr("\nEverything that is needed works."), "bold green")
