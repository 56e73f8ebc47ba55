/** A process that has services in the kernel and waits to be killed: `socket-survivor.js NODE CGROUP PORT`. */
import { ServiceReconciler } from '@weir/datapath'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import { survivorCluster } from './survivor-cluster.js'

const [node = '', cgroup = '', port = ''] = process.argv.slice(2)
const maxEntries = { weir_slots: 8192, weir_addr4: 64, weir_addr6: 64, weir_ct4: 1024, weir_ct6: 1024, weir_rows: 64 }
const backend = createKernelBackend({ node, maxEntries })
await new ServiceReconciler(backend).start(survivorCluster(Number(port)).engine.tables)
backend.attachSockets(cgroup)
process.stdout.write('ready\n')
setInterval(() => {}, 60_000)
