"""How often the guards against degenerate output fire on real answers, and whether they decide as people did.

``python benchmarks/guards.py --data FOLDER`` reads files of labelled pairs, which are not part of the project, and asks
no model. For each file it counts, guard by guard, the chosen and the rejected responses that fail; then the pairs that
code decides, by the guards alone and by the guards with the rules that the request states, and how many of those go to
the chosen response. It prints a table and, with ``--json FILE``, writes the figures; ``--wrong`` shows each pair that
goes to the rejected response.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from openrubrics.data import read_pairs
from openrubrics.programs.enforce import decide_by_checks
from openrubrics.signatures import Criterion, PreferencePair, Rubric, prompt_text
from openrubrics.signatures.meta_rubric import GuardName
from openrubrics.verifiers import request_checks, verify

FILES = (
    "hhh_alignment", "ifeval_verified_pairs", "judgebench", "llmbar", "llmbar_extra", "pandalm_test", "rm_bench_raw",
    "tulu1_human",
)  # fmt: skip
AGAINST_DEGENERATE: tuple[GuardName, ...] = ("empty", "cut", "repetition", "language_mix", "refusal")


def pairs(path: Path) -> Iterator[PreferencePair]:
    """Read pairs; of RM-Bench's matrix, each style of the chosen answer against each of the rejected one."""
    if path.stem != "rm_bench_raw":
        yield from read_pairs(path)
        return
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        for c, chosen in enumerate(row["chosen"]):
            for r, rejected in enumerate(row["rejected"]):
                yield PreferencePair(id=f"{row['id']}/{c}{r}", prompt=row["prompt"], chosen=chosen, rejected=rejected)


def measure(source: Iterable[PreferencePair], every: int = 1) -> dict[str, Any]:
    """Count what fires and what is decided, over each ``every``-th pair."""
    counts: Counter[str] = Counter()
    fired: dict[GuardName, dict[str, int]] = {
        guard: {"bound": 0, "chosen": 0, "rejected": 0} for guard in AGAINST_DEGENERATE
    }
    wrong: list[dict[str, str]] = []
    for place, pair in enumerate(source):
        if place % every:
            continue
        counts["pairs"] += 1
        rules = request_checks(prompt_text(pair.prompt))
        guards = tuple(rule for rule in rules if rule.check and rule.check.name.startswith("guard:"))
        for guard in guards:
            _count(fired, guard, pair)
        for name, criteria in (("guards", guards), ("all", rules)):
            verdict = decide_by_checks(Rubric(criteria=criteria), pair.chosen, pair.rejected)
            if verdict:
                counts[f"{name}_decide"] += 1
                counts[f"{name}_right"] += verdict.preferred == "A"
                if verdict.preferred == "B":
                    said = "; ".join(one.text for one in verdict.findings if one.text.startswith("not met"))
                    wrong.append({"by": name, "id": pair.id, "said": said, "end of chosen": pair.chosen[-120:]})
    names = ("pairs", "guards_decide", "guards_right", "all_decide", "all_right")
    return {name: counts[name] for name in names} | {"fired": fired, "wrong": wrong}


def _count(fired: dict[GuardName, dict[str, int]], guard: Criterion, pair: PreferencePair) -> None:
    if guard.check:
        of = next(counts for name, counts in fired.items() if guard.check.name == f"guard:{name}")
        of["bound"] += 1
        of["chosen"] += verify(guard.check, pair.chosen).passed is False
        of["rejected"] += verify(guard.check, pair.rejected).passed is False


def table(figures: dict[str, dict[str, Any]]) -> str:
    """Return the figures as Markdown; of a guard, failing chosen and rejected responses of the pairs it is bound in."""
    heads = ["file", "pairs", *AGAINST_DEGENERATE, "decided by guards", "with stated rules"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for name, found in figures.items():
        fired = [f"{one['chosen']}, {one['rejected']} of {one['bound']}" for one in found["fired"].values()]
        decided = [f"{found[f'{by}_right']} of {found[f'{by}_decide']} right" for by in ("guards", "all")]
        lines.append("| " + " | ".join([name, str(found["pairs"]), *fired, *decided]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure all files that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the pair files")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--wrong", action="store_true", help="show each pair that goes to the rejected response")
    options = parser.parse_args()
    paths = [path for name in FILES if (path := options.data / f"{name}.jsonl").exists()]
    if not paths:
        parser.error(f"{options.data}: none of {', '.join(FILES)} is there as .jsonl")
    figures = {path.stem: measure(pairs(path)) for path in paths}
    sys.stdout.write(table(figures) + "\n")
    if options.wrong:
        for name, found in figures.items():
            for one in found["wrong"]:
                sys.stdout.write(f"\n{name}: {json.dumps(one, ensure_ascii=False)}\n")
    if options.json:
        options.json.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
