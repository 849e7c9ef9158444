"""What the students of `distill_demo.py` write for prompts that they never saw, and what it is worth."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from distill_students import PROGRAM, TEST

from openrubrics.data import read_curated, read_pairs
from openrubrics.evaluation.intervals import wilson
from openrubrics.signatures import Criterion, JudgeTrace, ParseError, PreferencePair, Rubric, fingerprint, prompt_text
from openrubrics.signatures.values import Check
from openrubrics.train.base import load_tokenizer
from openrubrics.verifiers import recognise, stated_rules

BATCH = 64
LONGEST_REPLY = 320
"""In tokens; the longest completion that is learned has fewer."""

Rules = frozenset[str]
"""Fingerprints of checks."""


def rubric_figures(folder: Path) -> dict[str, Any]:
    """Return the share of rubrics that parse, and the hard rules' F1 with what a constant rubric would score.

    F1 is over all (request, check) together; the truth is what the maker of the pairs stated. A rubric that cannot be
    parsed states nothing.
    """
    pairs = read_test(folder)
    rubrics = write_rubrics(folder / "student", [pair.prompt for pair in pairs])
    truth = [_rules(map(Check.model_validate, _listed(pair.meta["checks"]))) for pair in pairs]
    learned = Counter(str(row.rubric) for row in read_curated(folder / "curated") if row.kept)
    frequent = [_stated(Rubric.parse(text)) for text, _ in learned.most_common(20)]
    readable = [rubric for rubric in rubrics if rubric]
    return {
        "prompts": len(pairs),
        "well_formed": _share(len(readable), len(pairs)),
        "hard_rule_f1": f1([_stated(rubric) if rubric else frozenset() for rubric in rubrics], truth),
        "most_frequent_rubric_f1": f1(frequent[:1] * len(pairs), truth),
        "best_of_20_frequent_rubrics_f1": max(f1([rules] * len(pairs), truth) for rules in frequent),
        "teacher_f1": f1(
            [_recognised(rule.text for rule in stated_rules(prompt_text(p.prompt))) for p in pairs], truth
        ),
    }


def judge_figures(folder: Path) -> dict[str, Any]:
    """Return the figures of the judge on short pairs, under the rules that code finds in each request."""
    pairs = read_test(folder)
    rubrics = [Rubric(criteria=tuple(_asked(pair))) for pair in pairs]
    return _judged(folder / "student", pairs, rubrics)


def real_figures(rubric: Path, judge: Path, limit: int | None = None) -> dict[str, Any]:
    """Return the figures of both students on the test pairs of the starter set, which are nothing they learned."""
    pairs = list(read_pairs("starter", split="test", limit=limit))
    return _judged(judge / "student", pairs, write_rubrics(rubric / "student", [pair.prompt for pair in pairs]))


def read_test(folder: Path) -> list[PreferencePair]:
    """Return the pairs that were held out."""
    lines = (folder / TEST).read_text(encoding="utf-8").splitlines()
    return [PreferencePair.model_validate_json(line) for line in lines]


def write_rubrics(student: Path, prompts: Sequence[Any]) -> list[Rubric | None]:
    """Return what the student writes; None where it is no rubric."""
    texts = replies(student, [PROGRAM.generate.predict.messages(prompt=prompt_text(prompt)) for prompt in prompts])
    return [_parsed(Rubric, text) for text in texts]


def f1(found: Sequence[Rules], truth: Sequence[Rules]) -> float:
    """Return the F1 over all prompts together; 0 where nothing is found and nothing is true."""
    both = sum(len(one & other) for one, other in zip(found, truth, strict=True))
    return 2 * both / max(1, sum(map(len, found)) + sum(map(len, truth)))


def replies(student: Path, conversations: Sequence[list[dict[str, str]]]) -> list[str]:
    """Return the greedy reply to each conversation, many at a time."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = load_tokenizer(student)
    tokenizer.padding_side = "left"
    model: Any = AutoModelForCausalLM.from_pretrained(student, dtype=torch.float32).eval()
    prompts = [
        str(tokenizer.apply_chat_template(one, tokenize=False, add_generation_prompt=True, enable_thinking=False))
        for one in conversations
    ]
    written = [""] * len(prompts)
    by_length = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    for start in range(0, len(by_length), BATCH):
        places = by_length[start : start + BATCH]
        batch = tokenizer([prompts[place] for place in places], return_tensors="pt", padding=True)
        with torch.inference_mode():
            rows = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=LONGEST_REPLY,
                do_sample=False,
                temperature=None,
            )
        for place, row in zip(places, rows[:, batch["input_ids"].shape[1] :], strict=True):
            written[place] = str(tokenizer.decode(row, skip_special_tokens=True))
    return written


def _judged(student: Path, pairs: Sequence[PreferencePair], rubrics: Sequence[Rubric | None]) -> dict[str, Any]:
    """Judge each pair that has a rubric in both orders; one without is wrong and not parsable in both."""
    asked = [(pair, rubric) for pair, rubric in zip(pairs, rubrics, strict=True) if rubric]
    conversations = [
        PROGRAM.judge.predict.messages(prompt=prompt_text(pair.prompt), rubric=rubric, response_a=a, response_b=b)
        for pair, rubric in asked
        for a, b in ((pair.chosen, pair.rejected), (pair.rejected, pair.chosen))
    ]
    traces = [_parsed(JudgeTrace, text) for text in replies(student, conversations)]
    ab = [trace is not None and trace.winner == "A" for trace in traces[::2]]
    ba = [trace is not None and trace.winner == "B" for trace in traces[1::2]]
    both = [first and second for first, second in zip(ab, ba, strict=True)]
    parsable = sum(trace is not None for trace in traces)
    return {
        "pairs": len(pairs),
        "parsable": _share(parsable, 2 * len(pairs)),
        "accuracy_chosen_first": _share(sum(ab), len(pairs)),
        "accuracy_chosen_second": _share(sum(ba), len(pairs)),
        "right_in_both_orders": _share(sum(both), len(pairs)),
    }


def _share(count: int, of: int) -> dict[str, Any]:
    return {"share": count / of, "interval": wilson(count, of)}


def _parsed(kind: Any, text: str) -> Any:  # noqa: ANN401 - Rubric or JudgeTrace
    try:
        return kind.parse(text)
    except ParseError:
        return None


def _asked(pair: PreferencePair) -> Sequence[Criterion]:
    return stated_rules(prompt_text(pair.prompt))


def _stated(rubric: Rubric) -> Rules:
    return _recognised(criterion.text for criterion in rubric.criteria if criterion.kind == "hard_rule")


def _recognised(texts: Iterable[str]) -> Rules:
    return _rules(found.check for text in texts for found in recognise(text))


def _rules(checks: Iterable[Check]) -> Rules:
    return frozenset(fingerprint(check.model_dump(mode="json", include={"name", "arguments"})) for check in checks)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, list) else []
