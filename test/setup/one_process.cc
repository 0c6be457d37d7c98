// SPDX-License-Identifier: Apache-2.0
// one_process.cc: OpenSSL, Parquet's encryption and DuckDB work in one process.
//
// Linked twice, with the libraries in either order (link_order_test.sh). Each step is one
// that crashed or went wrong while libparquet still exported its own OpenSSL:
// docs/design/0001-dependencies.md.

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "arrow/io/memory.h"
#include "arrow/util/secure_string.h"
#include "duckdb.h"

#include "parquet/column_reader.h"
#include "parquet/column_writer.h"
#include "parquet/encryption/encryption.h"
#include "parquet/file_reader.h"
#include "parquet/file_writer.h"

namespace {

constexpr char kKey[] = "0123456789012345";
constexpr int64_t kRows = 1000;

void Require(bool condition, const char* what) {
  if (!condition) {
    std::fprintf(stderr, "one_process: %s\n", what);
    std::exit(1);
  }
}

void CheckWhoAnswers() {
  void* symbol = dlsym(RTLD_DEFAULT, "EVP_MD_fetch");
  Dl_info info{};
  Require(symbol != nullptr && dladdr(symbol, &info) != 0, "EVP_MD_fetch is nowhere");
  Require(std::string_view(info.dli_fname).find("libcrypto.so") != std::string_view::npos,
          "EVP_MD_fetch is not libcrypto's");
}

void CheckTls() {
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  Require(context != nullptr, "SSL_CTX_new failed");
  Require(SSL_CTX_set_default_verify_paths(context) == 1, "no default verify paths");
  SSL* ssl = SSL_new(context);
  Require(ssl != nullptr, "SSL_new failed");
  SSL_free(ssl);
  SSL_CTX_free(context);
}

void CheckDigest() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  Require(EVP_Digest("abc", 3, digest, &length, EVP_sha256(), nullptr) == 1,
          "sha256 failed");
  Require(length == 32 && digest[0] == 0xba && digest[31] == 0xad, "sha256 is wrong");
}

std::shared_ptr<arrow::Buffer> WriteEncrypted() {
  const auto schema = std::static_pointer_cast<parquet::schema::GroupNode>(
      parquet::schema::GroupNode::Make(
          "schema", parquet::Repetition::REQUIRED,
          {parquet::schema::PrimitiveNode::Make("n", parquet::Repetition::REQUIRED,
                                                parquet::Type::INT64)}));
  const auto encryption =
      parquet::FileEncryptionProperties::Builder(arrow::util::SecureString(kKey)).build();
  const auto properties =
      parquet::WriterProperties::Builder().encryption(encryption)->build();
  const auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto writer = parquet::ParquetFileWriter::Open(sink, schema, properties);
  auto* column =
      static_cast<parquet::Int64Writer*>(writer->AppendRowGroup()->NextColumn());
  for (int64_t n = 0; n < kRows; ++n) column->WriteBatch(1, nullptr, nullptr, &n);
  writer->Close();
  return sink->Finish().ValueOrDie();
}

void CheckEncryptedParquet() {
  const auto buffer = WriteEncrypted();
  Require(std::string_view(*buffer).starts_with("PARE"), "the footer is not encrypted");
  parquet::ReaderProperties properties;
  properties.file_decryption_properties(parquet::FileDecryptionProperties::Builder()
                                            .footer_key(arrow::util::SecureString(kKey))
                                            ->build());
  const auto reader = parquet::ParquetFileReader::Open(
      std::make_shared<arrow::io::BufferReader>(buffer), properties);
  const auto column =
      std::static_pointer_cast<parquet::Int64Reader>(reader->RowGroup(0)->Column(0));
  int64_t sum = 0;
  while (column->HasNext()) {
    int64_t values[64];
    int64_t read = 0;
    column->ReadBatch(64, nullptr, nullptr, values, &read);
    for (int64_t i = 0; i < read; ++i) sum += values[i];
  }
  Require(sum == kRows * (kRows - 1) / 2, "the encrypted file reads back wrong");
}

void CheckDuckDb() {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  Require(duckdb_open(nullptr, &database) == DuckDBSuccess, "duckdb_open failed");
  Require(duckdb_connect(database, &connection) == DuckDBSuccess,
          "duckdb_connect failed");
  duckdb_result result;
  Require(duckdb_query(connection, "SELECT sum(i) FROM range(1000) t(i)", &result) ==
              DuckDBSuccess,
          "the query failed");
  Require(duckdb_value_int64(&result, 0, 0) == 499500, "the sum is wrong");
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
}

}  // namespace

int main() {
  CheckWhoAnswers();
  // Twice: each library has set itself up by the second round, in the other's presence.
  for (int round = 0; round < 2; ++round) {
    CheckTls();
    CheckDigest();
    CheckEncryptedParquet();
    CheckDuckDb();
  }
  std::puts("OpenSSL, Parquet and DuckDB share the process");
}
