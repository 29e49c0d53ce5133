# Installs headers, library, data and the package files that find_package(hydra) reads.
include(CMakePackageConfigHelpers)
set(where "${CMAKE_INSTALL_LIBDIR}/cmake/hydra")

install(DIRECTORY include/hydra DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING
  PATTERN "*.hpp")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/hydra")

set(sets hydra)
install(TARGETS hydra_hydra hydra_testing EXPORT hydraTargets)
if(TARGET hydra_net)
  install(TARGETS hydra_net EXPORT hydraNetTargets)
  list(APPEND sets hydraNet)
endif()
if(TARGET hydra_sim)
  install(TARGETS hydra_sim EXPORT hydraSimTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  if(TARGET hydra_cli)
    install(TARGETS hydra_cli EXPORT hydraSimTargets ARCHIVE DESTINATION
      "${CMAKE_INSTALL_LIBDIR}")
  endif()
  list(APPEND sets hydraSim)
  install(DIRECTORY sim/include/hydra DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING
    PATTERN "*.hpp")
  get_target_property(hydra_sim_linked hydra_sim LINK_LIBRARIES)
  if("SQLite::SQLite3" IN_LIST hydra_sim_linked)
    set(hydra_sim_sqlite SQLite3)
  endif()
  install(FILES sim/report/dist/report_template.html DESTINATION
    "${CMAKE_INSTALL_DATADIR}/hydra/data")
  foreach(folder data scenarios)
    if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/sim/${folder}")
      install(DIRECTORY sim/${folder} DESTINATION "${CMAKE_INSTALL_DATADIR}/hydra")
    endif()
  endforeach()
endif()
foreach(program hydra hydra-node)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  endif()
endforeach()

foreach(set IN LISTS sets)
  install(EXPORT ${set}Targets NAMESPACE hydra:: DESTINATION "${where}")
endforeach()
configure_package_config_file(cmake/hydraConfig.cmake.in hydraConfig.cmake
  INSTALL_DESTINATION "${where}" PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(hydraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/hydraConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/hydraConfigVersion.cmake" DESTINATION "${where}")
