import { counted } from '@weir/core/counted.js'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { DsrDispatch, LbMode, XdpChoice } from '@weir/datapath/backend.js'
import { type RoutingMode, routingModes } from '@weir/core/routing/node-ways.js'
import type { PortRange } from '@weir/datapath/kernel/nat-ports.js'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Agent } from '../../agent/agent.js'
import type { BackendChoice, AgentOptions as CreateOptions } from '../../agent/agent-options.js'
import { systemClock } from '../../agent/clock.js'
import { runAsAgent } from '../../agent/engine-flags.js'
import type { AttachChoice } from '../../agent/datapath.js'
import { type MapSizes, sizableMaps } from '../../agent/map-names.js'
import { cgroupRoot } from '../../agent/cgroup-root.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import type { Retention } from '../../agent/retention.js'
import { command, type CommandContext, socketOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { defaultStateFolder } from '../log-folder.js'
import { byteSize, duration } from '../quantities.js'
import { type CniFlags, addCniOptions, cniFoldersOf, cniOptionsOf } from '../cni-options.js'
import { hashSeedOption, type MaglevOptions, maglevTables, tableSizeOption } from '../maglev-options.js'
import { portRange } from '../port-range.js'
import { printable } from '../printable.js'

interface AgentOptions extends MaglevOptions, CniFlags {
  readonly state: string
  readonly manifests?: string
  readonly kubernetes?: true
  readonly kubernetesWrite?: true
  readonly kubeconfig?: string
  readonly context?: string
  readonly node: string
  readonly cluster: string
  readonly backend: BackendChoice
  readonly bpffs?: string
  readonly netns?: string
  readonly nodeAddress?: readonly string[]
  readonly podCidr?: readonly string[]
  readonly cidrMatch?: readonly ('nodes' | 'pods')[]
  readonly device?: readonly string[] | false
  readonly failSafePort?: readonly number[] | false
  readonly nodePortAddress?: readonly string[]
  readonly masquerade: readonly ('ipv4' | 'ipv6')[]
  readonly routing: RoutingMode
  readonly nativeRoutingCidr?: readonly string[]
  readonly ipMasqConfig?: string
  readonly cgroup?: string
  readonly healthzAddress?: { readonly address: string; readonly port: number }
  readonly attach: AttachChoice
  readonly xdp: XdpChoice
  readonly lbMode: LbMode
  readonly dsrDispatch: DsrDispatch
  readonly natPortRange?: PortRange
  readonly mapSize: MapSizes
  readonly checkpointKey?: string
  readonly checkpointEvery: number
  readonly checkpointMinutes: number
  readonly flowAge: number
  readonly flowSize: number
  readonly flowRate: number
  readonly logRetentionAge?: number
  readonly logRetentionSize?: number
  readonly socket: string
  readonly socketAdminGroup?: readonly string[]
  readonly socketReaderGroup?: readonly string[]
}

/** `weir agent` */
export function agentCommand(context: CommandContext): Command {
  const made = command(
    context,
    'agent',
    'run on a node: read inputs, keep the log, enforce policies',
    async (options: AgentOptions) => {
      const { terminal } = context
      runAsAgent()
      // Native code is loaded only by commands that need it.
      const { createAgent } = await import('../../agent/agent.js')
      const agent = await createAgent({
        stateFolder: resolve(context.workingFolder, options.state),
        socketPath: options.socket,
        access: { admins: options.socketAdminGroup ?? [], readers: options.socketReaderGroup ?? [] },
        node: options.node,
        cluster: options.cluster,
        backend: options.backend,
        attach: options.attach,
        xdp: options.xdp,
        lbMode: options.lbMode,
        dsrDispatch: options.dsrDispatch,
        mapSizes: options.mapSize,
        maglev: maglevTables(options),
        masquerade: options.masquerade,
        routing: options.routing,
        checkpointEvery: options.checkpointEvery,
        checkpointPeriodMs: options.checkpointMinutes * 60_000,
        clock: systemClock,
        ...(options.flowAge > 0 && { flowHistory: { ageMs: options.flowAge, sizeBytes: options.flowSize } }),
        flowEventsPerSecond: options.flowRate,
        report: message => terminal.note(`weir: ${printable(message)}`),
        ...(options.manifests !== undefined && { manifests: resolve(context.workingFolder, options.manifests) }),
        ...kubernetesOf(options, context.workingFolder),
        ...cniOptionsOf(options),
        ...retentionOf(options),
        ...(options.checkpointKey !== undefined && {
          checkpointKey: resolve(context.workingFolder, options.checkpointKey),
        }),
        ...cgroupOf(options.cgroup),
        ...(options.natPortRange !== undefined && { natPorts: options.natPortRange }),
        ...(options.bpffs !== undefined && { bpffs: options.bpffs }),
        ...(options.netns !== undefined && { netns: options.netns }),
        ...(options.nodeAddress !== undefined && { nodeAddresses: options.nodeAddress }),
        ...(options.podCidr !== undefined && { podCidrs: options.podCidr }),
        ...(options.cidrMatch !== undefined && { cidrMatch: options.cidrMatch }),
        ...(options.device !== undefined && { devices: options.device || [] }),
        ...(options.failSafePort !== undefined && { failSafePorts: options.failSafePort || [] }),
        ...(options.healthzAddress !== undefined && { healthz: options.healthzAddress }),
        ...(options.nodePortAddress !== undefined && { nodePortAddresses: options.nodePortAddress }),
        ...(options.nativeRoutingCidr !== undefined && { nativeRoutingCidrs: options.nativeRoutingCidr }),
        ...(options.ipMasqConfig !== undefined && {
          ipMasqConfig: resolve(context.workingFolder, options.ipMasqConfig),
        }),
      })
      terminal.note(
        `weir: node ${options.node}, ${agent.backendKind} backend, ${counted(agent.engine.seq, 'event')}, socket ${options.socket}`,
      )
      try {
        await installWhenReady(agent, cniFoldersOf(options, context), options.socket)
        await new Promise<void>(done => {
          if (context.interrupted.aborted) done()
          context.interrupted.addEventListener('abort', () => done(), { once: true })
        })
      } finally {
        await agent.stop()
      }
      return exitCodes.ok
    },
  )
    .option(
      '--state <folder>',
      'where the log is (or WEIR_STATE)',
      context.environment.WEIR_STATE ?? defaultStateFolder,
    )
    .option('--checkpoint-key <file>', 'Ed25519 key, PEM, that signs the log; else one is made in the state folder')
    .option('--checkpoint-every <events>', 'events between checkpoints', wholeNumber(1), 10_000)
    .option('--checkpoint-minutes <minutes>', 'longest that an event waits for one', wholeNumber(1), 10)
    .option(
      '--log-retention-age <age>',
      'let go events older than this, such as 30d or 12h; else all are kept',
      duration,
    )
    .option('--log-retention-size <size>', 'let go the oldest events beyond this, such as 2GiB', byteSize)
    .option('--manifests <path>', 'a folder or file of Kubernetes manifests to follow')
    .option('--kubernetes', 'follow an API server, by a kubeconfig or what a pod is given; beside --manifests, too')
    .option('--kubernetes-write', 'tell the cluster which policies are refused, too: conditions, Events, an annotation')
    .option('--kubeconfig <file>', 'for --kubernetes (default: KUBECONFIG, ~/.kube/config, the pod’s service account)')
    .option('--context <name>', 'of the kubeconfig, in place of its current one')
    .option('--node <name>', "this node's name", context.environment.WEIR_NODE ?? hostname())
    .option('--cluster <name>', "the cluster's name", 'default')
    .addOption(new Option('--backend <kind>', 'where tables go').choices(['kernel', 'memory', 'auto']).default('auto'))
    .option('--node-address <address...>', 'addresses of this node; else those of its Node manifest')
    .option('--node-port-address <cidr...>', 'blocks of this node’s addresses that have node ports; else all have')
    .option('--pod-cidr <cidr...>', 'where pods of manifests without addresses get one: a block of each family')
    .addOption(
      new Option(
        '--cidr-match <whom...>',
        'whom CIDRs of Cilium policies match besides addresses outside the cluster',
      ).choices(['nodes', 'pods']),
    )
    .option(
      '--device <name...>',
      "the node's own devices, where its policy holds: names, * for any characters (else those of default routes and " +
        "with the node's addresses)",
    )
    .option('--no-device', "hold the node's policy at none of its devices, only to its pods")
    .option(
      '--fail-safe-port <port...>',
      'TCP ports of the node that stay open whatever isolates it, in place of 22 and 6443',
      withPort,
    )
    .option('--no-fail-safe-port', 'none: policy may lock everybody out')
    .addOption(
      new Option(
        '--masquerade <families>',
        "families in which pods' traffic leaves the cluster by the node's own devices under the node's address: ipv4, " +
          'ipv6, both with a comma, or off',
      )
        .argParser(families)
        .default(['ipv4', 'ipv6'], 'ipv4,ipv6'),
    )
    .addOption(
      new Option(
        '--routing <how>',
        'how pods of other nodes are reached: native adds direct routes to nodes on a link of this one, vxlan and geneve put packets into others between nodes; off leaves it to the fabric',
      )
        .choices(routingModes)
        .default('off'),
    )
    .option('--native-routing-cidr <cidr...>', 'blocks that are reached without masquerading')
    .option('--ip-masq-config <file>', "a file of ip-masq-agent's form to follow, for more such blocks; there or not")
    .option(
      '--bpffs <folder>',
      'BPF file system for pinned maps and links; mounted when it is not (default /sys/fs/bpf)',
    )
    .option(
      '--cgroup <folder>',
      'cgroup 2 whose processes reach services by their addresses, or none (default: the root of the hierarchy)',
    )
    .option(
      '--healthz-address <address:port>',
      "where the node's own health is answered at /healthz, as kube-proxy's at 0.0.0.0:10256 (default: nowhere)",
      withSocket,
    )
    .addOption(
      new Option('--attach <how>', 'how programs are attached: auto takes TCX where the kernel has it')
        .choices(['auto', 'tcx', 'clsact'])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--xdp <how>',
        "services of the outside before the stack, at the node's devices: auto takes native XDP where it is of use",
      )
        .choices(['native', 'generic', 'auto', 'off'])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--lb-mode <how>',
        'how answers of backends on other nodes reach clients outside: by this node, straight, or straight for TCP alone',
      )
        .choices(['snat', 'dsr', 'hybrid'])
        .default('snat'),
    )
    .addOption(
      new Option(
        '--dsr-dispatch <how>',
        'how a node whose backend answers straight learns what its client called: by an option, or by packets within packets',
      )
        .choices(['opt', 'ipip'])
        .default('opt'),
    )
    .option('--nat-port-range <from-to>', 'ports for flows that get another one by translation', portRange)
    .option(
      '--map-size <map=entries>',
      `size of a kernel map, as often as needed: ${sizableMaps.map(shortName).join(', ')}`,
      withMapSize,
      {},
    )
    .addOption(
      new Option('--flow-age <time>', 'how long flow history is kept: 12h, 7d; 0 keeps none')
        .argParser(duration)
        .default(duration('7d'), '7d'),
    )
    .addOption(
      new Option('--flow-size <size>', 'how large flow history may grow')
        .argParser(byteSize)
        .default(byteSize('1GiB'), '1GiB'),
    )
    .option(
      '--flow-rate <packets>',
      'packets a second and CPU that the datapath tells of; more are counted, not told',
      wholeNumber(0),
      defaultFlowRate,
    )
    .addOption(tableSizeOption())
    .addOption(hashSeedOption())
    .option('--netns <path>', "network namespace of the node's side of the pods' devices, when it isn't this process's")
    .addOption(socketOption(defaultSocketPath, context.environment))
    .option('--socket-admin-group <group...>', 'groups whose members may ask and change at the socket, besides root')
    .option('--socket-reader-group <group...>', 'groups whose members may ask at the socket, and change nothing')
  return addCniOptions(made)
}

/** Runtimes begin to call when they find the list: everything must be in force by then. */
async function installWhenReady(
  agent: Pick<Agent, 'ready'>,
  folders: ReturnType<typeof cniFoldersOf>,
  socketPath: string,
): Promise<void> {
  if (folders === undefined) return
  await agent.ready
  const { installCni } = await import('../../cni/install.js')
  await installCni({ ...folders, socketPath })
}

/** Packets a second and CPU that are told of. */
const defaultFlowRate = 20_000

/** Most entries that a map may be given: past it the kernel runs out of memory before the map does. */
const mapSizeMost = 2 ** 26

/** Absent where it isn't wanted, or the system has no hierarchy that could be taken. */
function cgroupOf(given: string | undefined): { readonly cgroup?: string } {
  if (given === 'none') return {}
  const cgroup = given ?? cgroupRoot()
  return cgroup === undefined ? {} : { cgroup }
}

function kubernetesOf(
  { kubernetes, kubernetesWrite, kubeconfig, context }: AgentOptions,
  workingFolder: string,
): Pick<CreateOptions, 'kubernetes'> {
  if (kubernetes === undefined) return {}
  return {
    kubernetes: {
      ...(kubeconfig !== undefined && { kubeconfig: resolve(workingFolder, kubeconfig) }),
      ...(context !== undefined && { context }),
      ...(kubernetesWrite === true && { writesBack: true }),
    },
  }
}

function retentionOf({ logRetentionAge, logRetentionSize }: AgentOptions): { readonly logRetention?: Retention } {
  if (logRetentionAge === undefined && logRetentionSize === undefined) return {}
  return {
    logRetention: {
      ...(logRetentionAge !== undefined && { ageMs: logRetentionAge }),
      ...(logRetentionSize !== undefined && { sizeBytes: logRetentionSize }),
    },
  }
}

function shortName(map: string): string {
  return map.replace(/^weir_/, '')
}

/** `ipv4,ipv6` */
function families(text: string): readonly ('ipv4' | 'ipv6')[] {
  const named = text === 'off' ? [] : text.split(',')
  const known = named.filter(name => name === 'ipv4' || name === 'ipv6')
  if (known.length < named.length) throw new InvalidArgumentError('ipv4, ipv6, ipv4,ipv6 or off is expected.')
  return known
}

function withPort(text: string, before: readonly number[] | boolean | undefined): readonly number[] {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65535)
    throw new InvalidArgumentError('A port from 1 to 65535 is expected.')
  return [...(Array.isArray(before) ? before : []), Number(text)]
}

/** `0.0.0.0:10256`, `[::]:10256` */
function withSocket(text: string): { readonly address: string; readonly port: number } {
  const [, six, four, port = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const address = six ?? four ?? ''
  if (isIP(address) !== (six === undefined ? 4 : 6) || Number(port) < 1 || Number(port) > 65535)
    throw new InvalidArgumentError('ADDRESS:PORT is expected, such as 0.0.0.0:10256 or [::]:10256.')
  return { address, port: Number(port) }
}

/** `cells=500000`, added to those given before. */
function withMapSize(text: string, before: MapSizes): MapSizes {
  const [given = '', entries = ''] = text.split('=', 2)
  const map = sizableMaps.find(name => name === given || shortName(name) === given)
  if (map === undefined || !text.includes('=')) {
    const names = sizableMaps.map(shortName).join(', ')
    throw new InvalidArgumentError(`MAP=ENTRIES is expected, where MAP is one of ${names}.`)
  }
  const size = Number(entries)
  if (!/^\d+$/.test(entries) || size < 1 || size > mapSizeMost)
    throw new InvalidArgumentError(`A whole number of entries from 1 to ${mapSizeMost} is expected.`)
  return { ...before, [map]: size }
}
