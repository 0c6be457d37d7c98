# SPDX-License-Identifier: Apache-2.0
# Arrow::*, Parquet::parquet and DuckDB::duckdb from what `./dev setup` cached, for each
# that find_package() did not already provide.

# Sets <out> to <FIRN_DEPS>/<label>-<version>-<key>, the directory deps/setup.py made for
# the pin that starts with `pin`. The key is the start of the archive's checksum.
function(firn_cached_directory out label pin)
  set(pins ${PROJECT_SOURCE_DIR}/deps/pins.txt)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${pins})
  file(STRINGS ${pins} line REGEX "^${pin} " LIMIT_COUNT 1)
  separate_arguments(words UNIX_COMMAND "${line}")
  list(LENGTH words count)
  if(NOT count EQUAL 4)
    message(FATAL_ERROR "deps/pins.txt: no line starts with: ${pin}")
  endif()
  list(GET words 2 version)
  list(GET words 3 sha256)
  string(SUBSTRING ${sha256} 0 12 key)
  string(REGEX REPLACE "-r\\..*" "" version ${version})
  set(directory ${FIRN_DEPS}/${label}-${version}-${key})
  if(NOT EXISTS ${directory}/complete)
    message(FATAL_ERROR "${label} ${version} is not in ${FIRN_DEPS}.\n"
                        "Run `./dev setup` first: it puts it there.")
  endif()
  set(${out} ${directory} PARENT_SCOPE)
endfunction()

# An imported shared library <target> = <directory>/lib/<file>, with links to <deps>.
function(firn_shared_library target directory file)
  add_library(${target} SHARED IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION ${directory}/lib/${file}
    INTERFACE_INCLUDE_DIRECTORIES ${directory}/include
    INTERFACE_LINK_LIBRARIES "${ARGN}")
endfunction()

if(TARGET Arrow::arrow_shared AND TARGET Parquet::parquet_shared)
  add_library(Arrow::arrow ALIAS Arrow::arrow_shared)
  add_library(Parquet::parquet ALIAS Parquet::parquet_shared)
  find_package(ArrowCompute 26.0.1 EXACT CONFIG QUIET)
  if(TARGET ArrowCompute::arrow_compute_shared)
    add_library(Arrow::compute ALIAS ArrowCompute::arrow_compute_shared)
  endif()
else()
  firn_cached_directory(firn_arrow arrow "wheel +pyarrow")
  firn_shared_library(Arrow::arrow ${firn_arrow} libarrow.so)
  firn_shared_library(Arrow::compute ${firn_arrow} libarrow_compute.so Arrow::arrow)
  firn_shared_library(Parquet::parquet ${firn_arrow} libparquet.so Arrow::arrow)
endif()

# DuckDB's C++ interface changes with every release: no other version will do.
find_package(DuckDB 1.5.6 EXACT CONFIG QUIET)
if(TARGET duckdb AND NOT TARGET DuckDB::duckdb)
  add_library(DuckDB::duckdb ALIAS duckdb)
elseif(NOT TARGET DuckDB::duckdb)
  firn_cached_directory(firn_duckdb duckdb "npm +@duckdb/node-bindings-linux-x64")
  firn_shared_library(DuckDB::duckdb ${firn_duckdb} libduckdb.so)
endif()

# Sets <out> to <FIRN_DEPS>/<label>-<key>, where the key is the start of the checksum of all
# pins of `kind`; empty when set-up left it out. The tests use these, firn does not.
function(firn_cached_tools out label kind)
  file(STRINGS ${PROJECT_SOURCE_DIR}/deps/pins.txt lines REGEX "^${kind} ")
  list(JOIN lines "\n" text)
  string(SHA256 key "${text}\n")
  string(SUBSTRING ${key} 0 12 key)
  set(${out} "" PARENT_SCOPE)
  if(EXISTS ${FIRN_DEPS}/${label}-${key}/complete)
    set(${out} ${FIRN_DEPS}/${label}-${key}/bin PARENT_SCOPE)
  endif()
endfunction()

firn_cached_tools(firn_peers peers peer)
set(FIRN_PEERS "${firn_peers}" CACHE INTERNAL "Programs that firn is compared with")
firn_cached_tools(firn_servers servers go)
file(SHA256 ${PROJECT_SOURCE_DIR}/deps/azurite/package-lock.json firn_azurite)
string(SUBSTRING ${firn_azurite} 0 12 firn_azurite)
set(firn_azurite ${FIRN_DEPS}/azurite-${firn_azurite})
if(EXISTS ${firn_azurite}/complete)
  list(APPEND firn_servers ${firn_azurite}/bin)
endif()
set(FIRN_SERVERS "${firn_servers}" CACHE INTERNAL "Object stores that the tests start")
firn_cached_tools(firn_interop interop test)
set(FIRN_PYTHON "")
if(firn_interop)
  set(FIRN_PYTHON ${firn_interop}/python)
endif()
# For the interop tests: packages of engines for that Python, and jars beside them.
firn_cached_tools(firn_engines engines engine)
cmake_path(GET firn_engines PARENT_PATH firn_engines)
set(FIRN_ENGINES "${firn_engines}" CACHE INTERNAL "Engines that read firn's tables")
# Likewise, servers of Iceberg's REST protocol: jars, and a Java as a package.
firn_cached_tools(firn_catalogs catalogs catalog)
cmake_path(GET firn_catalogs PARENT_PATH firn_catalogs)
set(FIRN_CATALOGS "${firn_catalogs}" CACHE INTERNAL "Catalogs that firn is a client of")
# For ./dev bench: the Python that has the engines firn is compared with, and where they are.
firn_cached_tools(firn_bench bench bench)
cmake_path(GET firn_bench PARENT_PATH firn_bench)
set(FIRN_BENCH_PYTHON "${FIRN_PYTHON}" CACHE INTERNAL "Python that runs benchmarks")
set(FIRN_BENCH_PACKAGES "${firn_bench}" CACHE INTERNAL "Its further packages")
