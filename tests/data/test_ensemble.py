"""Real sequence classifiers, small and with random weights, rank responses as hand-made scores say."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from openrubrics.data.ensemble import RewardEnsemble, combined
from openrubrics.data.pairs import Candidates
from openrubrics.signatures import DataError, Message, UsageError
from openrubrics.train.tiny import tiny_qwen3

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

RESPONSES = ("A short one.", "Another response, which is a good deal longer than the first.", "No!", "Yes, of course.")
PROMPT = "Is water wet?"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model's checkpoint, with tokenizer and chat template."""
    folder = tmp_path_factory.mktemp("models")
    return tiny_qwen3(folder / "lm", [PROMPT, *RESPONSES], hidden=64, layers=2, vocab=300, max_positions=256)


def reward_model(tiny: Path, name: str, seed: int, labels: int = 1, pad: bool = True) -> Path:
    config = transformers.AutoConfig.from_pretrained(tiny)
    config.num_labels = labels
    if not pad:
        config.pad_token_id = None
    torch.manual_seed(seed)
    folder = tiny.parent / name
    transformers.Qwen3ForSequenceClassification(config).save_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)
    if not pad:
        tokenizer.pad_token = None
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def models(tiny: Path) -> tuple[Path, Path]:
    """Two reward models."""
    return reward_model(tiny, "first", 1), reward_model(tiny, "second", 2)


def by_hand(folder: Path, prompt: Sequence[dict[str, str]], responses: Sequence[str]) -> list[float]:
    """Score one response at a time, without padding."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    scores = []
    for response in responses:
        text = tokenizer.apply_chat_template([*prompt, {"role": "assistant", "content": response}], tokenize=False)
        with torch.inference_mode():
            scores.append(model(**tokenizer(text, return_tensors="pt")).logits[0, 0].item())
    return scores


def candidates(*responses: str, name: str = "x", **more: Any) -> Candidates:  # noqa: ANN401 - fields of the value
    return Candidates(**({"id": name, "prompt": PROMPT, "responses": responses} | more))


@pytest.mark.parametrize("batch_size", [1, 3])
def test_scores_are_those_of_each_model_alone(models: tuple[Path, Path], batch_size: int) -> None:
    found = RewardEnsemble(models, batch_size=batch_size).scores(PROMPT, RESPONSES)
    assert list(found) == [str(model) for model in models]
    for model in models:
        expected = by_hand(model, [{"role": "user", "content": PROMPT}], RESPONSES)
        assert found[str(model)] == pytest.approx(expected, abs=1e-5)
        assert len({round(score, 4) for score in expected}) == len(RESPONSES)


def test_a_conversation_is_scored_as_a_conversation(models: tuple[Path, Path]) -> None:
    turns = [("system", "Be brief."), ("user", "Hi?"), ("assistant", "Hello."), ("user", "Who?")]
    prompt = tuple(Message.model_validate({"role": role, "content": text}) for role, text in turns)
    found = RewardEnsemble(models[:1]).scores(prompt, RESPONSES)
    expected = by_hand(models[0], [{"role": role, "content": text} for role, text in turns], RESPONSES)
    assert found[str(models[0])] == pytest.approx(expected, abs=1e-5)


def test_best_and_worst_are_those_of_the_combined_scores(models: tuple[Path, Path]) -> None:
    asked = [{"role": "user", "content": PROMPT}]
    scores = [by_hand(model, asked, RESPONSES) for model in models]
    order = sorted(range(len(RESPONSES)), key=combined(scores, "z-score").__getitem__, reverse=True)
    ensemble = RewardEnsemble(models)
    item = candidates(*RESPONSES, domain="science", source="me", meta={"k": 1})
    (whole,) = ensemble.rank([item], take="all")
    assert whole.responses == tuple(RESPONSES[index] for index in order)
    (ends,) = ensemble.rank([item])
    assert ends.responses == (RESPONSES[order[0]], RESPONSES[order[-1]])
    assert (ends.id, ends.prompt, ends.domain, ends.source) == ("x", PROMPT, "science", "me")
    assert ends.meta == {
        "k": 1,
        "scores": pytest.approx([max(combined(scores, "z-score")), min(combined(scores, "z-score"))], abs=1e-4),
        "reward_models": [str(model) for model in models],
        "rule": "z-score",
    }


def test_many_prompts_come_in_order_whatever_the_batch(models: tuple[Path, Path]) -> None:
    items = [candidates(f"Answer {n}.", f"Reply number {n}, longer.", "No!", name=str(n)) for n in range(30)]
    one = list(RewardEnsemble(models, batch_size=1).rank(iter(items)))
    many = list(RewardEnsemble(models, batch_size=7).rank(iter(items)))
    assert [item.id for item in many] == [str(n) for n in range(30)]
    assert [item.responses for item in one] == [item.responses for item in many]


def test_scores_combine_as_documented() -> None:
    scores = [[1.0, 2.0, 3.0], [30.0, 10.0, 20.0]]
    assert combined(scores, "z-score") == pytest.approx([0.0, -0.6123724, 0.6123724], abs=1e-6)
    assert combined(scores, "rank-sum") == pytest.approx([0.5, 0.25, 0.75])
    assert combined([[2.0, 2.0, 1.0]], "rank-sum") == pytest.approx([0.75, 0.75, 0.0])
    assert combined([[7.0, 7.0], [1.0, 1.0]], "z-score") == [0.0, 0.0]


def test_models_that_disagree_throughout_give_no_pair(models: tuple[Path, Path]) -> None:
    first, second = (by_hand(model, [{"role": "user", "content": PROMPT}], RESPONSES) for model in models)
    left, right = next(
        (i, j)
        for i in range(len(RESPONSES))
        for j in range(len(RESPONSES))
        if first[i] > first[j] and second[i] < second[j]
    )
    skipped: Counter[str] = Counter()
    item = candidates(RESPONSES[left], RESPONSES[right])
    assert list(RewardEnsemble(models, rule="rank-sum").rank([item], skipped=skipped)) == []
    assert skipped == {"all scores are equal": 1}


def test_nothing_is_cut(models: tuple[Path, Path]) -> None:
    long = candidates("short", "long " * 300, name="long")
    skipped: Counter[str] = Counter()
    ensemble = RewardEnsemble(models)
    assert [item.id for item in ensemble.rank([long, candidates(*RESPONSES)], skipped=skipped)] == ["x"]
    assert skipped == {f"longer than the 256 tokens that {models[0]} takes": 1}
    with pytest.raises(DataError, match="longer than the 256 tokens"):
        ensemble.scores(PROMPT, long.responses)
    assert list(RewardEnsemble(models, max_tokens=10).rank([candidates(*RESPONSES)], skipped=skipped)) == []
    assert skipped[f"longer than the 10 tokens that {models[0]} takes"] == 1


class Kept:
    """Scores in memory, as a ledger keeps them on disk."""

    def __init__(self) -> None:
        self.by_key: dict[str, bytes] = {}

    def reply(self, key: str) -> bytes | None:
        return self.by_key.get(key)

    def keep_replies(self, replies: Sequence[tuple[str, bytes]]) -> None:
        self.by_key.update(replies)


def test_a_run_that_was_stopped_scores_nothing_twice(models: tuple[Path, Path]) -> None:
    items = [candidates(f"Answer {n}.", f"Reply number {n}, longer.", "No!", name=str(n)) for n in range(9)]
    kept, ensemble = Kept(), RewardEnsemble(models, batch_size=1)
    whole = list(ensemble.rank(items))
    next(ensemble.rank(items, replies=kept))
    assert len(kept.by_key) == 8  # of four prompts, by two models
    assert list(ensemble.rank(items, replies=kept)) == whole
    assert len(kept.by_key) == 18
    for key in kept.by_key:
        kept.by_key[key] = b"[3, 2, 1]"
    assert [item.responses for item in ensemble.rank(items, replies=kept)] == [
        (item.responses[0], item.responses[2]) for item in items
    ]


def test_the_identity_of_an_ensemble_is_that_of_its_weights(tiny: Path, models: tuple[Path, Path]) -> None:
    first = RewardEnsemble(models[:1]).identity
    assert first == RewardEnsemble(models[:1]).identity
    assert first != RewardEnsemble(models[:1], dtype="bfloat16").identity
    again = reward_model(tiny, "again", 1)
    before = RewardEnsemble([again]).identity
    reward_model(tiny, "again", 2)
    assert RewardEnsemble([again]).identity != before


def test_a_device_or_type_that_is_not_there_is_refused(models: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="dtype 'bf16' is unknown"):
        RewardEnsemble(models, dtype="bf16")
    with pytest.raises(UsageError, match="dtype 'nn' is unknown"):
        RewardEnsemble(models, dtype="nn")
    with pytest.raises(UsageError, match="cannot be put on the device nowhere: "):
        RewardEnsemble(models, device="nowhere")
    with pytest.raises(UsageError, match="max_tokens is 0"):
        RewardEnsemble(models, max_tokens=0)


def test_a_checkpoint_that_was_cut_off_is_refused(tiny: Path) -> None:
    cut = reward_model(tiny, "cut", 1) / "model.safetensors"
    cut.write_bytes(cut.read_bytes()[:1000])
    with pytest.raises(UsageError, match="cut cannot be loaded"):
        RewardEnsemble([cut.parent])


def test_a_model_without_padding_scores_one_by_one(tiny: Path, models: tuple[Path, Path]) -> None:
    plain = reward_model(tiny, "no-pad", 1, pad=False)
    found = RewardEnsemble([plain], batch_size=4).scores(PROMPT, RESPONSES)
    same = RewardEnsemble(models[:1]).scores(PROMPT, RESPONSES)
    assert found[str(plain)] == pytest.approx(same[str(models[0])], abs=1e-5)


def test_a_conversation_that_the_template_refuses_is_counted(tiny: Path) -> None:
    strict = reward_model(tiny, "strict", 1)
    (strict / "chat_template.jinja").write_text("{{ raise_exception('no system turns here') }}")
    skipped: Counter[str] = Counter()
    assert list(RewardEnsemble([strict]).rank([candidates(*RESPONSES)], skipped=skipped)) == []
    assert skipped == {f"the chat template of {strict} refuses the conversation: no system turns here": 1}


def test_what_is_no_reward_model_is_refused(tiny: Path, models: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="has 3 labels, so it gives no single score"):
        RewardEnsemble([reward_model(tiny, "three", 1, labels=3)])
    headless = reward_model(tiny, "headless", 1)
    transformers.Qwen3Model.from_pretrained(tiny).save_pretrained(headless)
    config = transformers.AutoConfig.from_pretrained(headless)
    config.num_labels = 1
    config.save_pretrained(headless)
    with pytest.raises(UsageError, match=r"has no trained weights for score\.weight"):
        RewardEnsemble([headless])
    silent = reward_model(tiny, "silent", 1)
    (silent / "chat_template.jinja").unlink()
    with pytest.raises(UsageError, match="has no chat template"):
        RewardEnsemble([silent])
    with pytest.raises(UsageError, match=r"the reward model .*nothing cannot be loaded"):
        RewardEnsemble([tiny.parent / "nothing"])
    for named in ([], [models[0], models[0]]):
        with pytest.raises(UsageError, match="no reward model is named, or one twice"):
            RewardEnsemble(named)
    with pytest.raises(UsageError, match="batch_size is 0"):
        RewardEnsemble(models, batch_size=0)
