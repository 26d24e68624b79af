# Install rules: find_package(weir) with the target weir::weir, and pkg-config. The libraries are static, so whoever links
# them links what they stand on too: the configuration finds those packages again, weir.pc lists them as private.
include_guard(GLOBAL)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(weir_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/weir")
install(EXPORT weir_targets NAMESPACE weir:: DESTINATION "${weir_config_dir}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/weir-config.cmake.in" "${PROJECT_BINARY_DIR}/weir-config.cmake"
                              INSTALL_DESTINATION "${weir_config_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/weir-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/weir-config.cmake" "${PROJECT_BINARY_DIR}/weir-config-version.cmake"
        DESTINATION "${weir_config_dir}")

# From lib/pkgconfig back to the prefix, so that an installed tree can be moved.
file(RELATIVE_PATH weir_pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" weir_pc_to_prefix "${weir_pc_to_prefix}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/weir.pc.in" "${PROJECT_BINARY_DIR}/weir.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/weir.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
