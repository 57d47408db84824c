"""Prints the CloudFormation that SAM makes of template.yaml: what is linted, tested and deployed.

It runs in SAM's own environment (.venv-sam), whose translator is the one that checks and builds. The
argument is the URL of the function's code in S3.
"""

import json
import logging
import sys
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


logging.getLogger("samtranslator").setLevel(logging.ERROR)
template = yaml_parse((Path(__file__).parents[2] / "template.yaml").read_text())
(code,) = sys.argv[1:] or ["s3://bucket/key"]
template["Resources"]["SigningFunction"]["Properties"]["CodeUri"] = code
sys.stdout.write(json.dumps(transform(template, {}, _NoManagedPolicies()), indent=2))
