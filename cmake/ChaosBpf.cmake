# chaos_add_bpf(dir): every dir/*.bpf.c becomes include/bpf/<name>.skel.h (a libbpf CO-RE skeleton).
find_program(CLANG_BPF NAMES clang-14 clang REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

function(chaos_add_bpf dir)
  file(GLOB programs CONFIGURE_DEPENDS ${dir}/*.bpf.c)
  file(GLOB headers CONFIGURE_DEPENDS ${dir}/*.h)
  set(out ${PROJECT_BINARY_DIR}/include/bpf)
  file(MAKE_DIRECTORY ${out})
  string(REGEX REPLACE "^(x86_64|amd64)$" "x86" arch ${CMAKE_SYSTEM_PROCESSOR})
  string(REGEX REPLACE "^aarch64$" "arm64" arch ${arch})
  set(skeletons)
  foreach(source ${programs})
    get_filename_component(file ${source} NAME)
    string(REPLACE ".bpf.c" "" name ${file})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
    add_custom_command(
      OUTPUT ${out}/${name}.skel.h
      COMMAND ${CLANG_BPF} -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_${arch} -Wall -Werror
              -I${PROJECT_SOURCE_DIR} -isystem /usr/include/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu
              -c ${source} -o ${object}
      COMMAND ${BPFTOOL} gen skeleton ${object} name ${name} > ${out}/${name}.skel.h
      DEPENDS ${source} ${headers}
      COMMENT "BPF ${name}" VERBATIM)
    list(APPEND skeletons ${out}/${name}.skel.h)
  endforeach()
  add_custom_target(bpf_skeletons ALL DEPENDS ${skeletons})
endfunction()
