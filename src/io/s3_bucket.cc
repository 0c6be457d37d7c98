// SPDX-License-Identifier: Apache-2.0
#include "io/s3_bucket.h"

#include <sstream>
#include <utility>

#include <pugixml.hpp>

#include "base/timestamp.h"
#include "io/aws_credentials.h"
#include "io/digest.h"
#include "io/s3_service.h"
#include "io/s3_store.h"

namespace firn::io {
namespace {

constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

std::string TextOf(const pugi::xml_document& document) {
  std::ostringstream text;
  document.save(text, "", pugi::format_raw);
  return text.str();
}

pugi::xml_node Root(pugi::xml_document& document, const char* name) {
  pugi::xml_node root = document.append_child(name);
  root.append_attribute("xmlns").set_value(std::string(kNamespace).c_str());
  return root;
}

void AddText(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}

void AddRule(pugi::xml_node root, const S3LifecycleRule& rule) {
  pugi::xml_node node = root.append_child("Rule");
  if (!rule.id.empty()) AddText(node, "ID", rule.id);
  AddText(node, "Status", rule.enabled ? "Enabled" : "Disabled");
  AddText(node.append_child("Filter"), "Prefix", rule.prefix);
  if (rule.expire_days) {
    node.append_child("Expiration").append_child("Days").text().set(*rule.expire_days);
  }
  if (rule.noncurrent_expire_days) {
    node.append_child("NoncurrentVersionExpiration")
        .append_child("NoncurrentDays")
        .text()
        .set(*rule.noncurrent_expire_days);
  }
  if (rule.abort_upload_days) {
    node.append_child("AbortIncompleteMultipartUpload")
        .append_child("DaysAfterInitiation")
        .text()
        .set(*rule.abort_upload_days);
  }
}

S3LifecycleRule RuleOf(const pugi::xml_node& node) {
  const auto days = [](const pugi::xml_node& at) -> std::optional<int> {
    if (!at) return std::nullopt;
    return at.text().as_int();
  };
  S3LifecycleRule rule;
  rule.id = node.child_value("ID");
  rule.enabled = std::string_view(node.child_value("Status")) == "Enabled";
  const pugi::xml_node filter = node.child("Filter");
  const pugi::xml_node both = filter.child("And");
  rule.prefix = (both ? both : filter ? filter : node).child_value("Prefix");
  rule.expire_days = days(node.child("Expiration").child("Days"));
  rule.noncurrent_expire_days =
      days(node.child("NoncurrentVersionExpiration").child("NoncurrentDays"));
  rule.abort_upload_days =
      days(node.child("AbortIncompleteMultipartUpload").child("DaysAfterInitiation"));
  return rule;
}

}  // namespace

Result<std::unique_ptr<S3Bucket>> S3Bucket::Make(const S3Options& options,
                                                 const std::string& bucket,
                                                 const Environment& environment,
                                                 const base::Clock& clock,
                                                 base::MetricRegistry* metrics) {
  FIRN_ASSIGN_OR_RETURN(const S3Options complete,
                        CompleteS3Options(options, environment));
  std::shared_ptr<const StoreMetrics> counted;
  if (metrics != nullptr) counted = std::make_shared<StoreMetrics>(*metrics, "s3");
  FIRN_ASSIGN_OR_RETURN(
      std::unique_ptr<S3Service> service,
      S3Service::Make(complete, bucket,
                      MakeAwsCredentials(complete, environment, clock, counted), clock,
                      counted.get()));
  return std::unique_ptr<S3Bucket>(new S3Bucket(std::move(counted), std::move(service)));
}

S3Bucket::S3Bucket(std::shared_ptr<const StoreMetrics> metrics,
                   std::unique_ptr<S3Service> service)
    : metrics_(std::move(metrics)), service_(std::move(service)) {}

S3Bucket::~S3Bucket() = default;

Result<bool> S3Bucket::Exists(const base::Context& context) {
  return service_->BucketExists(context);
}

Status S3Bucket::Create(const base::Context& context) {
  return service_->CreateBucket(context);
}

Status S3Bucket::SetVersioning(const base::Context& context, bool on) {
  pugi::xml_document document;
  AddText(Root(document, "VersioningConfiguration"), "Status",
          on ? "Enabled" : "Suspended");
  const std::string body = TextOf(document);
  S3Service::Ask ask{StoreOperation::kBucket, "PUT", ""};
  ask.query = {{"versioning", ""}};
  ask.headers = {{"content-md5", Base64(Md5(body))}};
  ask.body = body;
  return service_->Run(context, ask).status;
}

Result<bool> S3Bucket::Versioning(const base::Context& context) {
  S3Service::Ask ask{StoreOperation::kBucket, "GET", ""};
  ask.query = {{"versioning", ""}};
  const RemoteOutcome outcome = service_->Run(context, ask);
  FIRN_RETURN_IF_ERROR(outcome.status);
  pugi::xml_document document;
  const std::string& body = outcome.response.body;
  if (!document.load_buffer(body.data(), body.size()) ||
      !document.child("VersioningConfiguration")) {
    return Status::Corruption("bucket " + service_->LocationOf("") +
                              ": the answer is no versioning configuration");
  }
  return std::string_view(
             document.child("VersioningConfiguration").child_value("Status")) ==
         "Enabled";
}

Status S3Bucket::SetLifecycle(const base::Context& context,
                              const std::vector<S3LifecycleRule>& rules) {
  S3Service::Ask ask{StoreOperation::kBucket, rules.empty() ? "DELETE" : "PUT", ""};
  ask.query = {{"lifecycle", ""}};
  pugi::xml_document document;
  const pugi::xml_node root = Root(document, "LifecycleConfiguration");
  for (const S3LifecycleRule& rule : rules) AddRule(root, rule);
  const std::string body = rules.empty() ? "" : TextOf(document);
  if (!body.empty()) ask.headers = {{"content-md5", Base64(Md5(body))}};
  ask.body = body;
  const Status status = service_->Run(context, ask).status;
  return rules.empty() && status.Is(StatusCode::kNotFound) ? Status() : status;
}

Result<std::vector<S3LifecycleRule>> S3Bucket::Lifecycle(const base::Context& context) {
  S3Service::Ask ask{StoreOperation::kBucket, "GET", ""};
  ask.query = {{"lifecycle", ""}};
  const RemoteOutcome outcome = service_->Run(context, ask);
  std::vector<S3LifecycleRule> rules;
  if (outcome.status.Is(StatusCode::kNotFound) &&
      outcome.response.body.find("NoSuchLifecycleConfiguration") != std::string::npos) {
    return rules;
  }
  FIRN_RETURN_IF_ERROR(outcome.status);
  pugi::xml_document document;
  const std::string& body = outcome.response.body;
  const pugi::xml_node root = document.load_buffer(body.data(), body.size())
                                  ? document.child("LifecycleConfiguration")
                                  : pugi::xml_node();
  if (!root) {
    return Status::Corruption("bucket " + service_->LocationOf("") +
                              ": the answer is no lifecycle configuration");
  }
  for (const pugi::xml_node node : root.children("Rule")) rules.push_back(RuleOf(node));
  return rules;
}

Result<std::vector<S3PendingUpload>> S3Bucket::PendingUploads(
    const base::Context& context, const std::string& prefix) {
  std::vector<S3PendingUpload> uploads;
  std::string key_marker;
  std::string id_marker;
  for (bool more = true; more;) {
    S3Service::Ask ask{StoreOperation::kBucket, "GET", ""};
    ask.query = {{"uploads", ""}, {"prefix", prefix}};
    if (!key_marker.empty()) {
      ask.query.emplace_back("key-marker", key_marker);
      ask.query.emplace_back("upload-id-marker", id_marker);
    }
    const RemoteOutcome outcome = service_->Run(context, ask);
    FIRN_RETURN_IF_ERROR(outcome.status);
    pugi::xml_document document;
    const std::string& body = outcome.response.body;
    document.load_buffer(body.data(), body.size());
    const pugi::xml_node root = document.child("ListMultipartUploadsResult");
    if (!root) {
      return Status::Corruption("bucket " + service_->LocationOf("") +
                                ": the answer is no list of uploads");
    }
    for (const pugi::xml_node node : root.children("Upload")) {
      S3PendingUpload upload{node.child_value("Key"), node.child_value("UploadId")};
      const Result<TimestampUs> started =
          base::ParseTimestamp(node.child_value("Initiated"));
      if (started.ok()) upload.started_us = *started;
      uploads.push_back(std::move(upload));
    }
    key_marker = root.child_value("NextKeyMarker");
    id_marker = root.child_value("NextUploadIdMarker");
    more = root.child("IsTruncated").text().as_bool() && !key_marker.empty();
  }
  return uploads;
}

}  // namespace firn::io
