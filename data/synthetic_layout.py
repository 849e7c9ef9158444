"""Rules about visible layout: obeyed by laying the sentences out, broken by laying them out a little differently."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from openrubrics.data.synthetic_draft import Draft, Layout
from openrubrics.data.synthetic_rules import Edit, Rule, check, number, slots, text
from openrubrics.data.synthetic_words import RangeWords
from openrubrics.signatures.values import Check

_RULE = "\n\n***\n\n"
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_PLACEHOLDERS = (
    ("Note your own date for the start here: {}.", "[date]", "the third of May"),
    ("Ask {} to join you on the first day.", "[name]", "a good friend"),
    ("Set {} aside for the first month.", "[amount]", "a small sum"),
    ("Make {} the fixed place for it.", "[place]", "the kitchen"),
    ("Keep {} of every week free for it.", "[number of hours]", "an hour or two"),
    ("Tell {} about your plan.", "[person]", "your family"),
)


def _parts(rng: Random, draft: Draft) -> int:
    return rng.randint(2, min(5, draft.size))


def _laid_out(layout: Layout, mark: Sequence[str] = ("",), parts: str = "") -> Edit:
    """Return an edit that lays the draft out; `parts` names the argument with the number of parts."""

    def keep(rng: Random, draft: Draft, one: Check) -> Draft:
        count = number(one, parts) if parts else 2
        return replace(draft, layout=layout, mark=rng.choice(mark), parts=count)

    return keep


def marked(mark: str) -> Edit:
    """Return an edit that puts another mark in the place of the right one."""
    return lambda rng, draft, one: replace(draft, mark=mark)


def rewritten(edit: Callable[[str], str]) -> Edit:
    """Return an edit of the text as a whole."""
    return lambda rng, draft, one: draft.finished(edit)


def one_more(rng: Random, draft: Draft, one: Check) -> Draft:
    """Add one part."""
    return replace(draft, parts=draft.parts + 1)


def one_less(rng: Random, draft: Draft, one: Check) -> Draft:
    """Take one part away; the last one stays."""
    return replace(draft, parts=max(1, draft.parts - 1))


def _bullet_words(one: Check) -> Sequence[str]:
    points = number(one, "num_bullets")
    return (
        f"Your answer must contain exactly {points} bullet points.",
        f"Use exactly {points} bullet points, written with * or - at the start of the line.",
        f"Put it into {points} bullet points.",
        f"Make it a markdown list; the list has {points} bullets, no more and no fewer.",
    )


def _blocks_words(one: Check) -> Sequence[str]:
    blocks = number(one, "num_paragraphs")
    return (
        f"Write exactly {blocks} paragraphs and separate them with the markdown divider ***.",
        f"There should be {blocks} paragraphs. Paragraphs are separated with the markdown divider: ***",
        f"Split it into {blocks} paragraphs, with three asterisks between neighbours.",
    )


def _first_word(rng: Random, draft: Draft) -> Check:
    parts = _parts(rng, draft)
    word = draft.sentences[0].split()[0].rstrip(",")
    return check(
        "length_constraints:nth_paragraph_first_word",
        num_paragraphs=parts,
        nth_paragraph=rng.randint(1, parts),
        first_word=word,
    )


def _keep_first_word(rng: Random, draft: Draft, one: Check) -> Draft:
    """Put a sentence that starts with the word at the head of its paragraph."""
    parts, nth, word = number(one, "num_paragraphs"), number(one, "nth_paragraph"), text(one, "first_word")
    fitting = [sentence for sentence in draft.pool if sentence.split()[0].rstrip(",") == word]
    others = [sentence for sentence in draft.sentences if sentence not in fitting]
    if not fitting:  # the sentences are in another language by now
        return draft
    place = (len(others) + 1) * (nth - 1) // parts
    sentences = (*others[:place], rng.choice(fitting), *others[place:])
    return replace(draft, layout="blocks", mark="\n\n", parts=parts, sentences=sentences)


def _first_word_words(one: Check) -> Sequence[str]:
    parts, word = number(one, "num_paragraphs"), text(one, "first_word")
    nth = _ORDINALS[number(one, "nth_paragraph") - 1]
    return (
        f'Write {parts} paragraphs, separated by blank lines. The {nth} paragraph must start with the word "{word}".',
        f'I need {parts} paragraphs with a blank line between them, and the {nth} paragraph starts with "{word}".',
        f'Divide it by blank lines into {parts} paragraphs; let "{word}" be the opening word of the {nth} one.',
    )


def _turned(rng: Random, draft: Draft, one: Check) -> Draft:
    by = rng.randrange(1, max(2, len(draft.sentences)))
    return replace(draft, sentences=(*draft.sentences[by:], *draft.sentences[:by]))


def _sections(rng: Random, draft: Draft) -> Check:
    mark = rng.choice(("SECTION", "PART", "Step", "Section", "Part"))
    return check("detectable_format:multiple_sections", section_spliter=mark, num_sections=_parts(rng, draft))


def _keep_sections(rng: Random, draft: Draft, one: Check) -> Draft:
    return replace(draft, layout="sections", mark=text(one, "section_spliter"), parts=number(one, "num_sections"))


def _sections_words(one: Check) -> Sequence[str]:
    mark, parts = text(one, "section_spliter"), number(one, "num_sections")
    return (
        f"Your response must have {parts} sections. Mark the beginning of each section with {mark} X.",
        f'Write at least {parts} sections, each marked with "{mark}" and its number.',
        f"Divide the answer under headings that read {mark} 1, {mark} 2 and so on, up to {parts} or further.",
    )


def _lines(rng: Random, draft: Draft) -> Check:
    count = rng.randint(3, min(6, draft.size)) if draft.size >= 3 else 2
    if rng.random() < 0.5:
        return check("text:line_count", minimum=count, maximum=count)
    return check("text:line_count", maximum=count) if rng.random() < 0.5 else check("text:line_count", minimum=count)


def _keep_lines(rng: Random, draft: Draft, one: Check) -> Draft:
    bound = one.arguments.get("maximum") or one.arguments["minimum"]
    return replace(draft, layout="lines", parts=bound if isinstance(bound, int) else 1)


def _highlight_words(one: Check) -> Sequence[str]:
    count = number(one, "num_highlights")
    return (
        f"Highlight at least {count} words with markdown, for example *like this*.",
        f"Your answer should have at least {count} highlighted sections, such as *highlighted section*.",
        f"Put asterisks around what matters most, {count} times or more.",
    )


def _placeholder_words(one: Check) -> Sequence[str]:
    count = number(one, "num_placeholders")
    many = "s" * (count > 1)
    return (
        f"The response must contain at least {count} placeholder{many} in square brackets, such as [address].",
        f"Leave at least {count} placeholder{many}, in square brackets such as [name].",
        f"I fill in details later: leave {count} or more gaps in square brackets, like [address].",
    )


def _keep_placeholders(rng: Random, draft: Draft, one: Check) -> Draft:
    chosen = rng.sample(_PLACEHOLDERS, number(one, "num_placeholders"))
    return replace(draft, fixed=(*draft.fixed, *(line.format(gap) for line, gap, _ in chosen)))


def _fill_one(rng: Random, draft: Draft, one: Check) -> Draft:
    filled = {line.format(gap): line.format(value) for line, gap, value in _PLACEHOLDERS}
    gaps = [line for line in draft.fixed if line in filled]
    place = rng.choice(gaps)
    return replace(draft, fixed=tuple(filled[line] if line == place else line for line in draft.fixed))


def _round_brackets(response: str) -> str:
    return response.replace("[", "(").replace("]", ")")


def _underlined(response: str) -> str:
    return response.replace("*", "_")


def _title_of(form: str) -> Edit:
    return lambda rng, draft, one: replace(draft, title=form.format(draft.topic.title) if form else "")


def _title_words(one: Check) -> Sequence[str]:
    return (
        "Your answer must contain a title, wrapped in double angular brackets, such as <<a title>>.",
        "Give it a title in double angular brackets.",
        "Start with a title that stands between << and >>.",
    )


def _two_words(one: Check) -> Sequence[str]:
    return (
        "Give two different responses. Separate the two responses with 6 asterisks: ******.",
        "Write two different versions and put ****** between them.",
        "I would like to choose, so write it twice in different ways with six asterisks in between.",
    )


def _twice_the_same(rng: Random, draft: Draft, one: Check) -> Draft:
    return replace(draft, layout="prose", parts=1).finished(lambda response: f"{response}\n\n******\n\n{response}")


RULES = (
    Rule(
        slots("layout"),
        lambda rng, draft: check("detectable_format:number_bullet_lists", num_bullets=_parts(rng, draft)),
        _bullet_words,
        _laid_out("bullets", ("-", "*"), "num_bullets"),
        {
            "one bullet more": one_more,
            "one bullet less": one_less,
            "numbers instead of bullets": lambda rng, draft, one: replace(draft, layout="numbers"),
        },
    ),
    Rule(
        slots("layout"),
        lambda rng, draft: check("length_constraints:number_paragraphs", num_paragraphs=_parts(rng, draft)),
        _blocks_words,
        _laid_out("blocks", (_RULE,), "num_paragraphs"),
        {
            "one paragraph more": one_more,
            "one paragraph less": one_less,
            "another divider": marked("\n\n---\n\n"),
            "no divider": marked("\n\n"),
        },
    ),
    Rule(
        slots("layout"),
        _first_word,
        _first_word_words,
        _keep_first_word,
        {
            "one paragraph more": one_more,
            "one paragraph less": one_less,
            "sentences in another order": _turned,
            "no blank lines": marked("\n"),
        },
    ),
    Rule(
        slots("layout case"),
        _sections,
        _sections_words,
        _keep_sections,
        {
            "one section less": one_less,
            "sections marked by another word": marked("Chapter"),
            "sections without numbers": lambda rng, draft, one: replace(draft, layout="blocks", mark="\n\n"),
        },
    ),
    Rule(
        slots("layout start end"),
        _lines,
        RangeWords("lines"),
        _keep_lines,
        {"one line more": one_more, "one line less": one_less},
    ),
    Rule(
        slots("layout"),
        lambda rng, draft: check("detectable_format:number_highlighted_sections", num_highlights=rng.randint(2, 4)),
        _highlight_words,
        lambda rng, draft, one: replace(draft, layout="prose", highlights=number(one, "num_highlights")),
        {
            "one highlight less": lambda rng, draft, one: replace(draft, highlights=draft.highlights - 1),
            "underscores instead of asterisks": rewritten(_underlined),
        },
    ),
    Rule(
        slots("placeholders"),
        lambda rng, draft: check("detectable_content:number_placeholders", num_placeholders=rng.randint(1, 3)),
        _placeholder_words,
        _keep_placeholders,
        {"one placeholder filled in": _fill_one, "round brackets": rewritten(_round_brackets)},
    ),
    Rule(
        slots("start"),
        lambda rng, draft: check("detectable_format:title"),
        _title_words,
        _title_of("<<{}>>"),
        {
            "a markdown heading": _title_of("# {}"),
            "a bold title": _title_of("**{}**"),
            "single brackets": _title_of("<{}>"),
            "no title": _title_of(""),
        },
    ),
    Rule(
        slots("layout start end placeholders length existence frequency letter"),
        lambda rng, draft: check("combination:two_responses"),
        _two_words,
        _laid_out("two", ("******",)),
        {
            "three asterisks": marked("***"),
            "a line of hyphens": marked("------"),
            "a label instead of asterisks": marked("Version 2:"),
            "the same response twice": _twice_the_same,
        },
    ),
)
