"""Optional dependencies: imported where they are used, and named by their extra when they are not there."""

import importlib

from openrubrics.signatures.errors import MissingExtraError


def require(module: str, extra: str) -> None:
    """Import `module`, so that the plain ``import`` that follows cannot fail for want of an extra.

    Raises:
        MissingExtraError: The module, or one that it imports, is not installed; the hint names the extra.
    """
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{error.name} is not installed", f"pip install 'openrubrics[{extra}]'") from error
