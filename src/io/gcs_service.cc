// SPDX-License-Identifier: Apache-2.0
#include "io/gcs_service.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/budget.h"
#include "base/crc32c.h"
#include "base/quote.h"
#include "io/gcs_error.h"
#include "io/gcs_object.h"
#include "io/range_answer.h"

namespace firn::io {
namespace {

constexpr std::string_view kListPageMax = "1000";

// What others wrote compressed is not unpacked on the way.
std::pair<std::string, std::string> AsItIsStored() { return {"accept-encoding", "gzip"}; }

// "Bucket names": what can be one.
bool IsBucketName(std::string_view name) {
  if (name.size() < 3 || name.size() > 222) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

}  // namespace

Result<std::unique_ptr<GcsService>> GcsService::Make(
    const GcsOptions& options, std::string bucket,
    std::shared_ptr<GcsCredentialsProvider> credentials, const base::Clock& clock,
    const StoreMetrics* metrics) {
  if (!IsBucketName(bucket)) {
    return Status::InvalidArgument("gs://" + bucket + ": " + base::Quoted(bucket) +
                                   " cannot be the name of a bucket");
  }
  FIRN_ASSIGN_OR_RETURN(HttpAddress address, HttpAddress::Parse(options.endpoint));
  return std::unique_ptr<GcsService>(
      new GcsService(options, std::move(bucket), std::move(address),
                     std::move(credentials), clock, metrics));
}

GcsService::GcsService(const GcsOptions& options, std::string bucket, HttpAddress address,
                       std::shared_ptr<GcsCredentialsProvider> credentials,
                       const base::Clock& clock, const StoreMetrics* metrics)
    : options_(options),
      bucket_(std::move(bucket)),
      credentials_(std::move(credentials)),
      client_(std::move(address),
              {options.ca_file, options.verify_tls, options.connect_timeout_ms,
               options.request_timeout_ms}),
      backoff_(options.retry),
      requests_(client_, backoff_, clock, metrics) {}

std::string GcsService::LocationOf(const std::string& key) const {
  return "gs://" + bucket_ + (key.empty() ? "" : "/" + key);
}

std::string GcsService::BucketTarget() const { return "/storage/v1/b/" + bucket_; }

std::string GcsService::ObjectTarget(const std::string& key) const {
  return BucketTarget() + "/o/" + PercentEncode(key);
}

std::string GcsService::UploadTarget(const NewObject& object,
                                     std::string_view type) const {
  return "/upload" + BucketTarget() + "/o?uploadType=" + std::string(type) +
         (object.replaces ? "" : "&ifGenerationMatch=0") +
         "&name=" + PercentEncode(object.key);
}

RemoteOutcome GcsService::Run(const base::Context& context, const Ask& ask) {
  AccessToken token;
  RemoteCall call;
  call.operation = ask.operation;
  call.location = LocationOf(ask.key);
  call.sink = ask.sink;
  call.make = [&](const base::Context& attempt) -> Result<HttpRequest> {
    FIRN_ASSIGN_OR_RETURN(token, credentials_->Get(attempt));
    HttpRequest request{ask.method, ask.target, ask.headers, ask.body};
    if (ask.restart) FIRN_RETURN_IF_ERROR(ask.restart(&request));
    if (!token.text.empty()) {
      request.headers.emplace_back("authorization",
                                   "Bearer " + std::string(token.text.Reveal()));
    }
    return request;
  };
  call.judge = [&](const HttpResponse& response) -> Verdict {
    if (ask.judge) {
      if (std::optional<Verdict> verdict = ask.judge(response)) return *verdict;
    }
    if (response.code / 100 == 2) return {ask.check ? ask.check(response) : Status()};
    Verdict verdict =
        JudgeGcsError(response, {bucket_, token.source, ask.needs_bucket_only});
    if (response.code == 401) {
      credentials_->Expire();
      // Worth another try only where there may be another token.
      verdict.retry = token.expires_us.has_value();
    }
    return verdict;
  };
  return requests_.Run(context, call);
}

Result<RemoteObject> GcsService::Head(const base::Context& context,
                                      const std::string& key) {
  Ask ask{StoreOperation::kHead, "GET", key};
  ask.target = ObjectTarget(key) + "?fields=" + std::string(kGcsObjectFields);
  const RemoteOutcome outcome = Run(context, ask);
  FIRN_RETURN_IF_ERROR(outcome.status);
  Result<GcsObject> parsed = ParseGcsObject(outcome.response.body);
  if (!parsed.ok()) return parsed.status().With("head " + LocationOf(key));
  parsed->object.key = key;
  return std::move(parsed->object);
}

// An answer that holds bytes of the object. Its etag is empty where the store, an
// emulator, does not name the generation.
Result<RemoteObject> GcsService::ObjectOf(const std::string& key,
                                          const HttpResponse& response) const {
  RemoteObject object;
  object.key = key;
  FIRN_ASSIGN_OR_RETURN(object.size_bytes, WholeSize(response));
  object.etag = response.Header("x-goog-generation");
  const Result<TimestampUs> modified = ParseHttpDate(response.Header("Last-Modified"));
  if (modified.ok()) object.modified_us = *modified;
  return object;
}

RemoteOutcome GcsService::RunRange(const base::Context& context, const std::string& key,
                                   const std::string& etag, std::uint64_t offset,
                                   std::uint64_t size, char* out) {
  RangeAnswer answer(offset, size, out);
  Ask ask{StoreOperation::kGet, "GET", key};
  ask.target = ObjectTarget(key) + "?alt=media";
  if (!etag.empty()) ask.target += "&ifGenerationMatch=" + PercentEncode(etag);
  ask.headers = {{"range", answer.header()}, AsItIsStored()};
  ask.restart = [&](HttpRequest*) {
    answer.Restart();
    return Status();
  };
  ask.sink = [&](std::string_view bytes) { return answer.Take(bytes); };
  ask.check = [&](const HttpResponse& response) {
    // Servers that ignore the precondition say at least what they sent.
    const std::string_view generation = response.Header("x-goog-generation");
    if (!etag.empty() && !generation.empty() && generation != etag) {
      return Status::AlreadyExists("the object is another now");
    }
    return answer.Check(response, !etag.empty());
  };
  return Run(context, ask);
}

Status GcsService::GetRange(const base::Context& context, const std::string& key,
                            const std::string& etag, std::uint64_t offset,
                            std::uint64_t size, char* out) {
  return AsConflict(RunRange(context, key, etag, offset, size, out).status,
                    LocationOf(key));
}

Result<RemoteObject> GcsService::GetAnyRange(const base::Context& context,
                                             const std::string& key, std::uint64_t offset,
                                             std::uint64_t size, char* out) {
  const RemoteOutcome outcome = RunRange(context, key, "", offset, size, out);
  if (outcome.response.code == kRangeNotSatisfiable) {
    return EndsBefore(LocationOf(key), offset);
  }
  FIRN_RETURN_IF_ERROR(outcome.status);
  FIRN_ASSIGN_OR_RETURN(RemoteObject object, ObjectOf(key, outcome.response));
  if (!object.etag.empty()) return object;
  return ObjectService::GetAnyRange(context, key, offset, size, out);
}

Result<RemoteTail> GcsService::GetTail(const base::Context& context,
                                       const std::string& key, std::uint64_t size) {
  RemoteTail tail;
  TailAnswer answer(size);
  Ask ask{StoreOperation::kGet, "GET", key};
  ask.target = ObjectTarget(key) + "?alt=media";
  ask.headers = {{"range", answer.header()}, AsItIsStored()};
  ask.restart = [&](HttpRequest*) {
    answer.Restart();
    return Status();
  };
  ask.sink = [&](std::string_view bytes) { return answer.Take(bytes); };
  ask.check = [&](const HttpResponse& response) -> Status {
    FIRN_ASSIGN_OR_RETURN(tail.object, ObjectOf(key, response));
    return answer.Check(tail.object.size_bytes);
  };
  const RemoteOutcome outcome = Run(context, ask);
  // An empty object has no last byte.
  const bool is_empty = outcome.response.code == kRangeNotSatisfiable;
  if (!is_empty) FIRN_RETURN_IF_ERROR(outcome.status);
  if (is_empty || tail.object.etag.empty()) {
    return ObjectService::GetTail(context, key, size);
  }
  tail.bytes = std::move(answer.bytes());
  return tail;
}

Result<std::string> GcsService::Get(const base::Context& context, const std::string& key,
                                    std::uint64_t size_limit_bytes) {
  WholeAnswer answer(size_limit_bytes);
  Ask ask{StoreOperation::kGet, "GET", key};
  ask.target = ObjectTarget(key) + "?alt=media";
  ask.headers = {AsItIsStored()};
  ask.restart = [&](HttpRequest*) {
    answer.Restart();
    return Status();
  };
  ask.sink = [&](std::string_view bytes) { return answer.Take(bytes); };
  FIRN_RETURN_IF_ERROR(Run(context, ask).status);
  return std::move(answer.bytes());
}

// One request of two parts: the object's resource, then its bytes.
Result<PutResult> GcsService::Put(const base::Context& context, const NewObject& object,
                                  std::string_view bytes) {
  const std::string boundary = "firn-" + object.put_id;
  const std::string head =
      "--" + boundary + "\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n" +
      NewGcsObject(object.put_id, GcsCrc32c(base::Crc32c(bytes))) + "\r\n--" + boundary +
      "\r\ncontent-type: application/octet-stream\r\n\r\n";
  const std::string tail = "\r\n--" + boundary + "--\r\n";
  const std::size_t size = head.size() + bytes.size() + tail.size();
  FIRN_ASSIGN_OR_RETURN(
      const base::ByteReservation reserved,
      base::ByteReservation::Make(context.budget(), static_cast<std::int64_t>(size)));
  std::string body;
  body.reserve(size);
  body.append(head).append(bytes).append(tail);
  Ask ask{StoreOperation::kPut, "POST", object.key};
  ask.target = UploadTarget(object, "multipart");
  ask.headers = {{"content-type", "multipart/related; boundary=" + boundary}};
  ask.body = body;
  ask.needs_bucket_only = true;
  return PutResultOf(Run(context, ask));
}

Status GcsService::Delete(const base::Context& context, const std::string& key) {
  Ask ask{StoreOperation::kDelete, "DELETE", key};
  ask.target = ObjectTarget(key);
  const Status status = Run(context, ask).status;
  return status.Is(StatusCode::kNotFound) ? Status() : status;
}

Status GcsService::DeleteGeneration(const base::Context& context, const std::string& key,
                                    const std::string& generation) {
  Ask ask{StoreOperation::kDelete, "DELETE", key};
  ask.target = ObjectTarget(key) + "?generation=" + PercentEncode(generation);
  const Status status = Run(context, ask).status;
  return status.Is(StatusCode::kNotFound) ? Status() : status;
}

Result<RemotePage> GcsService::List(const base::Context& context,
                                    const std::string& prefix, const std::string& from) {
  Ask ask{StoreOperation::kList, "GET", ""};
  ask.target = BucketTarget() + "/o?maxResults=" + std::string(kListPageMax) +
               "&fields=nextPageToken,items(" + std::string(kGcsObjectFields) +
               ")&prefix=" + PercentEncode(prefix);
  if (!from.empty()) ask.target += "&pageToken=" + PercentEncode(from);
  ask.needs_bucket_only = true;
  const RemoteOutcome outcome = Run(context, ask);
  FIRN_RETURN_IF_ERROR(outcome.status);
  Result<RemotePage> page = ParseGcsListing(outcome.response.body);
  if (!page.ok()) return page.status().With("list " + LocationOf(prefix));
  return page;
}

Status GcsService::CreateBucket(const base::Context& context) {
  std::string project = options_.project;
  if (project.empty()) {
    Result<std::string> found = credentials_->Project(context);
    if (found.status().Is(StatusCode::kNotFound)) {
      return Status::InvalidArgument("bucket " + LocationOf("") +
                                     ": to make it a project is needed: set gs_project "
                                     "or GOOGLE_CLOUD_PROJECT");
    }
    if (!found.ok()) return found.status().With("bucket " + LocationOf(""));
    project = std::move(*found);
  }
  const std::string body = nlohmann::json{{"name", bucket_}}.dump();
  Ask ask{StoreOperation::kBucket, "POST", ""};
  ask.target = "/storage/v1/b?project=" + PercentEncode(project);
  ask.headers = {{"content-type", "application/json"}};
  ask.body = body;
  const RemoteOutcome outcome = Run(context, ask);
  if (outcome.status.ok() || outcome.response.code != 409) return outcome.status;
  // Somebody was quicker: one of us, or another project.
  Ask look{StoreOperation::kBucket, "GET", ""};
  look.target = BucketTarget() + "?fields=name";
  if (Run(context, look).status.ok()) return {};
  return Status::AlreadyExists(std::string(outcome.status.message()) +
                               ": the name belongs to another project");
}

}  // namespace firn::io
