/** What went wrong, in one stable word per cause. `docs/errors.md` explains each; a test keeps the two in step. */
export type WeirErrorCode = keyof WeirErrorPayloads

/**
 * The payload of each code. All rooms share this closed set, so that there is one place to look a code up.
 */
export interface WeirErrorPayloads {
  /** An input that can't be understood; `problems` has at least one entry. */
  WEIR_INPUT_INVALID: { readonly problems: readonly Problem[] }
  /** A manifest file or folder that the system doesn't let Weir read. */
  WEIR_MANIFEST_UNREADABLE: ManifestProblems
  /** A manifest file or document over the size limit. */
  WEIR_MANIFEST_TOO_LARGE: ManifestProblems
  /** A manifest file with bytes that are no UTF-8. */
  WEIR_MANIFEST_NOT_UTF8: ManifestProblems
  /** A document of a manifest file that isn't YAML, or has a key twice. */
  WEIR_MANIFEST_NOT_YAML: ManifestProblems
  /** A document that nests too deep, refers to itself, or asks for too much. */
  WEIR_MANIFEST_TOO_COMPLEX: ManifestProblems
  /** Two manifests define one object; the later one is refused. */
  WEIR_MANIFEST_DUPLICATE: ManifestProblems
  /** The pod networks have no address left for a pod. */
  WEIR_MANIFEST_ADDRESSES_EXHAUSTED: ManifestProblems
  /** The fold met an event that it can't apply (an unknown kind or schema version). */
  WEIR_EVENT_UNKNOWN: { readonly seq: number; readonly kind: string }
  /** The fold was handed an event that doesn't follow the last one. */
  WEIR_EVENT_OUT_OF_ORDER: { readonly seq: number; readonly expected: number }
  /** No number is left in a range that the outside sees. */
  WEIR_IDENTITIES_EXHAUSTED: { readonly first: number; readonly last: number }
  /** No address is left for a pod in the blocks of this node, of which there may be none. */
  WEIR_ADDRESSES_EXHAUSTED: { readonly blocks: readonly string[] }
  /** A word that can't go into a network command: `expected` says what could. */
  WEIR_NETWORK_NAME: { readonly name: string; readonly expected: string }
  /** A command of iproute2 or util-linux failed; `detail` is what it printed. */
  WEIR_NETWORK_COMMAND: { readonly command: string; readonly detail: string }
  /** Nobody answers at the agent's socket. */
  WEIR_AGENT_UNREACHABLE: { readonly socket: string }
  /** Who asks at the agent's socket may not ask that: `role` is what the kernel says of him, `needed` what it takes. */
  WEIR_FORBIDDEN: {
    readonly role: 'none' | 'reader' | 'admin'
    readonly needed: 'reader' | 'admin'
    readonly target: string
  }
  /** A question to the agent, or an argument of a command, that can't be understood. */
  WEIR_REQUEST_INVALID: { readonly problems: readonly Problem[] }
  /** No such object; `near` holds names that exist. */
  WEIR_NOT_FOUND: { readonly kind: string; readonly name: string; readonly near: readonly string[] }
  /** The agent takes no more inputs, because an earlier one couldn't be made durable or enforced. */
  WEIR_INTAKE_STOPPED: { readonly reason: string }
  /** Another process writes this log; `holder` is who, as far as it said so. */
  WEIR_LOG_LOCKED: { readonly path: string; readonly holder?: LogHolder }
  /**
   * The folder isn't a log that this build can open: it holds none, holds something else's database, a log in another
   * layout, or files that LevelDB can't open.
   */
  WEIR_LOG_UNREADABLE: {
    readonly path: string
    readonly reason: string
    readonly kind: 'no-log' | 'foreign' | 'version' | 'files'
  }
  /** A record of the log isn't what was written, or is gone; `seq` is the first bad one. */
  WEIR_LOG_DAMAGED: { readonly path: string; readonly seq: number; readonly damage: string }
  /** Event `seq` would be needed, and events before `first` were compacted (milliseconds since the epoch). */
  WEIR_LOG_COMPACTED: {
    readonly path: string
    readonly seq: number
    readonly first: number
    readonly compactedAt: number
  }
  /** The disk refused a write. The log takes no more; everything up to `durable` is safe. */
  WEIR_LOG_WRITE_FAILED: { readonly path: string; readonly durable: number; readonly reason: string }
  /** A write to a log that was opened for reading. */
  WEIR_LOG_READ_ONLY: { readonly path: string }
  /** A file that isn't an Ed25519 key as checkpoints are signed with, or that can't be read or made. */
  WEIR_CHECKPOINT_KEY: { readonly path: string; readonly reason: string }
  /** A file that isn't a key as pseudonyms follow from, or that can't be read or made. */
  WEIR_PSEUDONYM_KEY: { readonly path: string; readonly reason: string }
  /** An exported incident doesn't lead to the verdicts that the log leads to, from event `seq` on; it was removed. */
  WEIR_INCIDENT_DIFFERS: { readonly path: string; readonly seq: number }
  /** Another build of Weir, run to compare with this one, couldn't be run or failed; `detail` is what it said. */
  WEIR_BUILD_FAILED: { readonly build: string; readonly detail: string }
  /** The log was closed before this could be done. */
  WEIR_LOG_CLOSED: { readonly path: string }
  /** The folder doesn't hold flows that this build can read. */
  WEIR_FLOWS_UNREADABLE: { readonly path: string; readonly reason: string }
  /** A window of flows isn't what was written, or is gone. */
  WEIR_FLOWS_DAMAGED: { readonly path: string; readonly window: number; readonly reason: string }
  /** The disk refused to take flows; verdicts don't depend on them. */
  WEIR_FLOWS_WRITE_FAILED: { readonly path: string; readonly reason: string }
  /** An import needs an empty log; this one ends at `head`. */
  WEIR_LOG_NOT_EMPTY: { readonly path: string; readonly head: number }
  /** An exported log that can't be imported; `line` is 1-based. */
  WEIR_IMPORT_INVALID: { readonly line: number; readonly reason: string }
  /** One event is larger than the log takes. */
  WEIR_EVENT_TOO_LARGE: { readonly kind: string; readonly sizeBytes: number; readonly limitBytes: number }
  /** A value that no record can hold (a function, a symbol, a cycle). */
  WEIR_EVENT_UNENCODABLE: { readonly kind: string; readonly reason: string }
  /** A record of a schema version that this build doesn't know. */
  WEIR_EVENT_VERSION: { readonly version: number; readonly supported: number }
  /** A snapshot of the engine that another build wrote. */
  WEIR_SNAPSHOT_VERSION: { readonly version: number; readonly supported: number }
  /** A map has no room for what a change needs; `size` and `needed` are entries. */
  WEIR_MAP_FULL: { readonly map: string; readonly size: number; readonly needed: number }
  /** There is no BPF file system to pin maps and links in, and none could be mounted. */
  WEIR_BPFFS_MISSING: { readonly path: string; readonly reason: string }
  /** A cgroup that programs can't be attached to. */
  WEIR_CGROUP_UNUSABLE: { readonly path: string; readonly reason: string }
  /** The process lacks what eBPF needs. */
  WEIR_CAPABILITY_MISSING: { readonly missing: readonly string[] }
  /** The kernel can't do what the datapath needs; `detail` is what it said. */
  WEIR_KERNEL_UNSUPPORTED: { readonly feature: string; readonly kernel: string; readonly detail: string }
  /** A program of the datapath hasn't been built. */
  WEIR_PROGRAM_MISSING: { readonly path: string; readonly build: string }
  /** A port of the node that services' health is to be asked at, and that can't be had. '' is the node's own health. */
  WEIR_PORT_UNAVAILABLE: {
    readonly service: string
    readonly address: string
    readonly port: number
    readonly reason: string
  }
  /** What is to lead to the API server can't be read or used. */
  WEIR_KUBERNETES_CONFIG: { readonly reason: string }
  /** Nobody answers where the API server is said to be, or not to the end. */
  WEIR_KUBERNETES_UNREACHABLE: { readonly server: string; readonly reason: string }
  /** The API server refuses a request, or answers what can't be understood; `status` is HTTP's. */
  WEIR_KUBERNETES_ANSWER: {
    readonly path: string
    readonly status: number
    readonly reason: string
    /** How long it wants to be left alone; 0 when it doesn't say. */
    readonly retryAfterMs: number
  }
  /** A map or a hook couldn't be read or written; the reconciler tries again. */
  WEIR_DATAPATH_FAILED: { readonly operation: string; readonly reason: string }
}

/** Who holds a log open for writing. */
export interface LogHolder {
  readonly pid: number
  readonly command: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** Why a manifest is refused; `problems` has at least one entry. */
export interface ManifestProblems {
  /** Absolute path. */
  readonly file: string
  readonly problems: readonly Problem[]
}

/** One thing wrong with an input: where it is, what it is, what would be right. */
export interface Problem {
  /** File path, URL or other name of the document's origin; absent when the caller knows it. */
  readonly file?: string
  /** 1-based line in `file`. */
  readonly line?: number
  /** Field path as kubectl writes it: `spec.ingress[0].ports[1].port`. Empty for the document itself. */
  readonly path: string
  /** What is wrong, as a sentence without full stop. */
  readonly message: string
  /** The offending value, shortened to 120 characters of JSON. */
  readonly value?: string
  /** What would be legal there. */
  readonly expected?: string
}

/** Every error that Weir throws or returns on purpose. */
export class WeirError<Code extends WeirErrorCode = WeirErrorCode> extends Error {
  override readonly name = 'WeirError'
  readonly code: Code
  readonly payload: WeirErrorPayloads[Code]

  constructor(code: Code, message: string, payload: WeirErrorPayloads[Code], options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.payload = payload
  }
}
