// SPDX-License-Identifier: Apache-2.0
// A resumable upload ("Perform resumable uploads").
//
//   1. POST …?uploadType=resumable&ifGenerationMatch=0   names a session; without the
//                                                        second the object replaces
//   2. PUT session, `bytes A-B/*`                        308, with how much is there
//   3. PUT session, `bytes A-B/TOTAL`                    the object is there, or 412
//
// Parts but the last are multiples of 256 KiB; what is over goes with the next. Bytes
// that Google's service has already are ignored when they come again, so a part whose
// answer was lost is sent once more. Emulators append them a second time: there such a
// part ends the upload. Google's answers are known by their X-GUploader-UploadID.
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/crc32c.h"
#include "io/gcs_object.h"
#include "io/gcs_service.h"

namespace firn::io {
namespace {

constexpr std::uint64_t kUnitBytes = 256 << 10;
// What a session answers that was given up: the client closed the request.
constexpr int kGivenUp = 499;

// How many bytes the server has, from `Range: bytes=0-41`; none without one.
std::optional<std::uint64_t> BytesThere(const HttpResponse& response) {
  const std::string range(response.Header("Range"));
  if (range.empty()) return 0;
  constexpr std::string_view kStart = "bytes=0-";
  if (!range.starts_with(kStart)) return std::nullopt;
  char* end = nullptr;
  const std::uint64_t last = std::strtoull(range.c_str() + kStart.size(), &end, 10);
  if (*end != '\0' || range.size() == kStart.size()) return std::nullopt;
  return last + 1;
}

}  // namespace

// One part at a time, in their order.
class GcsUpload final : public MultipartUpload {
 public:
  // `session` is a path and query of the server; who knows it may upload.
  GcsUpload(GcsService& service, std::string key, std::string session, bool is_google)
      : service_(service),
        key_(std::move(key)),
        session_(std::move(session)),
        is_google_(is_google) {}

  Status PutPart(const base::Context& context, int, std::string_view bytes) override {
    crc_ = base::Crc32c(bytes, crc_);
    std::string joined;
    if (!rest_.empty()) {
      joined = std::exchange(rest_, {}).append(bytes);
      bytes = joined;
    }
    const std::uint64_t whole = bytes.size() / kUnitBytes * kUnitBytes;
    if (whole > 0) {
      GcsService::Ask ask{StoreOperation::kPut, "PUT", key_, session_};
      FIRN_RETURN_IF_ERROR(Send(context, ask, bytes.substr(0, whole), false).status);
    }
    rest_ = bytes.substr(whole);
    return {};
  }

  Result<PutResult> Complete(const base::Context& context, int) override {
    const std::uint64_t total = there_ + rest_.size();
    GcsService::Ask ask{StoreOperation::kMultipart, "PUT", key_, session_};
    const RemoteOutcome outcome = Send(context, ask, rest_, true);
    FIRN_ASSIGN_OR_RETURN(PutResult result, PutResultOf(outcome));
    if (result.outcome != PutOutcome::kDone) return result;
    const Result<GcsObject> made = ParseGcsObject(outcome.response.body);
    const std::string what = "put " + service_.LocationOf(key_);
    if (!made.ok()) return made.status().With(what);
    if (made->object.size_bytes == total &&
        (made->crc32c.empty() || made->crc32c == GcsCrc32c(crc_))) {
      return result;
    }
    const Status removed = service_.DeleteGeneration(context, key_, made->object.etag);
    return Status::Corruption(
        what + ": the store made an object of " +
        std::to_string(made->object.size_bytes) + " bytes, of the " +
        std::to_string(total) + " that were sent, or of others; " +
        (removed.ok() ? "it was removed again"
                      : "it could not be removed: " + std::string(removed.message())));
  }

  Status Abort(const base::Context& context) override {
    GcsService::Ask ask{StoreOperation::kMultipart, "DELETE", key_, session_};
    ask.judge = [](const HttpResponse& response) -> std::optional<Verdict> {
      if (response.code == kGivenUp) return Verdict{};
      return std::nullopt;
    };
    const Status status = service_.Run(context, ask).status;
    return status.Is(StatusCode::kNotFound) ? Status() : status;
  }

 private:
  // Send the bytes that follow those that are there; with the last of them the object is
  // made.
  RemoteOutcome Send(const base::Context& context, GcsService::Ask& ask,
                     std::string_view bytes, bool last) {
    const std::uint64_t begin = there_;
    const std::uint64_t end = begin + bytes.size();
    bool first = true;
    bool refused = false;  // The attempt before did surely nothing.
    ask.restart = [&](HttpRequest* request) -> Status {
      if (!first && !refused && !is_google_ && !last) {
        return Status::Unavailable(
            "a part's answer was lost, and this server would take the part twice");
      }
      first = refused = false;
      request->once = !is_google_;
      request->body = bytes.substr(there_ - begin);
      const std::string range =
          request->body.empty() ? "*"
                                : std::to_string(there_) + "-" + std::to_string(end - 1);
      request->headers.emplace_back(
          "content-range", "bytes " + range + "/" + (last ? std::to_string(end) : "*"));
      return {};
    };
    ask.judge = [&](const HttpResponse& response) -> std::optional<Verdict> {
      if (response.code != 308) {
        refused = response.code == 429;
        if (last || response.code / 100 != 2) return std::nullopt;
        return Verdict{Status::Corruption("the store ended the upload before its end")};
      }
      const std::optional<std::uint64_t> there = BytesThere(response);
      if (!there || *there < begin || *there > end) {
        return Verdict{Status::Corruption("the upload lost its place: bytes up to " +
                                          std::to_string(begin) + " were there, now " +
                                          std::string(response.Header("Range")))};
      }
      there_ = *there;
      refused = true;  // What is not there yet can be sent.
      if (there_ == end && !last) return Verdict{};
      return Verdict{Status::Unavailable("the store took a part of the bytes"), true};
    };
    RemoteOutcome outcome = service_.Run(context, ask);
    ask.restart = nullptr;
    ask.judge = nullptr;
    return outcome;
  }

  GcsService& service_;
  const std::string key_;
  const std::string session_;
  const bool is_google_;
  std::uint64_t there_ = 0;  // Bytes that the server has.
  std::string rest_;         // What is over: less than a unit.
  std::uint32_t crc_ = 0;
};

Result<std::unique_ptr<MultipartUpload>> GcsService::StartUpload(
    const base::Context& context, const NewObject& object) {
  const std::string& key = object.key;
  const std::string body = NewGcsObject(object.put_id, "");
  Ask ask{StoreOperation::kMultipart, "POST", key, UploadTarget(object, "resumable")};
  ask.headers = {{"content-type", "application/json; charset=UTF-8"}};
  ask.body = body;
  ask.needs_bucket_only = true;
  const RemoteOutcome outcome = Run(context, ask);
  FIRN_RETURN_IF_ERROR(outcome.status);
  // The session is asked for where the upload was begun, whatever host it names.
  std::string_view session = outcome.response.Header("Location");
  const std::size_t scheme = session.find("://");
  const std::size_t path =
      scheme == session.npos ? session.npos : session.find('/', scheme + 3);
  if (path == session.npos) {
    return Status::Corruption("multipart " + LocationOf(key) +
                              ": the answer names no upload");
  }
  session.remove_prefix(path);
  const std::string& prefix = client_.address().prefix;
  if (session.starts_with(prefix)) session.remove_prefix(prefix.size());
  const bool is_google = !outcome.response.Header("X-GUploader-UploadID").empty();
  return std::unique_ptr<MultipartUpload>(
      std::make_unique<GcsUpload>(*this, key, std::string(session), is_google));
}

}  // namespace firn::io
