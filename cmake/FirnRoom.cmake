# SPDX-License-Identifier: Apache-2.0
# firn_room() makes a room's library, tests and programs from the files beside it.

# Longest a room's unit tests may take. Every bound is longer under a sanitizer.
set(FIRN_TEST_TIMEOUT_S 300)
set(FIRN_SANITIZED_TIMES 4)

set(firn_test_env
    "ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/lsan.supp"
    "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp:second_deadlock_stack=1"
    "FIRN_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    "FIRN_PYTHON=${FIRN_PYTHON}")
if(FIRN_SANITIZE)
  # Arrow's buffers then come from malloc, which the sanitizers watch.
  list(APPEND firn_test_env "ARROW_DEFAULT_MEMORY_POOL=system")
endif()

# firn_test(NAME n COMMAND c… [LABELS l…] [TIMEOUT s]) is add_test() with firn's environment,
# labels and a bound in seconds. The labels `slow` and `interop` keep a test out of plain
# `./dev test`. FIRN_SOURCE_DIR in a test's environment is the source tree; prometheus,
# promtool, victoria-metrics, initdb, minio and versitygw are on its PATH; FIRN_PYTHON runs
# interop scripts.
function(firn_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TIMEOUT" "COMMAND;LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT ${FIRN_TEST_TIMEOUT_S})
  endif()
  if(FIRN_SANITIZE)
    math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * ${FIRN_SANITIZED_TIMES}")
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND})
  set_tests_properties(${arg_NAME} PROPERTIES TIMEOUT ${arg_TIMEOUT}
                       LABELS "${arg_LABELS}" ENVIRONMENT "${firn_test_env}")
  foreach(programs IN ITEMS ${FIRN_PEERS} ${FIRN_SERVERS})
    set_property(TEST ${arg_NAME} APPEND PROPERTY
                 ENVIRONMENT_MODIFICATION "PATH=path_list_append:${programs}")
  endforeach()
endfunction()

# firn_program(<name> SOURCES f… [LINK t…]) makes an executable of rooms and libraries.
# libcrypto comes first: whatever is loaded first answers for its symbols (docs/design/0001).
function(firn_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE OpenSSL::Crypto ${arg_LINK})
endfunction()

# firn_room(<room> [DEPS room…] [LINK target…] [TEST_DEPS room…] [TEST_LINK target…]
#           [TIMEOUT s])
#
#   *.cc            static library firn_<room> (an interface library if there is none)
#   *_test.cc       executable and test <room>_test, with GoogleTest
#   <name>_main.cc  executable <name>; main.cc in the room cli is the executable firn
#   *_fuzz.cc       libFuzzer executable, with the preset fuzz only
#
# DEPS and LINK are visible to those who depend on the room. TEST_DEPS and TEST_LINK are
# for its tests and must keep to layers.txt as well.
function(firn_room room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "DEPS;LINK;TEST_DEPS;TEST_LINK")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "firn_room(${room}): unknown argument: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(dir ${CMAKE_CURRENT_SOURCE_DIR})
  file(GLOB all CONFIGURE_DEPENDS ${dir}/*.cc)
  file(GLOB tests CONFIGURE_DEPENDS ${dir}/*_test.cc)
  file(GLOB mains CONFIGURE_DEPENDS ${dir}/*_main.cc ${dir}/main.cc)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${dir}/*_fuzz.cc)
  set(sources ${all})
  if(all)
    list(REMOVE_ITEM sources ${tests} ${mains} ${fuzzers})
  endif()

  set(deps firn_public)
  set(test_deps)
  foreach(dep IN LISTS arg_DEPS)
    list(APPEND deps firn_${dep})
  endforeach()
  foreach(dep IN LISTS arg_TEST_DEPS)
    list(APPEND test_deps firn_${dep})
  endforeach()
  foreach(dep IN LISTS deps test_deps)
    if(NOT TARGET ${dep})
      message(FATAL_ERROR "firn_room(${room}): there is no ${dep}: a room asks only for "
                          "rooms that come before it in FIRN_ROOMS")
    endif()
  endforeach()

  if(sources)
    add_library(firn_${room} STATIC ${sources})
    target_precompile_headers(firn_${room} REUSE_FROM firn_precompiled_library)
    set(scope PUBLIC)
  else()
    add_library(firn_${room} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(firn_${room} ${scope} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(firn_${room} ${scope} ${deps} ${arg_LINK})

  if(tests)
    firn_program(${room}_test SOURCES ${tests}
                 LINK firn_${room} ${test_deps} ${arg_TEST_LINK} GTest::gmock
                      GTest::gtest_main)
    target_precompile_headers(${room}_test REUSE_FROM firn_precompiled_program)
    firn_test(NAME ${room} COMMAND ${room}_test LABELS unit TIMEOUT ${arg_TIMEOUT})
  endif()

  foreach(main IN LISTS mains)
    cmake_path(GET main STEM stem)
    if(stem STREQUAL "main")
      set(name firn)
    else()
      string(REGEX REPLACE "_main$" "" name ${stem})
    endif()
    firn_program(${name} SOURCES ${main} LINK firn_${room})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                             ${PROJECT_BINARY_DIR})
  endforeach()

  if(FIRN_FUZZ)
    foreach(fuzzer IN LISTS fuzzers)
      cmake_path(GET fuzzer STEM name)
      firn_program(${name} SOURCES ${fuzzer} LINK firn_${room})
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
      set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                               ${PROJECT_BINARY_DIR}/fuzz)
    endforeach()
  endif()
endfunction()
