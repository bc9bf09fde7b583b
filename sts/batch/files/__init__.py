"""From a file of rows to a file of tokens: in parts, on several processes, resumable."""

from __future__ import annotations

from sts.batch.files.job import Job, Summary, run_job

__all__ = ["Job", "Summary", "run_job"]
