# Installs headers, library, data and the package files that find_package(hydra) reads. Components:
# program (the command and what it reads), development (headers, libraries, CMake), plain (what
# Debian's packages have in another form: see hydra_package.cmake).
include(CMakePackageConfigHelpers)
set(where "${CMAKE_INSTALL_LIBDIR}/cmake/hydra")

install(DIRECTORY include/hydra DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
  FILES_MATCHING PATTERN "*.hpp")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/hydra" COMPONENT plain)

set(sets hydra)
install(TARGETS hydra_hydra hydra_testing EXPORT hydraTargets)
if(TARGET hydra_net)
  install(TARGETS hydra_net EXPORT hydraNetTargets)
  list(APPEND sets hydraNet)
endif()
if(TARGET hydra_sim)
  foreach(library hydra_sim hydra_cli)
    if(TARGET ${library})
      install(TARGETS ${library} EXPORT hydraSimTargets ARCHIVE DESTINATION
        "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
    endif()
  endforeach()
  list(APPEND sets hydraSim)
  install(DIRECTORY sim/include/hydra DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    COMPONENT development FILES_MATCHING PATTERN "*.hpp")
  get_target_property(hydra_sim_linked hydra_sim LINK_LIBRARIES)
  if("SQLite::SQLite3" IN_LIST hydra_sim_linked)
    set(hydra_sim_sqlite SQLite3)
  endif()
  install(FILES sim/report/dist/report_template.html DESTINATION
    "${CMAKE_INSTALL_DATADIR}/hydra/data" COMPONENT program)
  foreach(folder data scenarios)
    install(DIRECTORY sim/${folder} DESTINATION "${CMAKE_INSTALL_DATADIR}/hydra"
      COMPONENT program)
  endforeach()
endif()
if(TARGET hydra-papers)
  install(DIRECTORY papers DESTINATION "${CMAKE_INSTALL_DATADIR}/hydra" COMPONENT program
    FILES_MATCHING PATTERN "*.toml" PATTERN "*.csv" PATTERN "README.md"
    PATTERN "harness" EXCLUDE)
endif()
foreach(program hydra hydra-node hydra-validate hydra-papers)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
  endif()
endforeach()

# The manual page and the completions, which cli/ makes.
if(TARGET hydra AND NOT CMAKE_CROSSCOMPILING)
  set(pages "${PROJECT_BINARY_DIR}/pages")
  set(share "${CMAKE_INSTALL_DATADIR}")
  install(FILES "${pages}/hydra.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT plain)
  install(FILES "${pages}/_hydra" DESTINATION "${share}/zsh/site-functions" COMPONENT plain)
  install(FILES "${pages}/hydra" DESTINATION "${share}/bash-completion/completions"
    COMPONENT program)
  install(FILES "${pages}/hydra.fish" DESTINATION "${share}/fish/vendor_completions.d"
    COMPONENT program)
endif()

foreach(set IN LISTS sets)
  install(EXPORT ${set}Targets NAMESPACE hydra:: DESTINATION "${where}" COMPONENT development)
endforeach()
configure_package_config_file(cmake/hydraConfig.cmake.in hydraConfig.cmake
  INSTALL_DESTINATION "${where}" PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(hydraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/hydraConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/hydraConfigVersion.cmake" DESTINATION "${where}"
  COMPONENT development)
