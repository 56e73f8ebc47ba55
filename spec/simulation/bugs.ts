import { Engine, type WeirEvent } from '@weir/core'
import { Claims } from '@weir/adapters/agent/claims.js'
import { HostDevices } from '@weir/adapters/agent/host-devices.js'
import { Routing } from '@weir/adapters/routing/routing.js'
import { ObjectIntake } from '@weir/adapters/kubernetes/intake.js'
import type { RememberedReading } from '@weir/adapters/manifests/assemble.js'
import { ManifestMemory } from '@weir/adapters/manifests/memory.js'
import { LeavingReconciler } from '@weir/datapath/leaving/reconciler.js'
import { OverlayReconciler } from '@weir/datapath/overlay/reconciler.js'
import { BatchBuilder } from '@weir/datapath/reconcile/batch.js'
import { Reconciler } from '@weir/datapath/reconcile/reconciler.js'
import { Turns } from '@weir/datapath/reconcile/turns.js'
import { BackendPlaces } from '@weir/datapath/services/backend-places.js'
import { InstalledFrontends } from '@weir/datapath/services/installed-frontends.js'
import { ServiceStore } from '@weir/datapath/services/store.js'
import { EventLog } from '@weir/store'
import { durably } from '@weir/store/log/keys.js'
import type { RtRequest } from 'netns-napi'
import { WaysKernel, weirs } from './ways-kernel.js'

/** A mistake that an agent could have. */
export interface Bug {
  readonly name: string
  /** A seed from which on it shows soon, where that takes longer than a few seeds from 1. */
  readonly from?: number
  /** Gives it to all agents; the function returned takes it back. */
  plant(): () => void
}

/** Puts another in the place of a method. */
function replace<Of extends object, Key extends keyof Of>(of: Of, key: Key, by: (original: Of[Key]) => Of[Key]) {
  const original = of[key]
  of[key] = by(original)
  return () => {
    of[key] = original
  }
}

/** One for each law that a mistake of an agent's own could break unseen by tests of its parts. */
export const bugs: readonly Bug[] = [
  {
    name: 'acts before an event is durable',
    plant: () =>
      replace(
        EventLog.prototype,
        'append',
        original =>
          async function (this: EventLog, drafts) {
            const first = this.head.seq + 1
            void original.call(this, drafts).catch(() => undefined)
            return { first, last: first + drafts.length - 1 }
          },
      ),
  },
  {
    name: 'asks the disk for no sync',
    plant: () => {
      const given = durably as { sync: boolean }
      given.sync = false
      return () => {
        given.sync = true
      }
    },
  },
  {
    name: 'deletes before it makes',
    plant: () =>
      replace(
        BatchBuilder.prototype,
        'batches',
        original =>
          function (this: BatchBuilder) {
            const batches = original.call(this)
            return [
              ...batches.filter(({ kind }) => kind === 'delete'),
              ...batches.filter(({ kind }) => kind === 'update'),
            ]
          },
      ),
  },
  {
    name: 'forgets a batch that failed',
    plant: () =>
      replace(Turns.prototype, 'run', () => <Result>(work: () => Result): Result => {
        try {
          return work()
        } catch {
          return { writes: {}, batches: 0, attached: [], detached: [] } as Result
        }
      }),
  },
  {
    name: 'forgets what came behind the snapshot that it starts from',
    plant: () =>
      replace(
        Engine,
        'restore',
        original =>
          function (this: typeof Engine, ...given) {
            const engine = original.apply(this, given)
            const { fold } = engine
            engine.fold = (events: readonly WeirEvent[]) =>
              fold.call(
                engine,
                events.map(({ seq }) => ({ kind: 'time.passed', until: 0, time: 0, source: '', seq })),
              )
            return engine
          },
      ),
  },
  {
    name: 'points to backends before it writes them',
    plant: () =>
      replace(
        ServiceStore.prototype,
        'takeBatches',
        original =>
          function (this: ServiceStore) {
            return [...original.call(this)].reverse()
          },
      ),
  },
  {
    name: 'takes places of backends for free when it starts again',
    plant: () => replace(BackendPlaces.prototype, 'adopt', () => () => {}),
  },
  {
    name: 'lets a service without room hold up all others',
    from: 2000,
    plant: () => replace(InstalledFrontends.prototype, 'hasRoomFor', () => () => true),
  },
  {
    name: 'says nothing of services without room',
    from: 200,
    plant: () => replace(ServiceStore.prototype, 'shortages', () => () => []),
  },
  {
    name: 'takes back at once what a file no longer says',
    from: 180,
    plant: () =>
      replace(
        ManifestMemory.prototype,
        'put',
        original =>
          function (this: ManifestMemory<RememberedReading>, file, remembered) {
            original.call(this, file, remembered && { ...remembered, kept: [] })
          },
      ),
  },
  {
    name: 'never comes to devices of the node',
    plant: () => replace(Reconciler.prototype, 'useDevices', () => async () => {}),
  },
  {
    name: 'takes back all ways out before it says the new ones',
    plant: () =>
      replace(
        LeavingReconciler.prototype,
        'apply',
        () =>
          async function (this: LeavingReconciler, { egressRules, nonMasquerade, masquerade }, tables) {
            if (egressRules.length + nonMasquerade.length + masquerade.length === 0) return { writes: {} }
            await this.start({ egressRules: new Map(), nonMasquerade: new Map(), masquerade: new Map() })
            return this.start(tables)
          },
      ),
  },
  {
    name: 'looks at devices when it starts alone',
    plant: () => replace(HostDevices.prototype, 'changed', () => () => {}),
  },
  {
    name: 'never looks again whether its routes are there',
    from: 20,
    plant: () =>
      replace(
        Routing.prototype,
        'start',
        original =>
          async function (this: Routing) {
            await original.call(this)
            this.refresh = async () => {}
          },
      ),
  },
  {
    name: 'looks at nodes when it starts alone',
    plant: () => replace(Routing.prototype, 'observe', () => () => {}),
  },
  {
    name: 'forgets tunnels before no route leads into them',
    from: 20,
    plant: () =>
      replace(
        OverlayReconciler.prototype,
        'addTunnels',
        () =>
          function (this: OverlayReconciler, tunnels) {
            return this.useTunnels(tunnels)
          },
      ),
  },
  {
    name: 'doesn’t look whose route it puts its own in the place of',
    plant: () =>
      replace(
        WaysKernel.prototype,
        'open',
        original =>
          function (this: WaysKernel, life) {
            const { routesIn, tryRtnetlinkIn, ...rest } = original.call(this, life)
            const replaced = (request: RtRequest): RtRequest =>
              request.kind === 'route.add' ? { ...request, kind: 'route.replace' } : request
            return {
              ...rest,
              routesIn: (path, family) => routesIn(path, family, weirs),
              tryRtnetlinkIn: (path, requests) => tryRtnetlinkIn(path, requests.map(replaced)),
            }
          },
      ),
  },
  {
    name: 'takes programs off a device of tunnels before routes have left it',
    plant: () =>
      replace(
        Reconciler.prototype,
        'addOverlays',
        () =>
          function (this: Reconciler, overlays) {
            return this.useOverlays(overlays)
          },
      ),
  },
  {
    name: 'puts in force what the server says of an object of a file',
    plant: () => replace(Claims.prototype, 'serverSays', () => said => said),
  },
  {
    name: 'forgets what the server says of an object of a file',
    plant: () =>
      replace(
        Claims.prototype,
        'serverSays',
        original =>
          function (this: Claims, said) {
            const counts = original.call(this, said)
            original.call(this, { ...said, objects: [], refusals: [] })
            return counts
          },
      ),
  },
  {
    name: 'never takes back what a list lacks',
    from: 40,
    plant: () => replace(ObjectIntake.prototype, 'listed', () => async () => {}),
  },
  {
    name: 'takes the last page of a list for all of it',
    plant: () =>
      replace(
        ObjectIntake.prototype,
        'listed',
        original =>
          function (this: ObjectIntake, kind, names, version) {
            return original.call(this, kind, new Set([...names].slice(-2)), version)
          },
      ),
  },
]
