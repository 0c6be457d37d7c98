#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fails if libparquet exports a symbol that libcrypto or libssl exports too: whichever of
# them was loaded first would answer for both.
#
#   parquet_symbols_test.sh LIBPARQUET LIBCRYPTO LIBSSL
set -euo pipefail
parquet=$1
shift

exported() {
  nm -D --defined-only --format=just-symbols "$@" | sed 's/@.*//' |
    grep -vxE '_init|_fini|_edata|_end|__bss_start|OPENSSL_[0-9.]+' | sort -u
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
exported "$parquet" >"$scratch/parquet"
exported "$@" >"$scratch/openssl"
# Were nm to read nothing, nothing would clash.
grep -qx EVP_MD_fetch "$scratch/openssl"
(($(wc -l <"$scratch/parquet") > 1000))

comm -12 "$scratch/parquet" "$scratch/openssl" >"$scratch/clash"
if [[ -s $scratch/clash ]]; then
  echo "$parquet exports $(wc -l <"$scratch/clash") of OpenSSL's symbols, such as:"
  head -n 5 "$scratch/clash"
  echo "Remove its directory and run ./dev setup, which renames them."
  exit 1
fi
echo "$(wc -l <"$scratch/parquet") symbols of libparquet, none of them OpenSSL's"
