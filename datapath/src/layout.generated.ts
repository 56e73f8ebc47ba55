// Made by generate-layout.mjs from the BPF object's BTF. Edit bpf/include/weir instead.

export const layout = {
  maps: {
    weir_addr4: {
      type: 'hash', keySize: 4, valueSize: 16, maxEntries: 131072,
      key: {kind: 'struct', name: 'weir_address4', size: 4, members: [{name: 'address', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_peer', size: 16, members: [{name: 'identity', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'peer_class', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'subject', offsetBits: 64, type: {kind: 'int', size: 4, signed: false}}, {name: 'slot', offsetBits: 96, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_addr6: {
      type: 'hash', keySize: 16, valueSize: 16, maxEntries: 131072,
      key: {kind: 'struct', name: 'weir_address6', size: 16, members: [{name: 'address', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_peer', size: 16, members: [{name: 'identity', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'peer_class', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'subject', offsetBits: 64, type: {kind: 'int', size: 4, signed: false}}, {name: 'slot', offsetBits: 96, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_affinities: {
      type: 'lru_hash', keySize: 32, valueSize: 16, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_affinity_key', size: 32, members: [{name: 'client', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'address', offsetBits: 64, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'port', offsetBits: 192, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 208, type: {kind: 'int', size: 1, signed: false}}, {name: 'family', offsetBits: 216, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 224, type: {kind: 'int', size: 4, signed: false}}]},
      value: {kind: 'struct', name: 'weir_affinity', size: 16, members: [{name: 'used', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'backend', offsetBits: 64, type: {kind: 'int', size: 4, signed: false}}, {name: 'pad', offsetBits: 96, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_backends4: {
      type: 'array', keySize: 4, valueSize: 8, maxEntries: 131072,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_backend4', size: 8, members: [{name: 'address', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}, {name: 'port', offsetBits: 32, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 48, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 56, type: {kind: 'int', size: 1, signed: false}}]},
    },
    weir_backends6: {
      type: 'array', keySize: 4, valueSize: 24, maxEntries: 131072,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_backend6', size: 24, members: [{name: 'address', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'port', offsetBits: 128, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 144, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 152, type: {kind: 'array', length: 5, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_budgets: {
      type: 'percpu_array', keySize: 4, valueSize: 16, maxEntries: 1,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_budget', size: 16, members: [{name: 'filled', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'tokens', offsetBits: 64, type: {kind: 'int', size: 8, signed: false}}]},
    },
    weir_cells: {
      type: 'hash', keySize: 8, valueSize: 8, maxEntries: 262144,
      key: {kind: 'struct', name: 'weir_cell_key', size: 8, members: [{name: 'subject', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'direction', offsetBits: 32, bits: 1, type: {kind: 'int', size: 4, signed: false}}, {name: 'peer_class', offsetBits: 33, bits: 31, type: {kind: 'int', size: 4, signed: false}}]},
      value: {kind: 'struct', name: 'weir_cell', size: 8, members: [{name: 'first', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'chunks', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_counters: {
      type: 'percpu_array', keySize: 4, valueSize: 32, maxEntries: 256,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_counter', size: 32, members: [{name: 'packets', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}, {name: 'bytes', offsetBits: 128, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]},
    },
    weir_ct4: {
      type: 'lru_hash', keySize: 16, valueSize: 32, maxEntries: 262144,
      key: {kind: 'struct', name: 'weir_ct4_key', size: 16, members: [{name: 'address', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 4, signed: false}}}, {name: 'port', offsetBits: 64, type: {kind: 'array', length: 2, element: {kind: 'int', size: 2, signed: false}}}, {name: 'protocol', offsetBits: 96, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 104, type: {kind: 'array', length: 3, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_ct', size: 32, members: [{name: 'expires', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'generation', offsetBits: 64, type: {kind: 'int', size: 4, signed: false}}, {name: 'slot', offsetBits: 96, type: {kind: 'array', length: 2, element: {kind: 'int', size: 4, signed: false}}}, {name: 'timeout', offsetBits: 160, type: {kind: 'int', size: 2, signed: false}}, {name: 'seen', offsetBits: 176, type: {kind: 'array', length: 2, element: {kind: 'int', size: 1, signed: false}}}, {name: 'originator', offsetBits: 192, type: {kind: 'int', size: 1, signed: false}}, {name: 'cut', offsetBits: 200, type: {kind: 'int', size: 1, signed: false}}, {name: 'flags', offsetBits: 208, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 216, type: {kind: 'array', length: 5, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_ct6: {
      type: 'lru_hash', keySize: 40, valueSize: 32, maxEntries: 131072,
      key: {kind: 'struct', name: 'weir_ct6_key', size: 40, members: [{name: 'address', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}}, {name: 'port', offsetBits: 256, type: {kind: 'array', length: 2, element: {kind: 'int', size: 2, signed: false}}}, {name: 'protocol', offsetBits: 288, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 296, type: {kind: 'array', length: 3, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_ct', size: 32, members: [{name: 'expires', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'generation', offsetBits: 64, type: {kind: 'int', size: 4, signed: false}}, {name: 'slot', offsetBits: 96, type: {kind: 'array', length: 2, element: {kind: 'int', size: 4, signed: false}}}, {name: 'timeout', offsetBits: 160, type: {kind: 'int', size: 2, signed: false}}, {name: 'seen', offsetBits: 176, type: {kind: 'array', length: 2, element: {kind: 'int', size: 1, signed: false}}}, {name: 'originator', offsetBits: 192, type: {kind: 'int', size: 1, signed: false}}, {name: 'cut', offsetBits: 200, type: {kind: 'int', size: 1, signed: false}}, {name: 'flags', offsetBits: 208, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 216, type: {kind: 'array', length: 5, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_datagrams: {
      type: 'lru_hash', keySize: 32, valueSize: 32, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_datagram_key', size: 32, members: [{name: 'cookie', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'address', offsetBits: 64, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'port', offsetBits: 192, type: {kind: 'int', size: 2, signed: false}}, {name: 'family', offsetBits: 208, type: {kind: 'int', size: 1, signed: false}}, {name: 'reply', offsetBits: 216, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 224, type: {kind: 'int', size: 4, signed: false}}]},
      value: {kind: 'struct', name: 'weir_datagram', size: 32, members: [{name: 'used', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'address', offsetBits: 64, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'port', offsetBits: 192, type: {kind: 'int', size: 2, signed: false}}, {name: 'pad', offsetBits: 208, type: {kind: 'int', size: 2, signed: false}}, {name: 'backend', offsetBits: 224, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_devices: {
      type: 'hash', keySize: 4, valueSize: 4, maxEntries: 4096,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'int', size: 4, signed: false},
    },
    weir_egress4: {
      type: 'lpm_trie', keySize: 12, valueSize: 20, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_egress4_key', size: 12, members: [{name: 'length', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'source', offsetBits: 32, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}, {name: 'destination', offsetBits: 64, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_egress', size: 20, members: [{name: 'action', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'address', offsetBits: 32, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_egress6: {
      type: 'lpm_trie', keySize: 36, valueSize: 20, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_egress6_key', size: 36, members: [{name: 'length', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'source', offsetBits: 32, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'destination', offsetBits: 160, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_egress', size: 20, members: [{name: 'action', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'address', offsetBits: 32, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_endpoints: {
      type: 'array', keySize: 4, valueSize: 32, maxEntries: 4096,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_endpoint', size: 32, members: [{name: 'generation', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'ifindex', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'pod_mac', offsetBits: 64, type: {kind: 'array', length: 6, element: {kind: 'int', size: 1, signed: false}}}, {name: 'host_mac', offsetBits: 112, type: {kind: 'array', length: 6, element: {kind: 'int', size: 1, signed: false}}}, {name: 'identity', offsetBits: 160, type: {kind: 'int', size: 4, signed: false}}, {name: 'flags', offsetBits: 192, type: {kind: 'int', size: 4, signed: false}}, {name: 'pad', offsetBits: 224, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_events: {
      type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 1048576,
    },
    weir_frag4: {
      type: 'lru_hash', keySize: 16, valueSize: 16, maxEntries: 8192,
      key: {kind: 'struct', name: 'weir_frag4_key', size: 16, members: [{name: 'source', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'destination', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'id', offsetBits: 64, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 80, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 88, type: {kind: 'int', size: 1, signed: false}}, {name: 'ifindex', offsetBits: 96, type: {kind: 'int', size: 4, signed: false}}]},
      value: {kind: 'struct', name: 'weir_frag', size: 16, members: [{name: 'expires', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'source_port', offsetBits: 64, type: {kind: 'int', size: 2, signed: false}}, {name: 'destination_port', offsetBits: 80, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 96, type: {kind: 'int', size: 1, signed: false}}, {name: 'backwards', offsetBits: 104, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 112, type: {kind: 'array', length: 2, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_frag6: {
      type: 'lru_hash', keySize: 40, valueSize: 16, maxEntries: 8192,
      key: {kind: 'struct', name: 'weir_frag6_key', size: 40, members: [{name: 'source', offsetBits: 0, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'destination', offsetBits: 128, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'id', offsetBits: 256, type: {kind: 'int', size: 4, signed: false}}, {name: 'ifindex', offsetBits: 288, type: {kind: 'int', size: 4, signed: false}}]},
      value: {kind: 'struct', name: 'weir_frag', size: 16, members: [{name: 'expires', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'source_port', offsetBits: 64, type: {kind: 'int', size: 2, signed: false}}, {name: 'destination_port', offsetBits: 80, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 96, type: {kind: 'int', size: 1, signed: false}}, {name: 'backwards', offsetBits: 104, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 112, type: {kind: 'array', length: 2, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_frontends4: {
      type: 'hash', keySize: 8, valueSize: 24, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_frontend4_key', size: 8, members: [{name: 'address', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}, {name: 'port', offsetBits: 32, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 48, type: {kind: 'int', size: 1, signed: false}}, {name: 'scope', offsetBits: 56, type: {kind: 'int', size: 1, signed: false}}]},
      value: {kind: 'struct', name: 'weir_frontend', size: 24, members: [{name: 'first', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'count', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'members_first', offsetBits: 64, type: {kind: 'int', size: 4, signed: false}}, {name: 'members', offsetBits: 96, type: {kind: 'int', size: 4, signed: false}}, {name: 'affinity', offsetBits: 128, type: {kind: 'int', size: 4, signed: false}}, {name: 'flags', offsetBits: 160, bits: 8, type: {kind: 'int', size: 4, signed: false}}, {name: 'ranges', offsetBits: 168, bits: 24, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_frontends6: {
      type: 'hash', keySize: 24, valueSize: 24, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_frontend6_key', size: 24, members: [{name: 'address', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'port', offsetBits: 128, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 144, type: {kind: 'int', size: 1, signed: false}}, {name: 'scope', offsetBits: 152, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 160, type: {kind: 'int', size: 4, signed: false}}]},
      value: {kind: 'struct', name: 'weir_frontend', size: 24, members: [{name: 'first', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'count', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'members_first', offsetBits: 64, type: {kind: 'int', size: 4, signed: false}}, {name: 'members', offsetBits: 96, type: {kind: 'int', size: 4, signed: false}}, {name: 'affinity', offsetBits: 128, type: {kind: 'int', size: 4, signed: false}}, {name: 'flags', offsetBits: 160, bits: 8, type: {kind: 'int', size: 4, signed: false}}, {name: 'ranges', offsetBits: 168, bits: 24, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_leaving: {
      type: 'array', keySize: 4, valueSize: 8, maxEntries: 1,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_leaving', size: 8, members: [{name: 'masquerades', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'rules', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_masquerade: {
      type: 'hash', keySize: 4, valueSize: 20, maxEntries: 1024,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_masquerade', size: 20, members: [{name: 'ipv4', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}, {name: 'ipv6', offsetBits: 32, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_nat4: {
      type: 'lru_hash', keySize: 16, valueSize: 64, maxEntries: 262144,
      key: {kind: 'struct', name: 'weir_nat4_key', size: 16, members: [{name: 'source', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'destination', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'source_port', offsetBits: 64, type: {kind: 'int', size: 2, signed: false}}, {name: 'destination_port', offsetBits: 80, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 96, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 104, type: {kind: 'array', length: 3, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_nat4', size: 64, members: [{name: 'is', offsetBits: 0, type: {kind: 'struct', name: 'weir_nat', size: 48, members: [{name: 'expires', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'timeout', offsetBits: 64, type: {kind: 'int', size: 2, signed: false}}, {name: 'seen', offsetBits: 80, type: {kind: 'array', length: 2, element: {kind: 'int', size: 1, signed: false}}}, {name: 'kind', offsetBits: 96, type: {kind: 'int', size: 1, signed: false}}, {name: 'is_reply', offsetBits: 104, type: {kind: 'int', size: 1, signed: false}}, {name: 'source_port', offsetBits: 112, type: {kind: 'int', size: 2, signed: false}}, {name: 'destination_port', offsetBits: 128, type: {kind: 'int', size: 2, signed: false}}, {name: 'hop_mtu', offsetBits: 144, type: {kind: 'int', size: 2, signed: false}}, {name: 'backend', offsetBits: 160, type: {kind: 'int', size: 4, signed: false}}, {name: 'frontend', offsetBits: 192, type: {kind: 'int', size: 4, signed: false}}, {name: 'hop_ifindex', offsetBits: 224, type: {kind: 'int', size: 4, signed: false}}, {name: 'hop_macs', offsetBits: 256, type: {kind: 'array', length: 12, element: {kind: 'int', size: 1, signed: false}}}, {name: 'hop_until', offsetBits: 352, type: {kind: 'int', size: 4, signed: false}}]}}, {name: 'source', offsetBits: 384, type: {kind: 'int', size: 4, signed: false}}, {name: 'destination', offsetBits: 416, type: {kind: 'int', size: 4, signed: false}}, {name: 'pad', offsetBits: 448, type: {kind: 'array', length: 8, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_nat6: {
      type: 'lru_hash', keySize: 40, valueSize: 104, maxEntries: 131072,
      key: {kind: 'struct', name: 'weir_nat6_key', size: 40, members: [{name: 'source', offsetBits: 0, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'destination', offsetBits: 128, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'source_port', offsetBits: 256, type: {kind: 'int', size: 2, signed: false}}, {name: 'destination_port', offsetBits: 272, type: {kind: 'int', size: 2, signed: false}}, {name: 'protocol', offsetBits: 288, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 296, type: {kind: 'array', length: 3, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_nat6', size: 104, members: [{name: 'is', offsetBits: 0, type: {kind: 'struct', name: 'weir_nat', size: 48, members: [{name: 'expires', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'timeout', offsetBits: 64, type: {kind: 'int', size: 2, signed: false}}, {name: 'seen', offsetBits: 80, type: {kind: 'array', length: 2, element: {kind: 'int', size: 1, signed: false}}}, {name: 'kind', offsetBits: 96, type: {kind: 'int', size: 1, signed: false}}, {name: 'is_reply', offsetBits: 104, type: {kind: 'int', size: 1, signed: false}}, {name: 'source_port', offsetBits: 112, type: {kind: 'int', size: 2, signed: false}}, {name: 'destination_port', offsetBits: 128, type: {kind: 'int', size: 2, signed: false}}, {name: 'hop_mtu', offsetBits: 144, type: {kind: 'int', size: 2, signed: false}}, {name: 'backend', offsetBits: 160, type: {kind: 'int', size: 4, signed: false}}, {name: 'frontend', offsetBits: 192, type: {kind: 'int', size: 4, signed: false}}, {name: 'hop_ifindex', offsetBits: 224, type: {kind: 'int', size: 4, signed: false}}, {name: 'hop_macs', offsetBits: 256, type: {kind: 'array', length: 12, element: {kind: 'int', size: 1, signed: false}}}, {name: 'hop_until', offsetBits: 352, type: {kind: 'int', size: 4, signed: false}}]}}, {name: 'source', offsetBits: 384, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'destination', offsetBits: 512, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'pad', offsetBits: 640, type: {kind: 'array', length: 24, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_nat_scratch: {
      type: 'percpu_array', keySize: 4, valueSize: 104, maxEntries: 1,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_nat6', size: 104, members: [{name: 'is', offsetBits: 0, type: {kind: 'struct', name: 'weir_nat', size: 48, members: [{name: 'expires', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'timeout', offsetBits: 64, type: {kind: 'int', size: 2, signed: false}}, {name: 'seen', offsetBits: 80, type: {kind: 'array', length: 2, element: {kind: 'int', size: 1, signed: false}}}, {name: 'kind', offsetBits: 96, type: {kind: 'int', size: 1, signed: false}}, {name: 'is_reply', offsetBits: 104, type: {kind: 'int', size: 1, signed: false}}, {name: 'source_port', offsetBits: 112, type: {kind: 'int', size: 2, signed: false}}, {name: 'destination_port', offsetBits: 128, type: {kind: 'int', size: 2, signed: false}}, {name: 'hop_mtu', offsetBits: 144, type: {kind: 'int', size: 2, signed: false}}, {name: 'backend', offsetBits: 160, type: {kind: 'int', size: 4, signed: false}}, {name: 'frontend', offsetBits: 192, type: {kind: 'int', size: 4, signed: false}}, {name: 'hop_ifindex', offsetBits: 224, type: {kind: 'int', size: 4, signed: false}}, {name: 'hop_macs', offsetBits: 256, type: {kind: 'array', length: 12, element: {kind: 'int', size: 1, signed: false}}}, {name: 'hop_until', offsetBits: 352, type: {kind: 'int', size: 4, signed: false}}]}}, {name: 'source', offsetBits: 384, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'destination', offsetBits: 512, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'pad', offsetBits: 640, type: {kind: 'array', length: 24, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_own: {
      type: 'hash', keySize: 4, valueSize: 20, maxEntries: 256,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_own', size: 20, members: [{name: 'four', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}, {name: 'six', offsetBits: 32, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_own_pairs: {
      type: 'array', keySize: 4, valueSize: 4, maxEntries: 1,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'int', size: 4, signed: false},
    },
    weir_pfx4: {
      type: 'lpm_trie', keySize: 8, valueSize: 16, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_prefix4', size: 8, members: [{name: 'length', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'address', offsetBits: 32, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_peer', size: 16, members: [{name: 'identity', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'peer_class', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'subject', offsetBits: 64, type: {kind: 'int', size: 4, signed: false}}, {name: 'slot', offsetBits: 96, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_pfx6: {
      type: 'lpm_trie', keySize: 20, valueSize: 16, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_prefix6', size: 20, members: [{name: 'length', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'address', offsetBits: 32, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'struct', name: 'weir_peer', size: 16, members: [{name: 'identity', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'peer_class', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'subject', offsetBits: 64, type: {kind: 'int', size: 4, signed: false}}, {name: 'slot', offsetBits: 96, type: {kind: 'int', size: 4, signed: false}}]},
    },
    weir_ports: {
      type: 'array', keySize: 4, valueSize: 8, maxEntries: 3073,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_ports', size: 8, members: [{name: 'bits', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}]},
    },
    weir_ranges4: {
      type: 'lpm_trie', keySize: 12, valueSize: 4, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_range4', size: 12, members: [{name: 'length', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'ranges', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'address', offsetBits: 64, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'int', size: 4, signed: false},
    },
    weir_ranges6: {
      type: 'lpm_trie', keySize: 24, valueSize: 4, maxEntries: 65536,
      key: {kind: 'struct', name: 'weir_range6', size: 24, members: [{name: 'length', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'ranges', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}, {name: 'address', offsetBits: 64, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'int', size: 4, signed: false},
    },
    weir_rows: {
      type: 'array', keySize: 4, valueSize: 128, maxEntries: 65536,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_row_chunk', size: 128, members: [{name: 'key', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 4, signed: false}}}, {name: 'verdict', offsetBits: 512, type: {kind: 'array', length: 16, element: {kind: 'int', size: 4, signed: false}}}]},
    },
    weir_slots: {
      type: 'array', keySize: 4, valueSize: 64, maxEntries: 524288,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'struct', name: 'weir_slots', size: 64, members: [{name: 'backend', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 4, signed: false}}}]},
    },
    weir_sockets: {
      type: 'sk_storage', keySize: 4, valueSize: 40, maxEntries: 0,
      key: {kind: 'int', size: 4, signed: true},
      value: {kind: 'struct', name: 'weir_socket', size: 40, members: [{name: 'virtual_address', offsetBits: 0, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'backend_address', offsetBits: 128, type: {kind: 'union', name: 'weir_address', size: 16, members: [{name: 'byte', offsetBits: 0, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'word', offsetBits: 0, type: {kind: 'array', length: 4, element: {kind: 'int', size: 4, signed: false}}}, {name: 'half', offsetBits: 0, type: {kind: 'array', length: 2, element: {kind: 'int', size: 8, signed: false}}}]}}, {name: 'virtual_port', offsetBits: 256, type: {kind: 'int', size: 2, signed: false}}, {name: 'backend_port', offsetBits: 272, type: {kind: 'int', size: 2, signed: false}}, {name: 'connected', offsetBits: 288, type: {kind: 'int', size: 1, signed: false}}, {name: 'pad', offsetBits: 296, type: {kind: 'array', length: 3, element: {kind: 'int', size: 1, signed: false}}}]},
    },
    weir_tallies: {
      type: 'percpu_array', keySize: 4, valueSize: 8, maxEntries: 10,
      key: {kind: 'int', size: 4, signed: false},
      value: {kind: 'int', size: 8, signed: false},
    },
    weir_unmasked4: {
      type: 'lpm_trie', keySize: 8, valueSize: 4, maxEntries: 16384,
      key: {kind: 'struct', name: 'weir_prefix4', size: 8, members: [{name: 'length', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'address', offsetBits: 32, type: {kind: 'array', length: 4, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'int', size: 4, signed: false},
    },
    weir_unmasked6: {
      type: 'lpm_trie', keySize: 20, valueSize: 4, maxEntries: 16384,
      key: {kind: 'struct', name: 'weir_prefix6', size: 20, members: [{name: 'length', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'address', offsetBits: 32, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}]},
      value: {kind: 'int', size: 4, signed: false},
    },
  },
  types: {
    weir_event: {kind: 'struct', name: 'weir_event', size: 80, members: [{name: 'time', offsetBits: 0, type: {kind: 'int', size: 8, signed: false}}, {name: 'kind', offsetBits: 64, type: {kind: 'int', size: 1, signed: false}}, {name: 'verdict', offsetBits: 72, type: {kind: 'int', size: 1, signed: false}}, {name: 'reason', offsetBits: 80, type: {kind: 'int', size: 1, signed: false}}, {name: 'direction', offsetBits: 88, type: {kind: 'int', size: 1, signed: false}}, {name: 'family', offsetBits: 96, type: {kind: 'int', size: 1, signed: false}}, {name: 'protocol', offsetBits: 104, type: {kind: 'int', size: 1, signed: false}}, {name: 'tcp_flags', offsetBits: 112, type: {kind: 'int', size: 1, signed: false}}, {name: 'icmp_type', offsetBits: 120, type: {kind: 'int', size: 1, signed: false}}, {name: 'icmp_code', offsetBits: 128, type: {kind: 'int', size: 1, signed: false}}, {name: 'is_reply', offsetBits: 136, type: {kind: 'int', size: 1, signed: false}}, {name: 'ethertype', offsetBits: 144, type: {kind: 'int', size: 2, signed: false}}, {name: 'source_port', offsetBits: 160, type: {kind: 'int', size: 2, signed: false}}, {name: 'destination_port', offsetBits: 176, type: {kind: 'int', size: 2, signed: false}}, {name: 'source', offsetBits: 192, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'destination', offsetBits: 320, type: {kind: 'array', length: 16, element: {kind: 'int', size: 1, signed: false}}}, {name: 'source_identity', offsetBits: 448, type: {kind: 'int', size: 4, signed: false}}, {name: 'destination_identity', offsetBits: 480, type: {kind: 'int', size: 4, signed: false}}, {name: 'source_slot', offsetBits: 512, type: {kind: 'int', size: 4, signed: false}}, {name: 'destination_slot', offsetBits: 544, type: {kind: 'int', size: 4, signed: false}}, {name: 'ifindex', offsetBits: 576, type: {kind: 'int', size: 4, signed: false}}, {name: 'length', offsetBits: 608, type: {kind: 'int', size: 4, signed: false}}]},
    weir_event_kind: {kind: 'enum', name: 'weir_event_kind', size: 4, values: {WEIR_EVENT_VERDICT: 1, WEIR_EVENT_DROP: 2, WEIR_EVENT_TRACE: 3}},
    weir_reason: {kind: 'enum', name: 'weir_reason', size: 4, values: {WEIR_PASSED: 0, WEIR_BAD_SOURCE_MAC: 130, WEIR_BAD_SOURCE: 132, WEIR_POLICY_DENIED: 133, WEIR_INVALID_PACKET: 134, WEIR_TRUNCATED_L4: 135, WEIR_WRITE_FAILED: 141, WEIR_TOO_BIG: 136, WEIR_UNKNOWN_ICMP4_TYPE: 144, WEIR_UNKNOWN_TARGET: 150, WEIR_STALE_TARGET: 151, WEIR_CONNTRACK_FULL: 155, WEIR_BAD_EXTENSION_HEADER: 156, WEIR_UNSERVED: 158, WEIR_UNRELATED: 163, WEIR_UNSUPPORTED_ETHERTYPE: 166, WEIR_NAT_EXHAUSTED: 167, WEIR_NAT_UNSUPPORTED: 168, WEIR_NO_ROUTE: 169, WEIR_IS_CLUSTER_ADDRESS: 174, WEIR_FRAGMENT_WITHOUT_FIRST: 175, WEIR_FORBIDDEN_ICMP6: 176, WEIR_OUT_OF_RANGES: 177, WEIR_VLAN: 182, WEIR_NO_GATEWAY: 194, WEIR_TOO_OLD: 196, WEIR_CHATTER: 199, WEIR_NO_EGRESS_ADDRESS: 204, WEIR_NO_POLICY: 203}},
    weir_tally: {kind: 'enum', name: 'weir_tally', size: 4, values: {WEIR_TALLY_EVENTS_SUPPRESSED: 0, WEIR_TALLY_EVENTS_LOST: 1, WEIR_TALLY_FLOWS_OPENED: 2, WEIR_TALLY_FLOWS_REJUDGED: 3, WEIR_TALLY_FLOWS_CUT: 4, WEIR_TALLY_NAT_OPENED: 5, WEIR_TALLY_NAT_COLLISIONS: 6, WEIR_TALLY_NAT_EXHAUSTED: 7, WEIR_TALLY_NAT_REBUILT: 8, WEIR_TALLY_NAT_ERRORS: 9, WEIR_TALLIES: 10}},
    weir_nat_kind: {kind: 'enum', name: 'weir_nat_kind', size: 4, values: {WEIR_NAT_SERVICE: 1, WEIR_NAT_HAIRPIN: 2, WEIR_NAT_DIRECT: 3, WEIR_NAT_NODE_PORT: 4, WEIR_NAT_DSR: 5, WEIR_NAT_MASQUERADE: 6, WEIR_NAT_EGRESS_GATEWAY: 7, WEIR_NAT_FORWARDED: 8}},
    weir_scope: {kind: 'enum', name: 'weir_scope', size: 4, values: {WEIR_INTERNAL: 0, WEIR_EXTERNAL: 1, WEIR_ANY_ADDRESS: 2}},
    weir_frontend_flag: {kind: 'enum', name: 'weir_frontend_flag', size: 4, values: {WEIR_NODE_PORT: 1, WEIR_SOURCE_RANGES: 2, WEIR_CLUSTER_ADDRESS: 4, WEIR_LOCAL_ONLY: 8}},
    weir_egress_action: {kind: 'enum', name: 'weir_egress_action', size: 4, values: {WEIR_EGRESS_STEER: 1, WEIR_EGRESS_TRANSLATE: 2, WEIR_EGRESS_NO_GATEWAY: 3, WEIR_EGRESS_NO_ADDRESS: 4, WEIR_EGRESS_PASS: 5}},
    weir_masquerade_family: {kind: 'enum', name: 'weir_masquerade_family', size: 4, values: {WEIR_MASQUERADE_4: 1, WEIR_MASQUERADE_6: 2}},
    weir_sweep: {kind: 'struct', name: 'weir_sweep', size: 48, members: [{name: 'ct4', offsetBits: 0, type: {kind: 'struct', name: 'weir_sweep_count', size: 8, members: [{name: 'seen', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'removed', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}]}}, {name: 'ct6', offsetBits: 64, type: {kind: 'struct', name: 'weir_sweep_count', size: 8, members: [{name: 'seen', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'removed', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}]}}, {name: 'frag4', offsetBits: 128, type: {kind: 'struct', name: 'weir_sweep_count', size: 8, members: [{name: 'seen', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'removed', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}]}}, {name: 'frag6', offsetBits: 192, type: {kind: 'struct', name: 'weir_sweep_count', size: 8, members: [{name: 'seen', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'removed', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}]}}, {name: 'nat4', offsetBits: 256, type: {kind: 'struct', name: 'weir_sweep_count', size: 8, members: [{name: 'seen', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'removed', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}]}}, {name: 'nat6', offsetBits: 320, type: {kind: 'struct', name: 'weir_sweep_count', size: 8, members: [{name: 'seen', offsetBits: 0, type: {kind: 'int', size: 4, signed: false}}, {name: 'removed', offsetBits: 32, type: {kind: 'int', size: 4, signed: false}}]}}]},
  },
} as const
