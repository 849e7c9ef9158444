"""Reinforcement learning for real: TRL trains a tiny policy on a judge's rewards, and on a judge's pairs."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from scored_judge import ScoredJudge

from openrubrics import RubricRM, ScriptedLM, lm
from openrubrics.data import Candidates
from openrubrics.evaluation.rewards import read_rewards
from openrubrics.lms import Budget, budget, usage_meter
from openrubrics.lms.scripted import Messages
from openrubrics.programs import AdaptiveRubricJudge
from openrubrics.signatures import invert
from openrubrics.signatures.adaptive import CompareAdaptively
from openrubrics.signatures.adaptive_text import render_adaptive
from openrubrics.signatures.errors import BudgetError
from openrubrics.signatures.judge_text import Winner
from openrubrics.signatures.outcomes import Compared
from openrubrics.train import RubricReward, judge_samples, preference_rows
from openrubrics.train.payment import Payment
from openrubrics.train.tiny import tiny_qwen3

pytestmark = pytest.mark.slow

PROMPTS = ["Name a prime.", "Why is the sea salty? Do not use any commas."]
SAMPLES = 4
COMMON = {
    "max_steps": 3,
    "learning_rate": 1e-2,
    "per_device_train_batch_size": 2 * SAMPLES,
    "bf16": False,
    "use_cpu": True,
    "report_to": [],
    "save_strategy": "no",
    "logging_steps": 1,
    "disable_tqdm": True,
}


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_qwen3(tmp_path_factory.mktemp("tiny") / "policy", PROMPTS, hidden=64, layers=2, vocab=300)


def chat(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def longer(a: str, b: str) -> Winner | None:
    """Prefer the longer text; about half of the longer ones make replies that cannot be read."""
    if max(len(a), len(b)) % 2:
        return None
    return "A" if len(a) > len(b) else "B" if len(b) > len(a) else "tie"


def plain(text: str) -> float:
    """Share of a text that is small letters."""
    return sum(letter.isascii() and letter.islower() for letter in text) / max(len(text), 1)


def plainer(a: str, b: str) -> Winner:
    return "A" if plain(a) > plain(b) else "B" if plain(b) > plain(a) else "tie"


def grpo(policy: Path, out: Path, reward: Any, rows: list[dict[str, Any]], **options: Any) -> Any:  # noqa: ANN401
    from datasets import Dataset
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    args = GRPOConfig(
        output_dir=str(out),
        num_generations=SAMPLES,
        max_completion_length=10,
        chat_template_kwargs={"enable_thinking": False},
        **(COMMON | options),
    )
    return GRPOTrainer(model=str(policy), reward_funcs=[reward], args=args, train_dataset=Dataset.from_list(rows))


def weights(trainer: Any) -> dict[str, Any]:  # noqa: ANN401
    return {name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()}


def still(trainer: Any, before: dict[str, Any]) -> Iterator[str]:  # noqa: ANN401
    import torch

    return (name for name, now in trainer.model.named_parameters() if torch.equal(before[name], now))


def logged(trainer: Any, name: str) -> list[float]:  # noqa: ANN401
    return [entry[name] for entry in trainer.state.log_history if name in entry]


@pytest.mark.parametrize("options", [{"mode": "pairs"}, {"anchor": "reference"}], ids=str)
def test_three_steps_of_grpo_on_messages_with_failures(policy: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    reward = RubricReward(ScoredJudge(longer), name="judge", **options)
    rows = [{"prompt": chat(prompt), "reference": "It is 7."} for prompt in PROMPTS]
    trainer = grpo(policy, tmp_path, reward, rows)
    before = weights(trainer)
    with usage_meter() as meter:
        trainer.train()
    assert not list(still(trainer, before))
    assert len(logged(trainer, "rewards/judge/mean")) == 3
    assert all(0 <= mean <= 1 for mean in logged(trainer, "rewards/judge/mean"))
    assert any(0 < share < 1 for share in logged(trainer, "judge/failed_share"))
    assert len(logged(trainer, "judge/win_share")) == len(logged(trainer, "judge/group_std")) == 3
    asked = reward.judge.scripted.requests  # type: ignore[attr-defined]
    assert meter.usage.calls == len(asked) > 3 * 2 * SAMPLES / 2


def test_three_steps_of_grpo_on_texts_with_the_embedded_reader(policy: Path, tmp_path: Path) -> None:
    judge = RubricRM(orders="both")
    judge.set_lm(lm("embedded"))
    trainer = grpo(policy, tmp_path, RubricReward(judge), [{"prompt": prompt} for prompt in PROMPTS])
    before = weights(trainer)
    trainer.train()
    assert not list(still(trainer, before))
    assert logged(trainer, "rubric_reward/failed_share") == [0, 0, 0]
    assert max(logged(trainer, "rubric_reward/group_std")) > 0


def test_a_policy_learns_what_the_judge_prefers(policy: Path, tmp_path: Path) -> None:
    reward = RubricReward(ScoredJudge(plainer, orders="both"), mode="pairs")
    texts: list[str] = []

    async def told(**batch: Any) -> list[float | None]:  # noqa: ANN401
        texts.extend(batch["completions"])
        return await reward(**batch)

    rows = [{"prompt": prompt} for prompt in PROMPTS]
    trainer = grpo(policy, tmp_path, told, rows, max_steps=60, learning_rate=5e-3)
    trainer.train()
    first, last = texts[:80], texts[-80:]
    assert sum(map(plain, last)) / 80 > sum(map(plain, first)) / 80 + 0.3


def test_where_every_comparison_fails_nothing_is_learnt(policy: Path, tmp_path: Path) -> None:
    trainer = grpo(policy, tmp_path, RubricReward(ScoredJudge(lambda a, b: None)), [{"prompt": p} for p in PROMPTS])
    before = weights(trainer)
    trainer.train()
    assert sorted(still(trainer, before)) == sorted(before)
    assert logged(trainer, "rubric_reward/failed_share") == [1, 1, 1]
    assert logged(trainer, "rewards/rubric_reward/mean") == 3 * [None]


def brpo_against(column: str) -> RubricReward:
    """Return BRPO's reward against references: all answers beat LOSER, and those of odd length beat any other text."""

    def rule(a: str, b: str) -> Winner:
        shown = (a, b)
        reference = "LOSER" if "LOSER" in shown else "even"
        (answer,) = (text for text in shown if text != reference)
        wins = reference == "LOSER" or len(answer) % 2 == 1
        return "A" if wins == (answer == a) else "B"

    return RubricReward(ScoredJudge(rule), name="judge", anchor=column, payment="brpo", drop_above=0.9)


ROWS = [{"prompt": PROMPTS[0], "answer": "LOSER"}, {"prompt": PROMPTS[1], "answer": "even"}]


def completions(out: Path) -> Any:  # noqa: ANN401
    """Return what TRL logs of each completion."""
    import pandas as pd

    return pd.concat([pd.read_parquet(file) for file in sorted((out / "completions").iterdir())])


def test_a_dropped_group_moves_nothing_and_breaks_nothing(policy: Path, tmp_path: Path) -> None:
    reward = brpo_against("answer")

    async def constant(**batch: Any) -> list[float]:  # noqa: ANN401
        return [0.5 if each is None else each for each in await reward(**batch)]

    ends = []
    for name, given in (("dropped", reward), ("constant", constant)):
        trainer = grpo(policy, tmp_path / name, given, ROWS, scale_rewards="none", seed=7)
        before = weights(trainer)
        trainer.train()
        assert not list(still(trainer, before)), "the other group does"
        assert all(map(isfinite, logged(trainer, "loss")))
        ends.append(weights(trainer))
    assert all(value.equal(ends[1][name]) for name, value in ends[0].items()), "as one whose advantages are all 0"


def test_where_every_group_is_dropped_nothing_is_learnt(policy: Path, tmp_path: Path) -> None:
    trainer = grpo(policy, tmp_path, brpo_against("answer"), [{**row, "answer": "LOSER"} for row in ROWS])
    before = weights(trainer)
    trainer.train()
    assert sorted(still(trainer, before)) == sorted(before)
    assert logged(trainer, "loss") == [0, 0, 0]
    assert logged(trainer, "judge/dropped_share") == [1, 1, 1]


def test_trl_takes_off_the_mean_of_the_group_and_nothing_more(policy: Path, tmp_path: Path) -> None:
    """What the docstring of the reward says of BRPO's settings; and the log of TRL keeps rewards and reasons."""
    trainer = grpo(policy, tmp_path, brpo_against("answer"), ROWS, scale_rewards="none", log_completions=True, seed=7)
    trainer.train()
    rows = completions(tmp_path)
    assert set(rows["judge/comparisons"]) == {"1 won, 0 tied, 0 lost", "0 won, 0 tied, 1 lost"}
    kept, dropped = rows[rows["judge"].notna()], rows[rows["judge"].isna()]
    assert set(kept["judge"]) == {-1, 1}
    assert set(kept["prompt"]) == {PROMPTS[1]}
    means = kept.groupby("step")["judge"].transform("mean")
    assert kept["advantage"].tolist() == pytest.approx((kept["judge"] - means).tolist())
    assert set(dropped["advantage"]) == {0}
    files = sorted((tmp_path / "completions").iterdir())
    read = [reward for file in files for group in read_rewards(file, column="judge") for reward in group.known]
    assert read == kept["judge"].tolist()


def by_plainness(messages: Messages, _: object) -> str:
    """Compare as an adaptive judge does, on one criterion by the share of small letters."""
    fields = invert(messages[-1]["content"], CompareAdaptively)
    ahead = plain(str(fields["response_a"])) - plain(str(fields["response_b"]))
    better = "A" if ahead > 0 else "B" if ahead < 0 else "tie"
    margin = 0 if not ahead else 2 if abs(ahead) > 0.2 else 1
    found = Compared(text="The response is in small letters.", type="core", better=better, by=margin)
    return render_adaptive("An answer.", "Their letters.", [found])


@pytest.mark.parametrize("payment", ["brpo", "graded"])
def test_three_steps_of_grpo_with_the_adaptive_judge_and_its_checks(
    policy: Path, tmp_path: Path, payment: Payment
) -> None:
    judge = AdaptiveRubricJudge(domain="general", orders="both")
    judge.set_lm(ScriptedLM(by_plainness))
    reward = RubricReward(judge, payment=payment, drop_above=0.9, verifiable_weight=0.5)
    rows = [{"prompt": chat(f"{prompt} Answer with at least 3 words.")} for prompt in PROMPTS]
    trainer = grpo(policy, tmp_path, reward, rows, scale_rewards="none", log_completions=True)
    before = weights(trainer)
    trainer.train()
    assert not list(still(trainer, before))
    assert logged(trainer, "rubric_reward/failed_share") == [0, 0, 0]
    assert any(0 < share < 1 for share in logged(trainer, "rubric_reward/verifiable_share"))
    known = completions(tmp_path)["rubric_reward"].dropna()
    assert known.between(-1, 1.5).all()
    assert not set(known) <= {-1, 0, 1}, "what checks are worth is in it"


def test_a_budget_around_the_training_ends_it(policy: Path, tmp_path: Path) -> None:
    judge = ScoredJudge(longer)
    trainer = grpo(policy, tmp_path, RubricReward(judge), [{"prompt": prompt} for prompt in PROMPTS])
    with budget(Budget(max_calls=11)), pytest.raises(BudgetError, match="11 calls"):
        trainer.train()
    assert len(judge.scripted.requests) == 11


def sampled(policy: Path) -> list[Candidates]:
    """Several answers of the policy to each prompt."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(policy)
    model: Any = AutoModelForCausalLM.from_pretrained(policy)
    torch.manual_seed(0)
    samples = []
    for number, prompt in enumerate(PROMPTS):
        read = tokenizer.apply_chat_template(
            chat(prompt), add_generation_prompt=True, enable_thinking=False, return_tensors="pt", return_dict=True
        )
        written = model.generate(**read, do_sample=True, num_return_sequences=SAMPLES, max_new_tokens=10)
        texts = tokenizer.batch_decode(written[:, read["input_ids"].shape[1] :], skip_special_tokens=True)
        samples.append(Candidates(id=str(number), prompt=prompt, responses=tuple(texts)))
    return samples


def test_three_steps_of_dpo_on_the_best_and_the_worst_of_four(policy: Path, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    samples = sampled(policy)
    lengths = {text: float(len(text)) for sample in samples for text in sample.responses}
    judged = judge_samples(ScoredJudge(lengths, orders="both"), samples)
    assert [(len(p.chosen), len(p.rejected)) for p in judged.pairs] == [
        (max(map(len, s.responses)), min(map(len, s.responses))) for s in samples
    ]
    trainer: Any = DPOTrainer(
        model=str(policy),
        args=DPOConfig(output_dir=str(tmp_path), **COMMON),
        train_dataset=Dataset.from_list([dict(row) for row in preference_rows(judged.pairs)]),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    read = [trainer.processing_class.decode(ids) for ids in batch["input_ids"]]
    assert all("assistant\n<think>\n\n</think>\n\n" in text for text in read)
    before = weights(trainer)
    trainer.train()
    assert not list(still(trainer, before))
    margins = logged(trainer, "rewards/margins")
    assert margins[-1] > margins[0]
