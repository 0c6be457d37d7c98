# SPDX-License-Identifier: Apache-2.0
# The standard library is most of what the compiler reads for one of our files. It is read
# once here, and once more with GoogleTest for the tests.
#
# Only other people's headers belong here: one of ours would make every file depend on it.
# A file still includes all that it uses: the preset `fuzz` builds without this.

set(firn_precompiled_headers
    <algorithm> <array> <atomic> <bit> <chrono> <cmath> <condition_variable> <cstdint>
    <cstring> <deque> <functional> <limits> <map> <memory> <mutex> <optional> <random>
    <set> <shared_mutex> <span> <sstream> <string> <string_view> <thread> <tuple>
    <unordered_map> <unordered_set> <utility> <variant> <vector>)

# Of static libraries (-fPIC), and of test programs (-fPIE): the compiler refuses one for
# the other.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cc CONTENT "int main() {}\n")
add_library(firn_precompiled_library OBJECT ${PROJECT_BINARY_DIR}/precompiled.cc)
target_precompile_headers(firn_precompiled_library PRIVATE ${firn_precompiled_headers})

add_executable(firn_precompiled_program ${PROJECT_BINARY_DIR}/precompiled.cc)
target_precompile_headers(firn_precompiled_program PRIVATE ${firn_precompiled_headers}
                          <gmock/gmock.h> <gtest/gtest.h>)
target_link_libraries(firn_precompiled_program PRIVATE GTest::gmock)
