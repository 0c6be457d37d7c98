// SPDX-License-Identifier: Apache-2.0
#include "server/connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/log.h"
#include "server/errors.h"
#include "server/prometheus_params.h"

namespace firn::server {
namespace {

// Bytes asked for while a head is read: enough for any usual head, and few enough that a
// large body mostly lands in its own buffer without a copy.
constexpr std::size_t kHeadReadBytes = 4 << 10;
// A buffer larger than this is given back after the request that needed it.
constexpr std::size_t kKeptBufferBytes = 1 << 20;
constexpr std::int64_t kLingerMs = 1000;
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

}  // namespace

void BodyBuffer::Reserve(std::size_t bytes) {
  if (bytes <= capacity_) return;
  auto grown = std::make_unique_for_overwrite<char[]>(bytes);
  if (size_ > 0) std::memcpy(grown.get(), data_.get(), size_);
  data_ = std::move(grown);
  capacity_ = bytes;
}

void BodyBuffer::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  Reserve(size_ + bytes.size());
  std::memcpy(end(), bytes.data(), bytes.size());
  size_ += bytes.size();
}

void BodyBuffer::ShrinkTo(std::size_t bytes) {
  if (capacity_ <= bytes) return;
  data_.reset();
  size_ = 0;
  capacity_ = 0;
}

Connection::Connection(Socket socket, const ConnectionShared& shared)
    : shared_(shared),
      socket_(std::move(socket)),
      in_(static_cast<std::size_t>(shared.options.header_bytes_max) + kHeadReadBytes) {}

std::int64_t Connection::After(DurationMs ms) const {
  return base::SystemClock().SteadyNs() + ms * 1'000'000;
}

void Connection::Run() {
  while (WaitForRequest()) {
    RequestParser parser(shared_.options.header_bytes_max, &head_, this);
    if (ReadHead(parser) == Next::kClose || ReadBody(parser) == Next::kClose ||
        Answer() == Next::kClose) {
      break;
    }
  }
  const std::lock_guard lock(mutex_);
  socket_.Close();
}

void Connection::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (active_ != nullptr) active_->Cancel();
  socket_.Shutdown();
}

bool Connection::WaitForRequest() {
  if (!unread().empty()) return true;  // The client did not wait for our answer.
  pollfd fds[2] = {{socket_.fd(), POLLIN, 0}, {shared_.stopping.fd(), POLLIN, 0}};
  const std::int64_t deadline_ns = After(shared_.options.idle_timeout_ms);
  for (;;) {
    const std::int64_t left_ms =
        (deadline_ns - base::SystemClock().SteadyNs()) / 1'000'000 + 1;
    if (left_ms <= 0) return false;
    const int ready =
        poll(fds, 2, static_cast<int>(std::min<std::int64_t>(left_ms, 1 << 30)));
    if (ready < 0 && errno == EINTR) continue;
    // A request that has arrived already is served also while the server stops.
    return ready > 0 && fds[0].revents != 0;
  }
}

bool Connection::ReadMore(std::int64_t deadline_ns, Status* status) {
  if (in_begin_ > 0) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  const std::size_t room = std::min(in_.size() - in_end_, kHeadReadBytes);
  if (room == 0) {
    *status = Status::ResourceExhausted("the header fields are too long");
    return false;
  }
  const Result<std::size_t> n = socket_.Read(in_.data() + in_end_, room, deadline_ns);
  *status = n.status();
  if (!n.ok() || *n == 0) return false;
  in_end_ += *n;
  return true;
}

Connection::Next Connection::ReadHead(RequestParser& parser) {
  const std::int64_t deadline_ns = After(shared_.options.header_timeout_ms);
  for (;;) {
    if (!unread().empty()) {
      const Result<std::size_t> used = parser.Put(unread());
      if (!used.ok()) {
        return Refuse(used.status().Is(StatusCode::kResourceExhausted) ? 431 : 400,
                      used.status().message());
      }
      in_begin_ += *used;
      if (parser.is_head_done()) return Next::kGoOn;
    }
    Status status;
    if (ReadMore(deadline_ns, &status)) continue;
    if (status.Is(StatusCode::kDeadlineExceeded)) {
      return Refuse(408, "the request's head did not arrive in time");
    }
    if (status.Is(StatusCode::kResourceExhausted)) return Refuse(431, status.message());
    return Next::kClose;
  }
}

Connection::Next Connection::ReadBody(RequestParser& parser) {
  body_.Clear();
  const std::uint64_t limit = static_cast<std::uint64_t>(shared_.options.body_bytes_max);
  if (head_.content_length > limit) {
    return Refuse(413, "the body has " + std::to_string(head_.content_length) +
                           " bytes; the limit is " + std::to_string(limit));
  }
  if (head_.content_length == 0 && !head_.is_chunked) return Next::kGoOn;
  const std::int64_t deadline_ns = After(shared_.options.body_timeout_ms);
  if (head_.expects_continue &&
      !socket_.Write("HTTP/1.1 100 Continue\r\n\r\n", {}, deadline_ns).ok()) {
    return Next::kClose;
  }
  return head_.is_chunked ? ReadChunkedBody(parser, deadline_ns)
                          : ReadBodyOfLength(deadline_ns);
}

Status Connection::ReserveBody(std::size_t bytes) {
  if (bytes <= body_.capacity()) return Status::OK();
  const auto more = static_cast<std::int64_t>(bytes) - body_bytes_.bytes();
  if (more > 0) {
    if (body_bytes_.bytes() == 0) {
      FIRN_ASSIGN_OR_RETURN(body_bytes_,
                            base::ByteReservation::Make(&shared_.body_budget, more));
    } else {
      FIRN_RETURN_IF_ERROR(body_bytes_.Grow(more));
    }
  }
  body_.Reserve(bytes);
  return Status::OK();
}

Connection::Next Connection::ReadBodyOfLength(std::int64_t deadline_ns) {
  const auto length = static_cast<std::size_t>(head_.content_length);
  if (const Status reserved = ReserveBody(length); !reserved.ok()) {
    return Refuse(503, reserved.message());
  }
  const std::string_view at_hand = unread().substr(0, length);
  body_.Append(at_hand);
  in_begin_ += at_hand.size();
  while (body_.size() < length) {
    const Result<std::size_t> n =
        socket_.Read(body_.end(), length - body_.size(), deadline_ns);
    if (n.status().Is(StatusCode::kDeadlineExceeded)) {
      return Refuse(408, "the request's body did not arrive in time");
    }
    if (!n.ok() || *n == 0) return Next::kClose;
    body_.Grow(*n);
  }
  return Next::kGoOn;
}

Connection::Next Connection::ReadChunkedBody(RequestParser& parser,
                                             std::int64_t deadline_ns) {
  while (!parser.is_done()) {
    if (!unread().empty()) {
      const Result<std::size_t> used = parser.Put(unread());
      if (!used.ok()) {
        const StatusCode code = used.status().code();
        return Refuse(code == StatusCode::kResourceExhausted ? 413
                      : code == StatusCode::kUnavailable     ? 503
                                                             : 400,
                      used.status().message());
      }
      in_begin_ += *used;
      if (*used > 0) continue;
    }
    Status status;
    if (ReadMore(deadline_ns, &status)) continue;
    if (status.Is(StatusCode::kDeadlineExceeded)) {
      return Refuse(408, "the request's body did not arrive in time");
    }
    return Next::kClose;
  }
  return Next::kGoOn;
}

Status Connection::Add(std::string_view bytes) {
  const auto limit = static_cast<std::size_t>(shared_.options.body_bytes_max);
  if (body_.size() + bytes.size() > limit) {
    return Status::ResourceExhausted("the body is longer than the limit of " +
                                     std::to_string(limit) + " bytes");
  }
  const std::size_t wanted = body_.size() + bytes.size();
  if (wanted > body_.capacity()) {
    const Status reserved =
        ReserveBody(std::min(limit, std::max(wanted, 2 * body_.capacity())));
    if (!reserved.ok()) return Status::Unavailable(std::string(reserved.message()));
  }
  body_.Append(bytes);
  return Status::OK();
}

Connection::Next Connection::Answer() {
  const Router::Match match = shared_.router.Find(head_.path());
  const std::int64_t started_ns = base::SystemClock().SteadyNs();
  Response response(socket_, head_, shared_.options.write_timeout_ms);
  Handle(match, response);
  if (!head_.keep_alive || shared_.stopping.IsSet()) response.CloseAfter();
  const bool go_on = response.Finish(shared_.clock.NowUs());
  match.metrics->Observe(
      response.code(),
      static_cast<double>(base::SystemClock().SteadyNs() - started_ns) / 1e9);
  if (body_.capacity() > kKeptBufferBytes) {
    body_.ShrinkTo(kKeptBufferBytes);
    body_bytes_.Clear();
  }
  if (go_on) return Next::kGoOn;
  socket_.Drain(kLingerMs);
  return Next::kClose;
}

void Connection::Handle(const Router::Match& match, Response& response) {
  if (match.route == nullptr) {
    SetTextError(response, 404, "no such path: GET / lists those there are");
    return;
  }
  const Route& route = *match.route;
  if (head_.method == Method::kOptions) {
    response.AddHeader("Allow", route.AllowHeader());
    response.SetCode(204);
    return;
  }
  if (!route.Allows(head_.method)) {
    response.AddHeader("Allow", route.AllowHeader());
    SetTextError(response, 405, "this path takes " + route.AllowHeader());
    return;
  }
  form_.Clear();
  Status parsed;
  if (route.has_form_body && head_.content_type.starts_with(kFormType))
    parsed = form_.Parse(body_.view());
  if (parsed.ok()) parsed = form_.Parse(head_.query());
  std::vector<std::string> path_values;
  for (const std::string_view encoded : match.path_values) {
    Result<std::string> value = PercentDecode(encoded, false);
    if (parsed.ok()) parsed = value.status();
    if (value.ok()) path_values.push_back(*std::move(value));
  }
  if (!parsed.ok()) {
    SetTextError(response, 400, parsed.message());
    return;
  }
  const Result<std::int64_t> deadline_ns = DeadlineNs(route);
  if (!deadline_ns.ok()) {
    SetStatusError(response, deadline_ns.status());
    return;
  }
  const base::Context context(shared_.clock, *deadline_ns, nullptr);
  Exchange exchange{head_,   body_.view(),   form_,   path_values,
                    context, write_session_, response};
  {
    const std::lock_guard lock(mutex_);
    active_ = &context;
    if (cancelled_) context.Cancel();
  }
  if (route.runs_on == RunsOn::kPool) {
    RunOnPool(route, exchange);
  } else {
    route.handler(exchange);
  }
  const std::lock_guard lock(mutex_);
  active_ = nullptr;
}

Result<std::int64_t> Connection::DeadlineNs(const Route& route) const {
  if (!route.has_deadline) return std::numeric_limits<std::int64_t>::max();
  const DurationMs bound_ms = shared_.options.query_timeout_ms;
  FIRN_ASSIGN_OR_RETURN(const DurationMs wanted_ms,
                        DurationParameter(form_, "timeout", bound_ms));
  return shared_.clock.SteadyNs() +
         std::clamp<DurationMs>(wanted_ms, 0, bound_ms) * 1'000'000;
}

void Connection::RunOnPool(const Route& route, Exchange& exchange) {
  done_.Clear();
  const bool submitted = shared_.pool.Submit([this, &route, &exchange] {
    // A client that went while its query was queued is not worth an answer.
    const Status status = exchange.context.Check();
    if (status.ok()) {
      route.handler(exchange);
    } else {
      SetStatusError(exchange.response, status);
    }
    done_.Set();
  });
  if (!submitted) {
    exchange.response.AddHeader("Retry-After", "1");
    SetStatusError(exchange.response,
                   Status::Unavailable("too many queries at once: the queue is full"));
    return;
  }
  pollfd fds[2] = {{done_.fd(), POLLIN, 0}, {socket_.fd(), POLLRDHUP, 0}};
  for (;;) {
    if (poll(fds, 2, -1) < 0) continue;  // EINTR
    if (fds[0].revents != 0) {
      // Read, and not only polled: that orders the pool's writes before ours for those
      // who look on, ThreadSanitizer among them.
      done_.Clear();
      return;
    }
    if (fds[1].revents != 0) {
      exchange.context.Cancel();
      fds[1].fd = -1;
    }
  }
}

Connection::Next Connection::Refuse(int code, std::string_view why) {
  // Nothing more is read from this connection: what follows is not known to be a request.
  Response response(socket_, head_, shared_.options.write_timeout_ms);
  SetTextError(response, code, why);
  if (code == 503) response.AddHeader("Retry-After", "1");
  response.CloseAfter();
  response.Finish(shared_.clock.NowUs());
  shared_.router.Find(head_.path()).metrics->Observe(code, 0);
  socket_.Drain(kLingerMs);
  return Next::kClose;
}

}  // namespace firn::server
