import { unwired } from '../peer.js'
import type { Installed } from '../plan/installed.js'
import type { Goal, Operation } from '../plan/operation.js'
import { sharedSlot } from '../plan/shared-slot.js'
import type { MapWrite } from './batch.js'
import { deviceWrite } from './encode.js'
import type { Content } from './read.js'
import type { RepairReport } from './report.js'

const examplesMost = 10

/** Device entries that don't say what the endpoints say, as the writes that set them right. */
export function deviceRepairs(content: Content): readonly MapWrite[] {
  const wanted = new Map<number, number>()
  for (const [slot, { wiring }] of content.installed.endpoints)
    if (wiring.ifindex !== 0) wanted.set(wiring.ifindex, slot)
  const writes: MapWrite[] = []
  for (const [ifindex, slot] of wanted)
    if (content.devices.get(ifindex) !== slot) writes.push(deviceWrite(ifindex, slot))
  for (const ifindex of content.devices.keys()) if (!wanted.has(ifindex)) writes.push(deviceWrite(ifindex, undefined))
  return writes
}

/** The goal of a repair, counted and in words. */
export function describeGoal(
  goal: Goal,
  devices: number,
  attachments: readonly string[],
): Pick<RepairReport, 'differences' | 'examples'> {
  const said = (peer: object | undefined) => (peer === undefined ? 'unknown to the tables' : 'missing or different')
  const examples = [
    ...[...goal.addresses].map(([address, peer]) => `address ${address}: ${said(peer)}`),
    ...[...goal.prefixes].map(([prefix, peer]) => `prefix ${prefix}: ${said(peer)}`),
    ...goal.cells.map(
      cell =>
        `cell of subject ${cell.subject}, ${cell.direction === 0 ? 'egress' : 'ingress'}, peer class ${cell.peerClass}: ${said(cell.row)}`,
    ),
    ...[...goal.endpoints].map(([slot, wiring]) => `endpoint slot ${slot}: ${said(wiring)}`),
    ...attachments.map(name => `programs at ${name}: missing`),
  ]
  return {
    differences: {
      addresses: goal.addresses.size,
      prefixes: goal.prefixes.size,
      cells: goal.cells.length,
      endpoints: goal.endpoints.size,
      devices,
      attachments: attachments.length,
    },
    examples: examples.slice(0, examplesMost),
  }
}

/**
 * Generations of all local endpoints and of the node that the plan doesn't bump itself. Every flow has one of them at one
 * end, so this makes every flow judged again: for when nobody knows what was judged under what.
 */
export function bumpEndpoints(installed: Installed, planned: readonly Operation[]): readonly Operation[] {
  const generation = installed.generation + 1
  const last = new Map<number, Operation & { readonly table: 'endpoints' }>()
  for (const operation of planned) if (operation.table === 'endpoints') last.set(operation.slot, operation)
  const slots = new Set<number>(last.keys())
  for (const [slot, { wiring }] of installed.endpoints) if (wiring !== unwired && wiring.ifindex !== 0) slots.add(slot)
  for (const subject of installed.subjects()) {
    for (const address of installed.addressesOf(subject)) {
      slots.add(installed.peerAt(address)!.slot || sharedSlot(address))
    }
  }
  const bumps: Operation[] = []
  for (const slot of slots) {
    const now = last.get(slot) ?? installed.endpoint(slot)
    if (now.generation < generation) bumps.push({ table: 'endpoints', slot, wiring: now.wiring, generation })
  }
  return bumps
}
