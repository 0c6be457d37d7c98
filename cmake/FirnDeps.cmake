# SPDX-License-Identifier: Apache-2.0
# Imported targets for everything firn links to. Arrow, Parquet and DuckDB of the exact
# version are taken from the system when find_package() knows them, else from what
# `./dev setup` cached (deps/pins.txt names it). The rest are Debian packages.

if(DEFINED ENV{FIRN_DEPS})
  set(FIRN_DEPS $ENV{FIRN_DEPS} CACHE PATH "Where ./dev setup keeps dependencies")
else()
  set(FIRN_DEPS $ENV{HOME}/.cache/firn CACHE PATH "Where ./dev setup keeps dependencies")
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)
find_package(ZLIB 1.2 REQUIRED)
find_package(CURL 7.86 REQUIRED)
find_package(PostgreSQL 15 REQUIRED)
find_package(GTest 1.12 REQUIRED)
find_package(benchmark 1.7 REQUIRED)
find_package(Arrow 26.0.1 EXACT CONFIG QUIET)
find_package(Parquet 26.0.1 EXACT CONFIG QUIET)
include(FirnCachedDeps)

# Header-only and small C libraries from Debian. Each is an interface target with the name
# its own CMake package uses, so that a newer Debian can provide it instead.
function(firn_system_library target header library)
  if(TARGET ${target})
    return()
  endif()
  string(MAKE_C_IDENTIFIER ${target} id)
  find_path(${id}_INCLUDE ${header} REQUIRED)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} SYSTEM INTERFACE ${${id}_INCLUDE})
  mark_as_advanced(${id}_INCLUDE)
  if(library)
    find_library(${id}_LIBRARY NAMES ${library} REQUIRED)
    target_link_libraries(${target} INTERFACE ${${id}_LIBRARY})
    mark_as_advanced(${id}_LIBRARY)
  endif()
endfunction()

firn_system_library(Boost::headers boost/beast/version.hpp "")
firn_system_library(CLI11::CLI11 CLI/CLI.hpp "")
firn_system_library(nlohmann_json::nlohmann_json nlohmann/json.hpp "")
firn_system_library(protozero::protozero protozero/pbf_reader.hpp "")
firn_system_library(tomlplusplus::tomlplusplus toml++/toml.h "")
firn_system_library(Snappy::snappy snappy.h snappy)
firn_system_library(zstd::zstd zstd.h zstd)
firn_system_library(xxHash::xxhash xxhash.h xxhash)
firn_system_library(SQLite::SQLite3 sqlite3.h sqlite3)
firn_system_library(yaml-cpp::yaml-cpp yaml-cpp/yaml.h yaml-cpp)
firn_system_library(edit::edit histedit.h edit)
firn_system_library(pugixml::pugixml pugixml.hpp pugixml)

# libarrow_compute exports RE2's template symbols. RE2 is linked statically and its symbols
# are kept out of the program's exports, so that neither copy can answer for the other.
if(NOT TARGET re2::re2)
  find_path(firn_re2_include re2/re2.h REQUIRED)
  find_library(firn_re2_archive NAMES libre2.a REQUIRED)
  mark_as_advanced(firn_re2_include firn_re2_archive)
  add_library(re2::re2 STATIC IMPORTED GLOBAL)
  set_target_properties(re2::re2 PROPERTIES
    IMPORTED_LOCATION ${firn_re2_archive}
    INTERFACE_INCLUDE_DIRECTORIES ${firn_re2_include}
    INTERFACE_LINK_LIBRARIES Threads::Threads
    INTERFACE_LINK_OPTIONS -Wl,--exclude-libs,libre2.a)
endif()
