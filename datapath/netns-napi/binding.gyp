{
  "targets": [
    {
      "target_name": "netns_napi",
      "sources": [
        "src/native/address.cc",
        "src/native/diag.cc",
        "src/native/error.cc",
        "src/native/inside.cc",
        "src/native/interface.cc",
        "src/native/module.cc",
        "src/native/netlink.cc",
        "src/native/network.cc",
        "src/native/peer.cc",
        "src/native/poll.cc",
        "src/native/socket.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17"],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-Wall", "-Wextra", "-Wno-missing-field-initializers"]
    }
  ]
}
