"""The stream of an archive through Ray Data: blocks of files in, word of each file out."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from types import ModuleType

from emolive.archive.messages import Tell
from emolive.cluster.archive.blocks import BlockJob, analyse_block, told
from emolive.cluster.archive.listing import Listing, in_blocks
from emolive.cluster.parcels import packed
from emolive.errors import EmoliveError

# A part holds as many files, or as many bytes of them (a few hours of sound), as this at most.
MOST_FILES, MOST_BYTES = 64, 256 * 2**20
# So that the last block of one worker is no long wait for all the others; but a block costs a
# process and a loaded model.
_BLOCKS_PER_WORKER, _LEAST_FILES = 4, 8


def run_on_cluster(
    ray: ModuleType, job: BlockJob, listing: Listing, tell: Tell, jobs: int | None = None
) -> None:
    """Analyse `listing` on the cluster that `ray` is connected to; `tell` in this thread.

    Each block of the listing becomes a part of the results. What `tell` raises ends the run, and
    what is in work is lost. `jobs`: workers at most; None: one for each core of the cluster.

    Raises:
        EmoliveError: nothing can be had from any file, or the cluster is lost.
    """
    if not len(listing):
        return
    import ray.data as data  # type: ignore[import-untyped, unused-ignore]

    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # Word of a file goes out at once, and is so small that room never limits the workers.
    context.target_max_block_size = 1
    logging.getLogger("ray.data").setLevel(logging.ERROR)

    workers = jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))
    even = -(-len(listing) // (workers * _BLOCKS_PER_WORKER))
    blocks = list(in_blocks(listing, min(MOST_FILES, max(_LEAST_FILES, even)), MOST_BYTES))
    job = replace(job, model=ray.put(packed(job.model)))
    stream = data.from_arrow(blocks).map_batches(
        partial(analyse_block, job=job),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=1,
        concurrency=min(workers, len(blocks)),
    )
    try:
        for row in stream.iter_rows():
            tell(told(dict(row)))
    except ray.exceptions.RayError as error:
        raise EmoliveError(
            "The cluster was lost in the middle ({kind}): the same command with --resume goes "
            "on from what is finished.",
            kind=type(error).__name__,
        ) from error
