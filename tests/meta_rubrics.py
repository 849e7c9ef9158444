"""A small meta-rubric for tests, and what it is made of."""

from openrubrics.signatures import Domain, MetaPrinciple, MetaRubric, Part, TypeRule

RIGHT = MetaPrinciple(name="right", type="core", text="The response is right.")
BRIEF = MetaPrinciple(name="brief", type="important", text="The response wastes no words.")
RUNS = MetaPrinciple(name="runs", type="critical", text="The response runs.")
RHYMES = MetaPrinciple(name="rhymes", type="highlight", text="The response rhymes.")
TYPES = (
    TypeRule(type="critical", text="A mistake that decides."),
    TypeRule(type="core", weight=5, text="What was asked."),
    TypeRule(type="important", weight=2, text="What helps."),
    TypeRule(type="highlight", weight=1, text="What delights."),
)
META = MetaRubric(
    name="a-small-one",
    version=7,
    types=TYPES,
    general=Part(method=("Read the request first.",), principles=(RIGHT, BRIEF)),
    domains=(
        Domain(name="code", when="The request asks for a program.", principles=(RUNS,)),
        Domain(name="verse", when="The request asks for a poem.", method=("Read aloud.",), principles=(RHYMES,)),
    ),
)
