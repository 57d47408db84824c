"""The reader of template.yaml and of the other templates."""

from typing import Any

import yaml

from tools.sample import ROOT


class _TemplateLoader(yaml.CSafeLoader):
    pass


def _long_form(loader: _TemplateLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    function = name if name in ("Condition", "Ref") else f"Fn::{name}"
    if isinstance(node, yaml.SequenceNode):
        return {function: loader.construct_sequence(node, deep=True)}
    return {function: node.value.split(".", 1) if name == "GetAtt" else node.value}


_TemplateLoader.add_multi_constructor("!", _long_form)


def template(path: str = "template.yaml") -> Any:
    """A template, parsed, with the long form of each function of CloudFormation."""
    return yaml.load((ROOT / path).read_bytes(), _TemplateLoader)  # noqa: S506 -- a safe one
