// SPDX-License-Identifier: Apache-2.0
#include "io/azure_service.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <pugixml.hpp>

#include "base/quote.h"
#include "io/aws_signature.h"
#include "io/azure_error.h"
#include "io/digest.h"
#include "io/range_answer.h"

namespace firn::io {
namespace {

// Names of metadata are those of variables in C#: no hyphens.
constexpr std::string_view kPutIdHeader = "x-ms-meta-firnput";
constexpr std::string_view kListPageMax = "1000";
constexpr std::string_view kContentType = "application/octet-stream";

Status NotXml(const HttpResponse& response) {
  return Status::Corruption("the answer is no XML of Azure's: " +
                            base::Quoted(std::string_view(response.body).substr(0, 200)));
}

// "Naming and referencing containers": what can be one, `$root` and its like too.
bool IsContainerName(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '$';
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

// A `<Blob>` of a listing.
Result<RemoteObject> ObjectOf(const pugi::xml_node& node) {
  RemoteObject object;
  const pugi::xml_node name = node.child("Name");
  object.key = name.text().get();
  // Where a name holds what XML cannot.
  if (name.attribute("Encoded").as_bool()) {
    FIRN_ASSIGN_OR_RETURN(object.key, FormDecode(object.key));
  }
  const pugi::xml_node properties = node.child("Properties");
  object.size_bytes = properties.child("Content-Length").text().as_ullong();
  object.etag = properties.child_value("Etag");
  const Result<TimestampUs> modified =
      ParseHttpDate(properties.child_value("Last-Modified"));
  if (modified.ok()) object.modified_us = *modified;
  return object;
}

}  // namespace

// Blocks, and the list that makes the object of them.
class AzureUpload final : public MultipartUpload {
 public:
  AzureUpload(AzureService& service, const NewObject& object)
      : service_(service),
        key_(object.key),
        put_id_(object.put_id),
        replaces_(object.replaces) {}

  Status PutPart(const base::Context& context, int number,
                 std::string_view bytes) override {
    AzureService::Ask ask{StoreOperation::kPut, "PUT", key_};
    ask.query = {{"comp", "block"}, {"blockid", BlockId(number)}};
    ask.headers = {{"content-type", std::string(kContentType)}};
    ask.body = bytes;
    return service_.Run(context, ask).status;
  }

  Result<PutResult> Complete(const base::Context& context, int part_count) override {
    pugi::xml_document document;
    pugi::xml_node root = document.append_child("BlockList");
    for (int i = 1; i <= part_count; ++i) {
      root.append_child("Uncommitted").text().set(BlockId(i).c_str());
    }
    std::ostringstream text;
    document.save(text, "", pugi::format_raw);
    const std::string body = text.str();
    AzureService::Ask ask{StoreOperation::kMultipart, "PUT", key_};
    ask.query = {{"comp", "blocklist"}};
    ask.headers = {{"content-type", "application/xml"},
                   {"x-ms-blob-content-type", std::string(kContentType)},
                   {std::string(kPutIdHeader), put_id_}};
    if (!replaces_) ask.headers.emplace_back("if-none-match", "*");
    ask.body = body;
    ask.once = true;
    const RemoteOutcome outcome = service_.Run(context, ask);
    // The blocks go where another object takes the name.
    if (!replaces_ && outcome.status.Is(StatusCode::kNotFound) &&
        service_.Head(context, key_).ok()) {
      return PutResult{PutOutcome::kTaken,
                       Status::AlreadyExists(std::string(outcome.status.message())),
                       outcome.may_have_happened};
    }
    return PutResultOf(outcome);
  }

  // What no list names goes by itself.
  Status Abort(const base::Context&) override { return {}; }

 private:
  // All of one length, as the service wants them, and no other upload's.
  std::string BlockId(int number) const {
    std::string digits = std::to_string(number);
    digits.insert(0, 6 - std::min<std::size_t>(6, digits.size()), '0');
    return Base64(put_id_ + digits);
  }

  AzureService& service_;
  const std::string key_;
  const std::string put_id_;
  const bool replaces_;
};

Result<std::unique_ptr<AzureService>> AzureService::Make(
    const AzureOptions& options, AzurePlace place,
    std::shared_ptr<AzureCredentialsProvider> credentials, const base::Clock& clock,
    const StoreMetrics* metrics) {
  if (!IsContainerName(place.container)) {
    return Status::InvalidArgument(place.location + ": " + base::Quoted(place.container) +
                                   " cannot be the name of a container");
  }
  FIRN_ASSIGN_OR_RETURN(HttpAddress address, HttpAddress::Parse(place.endpoint));
  return std::unique_ptr<AzureService>(
      new AzureService(options, std::move(place), std::move(address),
                       std::move(credentials), clock, metrics));
}

AzureService::AzureService(const AzureOptions& options, AzurePlace place,
                           HttpAddress address,
                           std::shared_ptr<AzureCredentialsProvider> credentials,
                           const base::Clock& clock, const StoreMetrics* metrics)
    : place_(std::move(place)),
      credentials_(std::move(credentials)),
      clock_(clock),
      client_(std::move(address),
              {options.ca_file, options.verify_tls, options.connect_timeout_ms,
               options.request_timeout_ms}),
      backoff_(options.retry),
      requests_(client_, backoff_, clock, metrics) {}

std::string AzureService::LocationOf(const std::string& key) const {
  return place_.location + (key.empty() ? "" : "/" + key);
}

RemoteOutcome AzureService::Run(const base::Context& context, const Ask& ask) {
  AzureCredentials credentials;
  RemoteCall call;
  call.operation = ask.operation;
  call.location = LocationOf(ask.key);
  call.sink = ask.sink;
  call.make = [&](const base::Context& attempt) -> Result<HttpRequest> {
    if (ask.restart) ask.restart();
    FIRN_ASSIGN_OR_RETURN(credentials, credentials_->Get(attempt));
    AzureRequest request;
    request.method = ask.method;
    request.path = client_.address().prefix + "/" + place_.container;
    if (!ask.key.empty()) request.path += "/" + PercentEncodePath(ask.key);
    request.query = ask.query;
    request.headers = ask.headers;
    request.body = ask.body;
    HttpRequest ready = AuthorizeAzureRequest(std::move(request), place_.account,
                                              credentials, clock_.NowUs());
    ready.target.erase(0, client_.address().prefix.size());
    ready.once = ask.once;
    return ready;
  };
  call.judge = [&](const HttpResponse& response) -> Verdict {
    if (response.code / 100 == 2) return {ask.check ? ask.check(response) : Status()};
    const AzureError error = ParseAzureError(response);
    Verdict verdict = JudgeAzureError(
        response, error, {place_.account, place_.container, credentials.source});
    if (IsExpiredToken(error)) {
      credentials_->Expire();
      // Worth another try only where there may be another token.
      verdict.retry = credentials.token.expires_us.has_value();
    }
    return verdict;
  };
  return requests_.Run(context, call);
}

Result<RemoteObject> AzureService::Head(const base::Context& context,
                                        const std::string& key) {
  const RemoteOutcome outcome = Run(context, {StoreOperation::kHead, "HEAD", key});
  FIRN_RETURN_IF_ERROR(outcome.status);
  Result<RemoteObject> object = ObjectOf(key, outcome.response);
  if (!object.ok()) return object.status().With("head " + LocationOf(key));
  return object;
}

RemoteOutcome AzureService::RunRange(const base::Context& context, const std::string& key,
                                     const std::string& etag, std::uint64_t offset,
                                     std::uint64_t size, char* out) {
  RangeAnswer answer(offset, size, out);
  Ask ask{StoreOperation::kGet, "GET", key};
  ask.headers = {{"range", answer.header()}};
  if (!etag.empty()) ask.headers.emplace_back("if-match", etag);
  ask.restart = [&] { answer.Restart(); };
  ask.sink = [&](std::string_view bytes) { return answer.Take(bytes); };
  ask.check = [&](const HttpResponse& response) {
    return answer.Check(response, !etag.empty());
  };
  return Run(context, ask);
}

Status AzureService::GetRange(const base::Context& context, const std::string& key,
                              const std::string& etag, std::uint64_t offset,
                              std::uint64_t size, char* out) {
  return AsConflict(RunRange(context, key, etag, offset, size, out).status,
                    LocationOf(key));
}

// The service has no ranges from the end, so that GetTail() stays two requests.
Result<RemoteObject> AzureService::GetAnyRange(const base::Context& context,
                                               const std::string& key,
                                               std::uint64_t offset, std::uint64_t size,
                                               char* out) {
  const RemoteOutcome outcome = RunRange(context, key, "", offset, size, out);
  if (outcome.response.code == kRangeNotSatisfiable) {
    return EndsBefore(LocationOf(key), offset);
  }
  FIRN_RETURN_IF_ERROR(outcome.status);
  Result<RemoteObject> object = ObjectOf(key, outcome.response);
  if (!object.ok()) return object.status().With("get " + LocationOf(key));
  return object;
}

Result<std::string> AzureService::Get(const base::Context& context,
                                      const std::string& key,
                                      std::uint64_t size_limit_bytes) {
  WholeAnswer answer(size_limit_bytes);
  Ask ask{StoreOperation::kGet, "GET", key};
  ask.restart = [&] { answer.Restart(); };
  ask.sink = [&](std::string_view bytes) { return answer.Take(bytes); };
  FIRN_RETURN_IF_ERROR(Run(context, ask).status);
  return std::move(answer.bytes());
}

Result<PutResult> AzureService::Put(const base::Context& context, const NewObject& object,
                                    std::string_view bytes) {
  Ask ask{StoreOperation::kPut, "PUT", object.key};
  ask.headers = {{"content-type", std::string(kContentType)},
                 {"x-ms-blob-type", "BlockBlob"},
                 {std::string(kPutIdHeader), object.put_id}};
  if (!object.replaces) ask.headers.emplace_back("if-none-match", "*");
  ask.body = bytes;
  ask.once = true;
  FIRN_ASSIGN_OR_RETURN(PutResult result, PutResultOf(Run(context, ask)));
  if (result.outcome != PutOutcome::kTaken) return result;
  // Blocks of an unfinished upload may count as an object here, and do not for a list of
  // blocks.
  const Status there = Head(context, object.key).status();
  if (there.ok()) return result;
  if (there.Is(StatusCode::kNotFound)) {
    return PutAsBlock(context, object, bytes, result.earlier_may_have_arrived);
  }
  if (!result.earlier_may_have_arrived) return there;
  result.outcome = PutOutcome::kUnknown;
  result.status = there;
  return result;
}

Result<PutResult> AzureService::PutAsBlock(const base::Context& context,
                                           const NewObject& object,
                                           std::string_view bytes,
                                           bool earlier_may_have_arrived) {
  AzureUpload upload(*this, object);
  const Status sent = bytes.empty() ? Status() : upload.PutPart(context, 1, bytes);
  Result<PutResult> result =
      sent.ok() ? upload.Complete(context, bytes.empty() ? 0 : 1) : sent;
  if (!earlier_may_have_arrived) return result;
  if (!result.ok()) return PutResult{PutOutcome::kUnknown, result.status(), true};
  result->earlier_may_have_arrived = true;
  return result;
}

// Nothing needs to be asked before the first block, but that there is a container.
Result<std::unique_ptr<MultipartUpload>> AzureService::StartUpload(
    const base::Context& context, const NewObject& object) {
  Ask ask{StoreOperation::kBucket, "HEAD", ""};
  ask.query = {{"restype", "container"}};
  const Status there = Run(context, ask).status;
  // A SAS need not include the right to ask that: then the first block finds out.
  if (!there.ok() && !there.Is(StatusCode::kPermissionDenied)) {
    return there.With("multipart " + LocationOf(object.key));
  }
  return std::unique_ptr<MultipartUpload>(std::make_unique<AzureUpload>(*this, object));
}

Status AzureService::Delete(const base::Context& context, const std::string& key) {
  Ask ask{StoreOperation::kDelete, "DELETE", key};
  ask.headers = {{"x-ms-delete-snapshots", "include"}};
  const Status status = Run(context, ask).status;
  return status.Is(StatusCode::kNotFound) ? Status() : status;
}

Result<RemotePage> AzureService::List(const base::Context& context,
                                      const std::string& prefix,
                                      const std::string& from) {
  Ask ask{StoreOperation::kList, "GET", ""};
  ask.query = {{"restype", "container"},
               {"comp", "list"},
               {"prefix", prefix},
               {"maxresults", std::string(kListPageMax)}};
  if (!from.empty()) ask.query.emplace_back("marker", from);
  const RemoteOutcome outcome = Run(context, ask);
  FIRN_RETURN_IF_ERROR(outcome.status);
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(outcome.response.body.data(), outcome.response.body.size(),
                           pugi::parse_default | pugi::parse_ws_pcdata_single);
  const pugi::xml_node root = document.child("EnumerationResults");
  if (!parsed || !root) {
    return NotXml(outcome.response).With("list " + LocationOf(prefix));
  }
  RemotePage page;
  for (const pugi::xml_node node : root.child("Blobs").children("Blob")) {
    // Accounts with a hierarchy of names list its directories as well.
    if (std::string_view(node.child("Properties").child_value("ResourceType")) ==
        "directory") {
      continue;
    }
    FIRN_ASSIGN_OR_RETURN(RemoteObject object, ObjectOf(node));
    page.objects.push_back(std::move(object));
  }
  page.next = root.child_value("NextMarker");
  return page;
}

Status AzureService::CreateBucket(const base::Context& context) {
  Ask ask{StoreOperation::kBucket, "PUT", ""};
  ask.query = {{"restype", "container"}};
  const RemoteOutcome outcome = Run(context, ask);
  if (ParseAzureError(outcome.response).code == "ContainerAlreadyExists") return {};
  return outcome.status;
}

}  // namespace firn::io
