// SPDX-License-Identifier: Apache-2.0
// one_process.cc: OpenSSL, Parquet's encryption and DuckDB work in one process, and with
// servers at hand libpq and the S3 store over TLS as well.
//
//   one_process [CONNINFO ENDPOINT CA_FILE]   of PostgreSQL, of S3, and whom to trust
//
// Linked twice, with the libraries in either order (link_order_test.sh,
// one_process_services_test.py). Each step is one that crashed or went wrong while
// libparquet still exported its own OpenSSL: docs/design/0001-dependencies.md.

#include <dlfcn.h>
#include <libpq-fe.h>
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

#include "base/clock.h"
#include "base/context.h"
#include "io/environment.h"
#include "io/s3_bucket.h"
#include "io/stores.h"
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

void CheckEncryptedParquet(const std::shared_ptr<arrow::Buffer>& buffer) {
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

void CheckPostgres(const char* conninfo) {
  PGconn* connection = PQconnectdb(conninfo);
  Require(PQstatus(connection) == CONNECTION_OK, PQerrorMessage(connection));
  Require(PQsslInUse(connection) == 1, "libpq's connection is not encrypted");
  PGresult* result = PQexec(connection, "SELECT sum(i) FROM generate_series(0, 999) i");
  Require(PQresultStatus(result) == PGRES_TUPLES_OK, PQerrorMessage(connection));
  Require(std::string_view(PQgetvalue(result, 0, 0)) == "499500",
          "PostgreSQL's sum is wrong");
  PQclear(result);
  PQfinish(connection);
}

void RequireOk(const firn::Status& status) {
  Require(status.ok(), status.ToString().c_str());
}

// An encrypted file goes to an S3 store by HTTPS and comes back.
void CheckStore(const char* endpoint, const char* ca_file, int round) {
  const firn::base::Context context;
  const firn::base::Clock& clock = firn::base::SystemClock();
  firn::StorageOptions options;
  options.s3.endpoint = endpoint;
  options.s3.ca_file = ca_file;
  const auto bucket = firn::io::S3Bucket::Make(
      options.s3, "one-process", firn::io::ProcessEnvironment(), clock, nullptr);
  RequireOk(bucket.status());
  RequireOk((*bucket)->Create(context));
  const auto store =
      firn::io::MakeStores(options, firn::io::ProcessEnvironment(), clock, nullptr);
  const std::string location = "s3://one-process/n" + std::to_string(round) + ".parquet";
  RequireOk(store->Remove(context, location));
  const auto written = WriteEncrypted();
  RequireOk(store->PutIfAbsent(context, location, std::string_view(*written)));
  auto read = store->Get(context, location, 1 << 20);
  RequireOk(read.status());
  CheckEncryptedParquet(arrow::Buffer::FromString(std::move(read).value()));
}

}  // namespace

int main(int argc, char** argv) {
  Require(argc == 1 || argc == 4, "usage: one_process [CONNINFO ENDPOINT CA_FILE]");
  CheckWhoAnswers();
  // Twice: each library has set itself up by the second round, in the other's presence.
  for (int round = 0; round < 2; ++round) {
    CheckTls();
    CheckDigest();
    CheckEncryptedParquet(WriteEncrypted());
    CheckDuckDb();
    if (argc == 1) continue;
    CheckPostgres(argv[1]);
    CheckStore(argv[2], argv[3], round);
  }
  std::printf("OpenSSL, Parquet%s and DuckDB share the process\n",
              argc == 1 ? "" : ", libpq, the S3 store");
}
