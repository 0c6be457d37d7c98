#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks that `./dev --help` and `./dev` alone show every verb with an example, and that an
# unknown verb is refused with the same page at hand.
#
#   dev_help_test.sh DEV
set -euo pipefail
dev=$1
page=$("$dev" --help)
[[ $("$dev") == "$page" ]] || { echo "./dev alone is not the help page"; exit 1; }
for verb in demo test setup build bench tidy format asan tsan fuzz promqltest; do
  grep -qE "^ +\./dev $verb( |$)" <<<"$page" || {
    echo "./dev --help has no line for $verb"
    exit 1
  }
done
status=0
message=$("$dev" nonsense 2>&1) || status=$?
[[ $status == 2 && $message == *nonsense*"./dev --help"* ]] || {
  echo "./dev nonsense: exit $status: $message"
  exit 1
}
