{
  "targets": [
    {
      "target_name": "ebpf_napi",
      "sources": [
        "src/native/batch.cc",
        "src/native/btf.cc",
        "src/native/clsact.cc",
        "src/native/device.cc",
        "src/native/error.cc",
        "src/native/handle.cc",
        "src/native/link.cc",
        "src/native/map.cc",
        "src/native/module.cc",
        "src/native/mount.cc",
        "src/native/names.cc",
        "src/native/netns.cc",
        "src/native/object.cc",
        "src/native/print.cc",
        "src/native/probe.cc",
        "src/native/program.cc",
        "src/native/reuse.cc",
        "src/native/ring.cc",
        "src/native/tcx.cc",
        "src/native/variable.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17"],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-Wall", "-Wextra", "-Wno-missing-field-initializers"],
      "libraries": ["-lbpf"]
    }
  ]
}
