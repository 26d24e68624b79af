# weir_module(NAME name [SOURCES ...] [DEPENDS targets] [PRIVATE_DEPENDS targets])
#   Makes the static library weir_<name> with the alias weir::<name>. Public headers stand at include/weir/<name>/ and are
#   the only ones that other modules can include: each target exports its own include folder alone, so an include against
#   the direction tools -> pipeline -> io, simd -> core does not compile. PRIVATE_DEPENDS are linked into programs that
#   use the installed library too (it is static); those that are headers alone stay in the build.
# weir_test(NAME name SOURCES ... [DEPENDS targets] [LABELS ...])
#   Makes one test program on GoogleTest; every TEST in it becomes a ctest case.
# weir_warnings(target)
#   Sets the project's warnings; they are errors when Weir is the top-level project.
include_guard(GLOBAL)

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
  endif()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endif()

if(WEIR_INSTALL)
  include(GNUInstallDirs)
endif()

function(weir_warnings target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -Wno-deprecated-declarations)  # libstdc++ 12's own std::stable_sort
  endif()
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  # At -O3 GCC 12 sees an overlap in "text" + std::string that cannot be (GCC bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Wno-restrict>)
  endif()
  if(WEIR_BUILD_FUZZ AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)  # coverage guides the fuzzer into the libraries
  endif()
  if(WEIR_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${WEIR_SANITIZE})
  endif()
endfunction()

# Sets `result` to whether the target brings include folders and nothing to link.
function(weir_is_headers_alone target result)
  get_target_property(type ${target} TYPE)
  get_target_property(libraries ${target} INTERFACE_LINK_LIBRARIES)
  if(type STREQUAL "INTERFACE_LIBRARY" AND NOT libraries)
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

function(weir_module)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  set(target weir_${ARG_NAME})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/*.h"
       "${CMAKE_CURRENT_SOURCE_DIR}/include/*.def")
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(weir::${ARG_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${ARG_NAME})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${target} PUBLIC ${ARG_DEPENDS})
  foreach(dependency IN LISTS ARG_PRIVATE_DEPENDS)
    weir_is_headers_alone(${dependency} headers_alone)
    if(headers_alone)
      target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${dependency}>)
    else()
      target_link_libraries(${target} PRIVATE ${dependency})
    endif()
  endforeach()
  weir_warnings(${target})
  if(WEIR_INSTALL)
    install(TARGETS ${target} EXPORT weir_targets FILE_SET HEADERS)
  endif()
endfunction()

function(weir_test)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPENDS;LABELS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_include_directories(${ARG_NAME} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPENDS} GTest::gmock_main)
  weir_warnings(${ARG_NAME})
  # What is tested is built as users build it; the tests' own code cheaply, which halves the time that it takes. Those
  # of core and simd are mostly templates and inline functions of the library, so they are built as the library is.
  if(NOT ARG_NAME MATCHES "^(core|simd)_test$")
    target_compile_options(${ARG_NAME} PRIVATE $<$<CONFIG:Release,RelWithDebInfo>:-O1>
                           $<$<CONFIG:RelWithDebInfo>:-g1>)
    if(WEIR_SANITIZE MATCHES "undefined")
      target_compile_options(${ARG_NAME} PRIVATE -fno-sanitize=undefined)
    endif()
  endif()
  target_compile_definitions(${ARG_NAME} PRIVATE WEIR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  include(GoogleTest)
  gtest_discover_tests(${ARG_NAME} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 300)
endfunction()
