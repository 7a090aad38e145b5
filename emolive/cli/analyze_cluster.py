"""`analyze --cluster`: archives on a Ray cluster, from folders and addresses into Parquet parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emolive.archive.baselines import ArchiveBaselines
from emolive.archive.settings import ArchiveSettings
from emolive.baseline import ProfileStore
from emolive.cli.analyze_options import AnalyzeOptions
from emolive.cli.analyze_report import AnalyzeReport
from emolive.cli.baseline import expected_mix, known_sentences
from emolive.cli.loading import load_model
from emolive.cli.options import Provider
from emolive.cli.outcome import DONE, INTERRUPTED, SOME_INPUTS_FAILED, asked_to_end
from emolive.cluster.ray_runtime import check_ray, ray_cluster
from emolive.errors import EmoliveError
from emolive.inference.bundled import model_path
from emolive.session.database import library_folder
from emolive.session.export.tables import check_parquet


def run_cluster_analyze(places: Sequence[str], address: str, options: AnalyzeOptions) -> int:
    """Analyse what is at `places` on the cluster at `address`; 1 when some input failed.

    `options.jobs` None: one worker for each core of the cluster.

    Raises:
        EmoliveError: no such cluster, an option that does not fit, a model that cannot be used,
            nothing can be written.
    """
    _check(options)
    from emolive.cluster.archive.blocks import BlockJob
    from emolive.cluster.archive.listing import find
    from emolive.cluster.archive.parts import Parts
    from emolive.cluster.archive.run import run_on_cluster

    expected = expected_mix(options.expected_neutral)
    model = model_path(options.using.model)
    classifier, config = load_model(replace(options.using, provider=Provider.CPU))
    metadata = classifier.metadata
    classifier.close()
    settings = ArchiveSettings.of(model, config, Path(), ())
    parts = Parts(options.out)
    if parts and not options.resume:
        raise EmoliveError(
            "{out} holds results of an earlier run: go on with --resume, or choose another "
            "place with --out.",
            out=options.out,
        )
    found = find(places)
    if options.baseline == "library":
        store = ProfileStore(library_folder(options.library))
        settings = settings.adapted(
            ArchiveBaselines.of_library(store, found.listing, metadata, expected)
        )
    with AnalyzeReport(found.listing, metadata.labels) as report:
        report.looked(found.problems, found.left_out)
        if settings.baselines is not None:
            for sentence in known_sentences(settings.baselines, found.listing):
                report.say(sentence)
        done: set[int] = set()
        for index, result in parts.resume(found.listing, settings.fingerprint):
            done.add(index)
            report.finished_before(found.listing[index], result)
        todo = found.listing.without(done)
        report.begin(todo)
        job = BlockJob(
            model, config, metadata.labels, options.out, settings.fingerprint, settings.baselines
        )
        try:
            with ray_cluster(address, options.jobs) as ray, asked_to_end(_end):
                run_on_cluster(ray, job, todo, report.accept, options.jobs)
        except KeyboardInterrupt:
            report.interrupted()
            return INTERRUPTED
    report.close(f"{options.out.rstrip('/')}/ (windows, segments, files)")
    return SOME_INPUTS_FAILED if report.failures else DONE


def _check(options: AnalyzeOptions) -> None:
    if options.formats not in (None, "parquet"):
        raise EmoliveError(
            "With --cluster the results are Parquet tables: leave --format out, and convert "
            "them, or analyse without --cluster."
        )
    if options.summary:
        raise EmoliveError(
            "With --cluster the table `files` has a row for every file anyway: leave --summary out."
        )
    if options.baseline == "files":
        raise EmoliveError(
            "With --cluster each file is analysed by itself: use --baseline library (`analyze "
            "--baseline files` gathers what it needs from some of them), or leave --cluster out."
        )
    if options.using.provider is Provider.CUDA:
        raise EmoliveError(
            "With --cluster archives run on the processors of the cluster: leave --provider out."
        )
    check_ray()
    check_parquet()


def _end(*_: object) -> None:
    """At once: what is finished is written by the workers."""
    raise KeyboardInterrupt
