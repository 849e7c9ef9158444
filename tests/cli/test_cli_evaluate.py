"""`openrubrics evaluate`: the figures, the files, and what is asked."""

import json
from pathlib import Path

from cli_replies import JUDGMENT, RUBRIC, Run, asks_for_judgment, section, shorter_wins
from server_plugin import ModelServer

from openrubrics.data import Manifest, sha256
from openrubrics.evaluation import EvaluatedPair, Summary
from openrubrics.signatures import Failed

KEYS = {
    "pairs", "accuracy", "accuracy_ci", "consistent_accuracy", "ties", "failed", "length_baseline", "position_bias",
    "calls", "tokens", "cost", "seconds", "lm", "method",
}  # fmt: skip
SECRET = "sk-never-to-be-seen"


def judged(out: Path) -> list[EvaluatedPair]:
    return [EvaluatedPair.model_validate_json(line) for line in (out / "judgments.jsonl").read_text().splitlines()]


def test_a_run_leaves_three_files(cli: Run, served: tuple[str, ...], pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    ran = cli("evaluate", *served, "--pairs", pairs, "--orders", "both", "--out", out)
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in out.iterdir()) == ["judgments.jsonl", "manifest.json", "summary.json"]
    content = json.loads((out / "summary.json").read_text())
    assert content.keys() >= KEYS
    assert {name: content[name] for name in ("pairs", "ties", "failed", "lm", "method")} == {
        "pairs": 6, "ties": 0, "failed": 0, "lm": "hosted_vllm/judge", "method": "rubric-rm",
    }  # fmt: skip
    assert content["accuracy"] == content["consistent_accuracy"] == 4 / 6
    assert content["length_baseline"] == 2 / 6
    assert content["position_bias"] == 0
    assert content["calls"] == 6 + 12
    assert content["tokens"] == 18 * 12
    assert {name: figures["accuracy"] for name, figures in content["by_domain"].items()} == {"short": 1, "long": 0}
    results = judged(out)
    assert {result.id for result in results} == {f"p{n}" for n in range(6)}
    assert all(result.judgment.orders_agree for result in results)


def test_the_manifest_says_how_the_run_came_to_be(
    cli: Run, served: tuple[str, ...], pairs: Path, tmp_path: Path
) -> None:
    rubric = tmp_path / "rubric.txt"
    rubric.write_text(RUBRIC)
    options = ("--votes", 3, "--seed", 5, "--rubric", rubric, "--max-tokens", 900, "--no-thinking")
    assert cli("evaluate", *served, *options, "--pairs", pairs, "--out", tmp_path / "run").code == 0
    manifest = Manifest.model_validate_json((tmp_path / "run" / "manifest.json").read_text())
    assert manifest.lms == {"judge": "hosted_vllm/judge"}
    assert manifest.data == {"pairs.jsonl": sha256(pairs), "rubric.txt": sha256(rubric)}
    assert manifest.seed == 5
    assert manifest.sampling == {"temperature": 0.7, "max_tokens": 900, "thinking": False, "votes": 3}
    assert manifest.counts == {"pairs": 6, "runs": 1, "failed": 0}
    assert manifest.usage.calls == 6
    assert set(manifest.versions) >= {"openrubrics", "dspy", "python"}


def test_json_prints_the_summary(cli: Run, served: tuple[str, ...], pairs: Path) -> None:
    summary = Summary.model_validate_json(cli("evaluate", *served, "--pairs", pairs, "--json").out)
    assert (summary.pairs, summary.orders, summary.consistent_accuracy) == (6, "single", None)


def test_the_terminal_shows_the_figures(cli: Run, served: tuple[str, ...], pairs: Path) -> None:
    out = cli("evaluate", *served, "--pairs", pairs).out
    assert "0.667" in out
    assert "18 calls" not in out
    assert "12 calls, 144 tokens" in out
    assert "nothing was written: name a folder with --out" in out


def test_limit_reads_the_first_rows_only(cli: Run, served: tuple[str, ...], pairs: Path, tmp_path: Path) -> None:
    cli("evaluate", *served, "--pairs", pairs, "--limit", 2, "--out", tmp_path / "run")
    assert {result.id for result in judged(tmp_path / "run")} == {"p0", "p1"}


def test_the_seed_decides_which_response_is_shown_first(
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path
) -> None:
    def shown(seed: int) -> dict[str, str]:
        server.received.clear()
        cli("evaluate", *served, "--pairs", pairs, "--seed", seed)
        return {section(b, "prompt"): section(b, "response_a") for b in server.bodies if asks_for_judgment(b)}

    assert shown(1) == shown(1)
    assert len({json.dumps(shown(seed), sort_keys=True) for seed in range(4)}) > 1


def test_repeats_are_asked_anew_and_give_kappa(
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path, tmp_path: Path
) -> None:
    server.text = _changes_its_mind_about("Question 0?")
    ran = cli("evaluate", *served, "--pairs", pairs, "--repeats", 2, "--json", "--out", tmp_path / "run")
    assert Summary.model_validate_json(ran.out).kappa == 2 / 3
    assert sum(map(asks_for_judgment, server.bodies)) == 12
    assert len(judged(tmp_path / "run")) == 6
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["counts"]["runs"] == 2


def _changes_its_mind_about(prompt: str):  # noqa: ANN202
    """Prefer the shorter response, but the second time the longer one for one prompt.

    Observed agreement is 5/6; runs of 4 and 3 chosen of 6 agree by chance in 1/2: kappa = (5/6 - 1/2) / (1/2) = 2/3.
    """
    times = iter(range(100))

    def write(body: dict) -> str:
        text = shorter_wins(body)
        if asks_for_judgment(body) and section(body, "prompt") == prompt and next(times) == 1:
            return JUDGMENT.format(winner="B" if text.endswith("Response A") else "A")
        return text

    return write


def test_failures_are_counted_never_scored(
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path, tmp_path: Path
) -> None:
    server.text = lambda body: "no idea" if section(body, "prompt") == "Question 1?" else shorter_wins(body)
    options = (*served, "--pairs", pairs, "--json")
    ran = cli("evaluate", *options, "--out", tmp_path / "run")
    summary = Summary.model_validate_json(ran.out)
    assert ran.code == 1
    assert (summary.failed, summary.ties, summary.accuracy) == (1, 0, 3 / 6)
    (failed,) = (r.judgment.outcome for r in judged(tmp_path / "run") if isinstance(r.judgment.outcome, Failed))
    assert failed.raw == "no idea"
    assert cli("evaluate", *options, "--max-failed", 0.2).code == 0


def test_a_run_is_not_overwritten_unasked(cli: Run, served: tuple[str, ...], pairs: Path, tmp_path: Path) -> None:
    options = (*served, "--pairs", pairs, "--out", tmp_path / "run")
    assert cli("evaluate", *options).code == 0
    before = (tmp_path / "run" / "summary.json").read_bytes()
    again = cli("evaluate", *options)
    assert again.code == 2
    assert "already holds summary.json" in again.err
    assert (tmp_path / "run" / "summary.json").read_bytes() == before
    assert cli("evaluate", *options, "--overwrite").code == 0


def test_a_dry_run_asks_nothing_and_tells_the_most_it_would(
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path, tmp_path: Path
) -> None:
    options = (*served, "--pairs", pairs, "--orders", "both", "--votes", 3, "--out", tmp_path / "run")
    ran = cli("evaluate", *options, "--dry-run")
    assert ran.code == 0
    assert "6 pairs with 6 different prompts: at most 6 requests for rubrics and 24 for judgments, 30" in ran.out
    assert server.bodies == []
    assert not (tmp_path / "run").exists()
    server.text = _splits_votes
    assert cli("evaluate", *options).code == 0
    assert len(server.bodies) == 30


def _splits_votes(body: dict) -> str:
    """Make the third vote needed: the two samples of one request cannot differ here, so they fail."""
    return "no vote" if body.get("n", 1) > 1 else shorter_wins(body)


def test_the_key_is_sent_and_never_shown_or_kept(
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path, tmp_path: Path
) -> None:
    options = (*served, "--api-key", SECRET, "--pairs", pairs)
    ran = cli("evaluate", *options, "--out", tmp_path / "run")
    assert ran.code == 0
    assert {received.headers["Authorization"] for received in server.received} == {f"Bearer {SECRET}"}
    server.fails(401, "bad key", times=20)
    refused = cli("evaluate", *options)
    assert refused.code == 4
    assert "set OPENRUBRICS_API_KEY or --api-key" in refused.err
    everything = ran.out + ran.err + refused.out + refused.err
    everything += "".join(path.read_text() for path in (tmp_path / "run").iterdir())
    assert SECRET not in everything
