import { type ChangeStep, change, type Family, families, of } from './fixture.js'
import { address } from './frames.js'
import type { Typed } from './machine.js'
import { node, type Pod } from './world.js'

type Who = { readonly four: string; readonly six: string }

/** A pod of another node. */
export const faraway = { four: '10.0.2.9', six: 'fd00::2:9', identity: 1009, peerClass: 19 } as const
/** What an egress gateway leaves with. */
export const egressAddress = { four: '10.0.0.99', six: 'fd00::99' } as const
/** Another node that is a gateway. */
export const gateway = { four: '10.0.0.3', six: 'fd00::3' } as const
/** Outside, and not masqueraded. */
export const known = { four: '172.16.5.5', six: 'fd77::5' } as const

export const actions = { steer: 1, translate: 2, noGateway: 3, noAddress: 4, pass: 5 } as const

/** The switches, as the tables have them by now. */
const turn = (machine: Typed, masquerades: number, rules: number): void =>
  machine.put('weir_leaving', 0, { masquerades, rules })

/** Pods' packets leave by the node's device under the node's address, but for those to a block that `known` is in. */
export const masquerading = (from: Who = node): ChangeStep =>
  change(machine => {
    machine.put('weir_masquerade', machine.ifindex.n, { ipv4: address(from.four), ipv6: address(from.six) })
    machine.put('weir_unmasked4', { length: 12, address: address('172.16.0.0') }, 1)
    machine.put('weir_unmasked6', { length: 16, address: address('fd77::') }, 1)
    turn(machine, 3, 0)
  })

/** The device has no address to masquerade with. */
export const withoutAddress: ChangeStep = change(machine => {
  machine.put('weir_masquerade', machine.ifindex.n, {})
  turn(machine, 3, 0)
})

/** What becomes of a pod's packets to a block of destinations. */
export const ruled = (
  who: Pick<Pod, 'four' | 'six'>,
  to: Who,
  action: keyof typeof actions,
  by: Who = egressAddress,
  lengths: Readonly<Record<Family, number>> = { 4: 32, 6: 128 },
): ChangeStep =>
  change(machine => {
    for (const family of families) {
      const bits = family === 4 ? 32 : 128
      const key = {
        length: bits + lengths[family],
        source: address(of(who, family)),
        destination: address(of(to, family)),
      }
      const value = new Uint8Array(16)
      value.set(address(of(by, family)))
      machine.put(`weir_egress${family}`, key, { action: actions[action], address: value })
    }
    turn(machine, Number((machine.get('weir_leaving', 0) as { masquerades: number }).masquerades), 1)
  })

export const unmask = (family: Family, who: Who): ChangeStep =>
  change(machine =>
    machine.put(`weir_unmasked${family}`, { length: family === 4 ? 32 : 128, address: address(of(who, family)) }, 1),
  )

export const mask = (family: Family, who: Who): ChangeStep =>
  change(machine =>
    machine.remove(`weir_unmasked${family}`, { length: family === 4 ? 32 : 128, address: address(of(who, family)) }),
  )
