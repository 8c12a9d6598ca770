#!/usr/bin/env python3
"""The JSON Schema is valid draft-07, takes every good config and refuses what a schema can know to be wrong.

Usage: schema_test.py PRINT_SCHEMA CONFIG_DIRECTORY
"""
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

# Broken in ways that need more than one file's schema: names, ranges of ranges, files, YAML itself.
BROKEN_BY_SCHEMA = ["chain", "choice", "cores-list", "include-not-a-list", "mac",
                    "many-at-once", "missing-keys", "out-of-range", "root-is-list", "root-is-text", "sockets",
                    "text-expected", "unknown-key", "version-2", "version-text", "wrong-type"]


def main() -> int:
    schema = json.loads(subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    directory = Path(sys.argv[2])
    failures = []
    good = sorted((directory / "good").glob("*.yaml"))
    if len(good) < 3:
        failures.append(f"only {len(good)} good configs in {directory}")
    for path in good:
        failures += [f"{path.name}: {e.json_path}: {e.message}" for e in validator.iter_errors(load(path))]
    for name in BROKEN_BY_SCHEMA:
        if validator.is_valid(load(directory / "broken" / f"{name}.yaml")):
            failures.append(f"broken/{name}.yaml: the schema takes it")
    print("\n".join(failures) if failures else "schema: ok")
    return 1 if failures else 0


def load(path: Path):
    """The document with keys as text, as editors see it."""
    return json.loads(json.dumps(yaml.load(path.read_text(), Loader=yaml.SafeLoader)))


if __name__ == "__main__":
    sys.exit(main())
