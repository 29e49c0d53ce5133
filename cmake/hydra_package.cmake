# Debian's packages, by cpack -G DEB: hydra-compute and libhydra-dev
# (docs/decisions/0016-debian-packages.md). Debian wants copyright, changelogs and manual pages in
# forms of its own; those are installed by cpack only.
if(NOT TARGET hydra OR CMAKE_CROSSCOMPILING)
  return()
endif()
set(HYDRA_MAINTAINER "The Hydra authors <hydra@hydra.invalid>" CACHE STRING
  "Who answers for a package: Name <address>")
set(release 1)
set(program hydra-compute)
set(development libhydra-dev)
set(version "${PROJECT_VERSION}-${release}")

find_program(HYDRA_GZIP gzip)
if(HYDRA_GZIP)
  set(made "${CMAKE_CURRENT_BINARY_DIR}/debian")
  set(doc "${CMAKE_INSTALL_DATADIR}/doc")
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
  foreach(component program development)
    set(package ${${component}})
    configure_file(cmake/debian/changelog.in "${made}/${package}/changelog.Debian" @ONLY)
    configure_file(CHANGELOG.md "${made}/${package}/changelog" COPYONLY)
    foreach(name changelog changelog.Debian)
      execute_process(COMMAND "${HYDRA_GZIP}" -9nf "${made}/${package}/${name}"
        COMMAND_ERROR_IS_FATAL ANY)
      install(FILES "${made}/${package}/${name}.gz" DESTINATION "${doc}/${package}"
        COMPONENT ${component} EXCLUDE_FROM_ALL)
    endforeach()
    install(FILES cmake/debian/copyright DESTINATION "${doc}/${package}"
      COMPONENT ${component} EXCLUDE_FROM_ALL)
  endforeach()
  install(FILES "${pages}/hydra.1.gz" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1"
    COMPONENT program EXCLUDE_FROM_ALL)
  install(FILES "${pages}/_hydra" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions"
    COMPONENT program EXCLUDE_FROM_ALL)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "${HYDRA_MAINTAINER}")
set(CPACK_PACKAGE_VENDOR "The Hydra authors")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
  GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${release})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME ${program})
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
# Another program that Debian knows by this name has the same command and manual page.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONFLICTS hydra)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
"The command hydra runs scenarios of up to millions of peers that find, trust
and work for each other, on the real cities and delays of the world. The same
run gives the same digest on every machine.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME ${development})
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${program} (= ${version}), \
libboost1.81-dev | libboost-dev (>= 1.81), \
libboost-serialization1.81-dev | libboost-serialization-dev (>= 1.81), \
libfmt-dev, libtomlplusplus-dev, zlib1g-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "libeigen3-dev, libssl-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
"Headers and the simulator's static libraries, for programs that bring
policies of their own; CMake finds them by find_package(hydra).")
include(CPack)
