# `cmake --install build/release`: what a node and a workstation need, and nothing of the tests.
include(GNUInstallDirs)

install(TARGETS chaosctl chaos-exec RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS chaosd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(DIRECTORY scorecards/profiles experiments/catalog experiments/slos DESTINATION ${CMAKE_INSTALL_DATADIR}/chaosd
        FILES_MATCHING PATTERN "*.yaml")
install(FILES deploy/systemd/chaosd.service DESTINATION lib/systemd/system)
install(FILES deploy/chaosd.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME chaosd.yaml.example)
install(DIRECTORY ${PROJECT_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
install(DIRECTORY ${PROJECT_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man7 FILES_MATCHING PATTERN "*.7")
