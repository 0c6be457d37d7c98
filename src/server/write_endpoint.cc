// SPDX-License-Identifier: Apache-2.0
// POST /api/v1/write: Prometheus remote write 1.0.
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/metrics.h"
#include "server/endpoints.h"
#include "server/errors.h"

namespace firn::server {
namespace {

constexpr std::string_view kProtobufType = "application/x-protobuf";
constexpr std::string_view kVersion1Message = "prometheus.WriteRequest";
// A buffer larger than this is given back after the request that needed it.
constexpr std::size_t kKeptBufferBytes = 1 << 20;
// Senders back off by themselves; this keeps the simple ones from spinning.
constexpr std::string_view kRetryAfterSeconds = "5";

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// "" where the content type is one of remote write 1.0; an absent one is taken for it, as
// Prometheus does.
std::string WhyUnsupported(const RequestHead& head) {
  if (!head.content_encoding.empty() && head.content_encoding != "snappy") {
    return "content encoding " + head.content_encoding +
           " is not accepted; only snappy is";
  }
  std::string_view rest = head.content_type;
  if (Trim(rest).empty()) return {};
  const std::string_view type = Trim(rest.substr(0, rest.find(';')));
  if (type != kProtobufType) {
    return "content type " + head.content_type + " is not accepted; expected " +
           std::string(kProtobufType);
  }
  while (rest.find(';') != std::string_view::npos) {
    rest.remove_prefix(rest.find(';') + 1);
    const std::string_view parameter = Trim(rest.substr(0, rest.find(';')));
    if (!parameter.starts_with("proto=")) continue;
    if (parameter.substr(6) == kVersion1Message) continue;
    return "protobuf message " + std::string(parameter.substr(6)) +
           " is not accepted; firn takes remote write 1.0, " +
           std::string(kVersion1Message);
  }
  return {};
}

class WriteEndpoint {
 public:
  explicit WriteEndpoint(const EndpointContext& context)
      : options_(context.options), db_(context.db), body_budget_(context.body_budget) {
    for (int i = 0; i < kOutcomes; ++i) {
      samples_[i] =
          &db_.metrics().GetCounter("firn_remote_write_samples_total",
                                    "Samples received by remote write, by outcome.",
                                    Labels{{"outcome", kOutcomeNames[i]}});
    }
    for (int i = 0; i < kKinds; ++i) {
      skipped_[i] = &db_.metrics().GetCounter(
          "firn_remote_write_skipped_total",
          "What remote write brought and firn does not store, by kind.",
          Labels{{"kind", kKindNames[i]}});
    }
    for (int i = 0; i < kFaults; ++i) {
      refused_[i] = &db_.metrics().GetCounter(
          "firn_remote_write_refused_requests_total",
          "Remote writes of which nothing was taken, by reason.",
          Labels{{"reason", kFaultNames[i]}});
    }
  }

  void Handle(Exchange& exchange) {
    Response& response = exchange.response;
    if (const std::string why = WhyUnsupported(exchange.head); !why.empty()) {
      refused_[kUnsupported]->Add();
      return SetTextError(response, 415, why);
    }
    const Result<wire::IngestReport> report = Ingest(exchange);
    if (!report.ok()) return SetRefused(response, report.status());
    Count(*report);
    if (!report->metadata.empty()) {
      // The samples are safe already; a sender repeats metadata every minute.
      const Status described = db_.DescribeMetrics("", report->metadata);
      if (!described.ok()) return SetRefused(response, described);
    }
    if (report->append.rejected() == 0) {
      response.SetCode(204);
      return;
    }
    SetTextError(response, 400,
                 std::to_string(report->append.rejected()) + " of " +
                     std::to_string(report->append.rejected() + report->append.accepted +
                                    report->append.duplicates_dropped) +
                     " samples rejected, the others taken; first: " +
                     report->append.first_rejection);
  }

 private:
  enum Outcome {
    kAccepted,
    kDuplicate,
    kDuplicateRejected,
    kTooOld,
    kTooFarAhead,
    kInvalid,
    kOverLimit,
    kOutcomes
  };
  static constexpr std::string_view kOutcomeNames[kOutcomes] = {
      "accepted",      "duplicate",      "duplicate_rejected", "too_old",
      "too_far_ahead", "invalid_series", "over_series_limit"};
  enum Kind { kExemplar, kHistogram, kKinds };
  static constexpr std::string_view kKindNames[kKinds] = {"exemplar", "histogram"};
  enum Fault { kUnsupported, kMalformed, kUnavailable, kInternal, kFaults };
  static constexpr std::string_view kFaultNames[kFaults] = {"unsupported", "malformed",
                                                            "unavailable", "internal"};

  Result<wire::IngestReport> Ingest(Exchange& exchange) {
    WriteSession& session = exchange.write_session;
    if (session.appender == nullptr) {
      FIRN_ASSIGN_OR_RETURN(session.appender, db_.NewAppender(""));
    }
    // The body's own length is read twice, once here for the budget: it is one varint.
    FIRN_ASSIGN_OR_RETURN(const std::size_t declared,
                          wire::SnappyReader::DeclaredBytes(exchange.body));
    const auto limit = static_cast<std::size_t>(options_.uncompressed_bytes_max);
    if (declared <= limit) FIRN_RETURN_IF_ERROR(Reserve(session, declared));
    Result<wire::IngestReport> report =
        session.ingester.Ingest(exchange.body, limit, *session.appender);
    if (session.ingester.capacity_bytes() > kKeptBufferBytes) {
      session.ingester.ShrinkTo(kKeptBufferBytes);
      session.buffer_bytes.Clear();
    }
    return report;
  }

  Status Reserve(WriteSession& session, std::size_t bytes) {
    // The ingester may round up to twice what it had.
    const auto wanted = static_cast<std::int64_t>(
        bytes <= session.ingester.capacity_bytes()
            ? session.ingester.capacity_bytes()
            : std::max(bytes, 2 * session.ingester.capacity_bytes()));
    const std::int64_t more = wanted - session.buffer_bytes.bytes();
    if (more <= 0) return Status::OK();
    if (session.buffer_bytes.bytes() > 0) return session.buffer_bytes.Grow(more);
    FIRN_ASSIGN_OR_RETURN(session.buffer_bytes,
                          base::ByteReservation::Make(&body_budget_, more));
    return Status::OK();
  }

  void SetRefused(Response& response, const Status& status) {
    switch (status.code()) {
      case StatusCode::kInvalidArgument:
        refused_[kMalformed]->Add();
        return SetTextError(response, 400, status.message());
      case StatusCode::kUnavailable:
      case StatusCode::kResourceExhausted:
      case StatusCode::kDeadlineExceeded:
      case StatusCode::kCancelled:
        refused_[kUnavailable]->Add();
        response.AddHeader("Retry-After", kRetryAfterSeconds);
        return SetTextError(response, 503, status.message());
      default:
        refused_[kInternal]->Add();
        base::LogError("remote write failed", {{"error", status.ToString()}});
        return SetTextError(response, 500, status.message());
    }
  }

  void Count(const wire::IngestReport& report) {
    const AppendReport& append = report.append;
    const std::int64_t counts[kOutcomes] = {
        append.accepted,         append.duplicates_dropped, append.duplicates_rejected,
        append.too_old,          append.too_far_ahead,      append.invalid_series,
        append.over_series_limit};
    for (int i = 0; i < kOutcomes; ++i) {
      if (counts[i] > 0) samples_[i]->Add(static_cast<std::uint64_t>(counts[i]));
    }
    if (report.exemplars_skipped == 0 && report.histograms_skipped == 0) return;
    skipped_[kExemplar]->Add(static_cast<std::uint64_t>(report.exemplars_skipped));
    skipped_[kHistogram]->Add(static_cast<std::uint64_t>(report.histograms_skipped));
    if (!told_skipped_.exchange(true)) {
      base::LogWarn(
          "remote write brings exemplars or native histograms, which firn does "
          "not store; firn_remote_write_skipped_total counts them");
    }
  }

  const ServerOptions& options_;
  Db& db_;
  base::ByteBudget& body_budget_;
  base::Counter* samples_[kOutcomes];
  base::Counter* skipped_[kKinds];
  base::Counter* refused_[kFaults];
  std::atomic<bool> told_skipped_{false};
};

}  // namespace

void AddWriteEndpoint(Router& router, const EndpointContext& context) {
  auto endpoint = std::make_shared<WriteEndpoint>(context);
  router.Add({"/api/v1/write",
              {Method::kPost},
              RunsOn::kConnection,
              [endpoint](Exchange& exchange) { endpoint->Handle(exchange); }});
}

}  // namespace firn::server
