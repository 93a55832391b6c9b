# Third-party libraries, all from Debian. Each has one owner folder (docs/architecture.md); linking one
# elsewhere is a mistake that tests/lint/check_includes.py reports.
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)        # core
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)         # core
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)           # core
pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)           # core
pkg_check_modules(BPF REQUIRED IMPORTED_TARGET libbpf)             # faults/mech
pkg_check_modules(NL REQUIRED IMPORTED_TARGET libnl-route-3.0)     # faults/mech
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)     # faults/sys/launcher
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd) # chaosd
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)     # chaosd
pkg_check_modules(CAP REQUIRED IMPORTED_TARGET libcap)             # chaosd
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)         # chaosctl
