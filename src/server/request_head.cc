// SPDX-License-Identifier: Apache-2.0
#include "server/request_head.h"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace firn::server {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastText = boost::beast::string_view;

std::string_view View(BeastText text) { return {text.data(), text.size()}; }

Method ToMethod(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::kGet;
    case http::verb::head:
      return Method::kHead;
    case http::verb::post:
      return Method::kPost;
    case http::verb::put:
      return Method::kPut;
    case http::verb::delete_:
      return Method::kDelete;
    case http::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
    case Method::kOther:
      break;
  }
  return "other";
}

std::string_view RequestHead::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view RequestHead::query() const {
  const std::size_t mark = target.find('?');
  if (mark == std::string::npos) return {};
  return std::string_view(target).substr(mark + 1);
}

// Beast's parser calls these as it goes; noexcept is not asked of them, and none throws
// but for want of memory.
class RequestParser::Parser final : public http::basic_parser<true> {
 public:
  Parser(RequestHead* head, BodySink* body) : head_(head), body_(body) {}

  void FinishHead() {
    head_->keep_alive = keep_alive();
    head_->is_chunked = chunked();
    const auto length = content_length();
    head_->content_length = length ? *length : 0;
  }

  Status body_status;

 private:
  void on_request_impl(http::verb verb, BeastText, BeastText target, int version,
                       error_code& ec) override {
    ec = {};
    head_->method = ToMethod(verb);
    head_->target.assign(target.data(), target.size());
    head_->is_http_1_0 = version == 10;
  }
  void on_response_impl(int, BeastText, int, error_code& ec) override { ec = {}; }

  void on_field_impl(http::field name, BeastText, BeastText value,
                     error_code& ec) override {
    ec = {};
    switch (name) {
      case http::field::content_type:
        head_->content_type.assign(value.data(), value.size());
        break;
      case http::field::content_encoding:
        head_->content_encoding = Lower(View(value));
        break;
      case http::field::accept:
        head_->accept.assign(value.data(), value.size());
        break;
      case http::field::expect:
        head_->expects_continue = Lower(View(value)) == "100-continue";
        break;
      case http::field::if_none_match:
        head_->if_none_match.assign(value.data(), value.size());
        break;
      case http::field::sec_fetch_site:
        head_->sec_fetch_site = Lower(View(value));
        break;
      default:
        break;
    }
  }
  void on_header_impl(error_code& ec) override { ec = {}; }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code& ec) override {
    ec = {};
  }
  std::size_t on_body_impl(BeastText body, error_code& ec) override {
    // Bodies with a length are read past this parser.
    ec = http::error::unexpected_body;
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastText, error_code& ec) override {
    ec = {};
  }
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText body, error_code& ec) override {
    ec = {};
    body_status = body_->Add(View(body));
    if (!body_status.ok()) ec = http::error::body_limit;
    return body.size();
  }
  void on_finish_impl(error_code& ec) override { ec = {}; }

  RequestHead* head_;
  BodySink* body_;
};

RequestParser::RequestParser(std::int64_t header_bytes_max, RequestHead* head,
                             BodySink* body)
    : parser_(std::make_unique<Parser>(head, body)) {
  *head = RequestHead{};
  parser_->header_limit(static_cast<std::uint32_t>(header_bytes_max));
  parser_->body_limit(boost::none);  // The caller looks at the length itself.
}

RequestParser::~RequestParser() = default;

bool RequestParser::is_head_done() const { return parser_->is_header_done(); }
bool RequestParser::is_done() const { return parser_->is_done(); }

Result<std::size_t> RequestParser::Put(std::string_view bytes) {
  const bool had_head = is_head_done();
  error_code ec;
  const std::size_t used =
      parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  if (ec == http::error::need_more) ec = {};
  if (ec) {
    if (!parser_->body_status.ok()) return parser_->body_status;
    if (ec == http::error::header_limit) {
      return Status::ResourceExhausted("the header fields are too long");
    }
    return Status::InvalidArgument("not an HTTP/1.1 request: " + ec.message());
  }
  if (!had_head && is_head_done()) parser_->FinishHead();
  return used;
}

}  // namespace firn::server
