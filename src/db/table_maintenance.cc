// SPDX-License-Identifier: Apache-2.0
#include "firn/table_maintenance.h"

#include <utility>

#include "base/clock.h"
#include "base/metrics.h"
#include "db/compact.h"
#include "db/manifests.h"
#include "db/orphans.h"
#include "db/relocate.h"
#include "db/warehouse.h"
#include "db/write_options.h"

namespace firn {
namespace {

class WarehouseMaintenance final : public TableMaintenance {
 public:
  static Result<std::unique_ptr<TableMaintenance>> Open(const DbOptions& options) {
    auto maintenance = std::make_unique<WarehouseMaintenance>();
    maintenance->catalog_ = options.catalog;
    FIRN_ASSIGN_OR_RETURN(maintenance->writer_,
                          db::WriterOptionsOf(options.table_writes));
    FIRN_ASSIGN_OR_RETURN(
        maintenance->warehouse_,
        db::Warehouse::OpenExisting(options, base::SystemClock(), maintenance->metrics_));
    return std::unique_ptr<TableMaintenance>(std::move(maintenance));
  }

  Result<OrphanReport> RemoveOrphans(const base::Context& context, std::string_view table,
                                     const OrphanOptions& options) override {
    return db::RemoveOrphans(context, *warehouse_, catalog_, table, options);
  }

  Result<RewriteManifestsReport> RewriteManifests(
      const base::Context& context, std::string_view table,
      const RewriteManifestsOptions& options) override {
    return db::RewriteManifests(context, *warehouse_, table, options);
  }

  Result<CompactReport> Compact(const base::Context& context, std::string_view table,
                                const CompactOptions& options) override {
    return db::Compact(context, *warehouse_, table, options, writer_);
  }

  Result<RelocateReport> Relocate(const base::Context& context, std::string_view table,
                                  const RelocateOptions& options) override {
    return db::RelocateTable(context, *warehouse_, table, options);
  }

 private:
  std::string catalog_;
  table::TableWriterOptions writer_;
  base::MetricRegistry metrics_;
  std::unique_ptr<db::Warehouse> warehouse_;
};

}  // namespace

Result<std::unique_ptr<TableMaintenance>> TableMaintenance::Open(
    const DbOptions& options) {
  return WarehouseMaintenance::Open(options);
}

}  // namespace firn
