"""The dataset card of a curated data set, for people and for `datasets`."""

from collections.abc import Iterable
from pathlib import PurePath
from typing import get_args
from uuid import uuid4

from openrubrics.data.curated_rows import COLUMNS, TYPES, Configuration
from openrubrics.data.curation_counts import CurationSummary
from openrubrics.data.manifest import Manifest
from openrubrics.data.markdown import plain, table

_SHOWN_DOMAINS = 50
_SHOWN_FAILURES = 20

_HEADER = """\
---
pretty_name: Curated rubrics
license: unknown
task_categories:
- text-generation
tags:
- rubrics
- preference
- reward-model
- llm-as-a-judge
configs:
- config_name: kept
  default: true
  data_files:
  - split: train
    path: kept/*.parquet
- config_name: rejected
  data_files:
  - split: train
    path: rejected/*.parquet
"""

_UNKNOWN = """\
- The licence of the input, of which each row repeats request and responses, and the terms of the models that wrote
  rubrics and judgments: the input does not say. Find out before you pass the data on.
- Whether a rubric is right. Kept means that one judge reproduced the label with it; a rubric can do so for wrong
  reasons, and a good one can be rejected because the judge erred.
- Whether the rows overlap with a benchmark, or hold personal data.
- Topic-specific principles are found by code that sees names, numbers and response indices only; subject words in lower
  case and paraphrases escape it."""


def card(summary: CurationSummary, manifest: Manifest, rows: str) -> str:
    """Return the text of README.md.

    Args:
        summary: What came of it.
        manifest: How it was made.
        rows: Digest of all rows. `datasets` caches what it loads under the folder's last name and this header, not
            under the rows: without a digest, it would give those of another curation in a folder of the same name.
    """
    return "\n\n".join((_head(f"rows {rows}"), *_sections(summary, manifest))) + "\n"


def unfinished_card() -> str:
    """Return what README.md says while the rows are being replaced."""
    return f"{_head(f'unfinished rows {uuid4().hex}')}\n\nThe rows are not complete: run the same curation again.\n"


def _head(description: str) -> str:
    return f"{_HEADER}dataset_info:\n{_info(description)}---\n\n# Curated rubrics"


def _info(description: str) -> str:
    types = "".join(f"  - name: {name}\n    dtype: {TYPES.get(name, 'string')}\n" for name in COLUMNS)
    return "".join(
        f"- config_name: {name}\n  description: {description}\n  features:\n{types}" for name in get_args(Configuration)
    )


def _sections(summary: CurationSummary, manifest: Manifest) -> Iterable[str]:
    yield (
        f"Rubrics written by contrasting ranked responses: {summary.kept} of {summary.pairs} preference pairs "
        f"({_percent(summary.kept_share)}), from {summary.items} requests, are kept because a judge who reads the "
        "rubric prefers the response that the input prefers. The others are in the configuration `rejected`, each with "
        "its reason."
    )
    yield (
        '```python\nfrom datasets import load_dataset\n\nkept = load_dataset(FOLDER, split="train")\n'
        'rejected = load_dataset(FOLDER, "rejected", split="train")\n```'
    )
    if not (summary.kept and summary.kept < summary.pairs):
        yield (
            'A configuration without rows cannot be loaded by `datasets` (`Instruction "train" corresponds to no '
            "data!`) except with `streaming=True`; here that is "
            f"{'`rejected`' if summary.kept else '`kept`' if summary.pairs else 'both'}."
        )
    yield "## How it was made\n\n" + table(("", ""), ((name, plain(value)) for name, value in _how(summary, manifest)))
    yield _filter(summary)
    yield "## Counts\n\n" + table(("reason", "pairs"), summary.reasons.items())
    if summary.failures:
        failures = ((plain(reason), count) for reason, count in list(summary.failures.items())[:_SHOWN_FAILURES])
        yield table(("what went wrong", "pairs"), failures)
    yield table(
        ("domain", "pairs", "kept", "kept share"),
        (
            (plain(domain), counts.pairs, counts.kept, _percent(counts.kept_share))
            for domain, counts in list(summary.by_domain.items())[:_SHOWN_DOMAINS]
        ),
    )
    yield (
        f"{summary.topic_specific} of {summary.rubrics} rubrics ({_percent(summary.topic_specific_share)}) have a "
        "principle in which code found a name, a number or a response index of their request."
    )
    yield "## Columns\n\n" + table(("column", "what it holds"), COLUMNS.items())
    yield f"## What is not known\n\n{_UNKNOWN}"


def _how(summary: CurationSummary, manifest: Manifest) -> Iterable[tuple[str, object]]:
    for role, name in manifest.lms.items():
        yield f"{role} model", name
    yield "prompts", f"fingerprint {manifest.program}"
    yield "tau", summary.settings.tau
    yield "orders", summary.settings.orders
    yield "rubrics", f"{summary.attempts} written, at most {summary.settings.attempts} for each request"
    yield "topic-specific rubrics", "rejected" if summary.settings.general_only else "reported, not rejected"
    yield "seed", summary.settings.seed
    for path, digest in manifest.data.items():
        yield "input", f"{PurePath(path).name}, SHA-256 {digest}"
    cost = "unknown" if summary.cost is None else f"{summary.cost:.4f} US dollars"
    yield "spent", f"{summary.calls} calls of models, {summary.tokens} tokens, cost {cost}, {summary.seconds:.0f} s"
    yield "versions", ", ".join(f"{name} {version}" for name, version in manifest.versions.items())


def _filter(summary: CurationSummary) -> str:
    twice = " in both orders" if summary.settings.orders == "both" else ""
    return (
        "For each request one rubric is written from its responses, best first. The judge then compares every pair of "
        f"them under that rubric{twice}, in an order drawn from the pair's id and the seed. A pair is kept if the "
        f"judge is right on it and on at least {summary.settings.tau:g} of the request's pairs; ties and failures are "
        "not right (preference-label consistency, OpenRubrics, arXiv 2510.07743 v3, Eq. 1-5). Where no pair is kept, "
        "another rubric is sampled as long as attempts are left."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
