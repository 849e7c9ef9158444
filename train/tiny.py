"""A Qwen3 of about a megabyte with random weights and a tokenizer of its own.

It has the architecture, special tokens and chat template behaviour of the released Qwen3 models, so whatever trains,
loads or serves this one does the same to those. What it writes is noise until it is trained.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.extras import require

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"
END_OF_TURN = "<|im_end|>"
CONTROL_TOKENS = (END_OF_TEXT, "<|im_start|>", END_OF_TURN)
THINK_TOKENS = ("<think>", "</think>")
SMALLEST_VOCAB = 256 + len(CONTROL_TOKENS) + len(THINK_TOKENS)
HEAD_DIM = 32

# Mirrors Qwen3's template for system, user and assistant turns, thinking included: earlier turns lose their thoughts,
# a final answer always carries a think block, and `enable_thinking=False` puts an empty one into the prompt. Tool
# calls are left out and refused.
CHAT_TEMPLATE = """\
{%- set seen = namespace(last_user=messages | length - 1) %}
{%- for message in messages %}
    {%- if message.role == 'user' %}{% set seen.last_user = loop.index0 %}{% endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role not in ('system', 'user', 'assistant') %}
        {{- raise_exception('no template for the role ' + message.role) }}
    {%- endif %}
    {%- set text = message.content %}
    {%- if message.role == 'assistant' %}
        {%- set thought = message.reasoning_content | default('', true) %}
        {%- if not thought and '</think>' in text %}
            {%- set thought = text.split('</think>')[0].split('<think>')[-1] %}
            {%- set text = text.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- set thought = thought.strip('\\n') %}
        {%- if loop.index0 > seen.last_user and (loop.last or thought) %}
            {%- set text = '<think>\\n' + thought + '\\n</think>\\n\\n' + text.lstrip('\\n') %}
        {%- endif %}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + text + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""


def tiny_qwen3(
    path: Path,
    texts: Iterable[str],
    *,
    hidden: int = 128,
    layers: int = 4,
    vocab: int = 2048,
    seed: int = 0,
    max_positions: int = 8192,
) -> Path:
    """Write a randomly initialised Qwen3 checkpoint (float32) and return its directory.

    Equal arguments give equal weights and an equal tokenizer.

    Args:
        path: Directory to write; created where it is missing.
        texts: What the tokenizer learns its merges from. Any other text can be encoded too, byte by byte at worst.
        hidden: Width, a multiple of 64.
        layers: Number of decoder layers.
        vocab: Size of the vocabulary, 261 or more; a little text gives fewer entries.
        seed: Seed of the weights.
        max_positions: Longest sequence in tokens.

    Raises:
        UsageError: `hidden` or `vocab` is out of range.
        MissingExtraError: The ``train`` extra is not installed.
    """
    if hidden < 2 * HEAD_DIM or hidden % (2 * HEAD_DIM):
        raise UsageError(f"hidden must be a multiple of {2 * HEAD_DIM}, not {hidden}")
    require("torch", "train")
    tokenizer = tiny_tokenizer(texts, vocab, max_positions)
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    ids = tokenizer.get_vocab()
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // HEAD_DIM,
        num_key_value_heads=hidden // (2 * HEAD_DIM),
        head_dim=HEAD_DIM,
        max_position_embeddings=max_positions,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=ids[END_OF_TURN],
        pad_token_id=ids[END_OF_TEXT],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3ForCausalLM(config)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def tiny_tokenizer(texts: Iterable[str], vocab: int = 2048, max_positions: int = 8192) -> PreTrainedTokenizerFast:
    """Train byte-level BPE; control tokens are special, think tokens are ordinary text in one piece, as in Qwen3.

    Args:
        texts: See `tiny_qwen3`; so for the others.
        vocab: Size of the vocabulary.
        max_positions: Longest sequence in tokens.

    Raises:
        UsageError: `vocab` is out of range.
        MissingExtraError: The ``train`` extra is not installed.
    """
    if vocab < SMALLEST_VOCAB:
        raise UsageError(f"vocab must be {SMALLEST_VOCAB} or more (every byte and the special tokens), not {vocab}")
    for module in ("tokenizers", "transformers"):
        require(module, "train")
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab - len(CONTROL_TOKENS) - len(THINK_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in CONTROL_TOKENS])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in THINK_TOKENS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TURN,
        pad_token=END_OF_TEXT,
        model_max_length=max_positions,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
