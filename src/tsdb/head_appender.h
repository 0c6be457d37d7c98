// SPDX-License-Identifier: Apache-2.0
// head_appender.h: the Appender of a head.
//
// Senders name the same series in the same order, scrape after scrape. So the appender
// remembers, for each series it has seen, which one came next, and that one's alias: the
// guess is then one comparison away from being known right (docs/design has the figures).
#pragma once

#include <memory>
#include <string>

#include "firn/appender.h"
#include "tsdb/head.h"

namespace firn::tsdb {

// `head` must outlive the appender.
std::unique_ptr<Appender> MakeHeadAppender(Head& head, std::string tenant);

}  // namespace firn::tsdb
