"""A document whose domain part rewards length, for the simulated world of `refining`."""

from refining import POOR

from openrubrics.signatures.meta_rubric import Domain, Part

POOR_DOMAIN = POOR.model_copy(
    update={
        "general": Part(principles=POOR.general.principles[1:]),
        "domains": (
            Domain(name="health", when="The request is about health.", principles=POOR.general.principles[:1]),
        ),
    }
)
