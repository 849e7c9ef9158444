"""Rewards for reinforcement learning, from comparisons of the completions of a prompt.

Whom an answer is compared with follows the published systems where they say it: an anchor drawn from the group, as in
BRPO (Writing-Zero, arXiv 2506.00103), which OpenRS builds on, or a reference answer, as Rubric-ARM's policy training
takes the greedy one. What comparisons are worth is in `openrubrics.train.payment`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, Literal, NamedTuple, get_args

from openrubrics.evaluation import PairJudge
from openrubrics.evaluation.comparing import Completion, Meeting, Score, answer_text, compare, draw, score
from openrubrics.evaluation.rewards import SMALLEST_SPREAD, spread
from openrubrics.programs import Direct
from openrubrics.signatures import Prompt, prompt_text
from openrubrics.signatures.errors import UsageError
from openrubrics.train.payment import Payment, is_lopsided, pay, with_checks
from openrubrics.verifiers import verifiable_share

RewardMode = Literal["anchor", "pairs"]

_DRAWN, _FIRST = "random", "first"


class _Against(NamedTuple):
    """The texts that a completion is compared with, and whether its own is the anchor's."""

    texts: list[str]
    is_anchor: bool = False


class RubricReward:
    """A reward function for `trl.GRPOTrainer` and whatever else calls ``await reward(prompts=..., completions=...)``.

    The completions of one call with equal prompts are a group. The judge compares them pairwise: `RubricRM` under the
    one rubric that it writes for their prompt, `AdaptiveRubricJudge` on criteria for each comparison. A judge with
    ``orders="both"`` asks twice for each comparison, and ties where the orders disagree.

    ===========  ======================================  =====================================================
    mode         compared with                           comparisons in a group of n different completions
    ===========  ======================================  =====================================================
    ``anchor``   one completion of the group             n - 1
    ``anchor``   a reference answer (name of a column)   n
    ``pairs``    every other completion of the group     n (n - 1) / 2
    ===========  ======================================  =====================================================

    ===========  ===================================================================================================
    payment      what the comparisons of a completion are worth
    ===========  ===================================================================================================
    ``share``    (won + ties / 2) / (won, tied or lost), in [0, 1]; the anchor's is its share of all comparisons
    ``brpo``     against an anchor: 1 for a win, -1 for a tie or a loss, 0 for the anchor's own text (Writing-Zero)
    ``graded``   against an anchor: the judge's own score, as `AdaptiveRubricJudge` gives one, averaged over the
                 orders and cut to [-1, 1]; where there is none, 1 for a win, 0 for a tie, -1 for a loss; 0 for the
                 anchor's own text (ours: which one OpenRS pays is not published)
    ===========  ===================================================================================================

    Checks by code add to a payment (pointwise verifiable rubrics, OpenRS): with `verifiable_weight` the reward is

        payment + verifiable_weight * (checks passed) / (checks decided),

    and a completion that fails a check is paid no more for its comparisons than any of its group that passes all, so
    that its reward is below theirs, whatever the judge says. (A judge with guards sees to that in the comparison.)

    A comparison that failed is left out; where all of them have failed the reward is None, which TRL leaves out. An
    error that would befall every other request too (no server, budget used up) is raised. Equal completions tie without
    a request, and none is compared twice. A completion alone in its group is None, unless there is a reference answer.
    Where several processes train, each sees its own completions only: keep the batch of a device a multiple of the
    generations for a prompt, or a part of a group is judged as a group of its own.

    BRPO is ``RubricReward(judge, payment="brpo", drop_above=0.6)`` with a judge that asks in both orders (one with
    several votes decides an order by majority, where BRPO asks for all), and ``GRPOConfig(num_generations=16,
    scale_rewards="none")``. One difference stays: BRPO takes payments as advantages, and TRL (1.16) takes off the mean
    of the group, whatever the options; with `drop_above` payments shift by so much at most, that of the anchor too. To
    take them as they are needs a trainer of one's own, or an override of what is private in TRL's. By which average
    over tokens (``loss_type``) BRPO was trained is not known to us.

    In TRL the completions of a dropped group have the advantage 0: they move no weight, but no other group is sampled
    in their place, losses that are averages count them, and terms that need no reward (``beta``, entropy) hold for
    them. What other reward functions pay for them counts, which is why checks are better weighed here than beside.

    Budgets, meters and ``dspy.context`` that are active where ``trainer.train()`` is called hold for the reward.

    Args:
        judge: Compares two responses, such as `openrubrics.RubricRM`.
        mode: Whom a completion is compared with.
        anchor: With mode ``anchor``: ``random`` draws one completion of each group, the same one for the same group and
            `seed`; ``first`` takes the first; any other text names a column of the data set with reference answers, as
            text or messages. Where that column holds None, the reward is None.
        payment: What comparisons are worth; with mode ``pairs`` it is ``share``.
        drop_above: Groups with ``abs(sum of payments) / payments`` above it are dropped: their rewards are None. In
            [0, 1); BRPO takes 0.6. Only with ``brpo`` and ``graded``, whose payments are about 0. What checks add does
            not count here.
        verifiable_weight: What passing all checks is worth, 0 or above; 0 leaves checks out. They are the rules that
            the request states and signs of degenerate output (`openrubrics.verifiers.request_checks`). How OpenRS
            weighs them is not published.
        seed: For the anchors, and for the slots in which a judge with ``orders="single"`` sees the responses.
        concurrency: Most requests to LMs in flight at a time.
        remove_thinking: Whether the judge sees completions without their thoughts (all up to ``</think>``); thoughts
            that never end leave the empty answer. An answer that was cut is judged as it is.
        name: What the trainer logs rewards under.

    Raises:
        UsageError: An option is not what it should be.
    """

    def __init__(
        self,
        judge: PairJudge,
        *,
        mode: RewardMode = "anchor",
        anchor: str = _DRAWN,
        payment: Payment = "share",
        drop_above: float | None = None,
        verifiable_weight: float = 0.0,
        seed: int = 0,
        concurrency: int = 16,
        remove_thinking: bool = True,
        name: str = "rubric_reward",
    ) -> None:
        if mode not in get_args(RewardMode):
            raise UsageError(f"unknown mode {mode!r}", f"modes are {' and '.join(get_args(RewardMode))}")
        if mode == "pairs" and anchor != _DRAWN:
            raise UsageError(f"anchor is {anchor!r}, but mode pairs has no anchor", "leave one of them out")
        if payment not in get_args(Payment):
            raise UsageError(f"unknown payment {payment!r}", f"payments are {', '.join(get_args(Payment))}")
        if mode == "pairs" and payment != "share":
            raise UsageError(f"payment {payment} is for comparisons with an anchor", "take mode anchor")
        if drop_above is not None and payment == "share":
            raise UsageError("drop_above is for payments about 0, and those of share are not", "take payment brpo")
        if drop_above is not None and not 0 <= drop_above < 1:
            raise UsageError(f"drop_above is {drop_above}, but has to be in [0, 1)", "BRPO takes 0.6")
        if not 0 <= verifiable_weight < math.inf:
            raise UsageError(f"verifiable_weight is {verifiable_weight}, but has to be 0 or above")
        self.judge = judge
        self.mode: RewardMode = mode
        self.anchor = anchor
        self.payment: Payment = payment
        self.drop_above = drop_above
        self.verifiable_weight = verifiable_weight
        self.seed = seed
        self.remove_thinking = remove_thinking
        self.__name__ = name
        self._ask = Direct(concurrency=concurrency)

    async def __call__(
        self,
        prompts: Sequence[Prompt | Sequence[Mapping[str, str]]],
        completions: Sequence[Completion],
        *,
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        **columns: Any,  # noqa: ANN401 - all columns of the data set, and whatever else the trainer tells
    ) -> list[float | None]:
        """Return a reward for each completion, or None: the payment, and with `verifiable_weight` what checks add.

        Args:
            prompts: Text or messages, one for each completion.
            completions: Text or messages.
            log_metric: Takes, under ``NAME/``, ``win_share`` and ``tie_share`` of the comparisons with an outcome, as
                completions see them, ``failed_share`` of all, over groups with two rewards or more ``group_std``
                (mean standard deviation) and ``saturated_share`` (groups whose rewards are all equal), with
                `drop_above` ``dropped_share`` of the groups with a payment, and with `verifiable_weight`
                ``verifiable_share``, the mean share of checks passed.
            log_extra: Takes, under ``NAME/comparisons``, a line for each completion that says what they came to.
            columns: One value for each completion.

        Raises:
            UsageError: An argument is not what it should be, or the judge has no LM.
            LMError: The endpoint cannot answer at all, or a budget is used up.
        """
        if len(prompts) != len(completions):
            raise UsageError(f"{len(prompts)} prompts were given for {len(completions)} completions")
        requests = [prompt_text(prompt) for prompt in prompts]
        answers = [self._text(completion) for completion in completions]
        groups: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            groups.setdefault(request, []).append(place)
        against = self._against(groups, answers, columns)
        meetings = [
            [Meeting(request, answer, opponent) for opponent in each.texts]
            for request, answer, each in zip(requests, answers, against, strict=True)
        ]
        settled = await compare(self.judge, (m for each in meetings for m in each), self._ask, seed=self.seed)
        found = [[settled[meeting] for meeting in each] for each in meetings]
        rewards = [pay(self.payment, each, is_anchor=met.is_anchor) for each, met in zip(found, against, strict=True)]
        figures = self._drop(groups.values(), rewards) | self._check(groups, answers, rewards)
        scores = [score(each) for each in found]
        if log_metric is not None:
            figures |= _metrics(scores, [[rewards[i] for i in group] for group in groups.values()])
            for metric, value in figures.items():
                log_metric(f"{self.__name__}/{metric}", value)
        if log_extra is not None:  # TRL's table has a column with the rewards, under the name itself
            log_extra(f"{self.__name__}/comparisons", [str(each) for each in scores])
        return rewards

    def _text(self, completion: Completion) -> str:
        return answer_text(completion, remove_thinking=self.remove_thinking)

    def _against(
        self, groups: Mapping[str, list[int]], answers: Sequence[str], columns: Mapping[str, Any]
    ) -> list[_Against]:
        """Return what each completion is compared with."""
        if self.mode == "anchor" and self.anchor not in (_DRAWN, _FIRST):
            texts = [None if each is None else self._text(each) for each in self._references(columns)]
            return [
                _Against([]) if text is None else _Against([text], answer == text)
                for text, answer in zip(texts, answers, strict=True)
            ]
        against = [_Against([]) for _ in answers]
        for request, group in groups.items():
            anchor = self._anchor(request, [answers[i] for i in group])
            for i in group:
                if anchor is None or answers[i] == anchor:
                    against[i] = _Against([answers[j] for j in group if j != i], is_anchor=anchor is not None)
                else:
                    against[i] = _Against([anchor])
        return against

    def _references(self, columns: Mapping[str, Any]) -> Iterable[Completion | None]:
        if self.anchor not in columns:
            raise UsageError(
                f"the reference answers are to be in a column {self.anchor!r}, and the data set has none of that name",
                f"anchor is {_DRAWN}, {_FIRST} or the name of a column",
            )
        return columns[self.anchor]

    def _anchor(self, request: str, answers: Sequence[str]) -> str | None:
        """Return the text of a group's anchor, None where all meet all."""
        if self.mode == "pairs":
            return None
        if self.anchor == _FIRST:
            return answers[0]
        in_order = sorted(answers)  # so that the order in which they come has no effect; a copy counts as one more
        return in_order[draw(self.seed, request, *in_order) % len(in_order)]

    def _drop(self, groups: Iterable[list[int]], payments: list[float | None]) -> dict[str, float]:
        """Take the payments of lopsided groups away, and return the share of such groups by its name."""
        if self.drop_above is None:
            return {}
        paid = [group for group in groups if any(payments[i] is not None for i in group)]
        dropped = [group for group in paid if is_lopsided([payments[i] for i in group], self.drop_above)]
        for group in dropped:
            for i in group:
                payments[i] = None
        return {"dropped_share": len(dropped) / len(paid)} if paid else {}

    def _check(
        self, groups: Mapping[str, list[int]], answers: Sequence[str], rewards: list[float | None]
    ) -> dict[str, float]:
        """Add what checks are worth to payments, and return the mean share of checks passed by its name."""
        if not self.verifiable_weight:
            return {}
        known: list[float] = []
        for request, group in groups.items():
            shares = [verifiable_share(request, answers[i]) for i in group]
            known += [share for share in shares if share is not None]
            checked = with_checks([rewards[i] for i in group], shares, self.verifiable_weight)
            for i, reward in zip(group, checked, strict=True):
                rewards[i] = reward
        return {"verifiable_share": fmean(known)} if known else {}


def _metrics(scores: Sequence[Score], groups: Sequence[Sequence[float | None]]) -> dict[str, float]:
    readable = sum(each.readable for each in scores)
    failed = sum(each.failed for each in scores)
    found: dict[str, float] = {}
    if readable:
        found["win_share"] = sum(each.won for each in scores) / readable
        found["tie_share"] = sum(each.tied for each in scores) / readable
    if readable or failed:
        found["failed_share"] = failed / (readable + failed)
    spreads = [value for group in groups if (value := spread(group)) is not None]
    if spreads:
        found["group_std"] = fmean(spreads)
        found["saturated_share"] = fmean(value < SMALLEST_SPREAD for value in spreads)
    return found
