"""Answers that say the same over and over, and answers with words of another script."""

import pytest
from guarding import PROSE, guarded

ASK = "Why does the sea rise?"
LINE = "The moon pulls the sea towards it.\n"
GOES_ON = "Harbours print tables of both. "

LOOPS = [
    LINE * 30,
    PROSE + GOES_ON * 60,
    "I think that " * 60,
    "tide " * 200,
    "tide, moon, " * 80,
    "The sea rises and the sea falls and " * 30,
    PROSE + "and so on " * 150,
    "The sea" + "a" * 400,
    "The height is 3." + "0" * 600,
    "!" * 500,
    "haha" * 200,
    "It rises" + "abc" * 200,
    "\n".join(["- The moon pulls the sea."] * 40),
    "\n\n".join(["Thank you for your question about the sea."] * 25),
    "潮汐是海水的涨落。" * 60,
    "वह समुद्र में है और " * 60,
    "```python\n" + "print('the moon pulls the sea')\n" * 60 + "```",
    "1. The moon pulls it up.\n2. The sun pulls it up.\n" * 40,
]


@pytest.mark.parametrize("response", LOOPS)
def test_an_answer_that_is_mostly_one_loop_repeats_itself(response: str) -> None:
    assert guarded("repetition", ASK, response) is False


REFRAIN = "Roll on, roll on, you old blue sea,\nand bring my sailor home to me.\n\n"
VERSES = [
    "He left the pier one winter day\nwith salt upon his lips, they say.\n\n",
    "The gulls went out, the gulls came in,\nthe harbour bell made all its din.\n\n",
    "I kept a lamp upon the sill,\nand if he comes, it burns there still.\n\n",
    "Now children ask me why I stay;\nthe tide has words I cannot say.\n\n",
]
TABLE = "| harbour | high | low |\n|---|---|---|\n" + "".join(f"| Port {n} | {n % 3} m | 0 m |\n" for n in range(60))

NO_LOOPS = [
    (ASK, "The moon."),
    (ASK, "No, no, no."),
    (ASK, "Ha ha ha ha ha ha!"),
    (ASK, PROSE),
    (ASK, PROSE * 2),
    (ASK, PROSE + LINE * 5),
    (ASK, "".join(verse + REFRAIN for verse in VERSES)),
    (ASK, TABLE),
    (ASK, "| when | game |\n|---|---|\n" + "".join(f"| 1:00 PM in town | Gulls vs. Terns{n} |\n" for n in range(30))),
    (ASK, "=" * 400),
    (ASK, "-" * 300 + "\n" + PROSE),
    (ASK, "│   " * 200),
    (ASK, "\n".join(f"{n} x 7 = {7 * n}" for n in range(100))),
    (ASK, ", ".join(str(n) for n in range(400))),
    (ASK, "{\n" + "".join(f'  "port_{n}": {{"high": {n}, "low": 0}},\n' for n in range(60)) + "}"),
    (ASK, "".join(f"def f{n}(x):\n    return x + {n * n}\n\n\n" for n in range(40))),
    (ASK, "<ul>\n" + "".join(f"<li>harbour {n} of {n * 3}</li>\n" for n in range(60)) + "</ul>"),
    (ASK, "".join(f"Port number{n}: the water there rises by {n} m.\n" for n in "abcdefghijklmnopqrstuvwxyz")),
    (ASK, "Buffalo buffalo Buffalo buffalo buffalo buffalo Buffalo buffalo"),
    (ASK, "1/3 = 0." + "3" * 50 + " and so on. " + PROSE),
    (ASK, "🌊" * 300),
    (ASK, "ACGT" * 20),
    (ASK, "Old pond\na frog leaps in\nwater's sound"),
    (ASK, "潮は海の水の満ち引きです。月が引くから起こります。太陽も少し引きます。"),
    ("Repeat the word tide 200 times.", "tide " * 200),
    ("Print a line 50 times.", LINE * 50),
    ("Write a chorus.", REFRAIN * 12),
    ("Write lyrics about the sea.", REFRAIN * 12),
    ("Give me the first 600 digits of 1/9.", "0." + "1" * 600),
    ("Draw a wave in ASCII.", "ooo" * 200),
    ("Give me test data of 100 lines.", LINE * 100),
    ("What is 10 to the 300?", "1" + "0" * 300),
    ("Give the zero matrix as a list of rows.", "m = [" + "0, " * 200 + "]"),
    ("Write SQL that inserts twenty rows.", "INSERT INTO tides DEFAULT VALUES;\n" * 20),
    ("Laugh.", "ha" * 200),
    ("Roleplay as a robot.", "Beep. Boop. Beep beep. Boop. " * 20),
    (ASK, "<think>\n" + "Wait, let me think again. " * 60 + "\n</think>\nThe moon pulls it."),
]


@pytest.mark.parametrize(("prompt", "response"), NO_LOOPS)
def test_an_answer_that_is_no_loop_passes(prompt: str, response: str) -> None:
    assert guarded("repetition", prompt, response) is not False


@pytest.mark.parametrize(
    "response",
    [
        "innovative, creative, innovative, creative, innovative, creative, innovative, creative",
        "".join(f"They were the first band to receive a {n} time award. " for n in range(20)) + PROSE,
    ],
)
def test_of_an_answer_that_repeats_some_of_itself_nothing_is_known(response: str) -> None:
    assert guarded("repetition", ASK, response) is None


MIXED = [
    "The 结果 is that the sea rises.",
    "The sea rises 因为 the moon pulls it.",
    "The sea rises since the moon поэтому pulls it.",
    "It is 매우 high at noon.",
    "It is the moon の force that counts, とても strong.",
    "The tide is المد والجزر every day.",
    "The sea rises due to the गुरुत्वाकर्षण of the moon.",
    "The sea rises. 这是因为月亮的引力。",
    PROSE + "So the water rises twice a day，每天两次.",
    "The pull of the moon, ดวงจันทร์ so to say, lifts it.",
    "Tides are caused הירח pulling the water.",
    "The главная reason is the moon.",
    "1. The moon pulls.\n2. The sun 也 pulls, 但是 less so.",
    "The sea σηκώνεται twice each day.",
    "La mer monte 因为 la lune attire l'eau.",
    "It rises ժամանակ after time.",
    "The moon პირველი pulls it.",
]


@pytest.mark.parametrize("response", MIXED)
def test_words_of_another_script_that_nothing_explains_are_a_mix(response: str) -> None:
    assert guarded("language_mix", ASK, response) is False


NOT_MIXED = [
    (ASK, "The moon."),
    (ASK, "Größer als das Übliche: voilà, señor, Łódź, ﬁn."),
    (ASK, "It is 3 µm at 20 °C, Δh = α·sin(ωt) + β, with αβγ as above."),
    (ASK, "∑ ∫ ≤ → ≠ ∀x ∈ ℝ"),
    (ASK, "🌊🌙😀"),
    (ASK, "A pictograph (山) stands for a mountain."),
    (ASK, 'Sailors there say "涨潮" and mean it.'),
    (ASK, "Sailors call it «прилив», and land people too."),
    (ASK, "They say 'прилив' there."),
    (ASK, "The label is `涨潮` in the table."),
    (ASK, "```python\nprint('涨潮了')\n```"),
    (ASK, "The Chinese word 潮汐 has both."),
    (ASK, "In Russian прилив and отлив are told apart."),
    (ASK, "- 潮汐: the tide\n- 涨潮: high tide"),
    (ASK, "潮汐 (tide) has two parts."),
    (ASK, "*Cháoxī* **潮汐** it is."),
    (ASK, "See https://zh.wikipedia.org/wiki/潮汐 for more."),
    (ASK, "The translation would be 潮汐 there."),
    (ASK, "You may read 潮汐 (the tide) on the signs, or прилив meaning the same."),
    (ASK, "Only one letter, the 潮 that you see."),
    ("Say good morning in Chinese.", "It is 早上好, as you hear everywhere."),
    ("Translate 'tide' for me.", "That would be 潮汐 there."),
    ("Wer war Tolstoi? Nenne den russischen Namen.", "Er hieß Лев Толстой damals."),
    ("What do people eat in Kyoto?", "They eat 湯豆腐 in winter and かき氷 in summer."),
    ("Which greetings are there in Korea?", "You hear 안녕하세요 each day."),
    ("什么是潮汐?", "潮汐是海水的涨落, tide 的意思。"),
    ("潮とは何ですか?", "潮は海の水の満ち引きです。"),
    ("東京?", "東京は日本の首都です。"),
    ("Which hiragana are there?", "They are used besides 漢字 each day."),
    ("Make a bilingual dictionary.", "tide 潮汐\nmoon 月亮"),
    ("Which foreign words do sailors use?", "They use прилив and 潮汐 at times."),
    ("Что такое прилив?", "Прилив - это подъём воды, tide."),
    ("ما هو المد؟", "المد هو ارتفاع الماء."),
    ("Who wrote the Iliad in ancient Greece?", "It was Ὅμηρος who did."),
    (
        "\n\nHuman: Teach me some Japanese.\n\nAssistant: Gladly.\n\nHuman: Go on.\n\nAssistant:",
        "Next is ありがとう then.",
    ),
    (ASK, "The tide is high. La mer monte, und das Wasser steigt."),
    (ASK, "<think>\n因为月亮的引力。 So it is.\n</think>\nThe moon pulls it."),
    (ASK, "Haruki Murakami 村上春樹 wrote of it, and Leo Tolstoy Лев Толстой did."),
    ("How is the sea called around Asia?", "People say 海, うみ and 바다 there, in turn."),
]


@pytest.mark.parametrize(("prompt", "response"), NOT_MIXED)
def test_words_that_something_explains_are_no_mix(prompt: str, response: str) -> None:
    assert guarded("language_mix", prompt, response) is True


@pytest.mark.parametrize(
    ("prompt", "response"),
    [
        ("什么是潮汐?请用几句话为一个孩子解释它为什么每天发生两次。", "潮汐是海水的涨落。とても高いです。"),
        ("什么是潮汐?", "潮汐是 수면 的涨落。"),
        ("Что такое прилив?", "Прилив - это 海水 подъём."),
    ],
)
def test_an_answer_in_another_script_can_be_mixed_too(prompt: str, response: str) -> None:
    assert guarded("language_mix", prompt, response) is False


@pytest.mark.parametrize(
    ("prompt", "response"),
    [
        ("Explique-moi les marées en coréen.", "달이 바닷물을 끌어당깁니다. 태양도 조금 돕습니다."),
        ("Напиши по-китайски, почему бывают приливы.", "月亮吸引海水，海面因此升高。太阳也有作用。"),
        (ASK, "Луна притягивает воду. The sun helps."),
    ],
)
def test_of_an_answer_mostly_in_another_language_it_is_not_known_whether_that_was_asked_for(
    prompt: str, response: str
) -> None:
    assert guarded("language_mix", prompt, response) is None
