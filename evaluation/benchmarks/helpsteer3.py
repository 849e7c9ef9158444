"""HelpSteer3-Preference (Wang et al.): the validation split as a test of judges, as OpenRubrics uses it since v3.

How many pairs of each domain the split has is not known here: what could be read of the data card, of the paper and of
the work of others tells at most the number of all rows, with ties.
"""

from collections.abc import Iterable, Iterator
from typing import cast

from openrubrics.data.layouts import LAYOUTS
from openrubrics.data.presets import PRESETS
from openrubrics.data.rows import Located, PassedOver
from openrubrics.evaluation.benchmarks.benchmark import Benchmark, Rule, Source
from openrubrics.evaluation.benchmarks.case import Case
from openrubrics.evaluation.benchmarks.plain import OURS, ours
from openrubrics.evaluation.benchmarks.upstream import Row, cases, group_of, pair_of
from openrubrics.signatures.values import PreferencePair

_PRESET = PRESETS["helpsteer3"]
_LAYOUT = LAYOUTS[_PRESET.layout]
_DOMAINS = ("general", "stem", "code", "multilingual")


def _cases(rows: Iterable[Located], responses: Iterable[Located]) -> Iterator[Case | PassedOver]:
    return cases(rows, _case)


def _case(row: Row) -> Case | PassedOver:
    domain = row.word("domain", _DOMAINS)
    if "chosen" in row.values:
        pair = pair_of(row)
    else:
        read = _LAYOUT.read(row.values, row.place, _PRESET.columns, strict=False, take="extremes")
        if isinstance(read, PassedOver):
            return PassedOver("no preference of the annotators")
        pair = cast("PreferencePair", read.value)  # which is what this layout makes
    return Case.of(pair, subset=domain, group=group_of(pair.prompt, pair.meta))


HELPSTEER3 = Benchmark(
    name="helpsteer3",
    title="HelpSteer3-Preference, validation",
    says="Whether a judge agrees with paid annotators about which of two responses is more helpful.",
    licence=_PRESET.licence,
    citation=_PRESET.citation,
    source=Source(_PRESET.hub, split=("validation",), config=_PRESET.config),
    cases=_cases,
    counts={},
    pairs=Rule(says=f"Right pairs / all pairs that have a preference. {OURS}", official=False, readings=ours()),
    scores=Rule(
        says=f"Pairs in which the better response has the higher score / all pairs that have a preference. {OURS}",
        official=False,
        readings=ours(),
    ),
    notes=(
        "the authors publish the split for the training of reward models; that it tests judges, and how, is ours after "
        "OpenRubrics v3",
        "rows of strength 0 say that the responses are about the same; they are left out, and counted",
        "2,017 rows, of which 1,917 have a preference as a replication of OpenRubrics counted (not verified here)",
        "unknown: the numbers by domain, so no run can be checked for completeness",
    ),
)
