# The ways to build, chosen by MQ_PROFILE (see CMakePresets.json).
#   dev      ASan + cheap UBSan, -O1 -g1: what tests run on
#   quick    no optimisation, no sanitizer: the shortest way from a change to its test
#   tsan     ThreadSanitizer
#   release  optimised, assertions stay on
#   fuzz     libFuzzer + ASan + UBSan
set(MQ_PROFILE "dev" CACHE STRING "dev, quick, tsan, release or fuzz")
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# All of it ends up in programs, libraries too: with one kind of code for both, both use the same precompiled headers.
add_compile_options(-fPIE)
add_link_options(-pie)

find_program(CCACHE ccache)
if(CCACHE)
  # Build folders and checkouts share objects: paths are hashed relative to the source directory, and a precompiled header
  # by the text that it was made of (MqPch.cmake). What else a file includes is what the compiler says it did: asking the
  # preprocessor before would cost a new checkout a minute.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_PCH_EXTSUM=1 CCACHE_SLOPPINESS=time_macros,pch_defines CCACHE_DEPEND=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror -Wno-gnu-statement-expression -Wno-missing-designated-field-initializers -fno-omit-frame-pointer)
# Headers of Debian's packages are not ours to warn about; ours are found under lib/.
add_link_options(-fuse-ld=lld-19)

# The checks of UBSan that cost little; `wire` and `record` get all of them (MQ_UBSAN_ALL).
set(MQ_UBSAN_CHEAP -fsanitize=null,return,unreachable,bool,enum,vla-bound,signed-integer-overflow,shift -fno-sanitize-recover=all)
set(MQ_UBSAN_ALL "")

if(MQ_PROFILE STREQUAL "dev")
  # The checks of addresses are called, not copied to every place: a quarter of the compiler's time, for a little of the tests'.
  add_compile_options(-O1 -g1 -fsanitize=address -mllvm -asan-instrumentation-with-call-threshold=0 ${MQ_UBSAN_CHEAP})
  add_link_options(-fsanitize=address,undefined)
  set(MQ_UBSAN_ALL -fsanitize=undefined -fno-sanitize-recover=all)
elseif(MQ_PROFILE STREQUAL "quick")
  add_compile_options(-O0)
elseif(MQ_PROFILE STREQUAL "tsan")
  add_compile_options(-O1 -g1 -fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(MQ_PROFILE STREQUAL "release")
  add_compile_options(-O2 -g1 -ffunction-sections -fdata-sections)
  add_link_options(-static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,-O1)
elseif(MQ_PROFILE STREQUAL "fuzz")
  add_compile_options(-O1 -g1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
  set(MQ_UBSAN_ALL -fsanitize=undefined -fno-sanitize-recover=all)
else()
  message(FATAL_ERROR "MQ_PROFILE is '${MQ_PROFILE}'; choose dev, quick, tsan, release or fuzz")
endif()
