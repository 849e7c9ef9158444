"""TRL's trainer, set up for a run: what is set, and why, stands here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.files import cannot_write
from openrubrics.train.encode import Encoded
from openrubrics.train.plan import LORA_ALPHA, LORA_RANK, Batches
from openrubrics.train.presets import Preset
from openrubrics.train.summary import TrainProgress
from openrubrics.train.watch import watch

if TYPE_CHECKING:
    from accelerate import PartialState
    from transformers import PreTrainedTokenizerBase
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

_MEASURES = 200
"""Losses that a run keeps, about."""

_WAIT_SECONDS = 4 * 3600
"""How long processes wait for the one that writes the student."""


@dataclass(frozen=True)
class Run:
    """One start of a run, as every process of it knows it.

    Attributes:
        out: Folder for checkpoints.
        base: Folder of the base.
        preset: Hyperparameters.
        lora: Whether an adapter is trained.
        seed: Of all that is random.
        batches: How a step is divided.
        steps: Of the whole run.
        save_every: Steps between two checkpoints, and between two measurements on records that are not learned.
        packing: Whether the records of a micro-batch lie end to end.
        cpu: Whether it runs on a CPU, and so in float32.
        report_to: Trackers.
    """

    out: Path
    base: Path
    preset: Preset
    lora: bool
    seed: int
    batches: Batches
    steps: int
    save_every: int
    packing: bool
    cpu: bool
    report_to: tuple[str, ...]


@contextmanager
def together(run: Run) -> Iterator[PartialState]:
    """Yield the processes that train together, once all of them are there."""
    from accelerate import PartialState

    _arguments(run, evaluates=False)  # connects them, over the backend that the run needs
    processes = PartialState()
    processes.wait_for_everyone()
    yield processes


def sft_trainer(
    run: Run,
    train: list[Encoded],
    val: list[Encoded],
    tokenizer: PreTrainedTokenizerBase,
    checkpoint: Path | None,
    on_progress: Callable[[TrainProgress], None] | None,
) -> SFTTrainer:
    """Return the trainer; it prints nothing, and measures before the first step unless it goes on from a checkpoint."""
    from accelerate import PartialState
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl.trainer.sft_trainer import SFTTrainer

    arguments = _arguments(run, evaluates=bool(val))
    arguments.eval_on_start = checkpoint is None and bool(val)
    adapter = None
    if run.lora:
        from peft import LoraConfig

        adapter = LoraConfig(
            r=LORA_RANK, lora_alpha=LORA_ALPHA, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
        )
    trainer = SFTTrainer(
        model=str(run.base),
        args=arguments,
        train_dataset=Dataset.from_list([dict(record) for record in train]),
        eval_dataset=Dataset.from_list([dict(record) for record in val]) if val else None,
        processing_class=tokenizer,
        peft_config=adapter,
        callbacks=[watch(PartialState(), on_progress)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(run: Run, *, evaluates: bool) -> SFTConfig:
    from trl.trainer.sft_config import SFTConfig

    model: dict[str, Any] = {"dtype": "bfloat16" if run.lora and not run.cpu else "float32", "device_map": None}
    if run.packing:
        from transformers.utils.import_utils import is_flash_attn_2_available

        model["attn_implementation"] = "flash_attention_2" if is_flash_attn_2_available() else "sdpa"
    return SFTConfig(
        output_dir=str(run.out),
        model_init_kwargs=model,
        num_train_epochs=run.preset.epochs,
        per_device_train_batch_size=run.batches.micro,
        per_device_eval_batch_size=run.batches.micro,
        gradient_accumulation_steps=run.batches.accumulation,
        learning_rate=run.preset.learning_rate,
        lr_scheduler_type=run.preset.scheduler,
        warmup_steps=run.preset.warmup,
        weight_decay=run.preset.weight_decay,
        max_grad_norm=run.preset.max_grad_norm,
        optim="adamw_torch",
        seed=run.seed,
        data_seed=run.seed,
        use_cpu=run.cpu,
        ddp_backend="gloo" if run.cpu and run.batches.devices > 1 else None,
        ddp_timeout=_WAIT_SECONDS,
        ddp_find_unused_parameters=False,
        bf16=not run.cpu,
        gradient_checkpointing=not run.cpu,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        max_length=None,
        padding_free=run.packing,
        logging_steps=max(1, run.steps // _MEASURES),
        logging_first_step=True,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=run.save_every,
        save_strategy="steps",
        save_steps=run.save_every,
        save_total_limit=2,
        report_to=list(run.report_to) or "none",
        disable_tqdm=True,
        log_level="error",
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence bars and hints of the libraries; errors and warnings of Python stay."""
    import datasets
    from transformers.utils import logging

    verbosity, datasets_bars, bars = (
        logging.get_verbosity(),
        not datasets.are_progress_bars_disabled(),
        logging.is_progress_bar_enabled(),
    )
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
        if datasets_bars:
            datasets.enable_progress_bars()


@contextmanager
def in_words() -> Iterator[None]:
    """Turn what a user can put right into an error with its next step."""
    import torch
    from safetensors import SafetensorError

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UsageError(
            f"the GPU has too little memory: {str(error).split('. ')[0]}",
            "lower --micro-batch, use --lora, or divide the model over more devices (FSDP, DeepSpeed)",
        ) from error
    except SafetensorError as error:
        raise DataError(
            f"weights cannot be read or written: {error}", "check the files of the base, and the space left"
        ) from error
    except RuntimeError as error:
        if "PytorchStreamWriter" not in str(error) and "inline_container" not in str(error):
            raise
        raise UsageError("a checkpoint cannot be written", "free some space; the same command goes on") from error
    except OSError as error:
        if error.errno is None or error.filename is None:
            raise
        raise cannot_write(Path(error.filename), error) from error
