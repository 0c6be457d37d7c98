// SPDX-License-Identifier: Apache-2.0
#include "io/s3_service.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <pugixml.hpp>

#include "base/quote.h"
#include "base/timestamp.h"
#include "io/digest.h"
#include "io/range_answer.h"
#include "io/s3_error.h"

namespace firn::io {
namespace {

constexpr std::string_view kPutIdHeader = "x-amz-meta-firn-put";
constexpr std::string_view kListPageMax = "1000";
constexpr std::string_view kFirstRegion = "us-east-1";
// A store may copy the parts into one file, on a slow disk, before it says a word; S3
// itself sends spaces meanwhile.
constexpr std::uint64_t kAssemblyBytesPerMs = 8 << 10;
constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

Status NotXml(const HttpResponse& response) {
  return Status::Corruption("the answer is no XML of S3's: " +
                            base::Quoted(std::string_view(response.body).substr(0, 200)));
}

bool IsAddress(std::string_view host) {
  return host.find(':') != host.npos || std::all_of(host.begin(), host.end(), [](char c) {
           return c == '.' || (c >= '0' && c <= '9');
         });
}

// "Bucket naming rules": what may be a part of a host name.
bool IsBucketName(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || (c >= 'A' && c <= 'Z');
  });
}

// The size and the rest of an object, from the answer to a HEAD or a GET.
Result<RemoteObject> ObjectOf(const std::string& key, const HttpResponse& response) {
  RemoteObject object;
  object.key = key;
  FIRN_ASSIGN_OR_RETURN(object.size_bytes, WholeSize(response));
  object.etag = response.Header("ETag");  // With its quotes, as If-Match wants it.
  object.put_id = response.Header(kPutIdHeader);
  const Result<TimestampUs> modified = ParseHttpDate(response.Header("Last-Modified"));
  if (modified.ok()) object.modified_us = *modified;
  return object;
}

}  // namespace

// A multipart upload. Parts are known by their ETags.
class S3Upload final : public MultipartUpload {
 public:
  S3Upload(S3Service& service, const NewObject& object, std::string upload_id)
      : service_(service),
        key_(object.key),
        replaces_(object.replaces),
        upload_id_(std::move(upload_id)) {}

  Status PutPart(const base::Context& context, int number,
                 std::string_view bytes) override {
    S3Service::Ask ask{StoreOperation::kPut, "PUT", key_};
    ask.query = {{"partNumber", std::to_string(number)}, {"uploadId", upload_id_}};
    ask.headers = service_.EncryptionOfPart();
    ask.body = bytes;
    const RemoteOutcome outcome = service_.Run(context, ask);
    FIRN_RETURN_IF_ERROR(outcome.status);
    std::string etag(outcome.response.Header("ETag"));
    if (etag.empty()) {
      return Status::Corruption("put " + service_.LocationOf(key_) +
                                ": the answer names no ETag");
    }
    std::lock_guard lock(mutex_);
    size_bytes_ += bytes.size();
    if (etags_.size() < static_cast<std::size_t>(number)) {
      etags_.resize(static_cast<std::size_t>(number));
    }
    etags_[static_cast<std::size_t>(number) - 1] = std::move(etag);
    return {};
  }

  Result<PutResult> Complete(const base::Context& context, int part_count) override {
    pugi::xml_document document;
    pugi::xml_node root = document.append_child("CompleteMultipartUpload");
    {
      std::lock_guard lock(mutex_);
      for (int i = 0; i < part_count; ++i) {
        pugi::xml_node part = root.append_child("Part");
        part.append_child("PartNumber").text().set(i + 1);
        part.append_child("ETag").text().set(etags_[static_cast<std::size_t>(i)].c_str());
      }
    }
    std::ostringstream text;
    document.save(text, "", pugi::format_raw);
    const std::string body = text.str();
    S3Service::Ask ask{StoreOperation::kMultipart, "POST", key_};
    ask.query = {{"uploadId", upload_id_}};
    ask.headers = service_.EncryptionOfPart();
    if (!replaces_) ask.headers.emplace_back("if-none-match", "*");
    ask.headers.emplace_back("content-type", "application/xml");
    ask.body = body;
    ask.idle_timeout_ms = service_.CompletionTimeoutMs(size_bytes_);
    FIRN_ASSIGN_OR_RETURN(PutResult result, PutResultOf(service_.Run(context, ask)));
    if (result.outcome != PutOutcome::kDone) return result;
    // The answers to multipart requests need not say how the object was encrypted.
    FIRN_RETURN_IF_ERROR(service_.CheckCreated(context, key_));
    return result;
  }

  Status Abort(const base::Context& context) override {
    S3Service::Ask ask{StoreOperation::kMultipart, "DELETE", key_};
    ask.query = {{"uploadId", upload_id_}};
    const Status status = service_.Run(context, ask).status;
    return status.Is(StatusCode::kNotFound) ? Status() : status;
  }

 private:
  S3Service& service_;
  const std::string key_;
  const bool replaces_;
  const std::string upload_id_;
  std::mutex mutex_;
  std::vector<std::string> etags_;
  std::uint64_t size_bytes_ = 0;  // Of the parts sent.
};

Result<std::unique_ptr<S3Service>> S3Service::Make(
    const S3Options& options, std::string bucket,
    std::shared_ptr<AwsCredentialsProvider> credentials, const base::Clock& clock,
    const StoreMetrics* metrics) {
  if (!IsBucketName(bucket)) {
    return Status::InvalidArgument("s3://" + bucket + ": " + base::Quoted(bucket) +
                                   " cannot be the name of a bucket");
  }
  const bool own_endpoint = !options.endpoint.empty();
  FIRN_ASSIGN_OR_RETURN(HttpAddress address,
                        HttpAddress::Parse(own_endpoint ? options.endpoint
                                                        : "https://s3." + options.region +
                                                              ".amazonaws.com"));
  // A dot in the bucket's name would be a level that no certificate covers.
  const bool path_style = options.path_style || IsAddress(address.host) ||
                          address.host == "localhost" ||
                          bucket.find('.') != std::string::npos;
  if (options.encryption == ServerSideEncryption::kCustomer) {
    if (!address.tls) {
      return Status::InvalidArgument(
          "s3://" + bucket +
          ": a customer key (SSE-C) is sent over https only, and the endpoint is " +
          options.endpoint);
    }
    const Result<std::string> key = FromBase64(options.customer_key.Reveal());
    if (!key.ok() || key->size() != 32) {
      return Status::InvalidArgument("s3://" + bucket +
                                     ": a customer key (SSE-C) is 32 bytes in base64");
    }
  }
  if (!path_style) address.host = bucket + "." + address.host;
  return std::unique_ptr<S3Service>(
      new S3Service(options, std::move(bucket), std::move(address), path_style,
                    std::move(credentials), clock, metrics));
}

S3Service::S3Service(const S3Options& options, std::string bucket, HttpAddress address,
                     bool path_style, std::shared_ptr<AwsCredentialsProvider> credentials,
                     const base::Clock& clock, const StoreMetrics* metrics)
    : options_(options),
      bucket_(std::move(bucket)),
      path_style_(path_style),
      credentials_(std::move(credentials)),
      clock_(clock),
      client_(address, {options.ca_file, options.verify_tls, options.connect_timeout_ms,
                        options.request_timeout_ms}),
      backoff_(options.retry),
      requests_(client_, backoff_, clock, metrics),
      scope_{address.HostHeader(), options.region, "s3"} {}

std::string S3Service::LocationOf(const std::string& key) const {
  return "s3://" + bucket_ + (key.empty() ? "" : "/" + key);
}

DurationMs S3Service::CompletionTimeoutMs(std::uint64_t size_bytes) const {
  if (options_.request_timeout_ms == 0) return 0;
  return options_.request_timeout_ms +
         static_cast<DurationMs>(size_bytes / kAssemblyBytesPerMs);
}

RemoteOutcome S3Service::Run(const base::Context& context, const Ask& ask) {
  AwsCredentials credentials;
  RemoteCall call;
  call.operation = ask.operation;
  call.location = LocationOf(ask.key);
  call.sink = ask.sink;
  call.make = [&](const base::Context& attempt) -> Result<HttpRequest> {
    if (ask.restart) ask.restart();
    FIRN_ASSIGN_OR_RETURN(credentials, credentials_->Get(attempt));
    AwsRequest request;
    request.method = ask.method;
    request.path = client_.address().prefix + (path_style_ ? "/" + bucket_ : "") + "/" +
                   PercentEncodePath(ask.key);
    if (ask.key.empty() && path_style_) request.path.pop_back();
    request.query = ask.query;
    request.headers = ask.headers;
    request.body = ask.body;
    // TLS guards the bytes on their way already.
    request.unsigned_payload = client_.address().tls && !ask.body.empty();
    HttpRequest ready =
        SignAwsRequest(std::move(request), scope_, credentials, clock_.NowUs());
    ready.target.erase(0, client_.address().prefix.size());
    ready.once = ask.once;
    ready.idle_timeout_ms = ask.idle_timeout_ms;
    return ready;
  };
  call.judge = [&](const HttpResponse& response) -> Verdict {
    // Some operations answer 200 first and fail then.
    const bool is_2xx = response.code / 100 == 2;
    const S3Error error =
        is_2xx && response.body.empty() ? S3Error() : ParseS3Error(response);
    if (is_2xx && error.code.empty()) {
      return {ask.check ? ask.check(response) : Status()};
    }
    Verdict verdict =
        JudgeS3Error(response, error, {bucket_, options_.region, credentials.source});
    if (IsExpiredCredentials(error)) {
      credentials_->Expire();
      // Worth another try only where there may be other credentials.
      verdict.retry = credentials.expires_us.has_value();
    }
    return verdict;
  };
  return requests_.Run(context, call);
}

Result<RemoteObject> S3Service::Head(const base::Context& context,
                                     const std::string& key) {
  Ask ask{StoreOperation::kHead, "HEAD", key};
  ask.headers = EncryptionOfPart();
  const RemoteOutcome outcome = Run(context, ask);
  FIRN_RETURN_IF_ERROR(outcome.status);
  Result<RemoteObject> object = ObjectOf(key, outcome.response);
  if (!object.ok()) return object.status().With("head " + LocationOf(key));
  return object;
}

RemoteOutcome S3Service::RunRange(const base::Context& context, const std::string& key,
                                  const std::string& etag, std::uint64_t offset,
                                  std::uint64_t size, char* out) {
  RangeAnswer answer(offset, size, out);
  Ask ask{StoreOperation::kGet, "GET", key};
  ask.headers = EncryptionOfPart();
  ask.headers.emplace_back("range", answer.header());
  if (!etag.empty()) ask.headers.emplace_back("if-match", etag);
  ask.restart = [&] { answer.Restart(); };
  ask.sink = [&](std::string_view bytes) { return answer.Take(bytes); };
  ask.check = [&](const HttpResponse& response) {
    return answer.Check(response, !etag.empty());
  };
  return Run(context, ask);
}

Status S3Service::GetRange(const base::Context& context, const std::string& key,
                           const std::string& etag, std::uint64_t offset,
                           std::uint64_t size, char* out) {
  return AsConflict(RunRange(context, key, etag, offset, size, out).status,
                    LocationOf(key));
}

Result<RemoteObject> S3Service::GetAnyRange(const base::Context& context,
                                            const std::string& key, std::uint64_t offset,
                                            std::uint64_t size, char* out) {
  const RemoteOutcome outcome = RunRange(context, key, "", offset, size, out);
  if (outcome.response.code == kRangeNotSatisfiable) {
    return EndsBefore(LocationOf(key), offset);
  }
  FIRN_RETURN_IF_ERROR(outcome.status);
  Result<RemoteObject> object = ObjectOf(key, outcome.response);
  if (!object.ok()) return object.status().With("get " + LocationOf(key));
  return object;
}

Result<RemoteTail> S3Service::GetTail(const base::Context& context,
                                      const std::string& key, std::uint64_t size) {
  RemoteTail tail;
  TailAnswer answer(size);
  Ask ask{StoreOperation::kGet, "GET", key};
  ask.headers = EncryptionOfPart();
  ask.headers.emplace_back("range", answer.header());
  ask.restart = [&] { answer.Restart(); };
  ask.sink = [&](std::string_view bytes) { return answer.Take(bytes); };
  ask.check = [&](const HttpResponse& response) -> Status {
    FIRN_ASSIGN_OR_RETURN(tail.object, ObjectOf(key, response));
    return answer.Check(tail.object.size_bytes);
  };
  const RemoteOutcome outcome = Run(context, ask);
  if (outcome.response.code == kRangeNotSatisfiable) {
    // An empty object has no last byte.
    return ObjectService::GetTail(context, key, size);
  }
  FIRN_RETURN_IF_ERROR(outcome.status);
  tail.bytes = std::move(answer.bytes());
  return tail;
}

Result<std::string> S3Service::Get(const base::Context& context, const std::string& key,
                                   std::uint64_t size_limit_bytes) {
  WholeAnswer answer(size_limit_bytes);
  Ask ask{StoreOperation::kGet, "GET", key};
  ask.headers = EncryptionOfPart();
  ask.restart = [&] { answer.Restart(); };
  ask.sink = [&](std::string_view bytes) { return answer.Take(bytes); };
  const Status status = Run(context, ask).status;
  FIRN_RETURN_IF_ERROR(status);
  return std::move(answer.bytes());
}

S3Service::Fields S3Service::EncryptionOfNew() const {
  switch (options_.encryption) {
    case ServerSideEncryption::kNone:
      return {};
    case ServerSideEncryption::kS3:
      return {{"x-amz-server-side-encryption", "AES256"}};
    case ServerSideEncryption::kKms: {
      Fields fields = {{"x-amz-server-side-encryption", "aws:kms"}};
      if (!options_.kms_key_id.empty()) {
        fields.emplace_back("x-amz-server-side-encryption-aws-kms-key-id",
                            options_.kms_key_id);
      }
      return fields;
    }
    case ServerSideEncryption::kCustomer:
      return EncryptionOfPart();
  }
  return {};
}

S3Service::Fields S3Service::EncryptionOfPart() const {
  if (options_.encryption != ServerSideEncryption::kCustomer) return {};
  const std::string text(options_.customer_key.Reveal());
  const std::string key = *FromBase64(text);  // Make() has looked at it.
  return {{"x-amz-server-side-encryption-customer-algorithm", "AES256"},
          {"x-amz-server-side-encryption-customer-key", text},
          {"x-amz-server-side-encryption-customer-key-md5", Base64(Md5(key))}};
}

Status S3Service::CheckEncryption(const HttpResponse& response) const {
  std::string_view header = "x-amz-server-side-encryption";
  std::string_view wanted;
  switch (options_.encryption) {
    case ServerSideEncryption::kNone:
      return {};
    case ServerSideEncryption::kS3:
      wanted = "AES256";
      break;
    case ServerSideEncryption::kKms:
      wanted = "aws:kms";
      break;
    case ServerSideEncryption::kCustomer:
      header = "x-amz-server-side-encryption-customer-algorithm";
      wanted = "AES256";
      break;
  }
  if (response.Header(header) == wanted) return {};
  return Status::Unimplemented(
      "the store took the object and did not say that it "
      "encrypted it (no " +
      std::string(header) + ": " + std::string(wanted) +
      " in its answer): it does not know the encryption asked "
      "for");
}

Result<PutResult> S3Service::Put(const base::Context& context, const NewObject& object,
                                 std::string_view bytes) {
  Ask ask{StoreOperation::kPut, "PUT", object.key};
  ask.headers = EncryptionOfNew();
  if (!object.replaces) ask.headers.emplace_back("if-none-match", "*");
  ask.headers.emplace_back(kPutIdHeader, object.put_id);
  ask.body = bytes;
  ask.once = true;
  const RemoteOutcome outcome = Run(context, ask);
  if (outcome.status.ok()) {
    const Status encrypted = CheckEncryption(outcome.response);
    if (!encrypted.ok()) return RemovePlain(context, object.key, encrypted);
  }
  return PutResultOf(outcome);
}

Status S3Service::CheckCreated(const base::Context& context, const std::string& key) {
  if (options_.encryption == ServerSideEncryption::kNone) return {};
  Ask ask{StoreOperation::kHead, "HEAD", key};
  ask.headers = EncryptionOfPart();
  const RemoteOutcome outcome = Run(context, ask);
  FIRN_RETURN_IF_ERROR(outcome.status);
  const Status encrypted = CheckEncryption(outcome.response);
  return encrypted.ok() ? encrypted : RemovePlain(context, key, encrypted);
}

Status S3Service::RemovePlain(const base::Context& context, const std::string& key,
                              const Status& why) {
  const Status removed = Delete(context, key);
  const std::string what = "put " + LocationOf(key);
  if (removed.ok()) return why.With(what);
  return Status(why.code(), what + ": " + std::string(why.message()) +
                                "; the object is there, unencrypted, and could not be "
                                "removed: " +
                                std::string(removed.message()));
}

Result<std::unique_ptr<MultipartUpload>> S3Service::StartUpload(
    const base::Context& context, const NewObject& object) {
  const std::string& key = object.key;
  Ask ask{StoreOperation::kMultipart, "POST", key};
  ask.query = {{"uploads", ""}};
  ask.headers = EncryptionOfNew();
  ask.headers.emplace_back(kPutIdHeader, object.put_id);
  const RemoteOutcome outcome = Run(context, ask);
  FIRN_RETURN_IF_ERROR(outcome.status);
  pugi::xml_document document;
  if (!document.load_buffer(outcome.response.body.data(), outcome.response.body.size())) {
    return NotXml(outcome.response).With("multipart " + LocationOf(key));
  }
  std::string id =
      document.child("InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty()) return NotXml(outcome.response).With("multipart " + LocationOf(key));
  return std::unique_ptr<MultipartUpload>(
      std::make_unique<S3Upload>(*this, object, std::move(id)));
}

Status S3Service::Delete(const base::Context& context, const std::string& key) {
  const Status status = Run(context, {StoreOperation::kDelete, "DELETE", key}).status;
  return status.Is(StatusCode::kNotFound) ? Status() : status;
}

Result<bool> S3Service::BucketExists(const base::Context& context) {
  const Status status = Run(context, {StoreOperation::kBucket, "HEAD", ""}).status;
  if (status.Is(StatusCode::kNotFound)) return false;
  FIRN_RETURN_IF_ERROR(status);
  return true;
}

Status S3Service::CreateBucket(const base::Context& context) {
  // Some stores answer a second creation by the owner with success, some with an error;
  // to look first makes them one, and needs no right to create.
  const Result<bool> exists = BucketExists(context);
  if (exists.ok() && *exists) return {};
  std::string body;
  if (options_.region != kFirstRegion) {
    pugi::xml_document document;
    pugi::xml_node root = document.append_child("CreateBucketConfiguration");
    root.append_attribute("xmlns").set_value(kNamespace);
    root.append_child("LocationConstraint").text().set(options_.region.c_str());
    std::ostringstream text;
    document.save(text, "", pugi::format_raw);
    body = text.str();
  }
  Ask ask{StoreOperation::kBucket, "PUT", ""};
  ask.body = body;
  const RemoteOutcome outcome = Run(context, ask);
  if (outcome.status.ok()) return {};
  if (outcome.response.code != 409) return outcome.status;
  // Somebody was quicker: one of us, or another account.
  const Result<bool> ours = BucketExists(context);
  if (ours.ok() && *ours) return {};
  return Status::AlreadyExists(std::string(outcome.status.message()) +
                               ": the name belongs to another account");
}

Result<RemotePage> S3Service::List(const base::Context& context,
                                   const std::string& prefix, const std::string& from) {
  Ask ask{StoreOperation::kList, "GET", ""};
  ask.query = {{"list-type", "2"},
               {"prefix", prefix},
               {"max-keys", std::string(kListPageMax)},
               {"encoding-type", "url"}};
  if (!from.empty()) ask.query.emplace_back("continuation-token", from);
  const RemoteOutcome outcome = Run(context, ask);
  if (!outcome.status.ok()) return outcome.status;
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(outcome.response.body.data(), outcome.response.body.size());
  const pugi::xml_node root = document.child("ListBucketResult");
  if (!parsed || !root)
    return NotXml(outcome.response).With("list " + LocationOf(prefix));
  RemotePage page;
  const bool encoded = std::string_view(root.child_value("EncodingType")) == "url";
  for (const pugi::xml_node node : root.children("Contents")) {
    RemoteObject object;
    object.key = node.child_value("Key");
    if (encoded) {
      FIRN_ASSIGN_OR_RETURN(object.key, FormDecode(object.key));
    }
    object.size_bytes = node.child("Size").text().as_ullong();
    object.etag = node.child_value("ETag");
    const Result<TimestampUs> modified =
        base::ParseTimestamp(node.child_value("LastModified"));
    if (modified.ok()) object.modified_us = *modified;
    page.objects.push_back(std::move(object));
  }
  if (root.child("IsTruncated").text().as_bool()) {
    page.next = root.child_value("NextContinuationToken");
    if (page.next.empty()) {
      return Status::Corruption("list " + LocationOf(prefix) +
                                ": the answer is cut and says not where to go on");
    }
  }
  return page;
}

}  // namespace firn::io
