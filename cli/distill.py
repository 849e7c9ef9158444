"""`openrubrics distill`: train a student on what was curated."""

from pathlib import Path
from typing import Literal

import click

from openrubrics.cli.options import FILE, Number, json_option, seed_option


@click.command()
@click.option(
    "--curated",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that openrubrics curate wrote.",
)
@click.option(
    "--stage", required=True, type=click.Choice(["rubric", "judge"]), help="Student: rubric generator, or judge."
)
@click.option("--base", required=True, help="Checkpoint to start from: a folder, or ORGANISATION/NAME on the hub.")
@click.option(
    "--preset",
    type=click.Choice(["paper", "tiny"]),
    default="paper",
    show_default=True,
    help="Hyperparameters: those of the paper, or for a demonstration with a tiny model.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=JSON",
    help="A value of the preset to change, such as --set learning_rate=1e-4. Can be repeated.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the student; one that holds the same run is gone on with.",
)
@click.option("--overwrite", is_flag=True, help="Forget the run that the folder holds, and begin anew.")
@click.option("--lora", is_flag=True, help="Train an adapter and merge it in the end, instead of all weights.")
@click.option(
    "--prompt",
    "prompts",
    type=click.Choice(["bare", "compiled"]),
    default="bare",
    show_default=True,
    help="Prompts the student learns: as they are shipped, or those of --compiled.",
)
@click.option("--compiled", type=FILE, help="Optimized program for --prompt compiled, of openrubrics optimize.")
@click.option(
    "--form",
    type=click.Choice(["seed", "v3"]),
    default="seed",
    show_default=True,
    help="Form of the judgments, as they were curated.",
)
@click.option(
    "--val-share",
    type=Number(0, 1, max_open=True),
    default=0.05,
    show_default=True,
    help="Share of the prompts that is not learned, to measure the loss on.",
)
@seed_option
@click.option("--micro-batch", type=click.IntRange(min=1), help="Records at a time on one device.")
@click.option("--save-every", type=click.IntRange(min=1), help="Steps between two checkpoints; ten in all by default.")
@click.option(
    "--packing/--no-packing",
    default=None,
    help="Lay records end to end instead of padding them; by default where FlashAttention is installed, on GPUs only.",
)
@click.option("--report-to", multiple=True, metavar="TRACKER", help="Such as wandb or tensorboard. Can be repeated.")
@click.option("--keep-checkpoints", is_flag=True, help="Keep the last two checkpoints when all is done.")
@json_option
@click.option("--dry-run", is_flag=True, help="Say what would be trained: steps, tokens, memory; and train nothing.")
@click.option("--devices", type=click.IntRange(min=1), help="Number of devices to reckon with, for --dry-run.")
def distill(
    curated: Path,
    stage: Literal["rubric", "judge"],
    base: str,
    preset: str,
    changes: tuple[str, ...],
    out: Path,
    overwrite: bool,
    lora: bool,
    prompts: Literal["bare", "compiled"],
    compiled: Path | None,
    form: Literal["seed", "v3"],
    val_share: float,
    seed: int,
    micro_batch: int | None,
    save_every: int | None,
    packing: bool | None,
    report_to: tuple[str, ...],
    keep_checkpoints: bool,
    as_json: bool,
    dry_run: bool,
    devices: int | None,
) -> None:
    """Train a student on kept rows: to write the rubric for a request, or to judge under one.

    The loss is on the student's answers alone, and no record is cut: longer ones are left out and counted. A run that
    was stopped, by whatever, goes on from its last checkpoint with the same command. The folder then holds a checkpoint
    that vLLM and transformers load as it is, with a model card. Over several GPUs, start it with accelerate launch or
    torchrun; the batch of a step stays the same.

    \b
    Example:
      openrubrics distill --curated curated --stage judge --base Qwen/Qwen3-8B --preset paper --out runs/judge
    """
    from openrubrics.cli.run_distill import Settings, foretell, report, run

    settings = Settings(
        curated=curated,
        stage=stage,
        base=base,
        preset=preset,
        changes=changes,
        out=out,
        overwrite=overwrite,
        lora=lora,
        prompts=prompts,
        compiled=compiled,
        form=form,
        val_share=val_share,
        seed=seed,
        micro_batch=micro_batch,
        save_every=save_every,
        packing=packing,
        report_to=report_to,
        keep_checkpoints=keep_checkpoints,
        devices=devices,
    )
    if dry_run:
        foretell(settings, as_json)
        return
    report(run(settings), out, as_json)
