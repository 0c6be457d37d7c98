#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks that PROGRAM names its libraries in ORDER, then runs it with symbols bound at
# first use and at start.
#
#   link_order_test.sh crypto_first|parquet_first PROGRAM
set -euo pipefail
order=$1 program=$2

first=$(readelf -d "$program" | grep NEEDED | grep -oE 'libcrypto|libparquet' | head -n 1)
[[ $first == "lib${order%_first}" ]] || {
  echo "$program: $first comes first, so this does not test $order"
  exit 1
}
"$program"
LD_BIND_NOW=1 "$program"
