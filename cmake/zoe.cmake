# How every folder is built: zoe_library, zoe_program and zoe_test carry the same warnings and sanitizers.
find_package(Threads REQUIRED)
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=time_macros ${CCACHE})
endif()

add_library(zoe_flags INTERFACE)
target_include_directories(zoe_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(zoe_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                                           -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(zoe_flags INTERFACE -Wthread-safety)
endif()
if(ZOE_SANITIZE)
  target_compile_options(zoe_flags INTERFACE -fsanitize=${ZOE_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(zoe_flags INTERFACE -fsanitize=${ZOE_SANITIZE})
endif()
target_link_libraries(zoe_flags INTERFACE Threads::Threads)

# cpprestsdk's macro U(x) breaks fmt; spdlog and fmt are Debian's compiled ones.
target_compile_definitions(zoe_flags INTERFACE _TURN_OFF_PLATFORM_STRING SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)

# zoe_library(NAME SOURCES a.cc … [DEPS lib …]): one static library per folder.
function(zoe_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_link_libraries(${name} PUBLIC zoe_flags ${A_DEPS})
endfunction()

# zoe_program(NAME SOURCES a.cc … [DEPS lib …])
function(zoe_program name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE zoe_flags ${A_DEPS})
endfunction()

# zoe_test(NAME SOURCES a.cc … [DEPS lib …] [LABELS l …] [TIMEOUT s] [SERIAL]): a GoogleTest program, one ctest entry.
# A test that needs root, Docker or ZooKeeper uses GTEST_SKIP with the reason; ctest counts a program as skipped when none of its tests ran.
function(zoe_test name)
  cmake_parse_arguments(A "SERIAL" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE zoe_flags ${A_DEPS} gtest gmock gtest_main)
  target_compile_options(${name} PRIVATE -O0)  # what is tested is optimized, the asserting isn't: halves a test's build
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS "${A_LABELS}" SKIP_REGULAR_EXPRESSION
                                             "PASSED  \\] 0 tests\\.\n\\[  SKIPPED")
  if(A_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()
