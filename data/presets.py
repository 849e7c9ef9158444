"""Named sources: the preference data that the OpenRubrics paper starts from (v3, section 3), and our own starter set.

Layouts were taken from public data cards and loaders, and are tested on rows of the same shape that we wrote; the sets
themselves were never downloaded here. Licences are as the data cards state them; "not verified" where none was seen.
Check them, and those of the parts that a collection was made from, before you pass data on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources


@dataclass(frozen=True)
class Preset:
    """A source by name.

    Attributes:
        name: What it is called here.
        hub: Name of the data set on the hub; empty for our own, which comes with the package.
        layout: Name of its layout.
        licence: Of the data, as far as it was verified.
        citation: Authors, title, year and address.
        taken: What the paper takes from it.
        notes: What is unknown, or has to be known.
        config: Configuration of the data set.
        split: Split that is read where none is asked for.
        splits: All splits, where they are known.
        revision: Commit or tag that is read; None for the newest.
        columns: Column of each field, where it has another name.
        part: Column that names the part a row belongs to; empty where all rows are taken.
        parts: Values of it that are taken, whatever their case and punctuation.
        domain: Domain of every row, where no column has it.
    """

    name: str
    hub: str
    layout: str
    licence: str
    citation: str
    taken: str
    notes: str = ""
    config: str | None = None
    split: str = "train"
    splits: tuple[str, ...] = ("train",)
    revision: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    parts: frozenset[str] = frozenset()
    domain: str = ""

    def takes(self, part: object) -> bool:
        """Tell whether rows of a part are taken."""
        return _letters(str(part)) in map(_letters, self.parts)

    def file(self, split: str) -> str:
        """Return the path of a split that comes with the package."""
        return str(resources.files("openrubrics.data") / self.name / f"{split}.jsonl")


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


_SAMPLE = "one answer a question, and no preference: responses have to be sampled, and ranked by reward models"

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="starter",
            hub="",
            layout="pairs",
            licence="Apache-2.0, as this package",
            citation="the authors of this package",
            taken="not in the paper: pairs written for this package, split by prompt",
            splits=("train", "test"),
        ),
        Preset(
            name="ultrafeedback",
            hub="openbmb/UltraFeedback",
            layout="scored",
            licence="MIT (data card)",
            citation="Cui et al., UltraFeedback: Boosting Language Models with High-quality Feedback, 2023, "
            "arXiv:2310.01377",
            taken="parts Evol-Instruct, UltraChat, ShareGPT and TruthfulQA; highest score chosen, lowest rejected",
            notes="unknown: whether the paper ranks by overall_score, as here, or by fine-grained_score (choose it "
            "with --map scores=completions.fine-grained_score). The revision is the one that mended overall_score",
            revision="40b436560ca83a8dba36114c22ab3c66e43f6d5e",
            columns={
                "prompt": "instruction",
                "responses": "completions.response",
                "scores": "completions.overall_score",
                "domain": "source",
            },
            part="source",
            parts=frozenset({"evol_instruct", "ultrachat", "sharegpt", "truthful_qa"}),
        ),
        Preset(
            name="magpie",
            hub="Magpie-Align/Magpie-Llama-3.1-Pro-DPO-100K-v0.1",
            layout="pairs",
            licence="Llama 3.1 Community License (data card)",
            citation="Xu et al., Magpie: Alignment Data Synthesis from Scratch by Prompting Aligned LLMs with Nothing, "
            "2024, arXiv:2406.08464",
            taken="its pairs as they are",
            notes="unknown: which of the Magpie preference sets the paper means; this one is a guess. Another is read "
            "with --pairs NAME --layout magpie",
            splits=("train", "test"),
            columns={"id": "uuid", "prompt": "instruction", "domain": "task_category"},
        ),
        Preset(
            name="skywork",
            hub="Skywork/Skywork-Reward-Preference-80K-v0.2",
            layout="pairs",
            licence="not verified: the card has no licence, and the parts have their own",
            citation="Liu et al., Skywork-Reward: Bag of Tricks for Reward Modeling in LLMs, 2024, arXiv:2410.18451",
            taken="parts HelpSteer2 and OffsetBias, pairs as they are",
            notes="version 0.2 has no pairs that overlap RewardBench; unknown: which version the paper takes, and how "
            "the set writes the names of these parts",
            columns={"domain": "source"},
            part="source",
            parts=frozenset({"helpsteer2", "offset_bias"}),
        ),
        Preset(
            name="tulu3-if",
            hub="allenai/tulu-3-pref-personas-instruction-following",
            layout="pairs",
            licence="ODC-BY (data card)",
            citation="Lambert et al., Tulu 3: Pushing Frontiers in Open Language Model Post-Training, 2024, "
            "arXiv:2411.15124",
            taken="Synthetic-IF: the response that passes every verifier is chosen, others are rejected",
            notes="here the set's own pairs; the rejected response answers a prompt with one constraint relaxed",
            domain="instruction following",
        ),
        Preset(
            name="megascience",
            hub="MegaScience/MegaScience",
            layout="questions",
            licence="CC-BY-NC-SA-4.0 (data card)",
            citation="Fan et al., MegaScience: Pushing the Frontiers of Post-Training Datasets for Science Reasoning, "
            "2025, arXiv:2507.16812",
            taken="questions; one response each of Qwen3-8B, Qwen3-14B, Llama-3.1-8B and Gemma-3-12B, ranked by two "
            "reward models, best against worst",
            notes=_SAMPLE,
            columns={"prompt": "question", "domain": "subject"},
        ),
        Preset(
            name="medical-o1",
            hub="FreedomIntelligence/medical-o1-reasoning-SFT",
            layout="questions",
            config="en",
            licence="Apache-2.0 (data card)",
            citation="Chen et al., HuatuoGPT-o1, Towards Medical Complex Reasoning with LLMs, 2024, arXiv:2412.18925",
            taken="questions; responses and ranking as for megascience",
            notes=_SAMPLE,
            columns={"prompt": "Question"},
            domain="medicine",
        ),
        Preset(
            name="helpsteer3",
            hub="nvidia/HelpSteer3",
            layout="preference",
            config="preference",
            licence="CC-BY-4.0 (data card)",
            citation="Wang et al., HelpSteer3-Preference: Open Human-Annotated Preference Data across Diverse Tasks "
            "and Languages, 2025, arXiv:2505.11475",
            taken="nothing for training since version 3 of the paper, where its validation split is an evaluation set",
            notes="strength from -3 (the first response is much better) to 3; rows of strength 0 are ties and left out",
            splits=("train", "validation"),
            columns={"prompt": "context", "preference": "overall_preference"},
        ),
        Preset(
            name="openrubrics",
            hub="OpenRubrics/OpenRubrics",
            layout="openrubrics",
            licence="not verified: no licence was seen on the card",
            citation="Liu et al., OpenRubrics: Towards Scalable Synthetic Rubric Generation for Reward Modeling and "
            "LLM Alignment, 2025, arXiv:2510.07743",
            taken="this is what the paper makes of the others: 35.6k instructions with rubrics and judgments",
            notes="the second version is OpenRubrics/OpenRubric-v2, in the same columns",
        ),
    )
}
