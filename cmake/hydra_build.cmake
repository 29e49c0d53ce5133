# What every target of this tree is built with, and nothing that a consumer inherits.

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
  endif()
  set(CMAKE_CXX_EXTENSIONS OFF)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  set(CMAKE_PCH_WARN_INVALID OFF)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

  find_program(HYDRA_CCACHE ccache)
  if(HYDRA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros "${HYDRA_CCACHE}")
  endif()
  find_program(HYDRA_MOLD mold)
  if(HYDRA_MOLD)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

add_library(hydra_build INTERFACE)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(hydra_build INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
    $<$<BOOL:${HYDRA_WERROR}>:-Werror>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # ccache reads precompiled headers only with the first. The second lets the compiler keep a
    # gigabyte before it collects its garbage: a fifth of the time of a whole Hydra. The warnings
    # are wrong too often in g++ 12 once it has inlined, and clang says the true ones.
    target_compile_options(hydra_build INTERFACE -fpch-preprocess
      --param=ggc-min-heapsize=1048576 -Wno-maybe-uninitialized
      -Wno-array-bounds -Wno-stringop-overflow -Wno-restrict)
  else()
    target_compile_options(hydra_build INTERFACE -Wno-unused-command-line-argument)
  endif()
  if(HYDRA_SANITIZE)
    add_compile_options(-fsanitize=${HYDRA_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${HYDRA_SANITIZE})
  endif()
endif()

# The standard library, parsed once for the libraries of this tree; their own headers are not in it,
# so that a change of one compiles only what includes it.
function(hydra_precompiled target)
  if(NOT PROJECT_IS_TOP_LEVEL OR NOT HYDRA_PRECOMPILED)
    return()
  endif()
  if(NOT TARGET hydra_standard)
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/standard.cpp"
      CONTENT "// Here for its precompiled header.\n")
    add_library(hydra_standard OBJECT "${PROJECT_BINARY_DIR}/standard.cpp")
    target_link_libraries(hydra_standard PRIVATE hydra_hydra hydra_build)
    target_precompile_headers(hydra_standard PRIVATE
      <algorithm> <array> <atomic> <chrono> <cmath> <cstdint> <cstring> <deque> <filesystem>
      <fstream> <functional> <map> <memory> <optional> <set> <span> <sstream> <string> <thread>
      <tuple> <utility> <variant> <vector>)
  endif()
  target_precompile_headers(${target} REUSE_FROM hydra_standard)
endfunction()
