# One place for flags: C17 with GNU extensions, warnings are errors, hardening, sanitizers, fuzzers.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

set(CHAOS_SANITIZE "" CACHE STRING "value of -fsanitize=, e.g. address,undefined")
option(CHAOS_FUZZ "build the libFuzzer targets in tests/fuzz" OFF)

add_compile_definitions(_GNU_SOURCE)
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include)
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla
                    -Wno-missing-field-initializers -Werror -fno-common -fstack-protector-strong)
# Only what is used is linked: chaosd must not load what only chaosctl needs.
add_link_options(-Wl,--as-needed -Wl,-z,relro -Wl,-z,now)

if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT CHAOS_SANITIZE)
  add_compile_options(-D_FORTIFY_SOURCE=2)
endif()
if(CHAOS_SANITIZE)
  add_compile_options(-fsanitize=${CHAOS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CHAOS_SANITIZE})
endif()
if(CHAOS_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
