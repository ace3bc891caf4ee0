#!/usr/bin/env python3
"""Translates the SAM template into plain CloudFormation, offline.

usage: translate.py template.yaml out.json [Parameter=value ...]
"""

import json
import os
import sys

from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# The translation asks for one.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")


class NoManagedPolicies:
    """Stands for the list of managed policies, which only IAM knows."""

    def load(self):
        return {}


def translate(text, parameters):
    """Gives the translated template; values of parameters stay references to them."""
    template = yaml_parse(text)
    transforms = template["Transform"]
    try:
        translated = transform(template, parameters, NoManagedPolicies())
    except InvalidDocumentException as error:
        sys.exit("\n".join(cause.message for cause in error.causes))
    # The other transform is CloudFormation's own, and stays to be done.
    translated["Transform"] = [name for name in transforms if "Serverless" not in name]
    return translated


if __name__ == "__main__":
    source, target, *pairs = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        result = translate(file.read(), dict(pair.split("=", 1) for pair in pairs))
    with open(target, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    print(f"{len(result['Resources'])} resources")
