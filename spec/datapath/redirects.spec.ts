import type { EventBody } from '@weir/core'
import { ServiceReconciler } from '@weir/datapath'
import { expect } from 'chai'
import { addressesOf, connect, dns, type Stage, stage, tcp, udp, web } from './service-stage.js'

const cache: EventBody = {
  kind: 'pod.upserted',
  pod: {
    namespace: 'shop',
    name: 'cache',
    labels: { app: 'cache' },
    serviceAccount: 'default',
    node: 'here',
    addresses: ['10.1.0.7', 'fd01::7'],
    hostNetwork: false,
    ports: [],
  },
}

const redirect = (service: string, protocol: 'TCP' | 'UDP', spares: boolean): EventBody => ({
  kind: 'localredirect.upserted',
  redirect: {
    namespace: 'shop',
    name: 'near',
    frontend: { kind: 'service', service, ports: [] },
    selector: [{ key: 'app', operator: 'In', values: ['cache'] }],
    backendPorts: [{ name: '', protocol, port: 9 }],
    skipRedirectFromBackend: spares,
  },
})

const families = [0, 1] as const
const near = ['10.1.0.7 9', 'fd01::7 9'] as const
/** Which pod it is doesn't show in a call. */
const inPod = { netns: 7 }

describe('redirects that spare their own backends, at the calls of processes', () => {
  const tell = async ({ cluster, reconciler }: Stage, ...bodies: EventBody[]) => {
    const delta = cluster.tell(...bodies)
    return reconciler.apply(delta, cluster.engine.tables)
  }

  it('lead the calls of the node, and leave those of pods to their packets', async () => {
    const at = await stage([web])
    await tell(at, cache, redirect('web', 'TCP', true))
    for (const family of families) {
      const address = web.clusterIps[family]!
      expect([...addressesOf(at, tcp(address, 80))]).to.deep.equal([near[family]])
      expect([...addressesOf(at, tcp(address, 80, inPod))]).to.deep.equal([`${address} 80`])
    }
    await tell(at, redirect('web', 'TCP', false))
    for (const family of families)
      expect([...addressesOf(at, tcp(web.clusterIps[family]!, 80, inPod))]).to.deep.equal([near[family]])
  })

  it('do so for datagrams of sockets that aren’t connected, also of one that had a backend', async () => {
    const at = await stage([dns])
    const send = (more: object) => at.backend.runSocket('weir_sendmsg4', udp(dns.clusterIps[0]!, 53, more))
    expect(send(inPod).port, 'before').to.equal(53)
    expect(send(inPod).address).to.match(/^10\.1\.0\.[12]$/)
    await tell(at, cache, redirect('dns', 'UDP', true))
    expect(send(inPod)).to.include({ allowed: true, address: dns.clusterIps[0] })
    expect(send({ socket: 2 })).to.include({ allowed: true, address: '10.1.0.7', port: 9 })
  })

  it('don’t keep a pod from binding, and say who is spared and where it goes', async () => {
    const at = await stage([web])
    await tell(at, cache, redirect('web', 'TCP', true))
    const { maps } = at.backend
    expect([...maps.weir_ranges4.entries()], 'one address').to.have.length(1)
    expect([...maps.weir_ranges6.entries()]).to.have.length(1)
    expect(connect(at, tcp('10.1.0.1', 8080, inPod))).to.include({ address: '10.1.0.1', port: 8080 })
    const again = new ServiceReconciler(at.backend)
    expect((await again.start(at.cluster.engine.tables)).batches, 'a restart changes nothing').to.equal(0)
    await tell(at, { kind: 'localredirect.deleted', namespace: 'shop', name: 'near' })
    expect([...maps.weir_ranges4.entries()], 'and goes with the redirect').to.have.length(0)
    expect(addressesOf(at, tcp(web.clusterIps[0]!, 80, inPod))).to.have.all.keys('10.1.0.1 8080', '10.1.0.2 8080')
  })
})
