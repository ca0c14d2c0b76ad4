#!/usr/bin/env bash
# Runs the smoke tests with the oldest and the newest TensorFlow and Keras that setup.cfg
# allows, each in a virtual environment of its own.
#
#     ci/try_versions.sh [oldest] [newest]        # default: both
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- oldest newest

for name in "$@"; do
    case $name in
    # The lower bounds of setup.cfg.
    oldest) versions=("tensorflow==2.20.*" "keras==3.12.*") ;;
    newest) versions=() ;;
    *) echo "Expected oldest or newest. Received: $name" >&2 && exit 2 ;;
    esac
    python3 -m venv "$work/$name"
    "$work/$name/bin/pip" install --quiet -e . "${versions[@]}" \
        "pytest<9.2" pytest-xdist hypothesis
    "$work/$name/bin/pip" list 2>/dev/null | grep -E "^(tensorflow|keras|numpy) "
    "$work/$name/bin/pytest" -m smoke
    rm -rf "${work:?}/$name"
done
