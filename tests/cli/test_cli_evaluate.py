"""`openrubrics evaluate`: the figures, the files, and what is asked."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
from cli_replies import JUDGMENT, RUBRIC, Run, asks_for_judgment, section, shorter_wins
from server_plugin import ModelServer

from openrubrics.data import Manifest, sha256
from openrubrics.evaluation import EvaluatedPair, Summary, kappa
from openrubrics.programs import GatekeeperJudge, RubricGenerator, RubricRM
from openrubrics.signatures import Failed

KEYS = {
    "pairs", "accuracy", "accuracy_ci", "consistent_accuracy", "ties", "failed", "length_baseline", "position_bias",
    "calls", "tokens", "cost", "seconds", "lm", "method",
}  # fmt: skip
SECRET = "sk-never-to-be-seen"


def read_manifest(out: Path) -> Manifest:
    return Manifest.model_validate_json((out / "manifest.json").read_text())


def judged(out: Path, name: str = "judgments.jsonl") -> list[EvaluatedPair]:
    return [EvaluatedPair.model_validate_json(line) for line in (out / name).read_text().splitlines()]


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
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path, tmp_path: Path
) -> None:
    rubric = tmp_path / "rubric.txt"
    rubric.write_text(RUBRIC)
    options = ("--votes", 3, "--seed", 5, "--rubric", rubric, "--max-tokens", 900, "--no-thinking")
    assert cli("evaluate", *served, *options, "--pairs", pairs, "--out", tmp_path / "run").code == 0
    manifest = read_manifest(tmp_path / "run")
    assert manifest.lms == {"judge": "hosted_vllm/judge"}
    assert manifest.servers == {"judge": server.url}
    assert manifest.data == {str(pairs): sha256(pairs), str(rubric): sha256(rubric)}
    assert manifest.seed == 5
    assert manifest.sampling == {"judge": {"temperature": 0.7, "max_tokens": 900, "thinking": False}}
    extras = dict(manifest.extras)
    source = extras.pop("source")
    assert isinstance(source, dict)
    assert source["pairs"] == str(pairs)
    assert extras == {
        "method": "rubric-rm", "orders": "single", "votes": 3, "form": "seed", "probabilities": False,
        "enforce_checks": False, "cache": False, "rubric": str(rubric), "compiled": None,
        "rubric_template": None, "judge_template": None,
    }  # fmt: skip
    assert manifest.counts == {"pairs": 6, "runs": 1, "failed": 0}
    assert manifest.usage.calls == 6
    assert set(manifest.versions) >= {"openrubrics", "dspy", "python"}


def test_the_manifest_tells_roles_and_files_apart(
    cli: Run, server: ModelServer, other_server: ModelServer, pairs: Path, tmp_path: Path
) -> None:
    """Files of one name in two folders, a login in an address, and a temperature of the judge alone."""
    (tmp_path / "r").mkdir()
    (tmp_path / "j").mkdir()
    rubric, judge = tmp_path / "r" / "t.txt", tmp_path / "j" / "t.txt"
    rubric.write_text("Criteria for {prompt}!")
    judge.write_text("<prompt>{prompt}{rubric}<response_a>\n{response_a}\n</response_a><response_b>\n{response_b}\n")
    compiled = tmp_path / "compiled.json"
    RubricRM(RubricGenerator(rubric.read_text()), GatekeeperJudge(template=judge.read_text())).save(compiled)
    login = other_server.url.replace("http://", "http://me:secret@")
    options = ("--rubric-lm", "hosted_vllm/w", "--judge-lm", "hosted_vllm/j", "--api-base", server.url)
    options += ("--judge-api-base", login, "--votes", "3", "--limit", "2", "--compiled", str(compiled), "--cache")
    options += ("--rubric-template", str(rubric), "--judge-template", str(judge))
    ran = cli("evaluate", *options, "--pairs", pairs, "--out", tmp_path / "run", "--max-failed", 1)
    assert ran.code == 0, ran.err
    manifest = read_manifest(tmp_path / "run")
    assert manifest.lms == {"judge": "hosted_vllm/j", "rubric": "hosted_vllm/w"}
    assert manifest.servers == {"judge": other_server.url, "rubric": server.url}
    assert manifest.data == {str(path): sha256(path) for path in (pairs, rubric, judge, compiled)}
    sampling = {"temperature": None, "max_tokens": None, "thinking": None}
    assert manifest.sampling == {"rubric": sampling, "judge": sampling | {"temperature": 0.7}}
    assert manifest.extras.items() >= {"cache": True, "compiled": str(compiled)}.items()
    assert isinstance(manifest.extras["source"], dict)
    assert manifest.extras["source"]["limit"] == 2


def test_pairs_can_come_through_a_pipe(cli: Run, served: tuple[str, ...], pairs: Path, tmp_path: Path) -> None:
    for number, command in enumerate(("evaluate", "judge")):
        pipe = tmp_path / f"pipe-{number}"
        os.mkfifo(pipe)
        text = pairs.read_text()
        if command == "judge":
            text = text.replace('"chosen"', '"response_a"').replace('"rejected"', '"response_b"')
            text = "".join(line.partition(', "domain"')[0] + "}\n" for line in text.splitlines())
        writer = threading.Thread(target=pipe.write_text, args=(text,), daemon=True)
        writer.start()
        out = ("--out", tmp_path / "run") if command == "evaluate" else ()
        ran = cli(command, *served, "--pairs", pipe, *out)
        assert ran.code == 0, ran.err
        writer.join(5)
    assert len(judged(tmp_path / "run")) == 6
    assert read_manifest(tmp_path / "run").data == {}


def test_pairs_come_from_any_source_and_bad_rows_can_be_skipped(
    cli: Run, server: ModelServer, served: tuple[str, ...], jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    """Scored responses in Parquet, of which the best and the worst are compared."""
    rows = [
        {"instruction": f"Question {n}?", "responses": ["Worst answer.", "Best.", "Better."], "scores": [1.0, 5.0, 3.0]}
        for n in range(3)
    ]
    parquet = tmp_path / "scored.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), parquet)
    mapped = ("--map", "prompt=instruction")
    ran = cli("evaluate", *served, "--pairs", parquet, *mapped, "--out", tmp_path / "run")
    assert ran.code == 0, ran.err
    shown = [{section(b, "response_a"), section(b, "response_b")} for b in server.bodies if asks_for_judgment(b)]
    assert shown == 3 * [{"Best.", "Worst answer."}]
    assert read_manifest(tmp_path / "run").data == {str(parquet): sha256(parquet)}
    bad = jsonl([{"prompt": "P?", "chosen": "a", "rejected": "bb"}, {"prompt": 7, "chosen": "a", "rejected": "bb"}])
    server.received.clear()
    stopped = cli("evaluate", *served, "--pairs", bad)
    assert stopped.code == 3
    assert "line 2" in stopped.err
    assert server.bodies == []
    skipped = cli("evaluate", *served, "--pairs", bad, "--on-error", "skip", "--out", tmp_path / "skipped")
    assert skipped.code == 0
    assert skipped.err.startswith("1 skipped: ")
    counts = read_manifest(tmp_path / "skipped").counts
    assert (counts["pairs"], sum(counts.values())) == (1, 3)  # a pair, a run, a skipped row


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
    assert len(server.bodies) == 2 * (6 + 6)  # rubrics too
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["counts"]["runs"] == 2
    runs = [judged(tmp_path / "run", name) for name in ("judgments.jsonl", "judgments-2.jsonl")]
    assert kappa(runs) == 2 / 3
    summary = Summary.model_validate_json(ran.out)
    assert (summary.calls, summary.tokens) == (24, 24 * 12)


def test_repeats_do_not_repeat_replies_of_a_cache(cli: Run, server: ModelServer, pairs: Path) -> None:
    options = ("--lm", "hosted_vllm/judge", "--api-base", server.url, "--pairs", pairs)
    ran = cli("evaluate", *options, "--repeats", 2, "--cache")
    assert ran.code == 2
    assert ran.err.startswith("error: --repeats with --cache would repeat the replies of the first run\n")
    assert server.bodies == []


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
    assert ran.err == "1 of 6 comparisons failed (16.7 %), more than --max-failed 0.05 allows\n"
    assert (summary.failed, summary.ties, summary.accuracy) == (1, 0, 3 / 6)
    (failed,) = (r.judgment.outcome for r in judged(tmp_path / "run") if isinstance(r.judgment.outcome, Failed))
    assert failed.raw == "no idea"
    assert cli("evaluate", *options, "--max-failed", 0.2).code == 0


def test_a_run_is_not_overwritten_unasked_nor_by_nothing(
    cli: Run, served: tuple[str, ...], pairs: Path, tmp_path: Path, unused_port: int
) -> None:
    options = (*served, "--pairs", pairs, "--out", tmp_path / "run")
    assert cli("evaluate", *options).code == 0
    before = (tmp_path / "run" / "summary.json").read_bytes()
    again = cli("evaluate", *options)
    assert again.code == 2
    assert "already holds summary.json" in again.err
    assert "--overwrite" in again.err
    assert cli("evaluate", *options, "--dry-run").err == again.err
    assert (tmp_path / "run" / "summary.json").read_bytes() == before
    gone = ("--lm", "hosted_vllm/judge", "--api-base", f"http://127.0.0.1:{unused_port}/v1", "--retries", 0)
    failed = cli("evaluate", *gone, "--pairs", pairs, "--out", tmp_path / "run", "--overwrite")
    assert failed.code == 4
    assert failed.err.splitlines()[-1].strip() == "nothing was judged"
    assert (tmp_path / "run" / "summary.json").read_bytes() == before
    assert len(judged(tmp_path / "run")) == 6
    assert cli("evaluate", *options, "--overwrite").code == 0


def test_a_dry_run_asks_nothing_and_tells_the_most_it_would(
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path, tmp_path: Path
) -> None:
    options = (*served, "--pairs", pairs, "--orders", "both", "--votes", 3, "--out", tmp_path / "run")
    ran = cli("evaluate", *options, "--dry-run")
    assert ran.code == 0
    assert "pairs: 6, different prompts: 6; at most 6 requests for rubrics and 24 for judgments, 30 in all" in ran.out
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
