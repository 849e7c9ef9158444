"""What the trainer is asked on its way: figures for whoever waits, and whole checkpoints for whoever goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openrubrics.signatures.errors import UsageError
from openrubrics.train.run_folder import mark_whole
from openrubrics.train.summary import TrainProgress

if TYPE_CHECKING:
    from accelerate import PartialState
    from transformers import TrainerCallback


def watch(processes: PartialState, on_progress: Callable[[TrainProgress], None] | None) -> TrainerCallback:
    """Return a callback of the trainer.

    It marks each checkpoint as whole once every process has written its part, stops the run where the loss is no
    number, and reports progress.

    Args:
        processes: Those that train together.
        on_progress: Receives the figures; None where nobody waits for them.
    """
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401 - the trainer's
            self.begun, self.first = time.monotonic(), state.global_step
            self.loss: float | None = None
            self.eval_loss: float | None = None
            self.tokens = 0.0

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ANN401
            loss = logs.get("loss", 0.0)
            if not math.isfinite(loss):
                raise UsageError(
                    f"the loss became {loss} at step {state.global_step}", "lower the learning rate of the preset"
                )
            self.loss, self.eval_loss = logs.get("loss", self.loss), logs.get("eval_loss", self.eval_loss)
            self.tokens = logs.get("num_tokens", self.tokens)
            if on_progress is not None:
                on_progress(self._progress(state.global_step, state.max_steps))

        def _progress(self, step: int, steps: int) -> TrainProgress:
            seconds, done = time.monotonic() - self.begun, step - self.first
            return TrainProgress(
                step=step,
                steps=steps,
                loss=self.loss,
                eval_loss=self.eval_loss,
                tokens_per_second=self.tokens / seconds if done and self.tokens and seconds else None,
                seconds_left=seconds / done * (steps - step) if done else None,
            )

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401 - the trainer's
            processes.wait_for_everyone()
            if processes.is_main_process:
                mark_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Watch()
