import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { replayLog } from '../../agent/restore.js'
import type { Colour } from '../../cli/terminal.js'
import { clearLeftovers, clearRun, recordRun } from '../leftovers.js'
import { nodes, outside, podOn, ports, serviceManifests, virtual } from './plan.js'
import { replaceAll, type Rolling } from './rolling.js'
import { type Row, rowPlans, tryRow } from './rows.js'
import { ServiceStage, stageFolders } from './stage.js'
import { rollingLines, rowLines } from './table.js'

export interface ServicesDemoOptions {
  readonly keep: boolean
  readonly interrupted: AbortSignal
  readonly colour: Colour
  /** A line for people. */
  readonly say: (text: string) => Promise<void>
}

export interface ServicesReport {
  /** Part of the name of all that the run made. */
  readonly id: string
  readonly rows: readonly Row[]
  readonly rolling: Rolling
  /** Of each node's log: whether folding it again comes to the same tables. */
  readonly replays: readonly { readonly node: string; readonly events: number; readonly agrees: boolean }[]
  /** Cells that aren't right, requests that failed, replays that differ. */
  readonly wrong: number
}

/** Shows services on two nodes with a router between them, by real requests, and takes all of it away again. */
export async function runServicesDemo(options: ServicesDemoOptions): Promise<ServicesReport | undefined> {
  const { say, interrupted } = options
  await clearLeftovers()
  const id = randomBytes(4).toString('hex')
  const folder = join(tmpdir(), `weir-demo-${id}`)
  const { pins, cgroups } = stageFolders(id, nodes)
  const run = await recordRun(id, [folder, ...pins], cgroups)
  let stage: ServiceStage | undefined
  try {
    await mkdir(folder, { mode: 0o700 })
    const report = (message: string): void => void say(`agent ${message}`).catch(() => {})
    stage = await ServiceStage.create({
      id,
      folder,
      nodes,
      outside,
      virtual,
      services: serviceManifests,
      ports,
      report,
    })
    const result = { id, ...(await tell(stage, options)) }
    if (options.keep && !interrupted.aborted) {
      await say('\nleft running; in another terminal:')
      await say(`  npx weir why shop/client-121 svc/web --socket ${folder}/n1.sock`)
      await say(`  npx weir history service web --socket ${folder}/n1.sock`)
      await say('Ctrl-C ends it and takes everything away.')
      await new Promise<void>(done => interrupted.addEventListener('abort', () => done(), { once: true }))
    }
    return result
  } catch (error) {
    if (interrupted.aborted) return undefined
    throw error
  } finally {
    await stage?.close()
    await rm(folder, { recursive: true, force: true })
    await clearRun(run)
  }
}

/** The pod that asks. */
const client = 'client-121'

async function tell(
  stage: ServiceStage,
  { say, colour, interrupted }: ServicesDemoOptions,
): Promise<Omit<ServicesReport, 'id'>> {
  await stage.add([
    podOn('n1', 11, 'web'),
    podOn('n1', 12, 'web'),
    podOn('n2', 11, 'web'),
    podOn('n2', 12, 'web'),
    podOn('n1', 21, 'client'),
  ])
  await say(`${nodes.length} nodes, ${stage.pods.length} pods, 4 of them behind every service but one\n`)
  const rows: Row[] = []
  for (const plan of rowPlans) {
    if (interrupted.aborted) throw new Error('interrupted')
    rows.push(await tryRow(stage, plan, client))
  }
  for (const line of rowLines(rows, colour)) await say(line)
  await say('n of m: in IPv4 and in IPv6 so many of the backends that may be reached answered, and nobody else\n')
  const rolling = await replaceAll(stage, client)
  await say(
    `All ${rolling.replaced} pods replaced one by one in ${(rolling.durationMs / 1000).toFixed(1)} s, under load:`,
  )
  for (const line of rollingLines(rolling, colour)) await say(line)
  const replays: { node: string; events: number; agrees: boolean }[] = []
  for (const [node, { agent }] of stage.nodes) {
    const { digest, events } = await replayLog(agent.log, () => performance.now(), agent.engine.seq)
    replays.push({ node, events, agrees: digest.hex === agent.engine.digest().hex })
  }
  const told = replays.map(({ node, events, agrees }) => `${node}: ${events} events, ${agrees ? 'agrees' : 'DIFFERS'}`)
  await say(`\nReplayed the log of each node; ${told.join('; ')}`)
  const failed = rolling.loads.flatMap(({ tally }) => Object.values(tally.failures))
  const wrong =
    rows.flatMap(({ cells }) => cells).filter(({ isRight }) => !isRight).length +
    failed.reduce((sum, count) => sum + count, 0) +
    replays.filter(({ agrees }) => !agrees).length
  await say(wrong === 0 ? colour.good('Nothing failed.') : colour.bad(`${wrong} things are not as they should be.`))
  return { rows, rolling, replays, wrong }
}
