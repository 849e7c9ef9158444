"""A page on this machine alone, where a person decides about proposed edits of a meta-rubric."""

from openrubrics.serving.review.app import review_app
from openrubrics.serving.review.run import aserve_review

__all__ = ["aserve_review", "review_app"]
