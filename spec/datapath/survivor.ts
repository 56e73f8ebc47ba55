/** A process that enforces the two pods' policy and waits to be killed: `survivor.js NODE ATTACH IFNAME IFNAME`. */
import { Reconciler } from '@weir/datapath'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import { ifindexOf } from './requires.js'
import { twoPods } from './two-pods.js'

const [node = '', attach = 'auto', ...names] = process.argv.slice(2)
const ifnames = [names[0] ?? '', names[1] ?? ''] as const
const ifindexes = [ifindexOf(ifnames[0]), ifindexOf(ifnames[1])] as const
const backend = createKernelBackend({ node, attach: attach === 'clsact' ? 'clsact' : 'auto' })
await new Reconciler(backend).start(twoPods({ ifindexes, ifnames }))
process.stdout.write('ready\n')
setInterval(() => {}, 60_000)
