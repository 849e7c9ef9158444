"""What students learn from: kept rows of a real curation as they are served, balanced, and with every drop told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dspy
import pytest

from openrubrics.data import (
    CuratedItem,
    CuratedRow,
    Provenance,
    curate,
    export_curated,
    read_curated,
    read_pairs,
    split_by_prompt,
)
from openrubrics.lms import ScriptedLM, lm
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, RubricRM
from openrubrics.signatures import (
    DataError,
    Finding,
    GenerateRubric,
    JudgePair,
    Judgment,
    Orders,
    Rubric,
    UsageError,
    Vote,
    invert,
    prompt_text,
    render_judgment,
)
from openrubrics.signatures.outcomes import OrderOutcome, Verdict
from openrubrics.signatures.values import Label, Order
from openrubrics.train import SFTData, SFTRecord, Stage, sft_data
from openrubrics.train.encode import NO_LOSS, encode
from openrubrics.train.tiny import CONTROL_TOKENS, THINK_TOKENS, tiny_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STARTER = Path(__file__).parents[2] / "data" / "starter" / "train.jsonl"
RUBRIC = Rubric.parse("1. The response is short. [Hard Rule]\n2. The response is kind. [Principle]")
STAGES: tuple[Stage, ...] = ("rubric", "judge")
UNBALANCED = "left out so that A and B win equally often"
TEMPLATE_CHANGES = "the chat template changes the prompt or the answer"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    texts = [text for pair in read_pairs(STARTER) for text in (prompt_text(pair.prompt), pair.chosen, pair.rejected)]
    return tiny_tokenizer([*texts[:60], *"abcdefg"])


@pytest.fixture
def plain(tokenizer: PreTrainedTokenizerBase) -> Any:  # noqa: ANN401 - a tokenizer, to be changed
    return tiny_tokenizer(["answer: 1. 1. 1."] * 9)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Orders, Path]:
    """The starter set, curated by the embedded reader in one order and in both."""
    made: dict[Orders, Path] = {"single": tmp_path_factory.mktemp("single"), "both": tmp_path_factory.mktemp("both")}
    for orders, folder in made.items():
        items: list[CuratedItem] = []
        with dspy.context(lm=lm("embedded")):
            pairs = list(read_pairs(STARTER))[:60]
            curate(pairs, ContrastiveRubricGenerator(), GatekeeperJudge(), on_item=items.append, orders=orders)
        export_curated(folder, items, Provenance(rubric_lm="embedded", judge_lm="embedded", program="f"))
    return made


def trace(winner: Label, form: Any = "seed", **parts: str) -> str:  # noqa: ANN401
    findings = [Finding(criterion=1, response="A", text="a few words"), Finding(criterion=1, response="B", text="two")]
    told = {"gatekeeper": "The response is short.", "justification": f"{winner} is short."} | parts
    return render_judgment(RUBRIC, findings=findings, winner=winner, form=form, **told)


def judged(order: Order, winner: Label, *replies: str) -> OrderOutcome:
    """What judges said, with the caller's name for the winner; each vote agrees."""
    outcome = Verdict(preferred=winner)
    return OrderOutcome(order=order, outcome=outcome, votes=tuple(Vote(outcome=outcome, raw=raw) for raw in replies))


def row(name: str = "1", winner: Label = "A", **fields: Any) -> CuratedRow:  # noqa: ANN401
    orders = fields.pop("orders", (judged("AB", winner, trace(winner)),))
    values: dict[str, Any] = {
        "id": name, "group": name, "prompt": f"Greet {name}.", "rubric": RUBRIC, "judge": "", "response_a": "Hi.",
        "response_b": "Hello, good day.", "winner": winner, "domain": "d", "source": "s", "reason": "kept",
        "judgment": Judgment(outcome=Verdict(preferred=winner), rubric=RUBRIC, orders=orders), "accuracy": 1.0,
        "topic_findings": (),
    }  # fmt: skip
    return CuratedRow.model_validate(values | fields)


def both_winners(count: int = 1) -> list[CuratedRow]:
    """Rows that need no balancing."""
    return [row(f"fill {n}{winner}", winner) for n in range(count) for winner in ("A", "B")]


def answers(records: list[SFTRecord]) -> list[str]:
    return [record["completion"][0]["content"] for record in records]


def shown(record: SFTRecord, name: str) -> str:
    return str(invert(record["prompt"][-1]["content"], JudgePair)[name])


def winners(records: list[SFTRecord]) -> Counter[str]:
    return Counter(answer[-1] for answer in answers(records))


def made(rows: list[CuratedRow], stage: Stage, tokenizer: PreTrainedTokenizerBase, **options: Any) -> SFTData:  # noqa: ANN401
    data = sft_data(rows, stage, **{"tokenizer": tokenizer, "cutoff": 10_000, "val_share": 0.0} | options)
    assert data.rows == len(rows)
    assert data.examples == len(data.train) + len(data.val) + sum(data.dropped.values())
    return data


@pytest.mark.slow
@pytest.mark.parametrize("orders", ["single", "both"])
@pytest.mark.parametrize("compiled", [False, True])
def test_the_served_student_is_sent_the_very_prompts_and_its_teacher_wrote_the_answers(
    folders: dict[Orders, Path], tokenizer: PreTrainedTokenizerBase, orders: Orders, compiled: bool
) -> None:
    """Through the real path: what a `RubricRM` sends, and what its replies come to."""
    program = RubricRM(orders=orders)
    if compiled:
        program.generate.predict.restore("Write a rubric.", [{"prompt": "Sing.", "rubric": str(RUBRIC)}])
        program.judge.predict.restore("Compare.", [])
    rows = list({prompt_text(one.prompt): one for one in read_curated(folders[orders])}.values())
    rubrics = made(rows, "rubric", tokenizer, program=program if compiled else None)
    judgments = made(rows, "judge", tokenizer, program=program if compiled else None)
    known = {str(record["prompt"]): record for record in (*rubrics.train, *judgments.train)}
    left_out = judgments.dropped.get(UNBALANCED, 0)
    asked: list[str] = []

    def answer(messages: Any, _: Any) -> str:  # noqa: ANN401
        asked.append(str(messages))
        return known[str(messages)]["completion"][0]["content"] if str(messages) in known else trace("A")

    with dspy.context(lm=ScriptedLM(answer)):
        for one in rows:
            before = len(asked)
            judgment = program(prompt=one.prompt, response_a=one.response_a, response_b=one.response_b)
            assert judgment.rubric is not None
            assert str(judgment.rubric) == str(one.rubric)
            if set(asked[before:]) <= set(known):
                assert judgment.preferred == one.winner
    assert set(known) <= set(asked)
    assert len(asked) - len(known) == left_out
    assert len(rubrics.train) == len(rows)
    assert all("Sing." in str(record["prompt"]) for record in rubrics.train) == compiled
    raws = {v.raw for one in rows if one.judgment for order in one.judgment.orders for v in order.votes}
    assert set(answers(judgments.train)) <= raws


@pytest.mark.parametrize("stage", STAGES)
def test_training_text_begins_with_the_served_prompt_and_its_tokens_are_counted(
    folders: dict[Orders, Path], tokenizer: PreTrainedTokenizerBase, stage: Stage
) -> None:
    data = made(list(read_curated(folders["both"])), stage, tokenizer, val_share=0.2)
    lengths: list[int] = []
    options: Any = {"enable_thinking": False}
    for record in data.train:
        assert record["chat_template_kwargs"] == options
        served: Any = tokenizer.apply_chat_template(record["prompt"], add_generation_prompt=True, **options)
        whole: Any = tokenizer.apply_chat_template(record["prompt"] + record["completion"], **options)
        text = tokenizer.apply_chat_template(record["prompt"] + record["completion"], tokenize=False, **options)
        assert whole["input_ids"][: len(served["input_ids"])] == served["input_ids"]
        assert str(text).endswith("\n</think>\n\n" + record["completion"][0]["content"] + "<|im_end|>\n")
        lengths.append(len(whole["input_ids"]))
    assert data.tokens == sum(lengths)
    assert data.longest >= max(lengths)
    assert made(list(read_curated(folders["both"])), stage, tokenizer).longest == data.longest


def test_each_split_shows_the_chosen_response_as_often_first_as_second(
    folders: dict[Orders, Path], tokenizer: PreTrainedTokenizerBase
) -> None:
    rows = list(read_curated(folders["single"]))
    surplus = sum(1 if one.winner == "A" else -1 for one in rows)
    assert surplus, "the starter set tells nothing of balance"
    data = made(rows, "judge", tokenizer)
    assert data.dropped == {UNBALANCED: abs(surplus)}
    assert winners(data.train)["A"] == winners(data.train)["B"] == (len(rows) - abs(surplus)) / 2
    divided = made(rows, "judge", tokenizer, val_share=0.3)
    for split in (divided.train, divided.val):
        assert winners(split)["A"] == winners(split)["B"] > 0


def test_what_is_left_out_for_balance_is_drawn_by_the_seed(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = [row(f"{n}", "A") for n in range(20)] + [row("last", "B")]
    left = {str(made(rows, "judge", tokenizer, seed=seed).train) for seed in range(12)}
    assert len(left) > 3
    assert made(rows, "judge", tokenizer) == made(rows, "judge", tokenizer)


def test_both_orders_are_learned_with_the_names_that_each_was_shown(tokenizer: PreTrainedTokenizerBase) -> None:
    orders = judged("AB", "B", trace("B")), judged("BA", "B", trace("A", justification="Swapped."))
    data = made([row(winner="B", orders=orders)], "judge", tokenizer)
    assert data.examples == 2
    first, second = data.train
    assert (shown(first, "response_a"), shown(first, "response_b")) == ("Hi.", "Hello, good day.")
    assert (shown(second, "response_a"), shown(second, "response_b")) == ("Hello, good day.", "Hi.")
    assert answers(data.train) == [trace("B"), trace("A", justification="Swapped.")]


def test_the_vote_that_agrees_with_the_label_is_learned(tokenizer: PreTrainedTokenizerBase) -> None:
    wrong, right = Verdict(preferred="B"), Verdict(preferred="A")
    later = trace("A", justification="The second of the right ones.")
    votes = [Vote(outcome=wrong, raw=trace("B")), Vote(outcome=right, raw=trace("A")), Vote(outcome=right, raw=later)]
    shown = OrderOutcome(order="AB", outcome=right, votes=tuple(votes))
    data = made([row(orders=(shown,)), row("other", "B")], "judge", tokenizer)
    assert answers(data.train) == [trace("A"), trace("B")]


@pytest.mark.parametrize(
    "reply",
    [
        f"<think>\nHm, Winner: Response B?\n</think>\n\n{trace('A')}",
        f"Let me see.\n</think>\n{trace('A')}\n\n",
        f"```\n{trace('A')}\n```",
    ],
)
def test_thinking_and_fences_around_a_trace_are_not_learned(tokenizer: PreTrainedTokenizerBase, reply: str) -> None:
    data = made([row(orders=(judged("AB", "A", reply),)), row("other", "B")], "judge", tokenizer)
    assert answers(data.train)[0] == trace("A")


REPLIES = {
    "no reply of a judge": (judged("AB", "A"),),
    "no judgment": (),
    "no reply of a judge that agrees with the label": (judged("AB", "B", trace("B")),),
    "the judge's reply cannot be read": (judged("AB", "A", "I like A."),),
    "the judge's reply names the other response": (judged("AB", "A", trace("B")),),
    "the judge's reply has the form v3, for which the prompt does not ask": (
        judged("AB", "A", trace("A", "v3", gatekeeper_reasoning="It is a rule.", aggregation="A leads.")),
    ),
    "the answer holds a control token of the tokenizer": (judged("AB", "A", trace("A", justification="<|im_end|>")),),
    TEMPLATE_CHANGES: (judged("AB", "A", trace("A", justification="It quotes </think> in a line.")),),
}


@pytest.mark.parametrize(("reason", "orders"), REPLIES.items(), ids=REPLIES)
def test_a_trace_that_cannot_be_learned_is_counted_with_its_reason(
    tokenizer: PreTrainedTokenizerBase, reason: str, orders: tuple[OrderOutcome, ...]
) -> None:
    data = made([*both_winners(), row(orders=orders)], "judge", tokenizer)
    assert data.dropped == {reason: 1}
    assert len(data.train) == 2


def test_traces_of_the_form_v3_are_learned_with_its_prompt(tokenizer: PreTrainedTokenizerBase) -> None:
    program = RubricRM(judge=GatekeeperJudge(form="v3"))
    winning: tuple[Label, ...] = ("A", "B")
    orders = [judged("AB", label, trace(label, "v3", aggregation="It leads.")) for label in winning]
    rows = [row(label, label, orders=(order,)) for label, order in zip(winning, orders, strict=True)]
    data = made([*rows, row("seed")], "judge", tokenizer, program=program)
    assert data.dropped == {"the judge's reply has the form seed, for which the prompt does not ask": 1}
    assert all("Aggregation Summary" in record["prompt"][0]["content"] for record in data.train)


@pytest.mark.parametrize("stage", STAGES)
def test_rows_that_are_not_kept_are_counted_by_their_reason(
    folders: dict[Orders, Path], tokenizer: PreTrainedTokenizerBase, stage: Stage
) -> None:
    kept, rejected = (list(read_curated(folders["both"], name)) for name in ("kept", "rejected"))
    assert rejected
    expected = {f"not kept: {reason}": count for reason, count in Counter(one.reason for one in rejected).items()}
    data = made([*rejected, *kept], stage, tokenizer)
    assert data.dropped == expected
    assert data.train == made(kept, stage, tokenizer).train


def test_a_rubric_is_learned_once_for_its_request_and_a_comparison_once_in_its_order(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    other = Rubric.parse("1. The response rhymes. [Principle]")
    rows = [row("x", "A"), row("x", "B", id="2"), row("x", "A", id="3", response_b="Go."), row("x", "B", rubric=other)]
    rubrics = made(rows, "rubric", tokenizer)
    assert answers(rubrics.train) == [str(RUBRIC), str(other)]
    assert rubrics.dropped == {"the same as an earlier one": 2}
    again = made(
        [row("x", "A"), row("x", "A", id="2", response_a="Go."), *rows[1:2], row("y", "B")], "judge", tokenizer
    )
    assert again.dropped == {"the same as an earlier one": 1, UNBALANCED: 1}


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_longer_than_the_cutoff_is_kept_and_nothing_is_cut(
    folders: dict[Orders, Path], tokenizer: PreTrainedTokenizerBase, stage: Stage
) -> None:
    rows = list(read_curated(folders["both"]))
    whole = made(rows, stage, tokenizer)
    at_limit, below = (made(rows, stage, tokenizer, cutoff=whole.longest - n) for n in (0, 1))
    assert at_limit == whole
    assert below.dropped[f"longer than {whole.longest - 1} tokens"] >= 1
    assert below.longest < whole.longest
    assert all(record in whole.train for record in below.train)


def test_demonstrations_of_a_compiled_prompt_are_read_and_count(tokenizer: PreTrainedTokenizerBase) -> None:
    program = RubricRM()
    program.generate.predict.restore("Write.", [{"prompt": "Greet me.", "rubric": str(RUBRIC)}])
    bare, compiled = (made([row("him")], "rubric", tokenizer, program=used) for used in (None, program))
    assert [message["role"] for message in compiled.train[0]["prompt"]] == ["user", "assistant", "user"]
    assert compiled.tokens != bare.tokens
    data = made([row("me"), row("him")], "rubric", tokenizer, program=program)
    assert data.dropped == {"the prompt shows this request as a demonstration, with its answer": 1}
    length = compiled.longest
    assert made([row("him")], "rubric", tokenizer, program=program, cutoff=length).train == compiled.train
    with pytest.raises(DataError, match=rf"longer than {length - 1} tokens \(1\)"):
        made([row("him")], "rubric", tokenizer, program=program, cutoff=length - 1)


@pytest.mark.parametrize("stage", STAGES)
def test_no_prompt_is_in_both_splits_whatever_else_is_there(
    folders: dict[Orders, Path], tokenizer: PreTrainedTokenizerBase, stage: Stage
) -> None:
    rows = list(read_curated(folders["both"]))
    twins = [one.model_copy(update={"prompt": prompt_text(one.prompt).upper() + " ", "id": "t"}) for one in rows]
    data = made([*rows, *twins], stage, tokenizer, val_share=0.3)
    train, val = (
        {" ".join(str(invert(r["prompt"][-1]["content"], signature)["prompt"]).casefold().split()) for r in split}
        for signature in [GenerateRubric if stage == "rubric" else JudgePair]
        for split in (data.train, data.val)
    )
    assert train
    assert val
    assert not train & val
    few = made(rows[:20], stage, tokenizer, val_share=0.3)
    assert all(record in data.train for record in few.train)


def test_the_splits_are_those_of_the_same_pairs(tokenizer: PreTrainedTokenizerBase) -> None:
    pairs = list({prompt_text(pair.prompt): pair for pair in read_pairs(STARTER)}.values())
    rows = [row(pair.id, prompt=pair.prompt) for pair in pairs]
    data = made(rows, "rubric", tokenizer, val_share=0.25, seed=3)
    splits = split_by_prompt(pairs, {"train": 0.75, "val": 0.25}, seed=3)
    assert (len(data.train), len(data.val)) == (len(splits["train"]), len(splits["val"]))


def test_a_template_or_tokenizer_that_serves_something_else_is_not_learned_from(plain: Any) -> None:  # noqa: ANN401
    qwen3 = plain.chat_template
    assert made([row()], "rubric", plain).train
    plain.chat_template = qwen3.replace("'<|im_start|>assistant\\n'", "'<|im_start|>Assistant\\n'")
    with pytest.raises(DataError, match=rf"{TEMPLATE_CHANGES} \(1\)"):
        made([row()], "rubric", plain)
    plain.chat_template = qwen3.replace("text.lstrip('\\n') %}", "text | upper %}")  # changes the answer alone
    with pytest.raises(DataError, match=rf"{TEMPLATE_CHANGES} \(1\)"):
        made([row()], "rubric", plain)
    # Every text begins as it is served, but the last token of the prompt alone is another than with an answer.
    plain.chat_template = (
        "{% for m in messages %}{{ m.role + ':  ' + m.content + eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}assistant:  {% endif %}"
    )
    with pytest.raises(DataError, match=rf"{TEMPLATE_CHANGES} \(1\)"):
        made([row()], "rubric", plain)


@pytest.mark.parametrize("family", ["qwen3", "gpt2"])
def test_the_last_token_of_a_prompt_is_that_of_the_served_one_or_nothing_is_learned(plain: Any, family: str) -> None:  # noqa: ANN401
    """Where two newlines are one token, the words after them split it in GPT-2's tokenizer, and not in Qwen3's."""
    from transformers import Qwen2Tokenizer  # Qwen3's

    texts = ["Why?\n\n", "So.\n\n\n1. The response is short.\n\n", trace("A"), str(RUBRIC)] * 9
    tokenizer = tiny_tokenizer(texts)
    if family == "qwen3":
        tokenizer = Qwen2Tokenizer().train_new_from_iterator(texts, 500, new_special_tokens=list(CONTROL_TOKENS))
        tokenizer.add_tokens(list(THINK_TOKENS))
        tokenizer.chat_template = plain.chat_template
    assert len(tokenizer.tokenize("</think>\n\n")) == 2
    if family == "gpt2":
        with pytest.raises(DataError, match=rf"{TEMPLATE_CHANGES} \(1\)"):
            made([row()], "rubric", tokenizer)
        return
    for stage in STAGES:
        for record in made(both_winners(), stage, tokenizer).train:
            (encoded,) = encode([record], tokenizer)
            prompt = encoded["labels"].count(NO_LOSS)
            assert str(tokenizer.decode(encoded["input_ids"][:prompt])).endswith("</think>\n\n")
            assert encoded["labels"][prompt:] == encoded["input_ids"][prompt:]
            assert tokenizer.decode(encoded["labels"][prompt:]) == answers([record])[0] + "<|im_end|>\n"


def test_no_template_at_all_is_refused(plain: Any) -> None:  # noqa: ANN401
    plain.chat_template = None
    with pytest.raises(UsageError, match="no chat template"):
        made([row()], "rubric", plain)


def test_nothing_left_to_learn_from_is_an_error_that_counts_the_reasons(tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(DataError, match="of 0 rows nothing is left to train on: there are none"):
        made([], "judge", tokenizer)
    rows = [row("x", reason="tie"), row("y", reason="tie"), row("z")]
    with pytest.raises(DataError) as caught:
        made(rows, "judge", tokenizer, cutoff=5)
    assert caught.value.message == (
        "of 3 rows nothing is left to train on: not kept: tie (2); longer than 5 tokens (1)"
    )
    with pytest.raises(DataError, match=rf"{UNBALANCED} \(1\)"):
        made([row()], "judge", tokenizer)
    with pytest.raises(DataError, match=r"drawn for validation \(1\)"):
        made([row()], "rubric", tokenizer, val_share=0.999)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("stage", "both", "unknown stage 'both'"),
        ("cutoff", 0, "cutoff is 0"),
        ("val_share", 1.0, r"validation is 1\.0"),
        ("val_share", -0.1, r"validation is -0\.1"),
        ("val_share", float("nan"), "validation is nan"),
    ],
)
def test_arguments_out_of_range_are_refused(
    tokenizer: PreTrainedTokenizerBase, option: str, value: object, message: str
) -> None:
    options: dict[str, Any] = {"stage": "rubric", "tokenizer": tokenizer, "cutoff": 100} | {option: value}
    with pytest.raises(UsageError, match=message):
        sft_data([], **options)
