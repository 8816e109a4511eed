# Precompiled headers: what packages bring and most of our files include is parsed once for each build folder, which is
# more than half of what the compiler's front end would do (docs/testing.md has the figures). Headers of ours are not in
# them: a change of ours compiles what includes it and nothing else.
#
# A file still includes what it uses. With -DMQ_PCH=OFF a file that forgot an #include does not compile, and clang-tidy
# (scripts/tidy.sh) never sees a precompiled header.
option(MQ_PCH "Use precompiled headers" ON)

# A file gets the headers of its kind of room: a pure one never sees I/O, and Asio's headers leave a static object in every
# file. What is there and not used costs nothing: the compiler loads what is named.
set(MQ_PCH_PURE
    algorithm array atomic bit cerrno charconv chrono compare concepts cstddef cstdint cstdlib cstring deque exception
    expected functional initializer_list iterator limits list map memory mutex numeric optional set source_location span
    string string_view system_error tuple type_traits unordered_map utility variant vector
    fmt/format.h)
set(MQ_PCH_IO ${MQ_PCH_PURE}
    boost/asio/any_io_executor.hpp boost/asio/as_tuple.hpp boost/asio/async_result.hpp boost/asio/awaitable.hpp
    boost/asio/basic_waitable_timer.hpp boost/asio/co_spawn.hpp boost/asio/deferred.hpp boost/asio/execution_context.hpp
    boost/asio/executor_work_guard.hpp boost/asio/io_context.hpp boost/asio/post.hpp boost/asio/use_awaitable.hpp
    boost/intrusive/list.hpp boost/unordered/unordered_flat_map.hpp boost/unordered/unordered_flat_set.hpp)

# What dpkg rewrites when it installs another version of a package. The headers themselves keep the times of their package,
# so a new one may look older than what was made of its predecessor.
file(GLOB MQ_PCH_PACKAGES /var/lib/dpkg/info/libboost1*-dev*.list /var/lib/dpkg/info/libc6-dev*.list
     /var/lib/dpkg/info/libfmt-dev*.list /var/lib/dpkg/info/libgtest-dev*.list /var/lib/dpkg/info/libstdc++-*-dev*.list)

# mq_precompile(NAME LIBS target... HEADERS header...)
#   pch/NAME.pch in the build folder, of these headers of these libraries. Beside it NAME.pch.sum, their text, which
#   ccache takes for the file's content: it is the same in every checkout, where the file itself has paths in it.
function(mq_precompile name)
  cmake_parse_arguments(A "" "" "LIBS;HEADERS" ${ARGN})
  set(pch ${CMAKE_BINARY_DIR}/pch/${name})
  list(TRANSFORM A_HEADERS REPLACE ".+" "#include <\\0>\n" OUTPUT_VARIABLE lines)
  list(JOIN lines "" text)
  file(CONFIGURE OUTPUT ${pch}.h CONTENT "${text}" @ONLY)

  get_directory_property(options COMPILE_OPTIONS)
  foreach(library IN LISTS A_LIBS)
    get_target_property(definitions ${library} INTERFACE_COMPILE_DEFINITIONS)
    if(definitions)
      list(TRANSFORM definitions PREPEND -D)
      list(APPEND options ${definitions})
    endif()
    get_target_property(more ${library} INTERFACE_COMPILE_OPTIONS)
    if(more)
      list(APPEND options ${more})
    endif()
  endforeach()
  set(compile ${CMAKE_CXX_COMPILER} ${options} ${CMAKE_CXX23_STANDARD_COMPILE_OPTION} -x c++-header ${pch}.h)
  add_custom_command(
    OUTPUT ${pch}.pch ${pch}.pch.sum
    COMMAND ${compile} -Xclang -fpch-instantiate-templates -MD -MF ${pch}.d -o ${pch}.pch
    COMMAND ${compile} -E -dD -P -o ${pch}.pch.sum
    DEPENDS ${pch}.h ${MQ_PCH_PACKAGES}
    DEPFILE ${pch}.d
    COMMENT "Precompiling headers for ${name}"
    VERBATIM)
  add_custom_target(pch_${name} DEPENDS ${pch}.pch)
endfunction()

# mq_kind_of(OUT target...): `io` when one of the libraries is Asio or stands on it, else `pure`.
function(mq_kind_of out)
  set(${out} pure PARENT_SCOPE)
  foreach(library IN LISTS ARGN)
    set(kind pure)
    if(TARGET ${library})
      get_target_property(kind ${library} MQ_KIND)
    endif()
    if(library STREQUAL "mq_asio" OR kind STREQUAL "io")
      set(${out} io PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# mq_use_pch(TARGET NAME): the target's sources begin with the headers of NAME.
function(mq_use_pch target name)
  if(NOT MQ_PCH)
    return()
  endif()
  set(pch ${CMAKE_BINARY_DIR}/pch/${name}.pch)
  target_compile_options(${target} PRIVATE "SHELL:-include-pch ${pch}")
  get_target_property(folder ${target} SOURCE_DIR)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    file(REAL_PATH ${source} source BASE_DIRECTORY ${folder})
    set_property(SOURCE ${source} TARGET_DIRECTORY ${target} APPEND PROPERTY OBJECT_DEPENDS ${pch})
  endforeach()
  add_dependencies(${target} pch_${name})
endfunction()
