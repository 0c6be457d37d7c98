// SPDX-License-Identifier: Apache-2.0
#include "cli/config_field.h"

#include <algorithm>
#include <charconv>

#include "cli/name_list.h"

#include "base/assert.h"
#include "base/byte_size.h"
#include "base/duration.h"
#include "base/quote.h"

namespace firn::cli {
namespace {

constexpr std::int64_t kIntMax = 1'000'000;
constexpr std::int64_t kDayMs = 86'400'000;

// Shortens the table: what each entry's last column says.
#define FIRN_FIELD(member) +[](Config& c) { return &c.member; }
#define FIRN_CHOICE(member, ...)                                           \
  ChoiceMember {                                                           \
    {__VA_ARGS__}, [](const Config& c) { return std::size_t(c.member); },  \
        [](Config& c, std::size_t i) { c.member = decltype(c.member)(i); } \
  }

// As a writer would, of one setting each.
Status CheckCompression(const Config& config) {
  TableWriteOptions only;
  only.compression = config.db.table_writes.compression;
  return CheckTableWrites(only);
}
Status CheckColumnCompression(const Config& config) {
  TableWriteOptions only;
  only.column_compression = config.db.table_writes.column_compression;
  return CheckTableWrites(only);
}

const std::vector<ConfigField>& Table() {
  using enum FieldKind;
  static const std::vector<ConfigField> table = {
      {"data", "Where data lies", kText,
       "Directory of the log and the lock file. Made if absent.", 0, 0,
       FIRN_FIELD(db.data_dir)},
      {"warehouse", "Where data lies", kText,
       "Location of the Iceberg tables; empty means `warehouse` in the data directory.",
       0, 0, FIRN_FIELD(db.warehouse)},
      {"catalog", "Where data lies", kText,
       "Catalog of the tables: `sqlite:///FILE`, `fs` for version files in the warehouse "
       "itself, or `rest+http[s]://HOST` for a server; empty means `catalog.db` in a "
       "warehouse on the local disk.",
       0, 0, FIRN_FIELD(db.catalog)},
      {"accept_gap", "Where data lies", kBool,
       "Start although the warehouse is older than the log's trim point. What lies "
       "between "
       "is gone, and this accepts it.",
       0, 0, FIRN_FIELD(db.accept_gap)},
      {"listen", "Server", kText,
       "Address to listen on, HOST:PORT. Port 0 takes a free one. There is no "
       "authentication: leave it on the loopback interface, or put a proxy before it.",
       0, 0, FIRN_FIELD(server.listen)},
      {"log_level", "Server", kText,
       "Least level of log lines: debug, info, warn or error.", 0, 0,
       FIRN_FIELD(log_level)},
      {"connections_max", "Server", kCount,
       "Connections at once; more are answered 503 and closed.", 1, kIntMax,
       FIRN_FIELD(server.connections_max)},
      {"query_concurrency", "Server", kCount, "Queries that run at once.", 1, 1024,
       FIRN_FIELD(server.query_concurrency)},
      {"query_queue_max", "Server", kCount,
       "Queries that may wait for a place; more are answered 503.", 0, kIntMax,
       FIRN_FIELD(server.query_queue_max)},
      {"query_timeout", "Server", kDuration,
       "Longest a query may take; also the bound on its `timeout` parameter.", 1, kDayMs,
       FIRN_FIELD(server.query_timeout_ms)},
      {"header_bytes_max", "Server", kSize, "Largest head of a request; beyond it, 431.",
       1024, 1 << 20, FIRN_FIELD(server.header_bytes_max)},
      {"body_bytes_max", "Server", kSize, "Largest body of a request; beyond it, 413.", 1,
       std::int64_t{1} << 31, FIRN_FIELD(server.body_bytes_max)},
      {"uncompressed_bytes_max", "Server", kSize,
       "Largest remote write when uncompressed; beyond it, 400.", 1,
       std::int64_t{1} << 32, FIRN_FIELD(server.uncompressed_bytes_max)},
      {"bodies_bytes_max", "Server", kSize,
       "Memory for the bodies of all requests together; beyond it, 503.", 1, INT64_MAX,
       FIRN_FIELD(server.bodies_bytes_max)},
      {"header_timeout", "Server", kDuration,
       "Longest a request's head may take to arrive, from its first byte.", 1, kDayMs,
       FIRN_FIELD(server.header_timeout_ms)},
      {"body_timeout", "Server", kDuration,
       "Longest a request's body may take to arrive.", 1, kDayMs,
       FIRN_FIELD(server.body_timeout_ms)},
      {"write_timeout", "Server", kDuration,
       "Longest a client may take to read one piece of an answer.", 1, kDayMs,
       FIRN_FIELD(server.write_timeout_ms)},
      {"idle_timeout", "Server", kDuration,
       "Longest a connection stays open between requests.", 1, kDayMs,
       FIRN_FIELD(server.idle_timeout_ms)},
      {"stop_timeout", "Server", kDuration,
       "Longest that requests under way may take at a stop; then they are cancelled.", 0,
       kDayMs, FIRN_FIELD(server.stop_timeout_ms)},
      {"out_of_order_window", "Ingest", kDuration,
       "How far behind the newest sample of all a sample may be.", 0, INT64_MAX,
       FIRN_FIELD(db.out_of_order_window_ms)},
      {"future_bound", "Ingest", kDuration, "How far ahead of the clock a sample may be.",
       0, INT64_MAX, FIRN_FIELD(db.future_bound_ms)},
      {"series_max", "Ingest", kCount,
       "Series in memory; new ones beyond it are rejected.", 1, UINT32_MAX,
       FIRN_FIELD(db.series_max)},
      {"head_bytes_max", "Ingest", kSize,
       "Memory for series, samples not settled and the window; full: 503.", 1 << 20,
       INT64_MAX, FIRN_FIELD(db.head_bytes_max)},
      {"log_bytes_max", "Ingest", kSize,
       "Disk for the log; at the bound writes are answered 503.", 1 << 20, INT64_MAX,
       FIRN_FIELD(db.log_bytes_max)},
      {"settle_interval", "Settling", kDuration,
       "Settle hot data into tables this often; 0 leaves it to `POST /-/settle`.", 0,
       INT64_MAX, FIRN_FIELD(db.settle_interval_ms)},
      {"settle_head_bytes", "Settling", kSize,
       "Settle sooner where the hot data takes this much memory.", 1, INT64_MAX,
       FIRN_FIELD(db.settle_head_bytes)},
      {"promoted_labels", "Settling", kList,
       "Labels that become columns of `metrics.samples` when the table is created, "
       "beside `job` and `instance`.",
       0, 0, FIRN_FIELD(db.promoted_labels)},
      {"storage.parquet.max_file_size", "Imported and rewritten files", kSize,
       "A file ends here at the latest.", 1 << 20, INT64_MAX,
       FIRN_FIELD(db.table_writes.file_bytes_max)},
      {"storage.parquet.rotation_timeout", "Imported and rewritten files", kDuration,
       "A file ends so long after its first row; 0: never for that.", 0, INT64_MAX,
       FIRN_FIELD(db.table_writes.rotation_timeout_ms)},
      {"storage.parquet.compression.default", "Imported and rewritten files", kText,
       "Codec and perhaps level: `zstd:3`, `snappy`, `gzip`, `brotli`, `lz4` or `none`.",
       0, 0, FIRN_FIELD(db.table_writes.compression), CheckCompression},
      {"storage.parquet.compression.column_overrides", "Imported and rewritten files",
       kList,
       "The same for single columns of the tables that have them: `text=gzip`, "
       "`labels.value=zstd:9`; in a file also a group of keys.",
       0, 0, FIRN_FIELD(db.table_writes.column_compression), CheckColumnCompression},
      {"storage.parquet.memory.max_usage", "Imported and rewritten files", kSize,
       "All memory of one writer.", 16 << 20, INT64_MAX,
       FIRN_FIELD(db.table_writes.memory_bytes_max)},
      {"storage.parquet.memory.pool_size", "Imported and rewritten files", kSize,
       "What of it rows may take that wait to be sorted.", 1 << 20, INT64_MAX,
       FIRN_FIELD(db.table_writes.pool_bytes)},
      {"storage.parquet.on_invalid", "Imported and rewritten files", kChoice,
       "What an import does with a row that the table does not take: `fail`, or "
       "`quarantine`, which puts it into `NAMESPACE.TABLE__quarantine` with the reason.",
       0, 0, FIRN_CHOICE(db.table_writes.on_invalid, "fail", "quarantine")},
      {"maintenance_interval", "Maintenance", kDuration,
       "Look after the tables that are settled into this often, in the background; 0 "
       "leaves it to `firn table`.",
       0, INT64_MAX, FIRN_FIELD(db.maintenance_interval_ms)},
      {"maintenance_compact", "Maintenance", kBool, "Write small files together.", 0, 0,
       FIRN_FIELD(db.maintenance_compact)},
      {"maintenance_manifests", "Maintenance", kBool,
       "Sort the lists of files by partition.", 0, 0,
       FIRN_FIELD(db.maintenance_manifests)},
      {"maintenance_expire", "Maintenance", kBool,
       "Expire snapshots by the tables' `history.expire.*` properties.", 0, 0,
       FIRN_FIELD(db.maintenance_expire)},
      {"maintenance_orphans", "Maintenance", kBool,
       "Remove files that no snapshot names.", 0, 0, FIRN_FIELD(db.maintenance_orphans)},
      {"maintenance_orphan_age", "Maintenance", kDuration,
       "What is younger stays: longer than any writer takes.", kDayMs, INT64_MAX,
       FIRN_FIELD(db.maintenance_orphan_age_ms)},
      {"maintenance_bytes_max", "Maintenance", kSize,
       "Memory for rows that are written together; what does not fit goes to the data "
       "directory.",
       16 << 20, INT64_MAX, FIRN_FIELD(db.maintenance_bytes_max)},
      {"s3_region", "Object storage", kText,
       "Region of the buckets; empty means that of the environment (`AWS_REGION`) or "
       "profile, else us-east-1.",
       0, 0, FIRN_FIELD(db.storage.s3.region)},
      {"s3_endpoint", "Object storage", kText,
       "`http[s]://HOST[:PORT]` of a store that speaks S3; empty means Amazon's, or "
       "`AWS_ENDPOINT_URL`.",
       0, 0, FIRN_FIELD(db.storage.s3.endpoint)},
      {"s3_path_style", "Object storage", kBool,
       "Name the bucket in the path rather than in the host's name. Always so where the "
       "endpoint is an address.",
       0, 0, FIRN_FIELD(db.storage.s3.path_style)},
      {"s3_credentials", "Object storage", kChoice,
       "Where credentials come from. `chain` takes the first there is: those below, the "
       "environment (`AWS_ACCESS_KEY_ID`), web identity, profile, container, instance.",
       0, 0,
       FIRN_CHOICE(db.storage.s3.credentials, "chain", "explicit", "anonymous", "profile",
                   "web_identity", "instance")},
      {"s3_access_key_id", "Object storage", kText, "Access key id.", 0, 0,
       FIRN_FIELD(db.storage.s3.access_key_id)},
      {"s3_secret_access_key", "Object storage", kSecret, "Secret access key.", 0, 0,
       FIRN_FIELD(db.storage.s3.secret_access_key)},
      {"s3_session_token", "Object storage", kSecret,
       "Session token of temporary credentials.", 0, 0,
       FIRN_FIELD(db.storage.s3.session_token)},
      {"s3_profile", "Object storage", kText,
       "Profile in AWS's files; empty means `AWS_PROFILE`, else `default`.", 0, 0,
       FIRN_FIELD(db.storage.s3.profile)},
      {"s3_encryption", "Object storage", kChoice,
       "What the store encrypts new objects with: its own keys (`s3`), a key service's "
       "(`kms`), or a key that goes with each request (`customer`). That it did is "
       "checked.",
       0, 0, FIRN_CHOICE(db.storage.s3.encryption, "none", "s3", "kms", "customer")},
      {"s3_kms_key_id", "Object storage", kText,
       "Key of the key service; empty means the account's default.", 0, 0,
       FIRN_FIELD(db.storage.s3.kms_key_id)},
      {"s3_customer_key", "Object storage", kSecret,
       "Key for `s3_encryption: customer`: 32 bytes in base64.", 0, 0,
       FIRN_FIELD(db.storage.s3.customer_key)},
      {"s3_ca_file", "Object storage", kText,
       "Certificates to trust (PEM); empty means the system's.", 0, 0,
       FIRN_FIELD(db.storage.s3.ca_file)},
      {"s3_verify_tls", "Object storage", kBool,
       "Without it anybody may answer in the store's name.", 0, 0,
       FIRN_FIELD(db.storage.s3.verify_tls)},
      {"s3_connect_timeout", "Object storage", kDuration,
       "Longest a connection may take to open.", 1, kDayMs,
       FIRN_FIELD(db.storage.s3.connect_timeout_ms)},
      {"s3_request_timeout", "Object storage", kDuration,
       "Longest a request may go without a byte either way.", 1, kDayMs,
       FIRN_FIELD(db.storage.s3.request_timeout_ms)},
      {"s3_attempts", "Object storage", kCount,
       "How often a request is sent at most, with growing random pauses between.", 1, 100,
       FIRN_FIELD(db.storage.s3.retry.attempts)},
      {"s3_multipart_threshold", "Object storage", kSize,
       "Objects longer than this are uploaded in parts.", 5 << 20, std::int64_t{5} << 30,
       FIRN_FIELD(db.storage.s3.multipart_threshold_bytes)},
      {"s3_upload_concurrency", "Object storage", kCount,
       "Parts of one object that are uploaded at once.", 1, 1000,
       FIRN_FIELD(db.storage.s3.upload_concurrency)},
      {"create_buckets", "Object storage", kBool,
       "A write to a bucket (or container) that is not there makes it.", 0, 0,
       FIRN_FIELD(db.storage.create_buckets)},
      {"gs_endpoint", "Object storage", kText,
       "`http[s]://HOST[:PORT]` of a store that speaks Google's JSON API; empty means "
       "Google's, or `STORAGE_EMULATOR_HOST`.",
       0, 0, FIRN_FIELD(db.storage.gcs.endpoint)},
      {"gs_project", "Object storage", kText,
       "Project in which buckets are made; empty means that of `GOOGLE_CLOUD_PROJECT` or "
       "of the credentials.",
       0, 0, FIRN_FIELD(db.storage.gcs.project)},
      {"gs_credentials", "Object storage", kChoice,
       "Where credentials come from. `chain` takes the first there is: the token or file "
       "below, `GOOGLE_APPLICATION_CREDENTIALS`, that of `gcloud auth "
       "application-default login`, the machine's service account.",
       0, 0,
       FIRN_CHOICE(db.storage.gcs.credentials, "chain", "token", "file", "metadata",
                   "anonymous")},
      {"gs_access_token", "Object storage", kSecret, "Access token.", 0, 0,
       FIRN_FIELD(db.storage.gcs.access_token)},
      {"gs_credentials_file", "Object storage", kText,
       "File with a service account's key or a person's refresh token (JSON).", 0, 0,
       FIRN_FIELD(db.storage.gcs.credentials_file)},
      {"gs_ca_file", "Object storage", kText,
       "Certificates to trust (PEM); empty means the system's.", 0, 0,
       FIRN_FIELD(db.storage.gcs.ca_file)},
      {"gs_verify_tls", "Object storage", kBool,
       "Without it anybody may answer in the store's name.", 0, 0,
       FIRN_FIELD(db.storage.gcs.verify_tls)},
      {"gs_connect_timeout", "Object storage", kDuration,
       "Longest a connection may take to open.", 1, kDayMs,
       FIRN_FIELD(db.storage.gcs.connect_timeout_ms)},
      {"gs_request_timeout", "Object storage", kDuration,
       "Longest a request may go without a byte either way.", 1, kDayMs,
       FIRN_FIELD(db.storage.gcs.request_timeout_ms)},
      {"gs_attempts", "Object storage", kCount,
       "How often a request is sent at most, with growing random pauses between.", 1, 100,
       FIRN_FIELD(db.storage.gcs.retry.attempts)},
      {"gs_multipart_threshold", "Object storage", kSize,
       "Objects longer than this are uploaded in parts, one after the other.", 1 << 20,
       std::int64_t{1} << 30, FIRN_FIELD(db.storage.gcs.multipart_threshold_bytes)},
      {"azure_account", "Object storage", kText,
       "Account of `az://` locations; empty means that of the connection string or of "
       "`AZURE_STORAGE_ACCOUNT`.",
       0, 0, FIRN_FIELD(db.storage.azure.account)},
      {"azure_endpoint", "Object storage", kText,
       "`http[s]://HOST[:PORT][/ACCOUNT]` of the account's blobs; empty means Azure's.",
       0, 0, FIRN_FIELD(db.storage.azure.endpoint)},
      {"azure_credentials", "Object storage", kChoice,
       "Where credentials come from. `chain` takes the first there is: the secrets "
       "below, "
       "`AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_KEY`, "
       "`AZURE_STORAGE_SAS_TOKEN`, client secret, workload identity, managed identity.",
       0, 0,
       FIRN_CHOICE(db.storage.azure.credentials, "chain", "shared_key", "sas",
                   "client_secret", "workload_identity", "managed_identity",
                   "anonymous")},
      {"azure_account_key", "Object storage", kSecret, "Key of the account, in base64.",
       0, 0, FIRN_FIELD(db.storage.azure.account_key)},
      {"azure_sas_token", "Object storage", kSecret,
       "Shared access signature: `sv=…&sig=…`.", 0, 0,
       FIRN_FIELD(db.storage.azure.sas_token)},
      {"azure_connection_string", "Object storage", kSecret,
       "Connection string: account, key or signature, and endpoint in one.", 0, 0,
       FIRN_FIELD(db.storage.azure.connection_string)},
      {"azure_tenant_id", "Object storage", kText,
       "Tenant of a client secret or workload identity; empty means `AZURE_TENANT_ID`.",
       0, 0, FIRN_FIELD(db.storage.azure.tenant_id)},
      {"azure_client_id", "Object storage", kText,
       "Client that asks for tokens; empty means `AZURE_CLIENT_ID`.", 0, 0,
       FIRN_FIELD(db.storage.azure.client_id)},
      {"azure_client_secret", "Object storage", kSecret, "Secret of the client.", 0, 0,
       FIRN_FIELD(db.storage.azure.client_secret)},
      {"azure_federated_token_file", "Object storage", kText,
       "File with the token of a workload identity; empty means "
       "`AZURE_FEDERATED_TOKEN_FILE`.",
       0, 0, FIRN_FIELD(db.storage.azure.federated_token_file)},
      {"azure_ca_file", "Object storage", kText,
       "Certificates to trust (PEM); empty means the system's.", 0, 0,
       FIRN_FIELD(db.storage.azure.ca_file)},
      {"azure_verify_tls", "Object storage", kBool,
       "Without it anybody may answer in the store's name.", 0, 0,
       FIRN_FIELD(db.storage.azure.verify_tls)},
      {"azure_connect_timeout", "Object storage", kDuration,
       "Longest a connection may take to open.", 1, kDayMs,
       FIRN_FIELD(db.storage.azure.connect_timeout_ms)},
      {"azure_request_timeout", "Object storage", kDuration,
       "Longest a request may go without a byte either way.", 1, kDayMs,
       FIRN_FIELD(db.storage.azure.request_timeout_ms)},
      {"azure_attempts", "Object storage", kCount,
       "How often a request is sent at most, with growing random pauses between.", 1, 100,
       FIRN_FIELD(db.storage.azure.retry.attempts)},
      {"azure_multipart_threshold", "Object storage", kSize,
       "Objects longer than this are uploaded in parts.", 1 << 20,
       std::int64_t{5000} << 20, FIRN_FIELD(db.storage.azure.multipart_threshold_bytes)},
      {"azure_upload_concurrency", "Object storage", kCount,
       "Parts of one object that are uploaded at once.", 1, 1000,
       FIRN_FIELD(db.storage.azure.upload_concurrency)},
      {"rest_token", "REST catalog", kSecret, "Bearer token.", 0, 0,
       FIRN_FIELD(db.rest_catalog.token)},
      {"rest_client_id", "REST catalog", kText,
       "Client that asks for tokens (OAuth2 client credentials).", 0, 0,
       FIRN_FIELD(db.rest_catalog.client_id)},
      {"rest_client_secret", "REST catalog", kSecret, "Secret of the client.", 0, 0,
       FIRN_FIELD(db.rest_catalog.client_secret)},
      {"rest_token_uri", "REST catalog", kText,
       "Where tokens are asked for; empty means `v1/oauth/tokens` of the catalog.", 0, 0,
       FIRN_FIELD(db.rest_catalog.token_uri)},
      {"rest_scope", "REST catalog", kText, "Scope of the tokens.", 0, 0,
       FIRN_FIELD(db.rest_catalog.scope)},
      {"rest_vended_credentials", "REST catalog", kBool,
       "Ask the catalog to lend credentials for the files of each table, and use them.",
       0, 0, FIRN_FIELD(db.rest_catalog.vended_credentials)},
      {"rest_ca_file", "REST catalog", kText,
       "Certificates to trust (PEM); empty means the system's.", 0, 0,
       FIRN_FIELD(db.rest_catalog.ca_file)},
      {"rest_verify_tls", "REST catalog", kBool,
       "Without it anybody may answer in the catalog's name.", 0, 0,
       FIRN_FIELD(db.rest_catalog.verify_tls)},
      {"rest_connect_timeout", "REST catalog", kDuration,
       "Longest a connection may take to open.", 1, kDayMs,
       FIRN_FIELD(db.rest_catalog.connect_timeout_ms)},
      {"rest_request_timeout", "REST catalog", kDuration,
       "Longest a request may go without a byte either way.", 1, kDayMs,
       FIRN_FIELD(db.rest_catalog.request_timeout_ms)},
      {"rest_attempts", "REST catalog", kCount,
       "How often a request is sent at most, with growing random pauses between.", 1, 100,
       FIRN_FIELD(db.rest_catalog.retry.attempts)},
      {"query_lookback", "Queries", kDuration,
       "How far back an instant selector looks for a sample.", 1, INT64_MAX,
       FIRN_FIELD(db.query_lookback_ms)},
      {"query_samples_max", "Queries", kCount,
       "Samples that one query may hold in memory.", 1, INT64_MAX,
       FIRN_FIELD(db.query_samples_max)},
      {"query_bytes_max", "Queries", kSize,
       "Memory of SQL, and again as much of all scans of tables.", 1 << 20, INT64_MAX,
       FIRN_FIELD(db.query_bytes_max)},
      {"query_threads", "Queries", kCount, "Threads that all SQL statements share.", 1,
       1024, FIRN_FIELD(db.query_threads)},
  };
  return table;
}

#undef FIRN_FIELD
#undef FIRN_CHOICE

Status Bad(const ConfigField& field, std::string_view text, std::string_view why) {
  return Status::InvalidArgument(std::string(field.name) + ": " + base::Quoted(text) +
                                 " " + std::string(why));
}

std::string NumberText(const ConfigField& field, std::int64_t value) {
  switch (field.kind) {
    case FieldKind::kDuration:
      return base::FormatDuration(value);
    case FieldKind::kSize:
      return base::FormatByteSize(value);
    default:
      return std::to_string(value);
  }
}

Result<std::int64_t> ParseCount(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Status::InvalidArgument("is not a whole number");
  }
  return value;
}

Result<std::int64_t> ParseNumber(const ConfigField& field, std::string_view text) {
  Result<std::int64_t> value =
      field.kind == FieldKind::kDuration ? base::ParseDuration(text)
      : field.kind == FieldKind::kSize   ? base::ParseByteSize(text)
                                         : ParseCount(text);
  if (!value.ok()) {
    return Bad(field, text,
               field.kind == FieldKind::kDuration
                   ? "is not a duration such as 5m, 1h30m or 250ms"
               : field.kind == FieldKind::kSize ? "is not a size such as 512MB or 64KiB"
                                                : "is not a whole number");
  }
  if (*value < field.least) {
    return Bad(field, text, "is below the least, " + NumberText(field, field.least));
  }
  if (*value > field.most) {
    return Bad(field, text, "is above the most, " + NumberText(field, field.most));
  }
  return value;
}

Result<bool> ParseBool(const ConfigField& field, std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Bad(field, text, "is neither true nor false");
}

Result<std::size_t> ParseChoice(const ConfigField& field, std::string_view text) {
  const std::vector<std::string_view>& words = std::get<5>(field.member).words;
  const auto found = std::find(words.begin(), words.end(), text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string known;
  for (const std::string_view word : words) {
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  return Bad(field, text, "is none of " + known);
}

Status CheckText(const ConfigField& field, std::string_view text) {
  if (field.name == "log_level" && text != "debug" && text != "info" && text != "warn" &&
      text != "error") {
    return Bad(field, text, "is none of debug, info, warn, error");
  }
  if ((field.name == "data" || field.name == "listen") && text.empty()) {
    return Bad(field, text, "is empty");
  }
  return Status::OK();
}

}  // namespace

std::string_view FieldKindName(FieldKind kind) {
  switch (kind) {
    case FieldKind::kText:
      return "text";
    case FieldKind::kList:
      return "list";
    case FieldKind::kDuration:
      return "duration";
    case FieldKind::kSize:
      return "size";
    case FieldKind::kCount:
      return "number";
    case FieldKind::kBool:
      return "true or false";
    case FieldKind::kChoice:
      return "word";
    case FieldKind::kSecret:
      return "secret";
  }
  return "";
}

std::string ConfigField::Flag() const {
  std::string flag = "--" + std::string(name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  std::replace(flag.begin(), flag.end(), '.', '-');
  return flag;
}

std::string ConfigField::Environment() const {
  std::string variable = "FIRN_" + std::string(name);
  std::transform(variable.begin(), variable.end(), variable.begin(), [](char c) {
    if (c == '.') return '_';
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return variable;
}

std::span<const ConfigField> ConfigFields() { return Table(); }

namespace {

Status CheckField(const ConfigField& field, const Config& config) {
  return field.check == nullptr ? Status::OK()
                                : field.check(config).With(std::string(field.name));
}

}  // namespace

const ConfigField* FindConfigField(std::string_view name) {
  for (const ConfigField& field : Table()) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

Status SetField(const ConfigField& field, std::string_view text, Config* config) {
  switch (field.member.index()) {
    case 0:
      FIRN_RETURN_IF_ERROR(CheckText(field, text));
      *std::get<0>(field.member)(*config) = text;
      return CheckField(field, *config);
    case 1:
      return SetListField(field, SplitAtCommas(text), config);
    case 2: {
      FIRN_ASSIGN_OR_RETURN(*std::get<2>(field.member)(*config),
                            ParseNumber(field, text));
      return Status::OK();
    }
    case 3: {
      FIRN_ASSIGN_OR_RETURN(const std::int64_t value, ParseNumber(field, text));
      *std::get<3>(field.member)(*config) = static_cast<int>(value);
      return Status::OK();
    }
    case 4: {
      FIRN_ASSIGN_OR_RETURN(*std::get<4>(field.member)(*config), ParseBool(field, text));
      return Status::OK();
    }
    case 5: {
      FIRN_ASSIGN_OR_RETURN(const std::size_t index, ParseChoice(field, text));
      std::get<5>(field.member).set(*config, index);
      return Status::OK();
    }
    default:
      *std::get<6>(field.member)(*config) = Secret(std::string(text));
      return Status::OK();
  }
}

Status SetListField(const ConfigField& field, std::vector<std::string> items,
                    Config* config) {
  FIRN_ASSERT(field.kind == FieldKind::kList);
  *std::get<1>(field.member)(*config) = std::move(items);
  return CheckField(field, *config);
}

std::string FieldText(const ConfigField& field, const Config& config) {
  // The accessors hand out pointers to set through; nothing is set here.
  auto& c = const_cast<Config&>(config);
  switch (field.member.index()) {
    case 0:
      return *std::get<0>(field.member)(c);
    case 1: {
      std::string text;
      for (const std::string& item : *std::get<1>(field.member)(c)) {
        text += (text.empty() ? "" : ",") + item;
      }
      return text;
    }
    case 2:
      return NumberText(field, *std::get<2>(field.member)(c));
    case 3:
      return NumberText(field, *std::get<3>(field.member)(c));
    case 4:
      return *std::get<4>(field.member)(c) ? "true" : "false";
    case 5: {
      const ChoiceMember& choice = std::get<5>(field.member);
      return std::string(choice.words[choice.get(c)]);
    }
    default:
      return std::get<6>(field.member)(c)->empty() ? "" : "set, not shown";
  }
}

}  // namespace firn::cli
