import { attempt } from '@weir/adapters/demo/attempt.js'
import { protocolNumbers } from '@weir/core'
import { expect } from 'chai'
import { eventually } from './agent-process.js'
import { client, ClusterSite, policy, port, stranger } from './cluster-site.js'
import { requireKernel } from './stage.js'

const addresses = ['10.96.7.1', 'fd96:7::1'] as const
const service = `apiVersion: v1
kind: Service
metadata: { name: servers, namespace: shop }
spec:
  clusterIPs: ${JSON.stringify(addresses)}
  selector: { role: server }
  ports: [{ name: t, port: 80, targetPort: ${port} }, { name: u, port: 80, targetPort: ${port}, protocol: UDP }]
`

for (const mode of ['native', 'vxlan'] as const)
  describe(`services with backends on another node, ${mode} (needs root and eBPF)`, function () {
    this.timeout(180_000)
    let site: ClusterSite

    before(async function () {
      await requireKernel(this)
      site = await ClusterSite.create(`cs${mode[0]}${process.pid}`, mode)
      await site.stage.say(`${policy}---\n${service}`)
      await eventually(async () => {
        const { tables } = await site.stage.agents.get('n2')!.status()
        return (tables.backends ?? 0) >= 4 ? true : undefined
      })
    })
    after(() => site?.close())

    const asks = async (from: typeof client, at: 0 | 1, protocol: 'TCP' | 'UDP', timeoutMs = 2000): Promise<string> => {
      const flow = { from: from.addresses[at]!, to: addresses[at], protocol: protocolNumbers[protocol], port: 80 }
      const cell = { from: from.name, to: 'servers', family: at === 0 ? 4 : 6, protocol, port: 80, flow } as const
      return (await attempt(site.stage.netnsOf(from.name), cell, timeoutMs)).kind
    }

    for (const at of [0, 1] as const)
      it(`IPv${at === 0 ? 4 : 6}: answer those whom the backend’s policy lets in, and nobody else`, async () => {
        for (const protocol of ['TCP', 'UDP'] as const) {
          expect(await asks(client, at, protocol)).to.equal('answered')
          expect(await asks(stranger, at, protocol, 700)).to.equal('silent')
        }
      })
  })
