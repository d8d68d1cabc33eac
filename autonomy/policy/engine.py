"""CEL, the Common Expression Language, as a compiled extension.

Only the extension is loaded: importing the package itself would load a command line with a
terminal toolkit into every process, which costs more memory than the policy does.
"""

from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any, Protocol


class Program(Protocol):
    """A compiled expression, to be used by any thread."""

    def execute(self, context: object) -> object: ...
    def variables(self) -> list[str]: ...
    def functions(self) -> list[str]: ...


def _load() -> Any:
    package = find_spec("cel")
    places = None if package is None else package.submodule_search_locations
    spec = PathFinder.find_spec("cel", places) if places else None
    if spec is None or spec.loader is None:
        raise ImportError("the package common-expression-language is not installed")
    extension = module_from_spec(spec)
    spec.loader.exec_module(extension)
    return extension


_extension = _load()


def parse(source: str) -> Program:
    """Raises ValueError with the parser's words."""
    program: Program = _extension.compile(source)
    return program


def new_context(variables: dict[str, Any], functions: dict[str, Any]) -> object:
    """Values in the form in which programs read them; making it is what an evaluation costs.

    Raises ValueError where a value has no such form.
    """
    return _extension.Context(variables, functions)
