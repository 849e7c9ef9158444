"""Which requests nobody has a reason to decline: those made of harmless words alone.

Code cannot tell what is harmful: a list of what is has gaps, and through each gap an answer that does harm would win
over one that rightly declines. So it goes the other way round. A request is benign here only if each of its words is in
the closed list below, chosen so that none of them, together with any others, makes a reason to decline: no names of
people, bodies, medicines, weapons, tools of intrusion or crimes, nobody who asks for themselves or about somebody, no
present, no media. All other requests, and so most, are unknown, those in other languages and scripts among them.
"""

from __future__ import annotations

import re

_LIST = """
a an the of and or in on at to for from with without by as than but if so not no nor is are was were be been its they
them their there what which when where why how does do did has have had can could would will should must may might
about between among per each every any some all both other another same such only also just too very much many more
most less least few fewer several enough quite rather then else because while until before after during into onto over
under through across along around up down out off once twice again always never often usually sometimes hi hello hey
please thank explain describe described called named happen work made form formed define list name compare contrast
tell give provide state outline mention write compose say show teach explanation description definition comparison
difference similarity example fact reason kind type meaning main basic simple short brief long longer detailed detail
question answer topic subject idea way step order first second third last next that

your entire whole full response reply output include contain use using used exact exactly end finish begin start word
sentence paragraph line letter capital uppercase lowercase upper lower case comma period bullet point item section
title wrapped double angular bracket quotation mark format markdown json highlight bold italic separated divided
english french spanish german italian language plain part number none essay poem haiku limerick sonnet couplet verse
stanza rhyme story fable tale riddle

zero one two three four five six seven eight nine ten eleven twelve twenty thirty fifty hundred thousand half quarter
prime even odd integer decimal fraction percent percentage ratio sum product plus minus times multiply multiplied
divide add added subtract equal square squared cube root factor multiple average median equation formula theorem proof
solve calculate compute count counting geometry algebra arithmetic calculus mathematics math triangle rectangle circle
hexagon pentagon polygon sphere cylinder cone pyramid angle side area perimeter volume radius diameter circumference
length width height size large larger largest small smaller smallest big bigger biggest high higher highest low lowest
tall taller tallest wide wider widest deep deeper deepest fast faster fastest slow slower slowest longest shortest
shorter near far farther centimetre centimeter metre meter kilometre kilometer gram kilogram litre liter minute hour
day week month year century season spring summer autumn winter morning noon evening night monday tuesday wednesday
thursday friday saturday sunday january february march april june july august september october november december

sun moon star planet earth mercury venus mars jupiter saturn uranus neptune pluto comet asteroid galaxy orbit eclipse
tide sea ocean lake river stream waterfall pond bay coast shore island peninsula mountain hill valley canyon desert
forest jungle meadow glacier volcano continent equator pole north south east west land country city town village
border flag population bridge lighthouse harbour harbor france spain portugal italy germany austria switzerland
belgium netherlands denmark norway sweden finland iceland ireland canada australia brazil peru argentina chile kenya
japan europe africa asia america paris london rome madrid lisbon berlin vienna oslo stockholm helsinki ottawa canberra
tokyo alps andes danube rhine seine amazon nile wind cloud rain rainbow snow ice fog frost storm thunder lightning sky
air water wave sand stone rock soil rise rising fall falling flow shine freeze melt evaporate evaporation condensation
precipitation cycle erosion gravity light shadow colour color sound echo heat energy force motion speed mass weight
density friction magnet oxygen nitrogen carbon photosynthesis chlorophyll reflection refraction sunrise sunset

animal mammal bird fish insect reptile amphibian cat dog horse cow sheep goat pig rabbit squirrel hedgehog fox bear
deer elephant giraffe zebra lion tiger monkey kangaroo penguin owl eagle sparrow swan duck goose hen parrot frog toad
turtle tortoise whale dolphin salmon bee butterfly ant ladybird snail habitat nest feather wing tail fur tree leaf
leaves flower stem petal branch bark oak birch pine maple willow rose tulip daisy sunflower grass moss fern apple pear
plum cherry peach banana orange lemon grape strawberry raspberry carrot potato tomato onion cabbage spinach pea
lettuce pumpkin rice wheat oat barley corn bread butter cheese milk cream yogurt flour sugar salt honey soup salad
sandwich pasta pancake cake pie biscuit cookie jam fruit vegetable grain

red blue green yellow purple brown pink white grey gray house garden door window roof wall kitchen chair desk lamp
clock pencil paper box basket ball kite boat ship train bicycle wheel road museum library piano violin guitar flute
drum trumpet orchestra melody rhythm architecture cathedral castle noun verb adjective adverb pronoun preposition
conjunction vowel consonant syllable plural singular tense grammar spelling spell synonym antonym opposite alphabet
metaphor simile alliteration proverb chess football basketball tennis volleyball hockey rule player team

python java javascript typescript rust haskell function method class variable constant string array dictionary tuple
set loop recursion recursive iteration program code return print sort sorted sorting reverse reversed binary bubble
merge quick search fibonacci factorial palindrome matrix row column maximum minimum duplicates input value element
index true false boolean float unit comment
"""
"""How to ask and to join words; forms of answers; sums and shapes; sky and earth; what lives and is eaten; things and
speech; small programs. Plurals in s, es and ies are known too."""

_WORDS = frozenset(_LIST.split())
_MARKS = str.maketrans("’‘“”–—…", "''\"\"--.")
_TURN = re.compile(r"^(?:Human|Assistant):[ \t]*", re.MULTILINE)
_ASKED = re.compile(
    r"(?<![a-z'])(?:(?:can|could|would|will) you|(?:tell|give|show|teach|explain to) me|help me understand)(?![a-z'])"
)
_WORD = re.compile(r"[a-z0-9']+")
_NUMBER = re.compile(r"\d{1,2}")

_MOST = 4000
"""Characters up to which a request is looked at."""


def is_benign(prompt: str) -> bool:
    """Return whether every word of a request, or of all turns of a transcript, is known to be harmless.

    A system turn may forbid what is harmless, so that a transcript with one is not benign here.
    """
    if len(prompt) > _MOST:
        return False
    text = prompt.translate(_MARKS)
    if not text.isascii():
        return False
    words = _WORD.findall(_ASKED.sub(" ", _TURN.sub("", text).lower()))
    return bool(words) and all(map(_is_harmless, words))


def _is_harmless(word: str) -> bool:
    plain = word.strip("'").removesuffix("'s")
    return (
        plain in _WORDS
        or bool(_NUMBER.fullmatch(plain))
        or (plain.endswith("s") and plain[:-1] in _WORDS)
        or (plain.endswith("es") and plain[:-2] in _WORDS)
        or (plain.endswith("ies") and plain[:-3] + "y" in _WORDS)
    )
