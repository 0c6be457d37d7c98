# SPDX-License-Identifier: Apache-2.0
# Language, warnings, sanitizers, linker and compiler cache: all that is the same for
# every target of firn.

set(FIRN_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=; empty for none")
option(FIRN_WERROR "Treat every warning as an error (CI does)" OFF)
option(FIRN_FUZZ "Build the *_fuzz.cc programs; needs clang" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# x86-64-v2 is the floor (SSE4.2, so CRC32C has its instruction); anything newer is chosen
# per file at run time by the room that wants it.
set(firn_flags -Wall -Wextra -Werror=return-type -Werror=unused-result
    -Werror=uninitialized -Werror=suggest-override)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND firn_flags -march=x86-64-v2)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND firn_flags -fdiagnostics-color=auto)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    # Lets the compiler cache see which precompiled header was used.
    list(APPEND firn_flags -fpch-preprocess)
  endif()
endif()
if(FIRN_WERROR)
  list(APPEND firn_flags -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Out of inlined strings and precompiled headers GCC 12 guesses copies that overlap or
  # run out of bounds (its bugs 105651 and 105329), and unset members in variants that are
  # set: clang sees none of them. The last is said, and is no error.
  list(APPEND firn_flags -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
       -Wno-stringop-overread -Wno-error=maybe-uninitialized)
endif()
add_compile_options(${firn_flags})

if(FIRN_SANITIZE)
  add_compile_options(-fsanitize=${FIRN_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FIRN_SANITIZE})
  if(FIRN_SANITIZE MATCHES "undefined")
    # A finding ends the program: a test that only prints one would still pass.
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# Libraries named but not used are not loaded.
add_link_options(-Wl,--as-needed)
find_program(FIRN_MOLD mold)
if(FIRN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# The cache lies outside the tree, so a second clone compiles nothing twice: paths below the
# source are hashed relative to the build directory, and the build directory itself is not.
# The two kinds of sloppiness are what ccache asks for with precompiled headers.
find_program(FIRN_CCACHE ccache)
if(FIRN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  if(DEFINED ENV{CCACHE_DIR})
    set(firn_ccache_dir $ENV{CCACHE_DIR})
  elseif(DEFINED ENV{FIRN_DEPS})
    set(firn_ccache_dir $ENV{FIRN_DEPS}/ccache)
  else()
    set(firn_ccache_dir $ENV{HOME}/.cache/firn/ccache)
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env CCACHE_DIR=${firn_ccache_dir} CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros ${FIRN_CCACHE})
endif()
