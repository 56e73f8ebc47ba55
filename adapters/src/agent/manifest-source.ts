import type { AddressOptions } from '../manifests/addresses.js'
import { assignAddresses } from '../manifests/addresses.js'
import { diffFacts } from '../manifests/diff.js'
import { problemText, type ManifestSet } from '../manifests/set.js'
import { concernsSlices, deriveSlices } from '../manifests/slices.js'
import { followManifests, type ManifestMachine } from '../manifests/watch.js'
import type { Claims } from './claims.js'
import type { Clock } from './clock.js'
import type { Source, SourceSink } from './source.js'

export interface ManifestSourceOptions {
  /** A folder or file. */
  readonly path: string
  /** Where pods without a node run. */
  readonly node: string
  readonly addresses: AddressOptions
  readonly clock: Clock
  /** This one when absent. */
  readonly machine?: ManifestMachine | undefined
  /** Where an API server is followed beside it. */
  readonly claims?: Claims | undefined
  /** Told once of each object that is skipped, with file and line. */
  readonly report: (message: string) => void
}

/** Follows a folder of manifests: what differs from the log becomes events, whenever the folder changes. */
export function manifestSource(options: ManifestSourceOptions): Source {
  const told = new Set<string>()
  return {
    name: `manifests:${options.path}`,
    run: async (sink, signal) => {
      let isLastInLog = false
      try {
        for await (const set of followManifests(
          options.path,
          { node: options.node, nowMs: options.clock.nowMs, machine: options.machine },
          signal,
        )) {
          try {
            await take(set, isLastInLog, options, sink, told)
            isLastInLog = true
          } catch (error) {
            isLastInLog = false
            sink.report('failing', error instanceof Error ? error.message : String(error))
          }
          options.claims?.settleFolder(true)
        }
      } finally {
        options.claims?.settleFolder(false)
      }
    },
  }
}

async function take(
  set: ManifestSet,
  isLastInLog: boolean,
  options: ManifestSourceOptions,
  sink: SourceSink,
  told: Set<string>,
): Promise<void> {
  // A change of a pod or a service may change slices that no file names: then all is compared.
  const isPart = isLastInLog && set.changed !== undefined && !concernsSlices(set.changed)
  for (const { object, file, line, reason } of (isLastInLog ? set.changed : undefined)?.skipped ?? set.skipped) {
    const text = `${file}:${line}: ${object.kind} ${object.name} is skipped: ${reason}`
    if (told.size < 1000 && !told.has(text)) {
      told.add(text)
      options.report(text)
    }
  }
  // The differences are taken when all earlier facts are in the state: nothing is said twice or taken back.
  await sink.submit(state => {
    const addressed = assignAddresses(set, state, options.addresses, isPart)
    for (const refusal of (isPart ? addressed.changed : undefined)?.refusals ?? addressed.refusals) {
      const text = refusal.problems.map(problemText).join('; ')
      if (told.size < 1000 && !told.has(text)) {
        told.add(text)
        options.report(`refused: ${text}`)
      }
    }
    const { claims } = options
    const withSlices = isPart ? addressed : deriveSlices(addressed, state, key => claims?.isServers(key) === true)
    const how = { timeMs: options.clock.nowMs(), afterLast: isPart }
    return claims === undefined ? diffFacts(state, withSlices, how) : claims.folderDrafts(state, withSlices, how)
  })
  if (set.incomplete) sink.report('failing', 'a file can’t be read, so nothing is deleted until it can')
  else sink.report('watching')
}
