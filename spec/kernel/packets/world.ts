import { address, bytes, type Link, mac } from './frames.js'
import type { Typed } from './machine.js'

/**
 * The cluster that every fixture starts from. Ports and rows:
 * - a may call everyone; it takes TCP 80, UDP 53, SCTP 36412 and echo requests, from anyone.
 * - b may call everyone; it takes the same from a alone.
 * - c may call nobody (its deny names a reason of its own, 181); it takes everything.
 * - d is known, but no interface is attached yet; it takes and calls everything.
 */
export interface Pod {
  readonly name: 'a' | 'b' | 'c' | 'd'
  readonly slot: number
  readonly subject: number
  readonly peerClass: number
  readonly identity: number
  readonly four: string
  readonly six: string
  readonly pod: Uint8Array
  readonly host: Uint8Array
}

const pod = (name: Pod['name'], index: number): Pod => ({
  name,
  slot: 255 + index,
  subject: index,
  peerClass: 10 + index,
  identity: 1000 + index,
  four: `10.0.1.${index}`,
  six: `fd00::1:${index}`,
  pod: mac(`02:00:00:00:0${index}:01`),
  host: mac(`02:00:00:00:0${index}:02`),
})

export const a = pod('a', 1)
export const b = pod('b', 2)
export const c = pod('c', 3)
export const d = pod('d', 4)
export const pods = [a, b, c, d] as const

/** The node's own device, by which the outside is reached. */
export interface Device {
  readonly name: 'n'
}
export const device: Device = { name: 'n' }

export const node = { four: '10.0.0.1', six: 'fd00::1', identity: 1, peerClass: 20 } as const
/** Addresses of nobody that is known: the widest prefix holds them. */
export const outside = { four: '192.0.2.7', six: '2001:db8::7' } as const
/** An address in a longer prefix, which b takes everything from. */
export const partner = { four: '198.51.100.9', six: '2001:db8:1::9' } as const
export const worldClass = 30
export const partnerClass = 31

/** Out of the pod, towards its one neighbour. */
export const leaving = ({ pod: from, host: to }: Pod): Link => ({ from, to })
/** From the host side to the pod. */
export const arriving = ({ pod: to, host: from }: Pod): Link => ({ from, to })

export const allow = 1
export const deny = 0
export const denyBecause = (reason: number): number => reason << 8

export interface Step {
  readonly key: number
  readonly word: number
}

export const port = (protocol: number, number: number): number => protocol * 0x10000 + number

/** Allows these keys alone. */
export function only(...keys: number[]): Step[] {
  const steps = new Map([[0, deny]])
  for (const key of [...keys].sort((x, y) => x - y)) {
    steps.set(key, allow)
    if (!keys.includes(key + 1)) steps.set(key + 1, deny)
  }
  return [...steps].map(([key, word]) => ({ key, word }))
}

const everything: Step[] = [{ key: 0, word: allow }]
const nothing: Step[] = [{ key: 0, word: deny }]
const named: Step[] = [{ key: 0, word: denyBecause(181) }]
const services = only(port(6, 80), port(17, 53), port(132, 36412), port(1, 0x0800), port(58, 0x8000))

const stepsPerChunk = 16

/** Writes a row and returns its cell. */
export function putRow(machine: Typed, first: number, steps: readonly Step[]): { first: number; chunks: number } {
  const chunks = Math.ceil(steps.length / stepsPerChunk)
  for (let i = 0; i < chunks; i++) {
    const part = steps.slice(i * stepsPerChunk, (i + 1) * stepsPerChunk)
    const fill = <Value>(values: Value[], value: Value): Value[] => [
      ...values,
      ...Array<Value>(stepsPerChunk - values.length).fill(value),
    ]
    machine.put('weir_rows', first + i, {
      key: fill(
        part.map(({ key }) => key),
        0xffffffff,
      ),
      verdict: fill(
        part.map(({ word }) => word),
        0,
      ),
    })
  }
  return { first, chunks }
}

export const egress = 0
export const ingress = 1

export function putCell(
  machine: Typed,
  subject: number,
  direction: number,
  peerClass: number,
  cell: { first: number; chunks: number },
): void {
  machine.put('weir_cells', { subject, direction, peer_class: peerClass }, cell)
}

export function putEndpoint(machine: Typed, of: Pod, ifindex: number, generation: number): void {
  machine.put('weir_endpoints', of.slot, {
    generation,
    ifindex,
    pod_mac: of.pod,
    host_mac: of.host,
    identity: of.identity,
  })
}

const peer = (who: { identity: number; peerClass: number; subject?: number; slot?: number }) => ({
  identity: who.identity,
  peer_class: who.peerClass,
  subject: who.subject ?? 0,
  slot: who.slot ?? 0,
})

const addressKey = (text: string) => ({ address: address(text) })

export function putAddress(machine: Typed, text: string, who: Parameters<typeof peer>[0]): void {
  machine.put(text.includes(':') ? 'weir_addr6' : 'weir_addr4', addressKey(text), peer(who))
}

export function removeAddress(machine: Typed, text: string): void {
  machine.remove(text.includes(':') ? 'weir_addr6' : 'weir_addr4', addressKey(text))
}

export function putPrefix(machine: Typed, text: string, length: number, peerClass: number): void {
  const isSix = text.includes(':')
  const whole = address(text)
  machine.put(isSix ? 'weir_pfx6' : 'weir_pfx4', { length, address: whole }, peer({ identity: 2, peerClass }))
}

export const rows = { everything: 0, nothing: 1, named: 2, services: 3, free: 100 } as const

export function fill(machine: Typed): void {
  const cells = {
    everything: putRow(machine, rows.everything, everything),
    nothing: putRow(machine, rows.nothing, nothing),
    named: putRow(machine, rows.named, named),
    services: putRow(machine, rows.services, services),
  }
  for (const of of pods) {
    const ifindex = of.name === 'd' ? 0 : machine.ifindex[of.name]
    putEndpoint(machine, of, ifindex, 1)
    if (ifindex !== 0) machine.put('weir_devices', ifindex, of.slot)
    putCell(machine, of.subject, egress, 0, of === c ? cells.named : cells.everything)
    putCell(
      machine,
      of.subject,
      ingress,
      0,
      { a: cells.services, b: cells.nothing, c: cells.everything, d: cells.everything }[of.name],
    )
    putAddress(machine, of.four, of)
    putAddress(machine, of.six, of)
  }
  putCell(machine, b.subject, ingress, a.peerClass, cells.services)
  putCell(machine, b.subject, ingress, partnerClass, cells.everything)
  putAddress(machine, node.four, node)
  putAddress(machine, node.six, node)
  putPrefix(machine, '0.0.0.0', 0, worldClass)
  putPrefix(machine, '::', 0, worldClass)
  putPrefix(machine, '198.51.100.0', 24, partnerClass)
  putPrefix(machine, '2001:db8:1::', 48, partnerClass)
}

export const broadcast: Link = { from: a.pod, to: bytes(255, 255, 255, 255, 255, 255) }
