import { Restart } from './restart.js'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import { marker, type SessionReport } from './session-report.js'

// Runs in a guest: tells what the kernel can do, then kills an agent and starts it again.
const tell = (report: SessionReport): void => console.log(`${marker}${JSON.stringify(report)}`)

function load(): SessionReport {
  const backend = createKernelBackend({ node: 'guest-load' })
  try {
    return { kind: 'loaded', features: backend.features, sweep: backend.sweep() }
  } finally {
    backend.uninstall()
    backend.close()
  }
}

async function restart(): Promise<SessionReport> {
  const trial = await Restart.create()
  try {
    return await trial.run()
  } finally {
    await trial.close()
  }
}

for (const step of [load, restart]) {
  try {
    tell(await step())
  } catch (error) {
    process.exitCode = 1
    tell({ kind: 'failed', reason: error instanceof Error ? String(error.stack) : String(error) })
  }
}
